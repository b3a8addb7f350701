//! The PATCH engine (rest-admin-api §2.5): one table of paths per resource, one interpreter.
//!
//! Operations apply in order to a working copy; any failure leaves the document as it was.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use stagecoach_base::AwsError;

use crate::input::{Constraints, Members};

/// The operations AWS's model knows, in the order it prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// add
    Add,
    /// remove
    Remove,
    /// move; supported nowhere
    Move,
    /// test; supported nowhere
    Test,
    /// replace
    Replace,
    /// copy; stages only
    Copy,
}

/// In AWS's order.
const OPS: [(&str, Op); 6] = [
    ("add", Op::Add),
    ("remove", Op::Remove),
    ("move", Op::Move),
    ("test", Op::Test),
    ("replace", Op::Replace),
    ("copy", Op::Copy),
];

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = OPS.iter().find(|(_, op)| op == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// One entry of `patchOperations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchOperation {
    /// What to do.
    pub op: Op,
    /// JSON pointer, as sent.
    pub path: Option<String>,
    /// Always text; the target decides what it means.
    pub value: Option<String>,
    /// Source of a copy.
    pub from: Option<String>,
}

/// Reads `{"patchOperations": [...]}`; an absent or empty list changes nothing. `operation` is `UpdateStage` or the like.
///
/// # Errors
/// `SerializationException` for wrong types, `ValidationException` for an unknown `op`.
pub fn parse(body: &Value, operation: &str) -> Result<Vec<PatchOperation>, AwsError> {
    let members = Members::of(body)?;
    let mut constraints = Constraints::of(operation);
    let mut operations = Vec::new();
    let list = members.list("patchOperations")?;
    for (index, entry) in list.iter().enumerate() {
        let entry = Members::of(entry)?;
        let (op, at) = (entry.text("op")?, format!("patchOperations.{}.member.op", index + 1));
        constraints.required(&at, op.is_some());
        constraints.one_of(&at, op.as_deref(), &OPS.map(|(name, _)| name));
        let known = OPS.iter().find(|(name, _)| Some(*name) == op.as_deref());
        let (path, value, from) = (entry.text("path")?, entry.text("value")?, entry.text("from")?);
        operations.extend(known.map(|(_, op)| PatchOperation { op: *op, path, value, from }));
    }
    constraints.check()?;
    Ok(operations)
}

/// Which of AWS's message families a resource answers with (rest-admin-api §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Lists the paths that the operation has.
    A,
    /// Names the path, or the operations that the path has.
    B,
}

/// One operation on one path, as a row's function sees it.
pub struct Change<'a> {
    /// What to do.
    pub op: Op,
    /// The whole path, as sent.
    pub path: &'a str,
    /// The unescaped segment where the row has `{}`; empty when it has none.
    pub key: &'a str,
    /// As sent.
    pub value: Option<&'a str>,
}

impl Change<'_> {
    /// The value, with `""` read as absent: how AWS clears a field.
    pub fn text(&self) -> Option<String> {
        self.value.filter(|value| !value.is_empty() && self.op != Op::Remove).map(str::to_owned)
    }

    /// Only the literal `true` is true; anything else is false, without error [V a,x].
    pub fn flag(&self) -> bool {
        self.value == Some("true")
    }

    /// Adds, replaces or removes this change's key in a map; a map that becomes empty disappears [V a].
    ///
    /// # Errors
    /// 404 with `missing` when a key to replace or remove is not there.
    pub fn entry<T>(&self, map: &mut Option<BTreeMap<String, T>>, value: T, missing: &str) -> Result<(), AwsError> {
        let there = map.as_ref().is_some_and(|map| map.contains_key(self.key));
        if self.op != Op::Add && !there {
            return Err(AwsError::not_found(missing));
        }
        let entries = map.get_or_insert_default();
        if self.op == Op::Remove {
            entries.remove(self.key);
        } else {
            entries.insert(self.key.to_owned(), value);
        }
        if entries.is_empty() {
            *map = None;
        }
        Ok(())
    }
}

/// A row's function. `C` is what the rule needs beside the document.
pub type Apply<T, C> = fn(&mut T, &Change<'_>, &C) -> Result<(), AwsError>;

/// One path of a resource's patch table. `{}` stands for one escaped segment.
pub struct Row<T, C = ()> {
    /// Pointer, `/binaryMediaTypes/{}`.
    pub path: &'static str,
    /// Operations the path has.
    pub ops: &'static [Op],
    /// What they do.
    pub apply: Apply<T, C>,
}

/// Applies operations in order to a copy of `document`.
///
/// # Errors
/// The family's text for an unknown path or operation, or what a row's function says.
pub fn apply<T: Clone, C>(
    document: &T,
    operations: &[PatchOperation],
    table: &[Row<T, C>],
    family: Family,
    context: &C,
) -> Result<T, AwsError> {
    let mut copy = document.clone();
    for operation in operations {
        apply_one(&mut copy, operation, table, family, context)?;
    }
    Ok(copy)
}

fn apply_one<T, C>(
    document: &mut T,
    operation: &PatchOperation,
    table: &[Row<T, C>],
    family: Family,
    context: &C,
) -> Result<(), AwsError> {
    let path = operation.path.as_deref();
    let found = path.and_then(|path| table.iter().find_map(|row| Some((row, matched(row.path, path)?))));
    match found {
        Some((row, key)) if row.ops.contains(&operation.op) => {
            let value = operation.value.as_deref();
            (row.apply)(
                document,
                &Change { op: operation.op, path: path.unwrap_or_default(), key: &key, value },
                context,
            )
        }
        Some((row, _)) if family == Family::B => Err(bad_operation(row.ops)),
        _ => Err(bad_path(operation, table, family)),
    }
}

fn bad_operation(ops: &[Op]) -> AwsError {
    let names: Vec<String> = ops.iter().map(ToString::to_string).collect();
    AwsError::bad_request(format!("Invalid patch operation specified. Must be one of: [{}]", names.join(", ")))
}

fn bad_path<T, C>(operation: &PatchOperation, table: &[Row<T, C>], family: Family) -> AwsError {
    let path = operation.path.as_deref().unwrap_or("null");
    if family == Family::B {
        return AwsError::bad_request(format!("Invalid patch path {path}"));
    }
    let paths: Vec<&str> = table.iter().filter(|row| row.ops.contains(&operation.op)).map(|row| row.path).collect();
    let tail = match paths.is_empty() {
        true => "Please choose supported operations".to_owned(),
        false => format!("Must be one of: [{}]", paths.join(", ")),
    };
    // Two blanks after "path", as AWS prints them [V a].
    AwsError::bad_request(format!("Invalid patch path  '{path}' specified for op '{}'. {tail}", operation.op))
}

/// The unescaped `{}` segment when `path` fits `pattern`.
fn matched<'a>(pattern: &str, path: &'a str) -> Option<Cow<'a, str>> {
    let (mut wanted, mut given, mut key) = (pattern.split('/'), path.split('/'), Cow::Borrowed(""));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(key),
            (Some("{}"), Some(segment)) if !segment.is_empty() => key = unescape(segment),
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

/// `~1` is a slash, `~0` a tilde (RFC 6901).
pub fn unescape(segment: &str) -> Cow<'_, str> {
    if segment.contains('~') { Cow::Owned(segment.replace("~1", "/").replace("~0", "~")) } else { segment.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_are_split_first_and_unescaped_afterwards() {
        assert_eq!(matched("/a/{}", "/a/image~1png").as_deref(), Some("image/png"));
        assert_eq!(matched("/a/{}", "/a/x~01").as_deref(), Some("x~1"));
        assert_eq!(matched("/a/{}", "/a/-").as_deref(), Some("-"));
        assert_eq!(matched("/a/{}", "/a/b/c"), None);
        assert_eq!(matched("/a/{}", "/a/"), None);
    }

    #[test]
    fn an_unknown_op_is_a_constraint_failure_with_a_one_based_index() {
        let body = json!({ "patchOperations": [{ "op": "add" }, { "op": "wrong", "path": "/x" }] });

        let error = parse(&body, "UpdateRestApi").unwrap_err();

        assert_eq!(
            error.message(),
            "1 validation error detected: Value 'wrong' at 'updateRestApiInput.patchOperations.2.member.op' failed to \
             satisfy constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]"
        );
    }

    proptest! {
        #[test]
        fn any_body_is_answered(op in "[a-z]{0,7}", path in "[/a-z~01{}-]{0,20}", value in "[ -~]{0,8}") {
            let body = json!({ "patchOperations": [{ "op": op, "path": path, "value": value }] });
            drop(parse(&body, "UpdateStage"));
            drop(matched("/a/{}/b", &path));
        }
    }
}
