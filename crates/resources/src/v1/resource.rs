//! Resource: one node of the path tree (rest-admin-api §3.2).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, id};

use crate::input::{Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};
use crate::{Document, errors};

/// A path node. `resourceMethods` is added by the reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Six characters, derived from the path ([`stagecoach_base::id::derived`]); the root's is random.
    pub id: String,
    /// Absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Absent for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_part: Option<String>,
    /// Full template, `/pets/{id}`.
    pub path: String,
}

impl Document for Resource {
    const KIND: &'static str = "resource";
}

const PART: &str = "Resource's path part only allow a-zA-Z0-9._- and curly braces at the beginning and the end and an \
     optional plus sign before the closing brace.";

impl Resource {
    /// `{x}` or `{x+}`.
    pub fn is_variable(&self) -> bool {
        self.path_part.as_deref().is_some_and(|part| part.starts_with('{'))
    }

    /// `{x+}`.
    pub fn is_greedy(&self) -> bool {
        self.path_part.as_deref().is_some_and(|part| part.ends_with("+}"))
    }

    fn child_path(&self, part: &str) -> String {
        format!("{}/{part}", self.path.trim_end_matches('/'))
    }
}

/// A resource under `parent` with an id that follows from its path; a second holder of the same id gets another.
pub fn new(all: &[Resource], parent: &Resource, part: &str) -> Resource {
    under(parent, part, |id| all.iter().all(|resource| resource.id != id))
}

/// As [`new`], for a caller that knows better than a scan which ids are free.
pub fn under(parent: &Resource, part: &str, is_free: impl Fn(&str) -> bool) -> Resource {
    let path = parent.child_path(part);
    let id = id::free(&["resource", &path], id::CHILD_ID_LEN, is_free);
    Resource { id, parent_id: Some(parent.id.clone()), path_part: Some(part.to_owned()), path }
}

/// Reads `pathPart` of CreateResource.
///
/// # Errors
/// `SerializationException` or `ValidationException`.
pub fn parse(body: &Value) -> Result<String, AwsError> {
    let part = Members::of(body)?.text("pathPart")?;
    let mut constraints = Constraints::of("CreateResource");
    constraints.required("pathPart", part.is_some());
    constraints.check()?;
    Ok(part.unwrap_or_default())
}

/// A new resource. `all` are the resources of the API.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateResource.
pub fn create(all: &[Resource], parent_id: &str, part: &str) -> Result<Resource, AwsError> {
    let parent = find(all, parent_id)?;
    check_part(part)?;
    check_place(all, None, parent, part)?;
    Ok(new(all, parent, part))
}

fn find<'a>(all: &'a [Resource], id: &str) -> Result<&'a Resource, AwsError> {
    all.iter().find(|resource| resource.id == id).ok_or_else(errors::unknown_resource)
}

/// `^\\{?[a-zA-Z0-9._\\-:,]+\\+?\\}?$`, with braces paired and the plus only inside them.
///
/// # Errors
/// 400 with AWS's text.
pub fn check_part(part: &str) -> Result<(), AwsError> {
    let inner = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    let name = inner.map_or(part, |inner| inner.strip_suffix('+').unwrap_or(inner));
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-:,".contains(c));
    if fits { Ok(()) } else { Err(AwsError::bad_request(PART)) }
}

/// Whether `part` may stand under `parent`; `own` is the resource that moves there, if it exists already.
fn check_place(all: &[Resource], own: Option<&str>, parent: &Resource, part: &str) -> Result<(), AwsError> {
    let siblings = all.iter().filter(|s| s.parent_id.as_deref() == Some(&parent.id) && Some(s.id.as_str()) != own);
    check_siblings(parent, siblings.filter_map(|sibling| sibling.path_part.as_deref()), part)
}

/// Whether `part` may stand under `parent` beside the parts `held`.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateResource.
pub fn check_siblings<'a>(parent: &Resource, held: impl Iterator<Item = &'a str>, part: &str) -> Result<(), AwsError> {
    if parent.is_greedy() {
        return Err(below_greedy(parent.path_part.as_deref().unwrap_or_default()));
    }
    for held in held {
        if held == part {
            return Err(AwsError::conflict(format!(
                "Another resource with the same parent already has this name: {part}"
            )));
        }
        if held.starts_with('{') && part.starts_with('{') {
            return Err(AwsError::bad_request(format!(
                "A sibling ({held}) of this resource already has a variable path part -- only one is allowed"
            )));
        }
    }
    Ok(())
}

fn below_greedy(part: &str) -> AwsError {
    AwsError::bad_request(format!("Cannot create a child of a resource with a greedy path variable: {part}"))
}

/// What UpdateResource changes: the resource itself and every resource whose path follows from it.
#[derive(Debug)]
pub struct Moved {
    /// The resource named in the call, as it is now.
    pub resource: Resource,
    /// All documents to write, it included.
    pub changed: Vec<Resource>,
}

const TABLE: &[Row<Resource>] = &[
    Row { path: "/parentId", ops: &[Op::Replace], apply: |r, c, ()| field(r, c, |r| &mut r.parent_id, "parentId") },
    Row { path: "/pathPart", ops: &[Op::Replace], apply: |r, c, ()| field(r, c, |r| &mut r.path_part, "pathPart") },
];

fn field(
    resource: &mut Resource,
    change: &Change<'_>,
    pick: fn(&mut Resource) -> &mut Option<String>,
    name: &str,
) -> Result<(), AwsError> {
    if resource.path == "/" {
        return Err(AwsError::bad_request(format!("Root resource cannot update its {name}.")));
    }
    *pick(resource) = Some(change.value.unwrap_or_default().to_owned());
    Ok(())
}

/// Applies UpdateResource: a rename, a move, or both.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateResource.
pub fn update(all: &[Resource], id: &str, operations: &[PatchOperation]) -> Result<Moved, AwsError> {
    let before = find(all, id)?;
    let mut after = patch::apply(before, operations, TABLE, Family::A, &())?;
    if after == *before {
        return Ok(Moved { resource: after, changed: Vec::new() });
    }
    let part = after.path_part.clone().unwrap_or_default();
    check_part(&part)?;
    let parent = find(all, after.parent_id.as_deref().unwrap_or_default())?;
    if subtree(all, id).contains(&parent.id) {
        return Err(AwsError::bad_request("Resources cannot be cyclical."));
    }
    check_place(all, Some(id), parent, &part)?;
    if after.is_greedy() && all.iter().any(|resource| resource.parent_id.as_deref() == Some(id)) {
        return Err(below_greedy(&part));
    }
    after.path = parent.child_path(&part);
    let mut changed = vec![after.clone()];
    for below in all.iter().filter(|resource| resource.id != id) {
        if let Some(rest) = below.path.strip_prefix(&before.path).filter(|rest| rest.starts_with('/')) {
            changed.push(Resource { path: format!("{}{rest}", after.path), ..below.clone() });
        }
    }
    Ok(Moved { resource: after, changed })
}

/// The ids that DeleteResource removes: the resource and everything below it.
///
/// # Errors
/// 404, or 400 for the root.
pub fn delete(all: &[Resource], id: &str) -> Result<Vec<String>, AwsError> {
    match find(all, id)?.parent_id {
        None => Err(AwsError::bad_request("Root resource cannot be deleted.")),
        Some(_) => Ok(subtree(all, id)),
    }
}

fn subtree(all: &[Resource], id: &str) -> Vec<String> {
    let mut ids = vec![id.to_owned()];
    let mut next = 0;
    while let Some(parent) = ids.get(next).cloned() {
        let children = all.iter().filter(|resource| resource.parent_id.as_deref() == Some(&parent));
        ids.extend(children.map(|resource| resource.id.clone()));
        next += 1;
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Vec<Resource> {
        let root = Resource { id: "root".into(), parent_id: None, path_part: None, path: "/".into() };
        let mut all = vec![root.clone()];
        let pets = new(&all, &root, "pets");
        all.push(pets.clone());
        all.push(new(&all, &pets, "{id}"));
        all
    }

    fn replace(path: &str, value: &str) -> Vec<PatchOperation> {
        vec![PatchOperation { op: Op::Replace, path: Some(path.into()), value: Some(value.into()), from: None }]
    }

    #[test]
    fn a_rename_moves_the_paths_below() {
        let all = tree();

        let moved = update(&all, &all[1].id, &replace("/pathPart", "dogs")).unwrap();

        let paths: Vec<&str> = moved.changed.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(paths, ["/dogs", "/dogs/{id}"]);
    }

    #[test]
    fn one_variable_child_per_parent_and_none_below_a_greedy_one() {
        let mut all = tree();
        let greedy = create(&all, "root", "{proxy+}").unwrap();
        all.push(greedy.clone());

        let second = create(&all, "root", "{x}").unwrap_err();
        let below = create(&all, &greedy.id, "x").unwrap_err();
        let twin = create(&all, "root", "pets").unwrap_err();

        assert!(second.message().starts_with("A sibling ({proxy+}) of this resource already has"));
        assert_eq!(below.message(), "Cannot create a child of a resource with a greedy path variable: {proxy+}");
        assert_eq!(twin.code().status(), 409);
    }

    #[test]
    fn a_parent_inside_the_own_subtree_is_refused_and_a_delete_takes_the_subtree() {
        let all = tree();

        let cyclical = update(&all, &all[1].id, &replace("/parentId", &all[2].id)).unwrap_err();

        let greedy = update(&all, &all[1].id, &replace("/pathPart", "{p+}")).unwrap_err();

        assert_eq!(greedy.message(), "Cannot create a child of a resource with a greedy path variable: {p+}");
        assert_eq!(cyclical.message(), "Resources cannot be cyclical.");
        assert_eq!(delete(&all, &all[1].id).unwrap(), [all[1].id.clone(), all[2].id.clone()]);
        assert!(delete(&all, "root").is_err());
    }

    #[test]
    fn path_parts_pair_their_braces() {
        for good in ["a", "{a}", "{a+}", "a.b-c_d", "v1:x"] {
            assert!(check_part(good).is_ok(), "{good}");
        }
        for bad in ["", "{", "{}", "{+}", "a b", "a{b}", "{a", "a+", "a/b"] {
            assert!(check_part(bad).is_err(), "{bad}");
        }
    }
}
