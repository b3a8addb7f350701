//! Definite JSON paths (Jayway's dialect): names and indexes. Wildcards, slices and filters come with the full language.

use serde_json::Value;

/// A path such as `$.pets[0].name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// A path that is malformed, or uses what is not built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSON path `{0}` is malformed or uses a wildcard, slice or filter, which are not implemented")]
pub struct InvalidPath(String);

impl Path {
    /// Parses a path; the leading `$` or `$.` may be left out, as parameter mappings write it (rest-data-plane §4.1).
    ///
    /// # Errors
    /// [`InvalidPath`].
    pub fn parse(text: &str) -> Result<Self, InvalidPath> {
        let mut steps = Vec::new();
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        if !rest.starts_with(['.', '[']) && !rest.is_empty() {
            rest = name(rest, &mut steps).ok_or_else(|| InvalidPath(text.to_owned()))?;
        }
        while !rest.is_empty() {
            let next = match rest.strip_prefix('.') {
                Some(after) => name(after, &mut steps),
                None => bracket(rest, &mut steps),
            };
            rest = next.ok_or_else(|| InvalidPath(text.to_owned()))?;
        }
        Ok(Self(steps))
    }

    /// The value at this path; `None` when there is none.
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }
}

fn name<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let plain = !name.is_empty() && !name.contains(['*', '?', '(', ')', ']', '\'', '"']);
    plain.then(|| steps.push(Step::Name(name.to_owned())))?;
    Some(rest)
}

fn bracket<'a>(text: &'a str, steps: &mut Vec<Step>) -> Option<&'a str> {
    let inner = text.strip_prefix('[')?;
    if let Some(quote) = inner.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (name, rest) = inner.get(1..)?.split_once(quote)?;
        steps.push(Step::Name(name.to_owned()));
        return rest.strip_prefix(']');
    }
    let (index, rest) = inner.split_once(']')?;
    steps.push(Step::Index(index.parse().ok()?));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definite_paths_find_their_value() {
        let value = json!({ "pets": [{ "name": "Rex" }], "a.b": 1 });
        let find = |path: &str| Path::parse(path).unwrap().find(&value).cloned();

        assert_eq!(find("pets[0].name"), Some(json!("Rex")));
        assert_eq!(find("$['a.b']"), Some(json!(1)));
        assert_eq!(find("$.pets[7].name"), None);
        assert_eq!(find("$"), Some(value.clone()));
    }

    #[test]
    fn what_is_not_built_is_refused() {
        for path in ["$..a", "a[*]", "a[?(@.x)]", "a[1:2]", "a.", "a[", "*"] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
    }
}
