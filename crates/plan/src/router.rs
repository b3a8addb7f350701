//! Routing on (path, verb) with backtracking (rest-data-plane §1.2), over raw, still percent-encoded segments.
//!
//! A tree of segments: a request visits each node at most once, so the cost is bounded by the definition, not the path.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;
use stagecoach_base::Verb;

/// What serves a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index given to [`Router::insert`].
    pub method: u32,
    /// Byte ranges of the path, one per variable of the resource template, in order.
    pub variables: Vec<Range<usize>>,
}

/// Two methods claim the same (path, verb).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// Same template and verb twice.
    #[error("two methods have the same path and verb")]
    Duplicate,
    /// Two variable siblings, or something below a greedy one.
    #[error("a path may have one variable per level, and nothing below a greedy one")]
    Ambiguous,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Keys come from the definition, so a fast hash is safe from callers.
    literals: HashMap<Box<str>, Node, RandomState>,
    variable: Option<Box<Node>>,
    greedy: Option<Box<Verbs>>,
    verbs: Verbs,
}

/// Method index by verb; ANY is the last.
#[derive(Clone, Debug, Default)]
struct Verbs([Option<u32>; Verb::ALL.len()]);

impl Verbs {
    fn set(&mut self, verb: Verb, method: u32) -> Result<(), InvalidRoute> {
        match self.0.get_mut(verb as usize) {
            Some(slot @ None) => {
                *slot = Some(method);
                Ok(())
            }
            _ => Err(InvalidRoute::Duplicate),
        }
    }

    /// The verb's own method before ANY.
    fn get(&self, verb: Verb) -> Option<u32> {
        let slot = |verb: Verb| self.0.get(verb as usize).copied().flatten();
        slot(verb).or_else(|| slot(Verb::Any))
    }
}

/// The routes of one release.
#[derive(Clone, Debug, Default)]
pub struct Router {
    root: Node,
}

impl Router {
    /// Adds a resource template (`/pets/{id}`, `/{proxy+}`) and verb.
    ///
    /// # Errors
    /// [`InvalidRoute`].
    pub fn insert(&mut self, template: &str, verb: Verb, method: u32) -> Result<(), InvalidRoute> {
        let mut node = &mut self.root;
        let mut parts = template.trim_matches('/').split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            if part.starts_with('{') && part.ends_with("+}") {
                return match parts.peek() {
                    None => node.greedy.get_or_insert_default().set(verb, method),
                    Some(_) => Err(InvalidRoute::Ambiguous),
                };
            }
            node = match part.starts_with('{') {
                true => node.variable.get_or_insert_default(),
                false => node.literals.entry(part.into()).or_default(),
            };
        }
        node.verbs.set(verb, method)
    }

    /// Finds the method for `path` (after the stage, raw) and a verb that is not ANY.
    pub fn find(&self, path: &str, verb: Verb) -> Option<Found> {
        let start = path.len() - path.trim_start_matches('/').len();
        let end = path.strip_suffix('/').map_or(path.len(), str::len).max(start);
        let mut found = Found { method: 0, variables: Vec::new() };
        let next = if start == end { None } else { Some(start) };
        found.method = walk(&self.root, path.get(..end)?, next, verb, &mut found.variables)?;
        Some(found)
    }
}

/// Literal, then variable, then greedy; `next` is where the next segment begins, `None` at the end.
fn walk(node: &Node, path: &str, next: Option<usize>, verb: Verb, variables: &mut Vec<Range<usize>>) -> Option<u32> {
    let Some(start) = next else { return node.verbs.get(verb) };
    let rest = path.get(start..)?;
    // Segments are short: a plain loop beats a search that sets itself up.
    let end = rest.bytes().position(|byte| byte == b'/').map_or(path.len(), |at| start + at);
    let after = (end < path.len()).then_some(end + 1);
    let segment = path.get(start..end)?;
    if let Some(child) = node.literals.get(segment)
        && let Some(method) = walk(child, path, after, verb, variables)
    {
        return Some(method);
    }
    if let Some(child) = node.variable.as_deref().filter(|_| !segment.is_empty()) {
        variables.push(start..end);
        if let Some(method) = walk(child, path, after, verb, variables) {
            return Some(method);
        }
        variables.pop();
    }
    let method = node.greedy.as_ref().filter(|_| !rest.is_empty())?.get(verb)?;
    variables.push(start..path.len());
    Some(method)
}

/// Names of a template's variables, in order, without braces and plus.
pub fn variable_names(template: &str) -> impl Iterator<Item = &str> {
    let inner = |part: &'_ str| -> Option<(usize, usize)> {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some((1, name.strip_suffix('+').unwrap_or(name).len()))
    };
    template.split('/').filter_map(move |part| inner(part).and_then(|(from, length)| part.get(from..from + length)))
}

/// Fuzz target: lines `VERB template` make the routes, the last line is a path. What is found must be what a scan of all
/// routes finds, and its variables must lie inside the path. Panics when not.
#[doc(hidden)]
pub fn fuzz_route(text: &str) {
    let (routes, path) = text.rsplit_once('\n').unwrap_or(("", text));
    let mut router = Router::default();
    let mut kept: Vec<(Verb, &str)> = Vec::new();
    for line in routes.lines().take(64) {
        let Some((verb, template)) = line.split_once(' ') else { continue };
        let Ok(verb) = verb.parse() else { continue };
        let number = u32::try_from(kept.len()).unwrap_or_default();
        if router.insert(template, verb, number).is_ok() {
            kept.push((verb, template));
        }
    }
    for verb in Verb::ALL.into_iter().filter(|verb| *verb != Verb::Any) {
        let found = router.find(path, verb);
        let possible =
            kept.iter().any(|(known, template)| (*known == verb || *known == Verb::Any) && fits(template, path));
        assert_eq!(found.is_some(), possible, "{verb} {path} over {kept:?}");
        for range in found.into_iter().flat_map(|found| found.variables) {
            assert!(path.get(range).is_some_and(|value| !value.is_empty()), "a variable outside of {path}");
        }
    }
}

/// Whether a template fits a path, by looking at one segment after the other.
fn fits(template: &str, path: &str) -> bool {
    let path = path.trim_start_matches('/');
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut left = (!path.is_empty()).then_some(path);
    for part in template.trim_matches('/').split('/').filter(|part| !part.is_empty()) {
        let Some(rest) = left else { return false };
        if part.starts_with('{') && part.ends_with("+}") {
            return !rest.is_empty();
        }
        let (segment, after) = rest.split_once('/').map_or((rest, None), |(segment, after)| (segment, Some(after)));
        if !(if part.starts_with('{') { !segment.is_empty() } else { segment == part }) {
            return false;
        }
        left = after;
    }
    left.is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn router(routes: &[(&str, Verb)]) -> Router {
        let mut router = Router::default();
        for (index, (template, verb)) in routes.iter().enumerate() {
            router.insert(template, *verb, u32::try_from(index).unwrap()).unwrap();
        }
        router
    }

    fn hit(router: &Router, path: &str, verb: Verb) -> Option<(u32, Vec<String>)> {
        let found = router.find(path, verb)?;
        Some((found.method, found.variables.iter().map(|range| path[range.clone()].to_owned()).collect()))
    }

    /// [V common/test_proxy_routing_with_hardcoded_resource_sibling, test_routing_with_hardcoded_resource_sibling_order]
    #[test]
    fn matching_backtracks_over_path_and_verb_together() {
        let router = router(&[
            ("/test", Verb::Post),
            ("/{proxy+}", Verb::Options),
            ("/test/any", Verb::Any),
            ("/part1", Verb::Get),
            ("/part1/hardcoded-value", Verb::Get),
            ("/{proxy+}", Verb::Get),
        ]);

        assert_eq!(hit(&router, "/test", Verb::Options), Some((1, vec!["test".into()])));
        assert_eq!(hit(&router, "/test/any", Verb::Options), Some((2, vec![])));
        assert_eq!(hit(&router, "/part1/random-value", Verb::Get), Some((5, vec!["part1/random-value".into()])));
        assert_eq!(hit(&router, "/part1/hardcoded-value/", Verb::Get), Some((4, vec![])));
        assert_eq!(hit(&router, "/test", Verb::Put), None);
    }

    #[test]
    fn variables_are_raw_and_greedy_ones_swallow_slashes() {
        let router = router(&[("/pets/{id}", Verb::Get), ("/files/{path+}", Verb::Get), ("/", Verb::Get)]);

        assert_eq!(hit(&router, "//pets/a%2Fb", Verb::Get), Some((0, vec!["a%2Fb".into()])));
        assert_eq!(hit(&router, "/files/a//b/", Verb::Get), Some((1, vec!["a//b".into()])));
        assert_eq!(hit(&router, "/files", Verb::Get), None);
        assert_eq!(hit(&router, "/pets/", Verb::Get), None);
        assert_eq!(hit(&router, "", Verb::Get), Some((2, vec![])));
        assert_eq!(hit(&router, "/", Verb::Get), Some((2, vec![])));
    }

    #[test]
    fn a_specific_verb_beats_any_and_twins_are_refused() {
        let mut router = router(&[("/a", Verb::Any), ("/a", Verb::Get)]);

        assert_eq!(hit(&router, "/a", Verb::Get), Some((1, vec![])));
        assert_eq!(hit(&router, "/a", Verb::Head), Some((0, vec![])));
        assert_eq!(router.insert("/a", Verb::Get, 9), Err(InvalidRoute::Duplicate));
        assert_eq!(router.insert("/x/{p+}/y", Verb::Get, 9), Err(InvalidRoute::Ambiguous));
    }

    #[test]
    fn names_of_variables_are_in_order() {
        assert_eq!(variable_names("/a/{b}/c/{d+}").collect::<Vec<_>>(), ["b", "d"]);
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_a_scan_finds(routes in "((GET|ANY|POST) (/([ab]|\\{x\\}|\\{y\\})){0,3}(/\\{p\\+\\})?\n){0,6}", path in "(/[abc]?){0,5}") {
            fuzz_route(&format!("{routes}{path}"));
        }

        #[test]
        fn no_path_panics_and_captures_lie_inside(path in "[/a-c%.ü]{0,16}") {
            let router = router(&[("/a/{b}", Verb::Any), ("/a/b/c", Verb::Get), ("/{p+}", Verb::Get), ("/{p}/{q}/{r+}", Verb::Get)]);
            if let Some(found) = router.find(&path, Verb::Get) {
                prop_assert!(found.variables.iter().all(|range| path.get(range.clone()).is_some()));
            }
        }
    }
}
