//! DocumentationPart: text about one entity of an API.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, ErrorCode, id};

use super::Location;
use crate::Document;
use crate::input::{Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// A documentation part. It takes effect through a version only, and never in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentationPart {
    /// Six characters.
    pub id: String,
    /// What it is about; unique in the API.
    pub location: Location,
    /// JSON text, as given.
    pub properties: String,
}

impl Document for DocumentationPart {
    const KIND: &'static str = "documentationpart";
}

/// A part with an id that follows from its location; a second holder of the same id gets another.
pub fn new(all: &[DocumentationPart], location: Location, properties: String) -> DocumentationPart {
    at(location, properties, |id| all.iter().all(|part| part.id != id))
}

/// As [`new`], for a caller that knows better than a scan which ids are free.
pub fn at(location: Location, properties: String, is_free: impl Fn(&str) -> bool) -> DocumentationPart {
    let text = |member: &Option<String>| member.clone().unwrap_or_default();
    let members = [text(&location.path), text(&location.method), text(&location.status_code), text(&location.name)];
    let [path, method, status, name] = members.each_ref().map(String::as_str);
    let parts = [DocumentationPart::KIND, &location.kind, path, method, status, name];
    let id = id::free(&parts, id::CHILD_ID_LEN, is_free);
    DocumentationPart { id, location, properties }
}

/// 404 of a part; of the API above it too, for GET and PATCH [V a].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Documentation part identifier specified")
}

/// Reads the body of CreateDocumentationPart: location and properties.
///
/// # Errors
/// `SerializationException`, `ValidationException`.
pub fn parse(body: &Value) -> Result<(Location, String), AwsError> {
    let input = Members::of(body)?;
    let mut constraints = Constraints::of("CreateDocumentationPart");
    let location = Location::read(input, &mut constraints)?;
    let properties = input.text("properties")?;
    constraints.required("properties", properties.is_some());
    constraints.check()?;
    Ok((location, properties.unwrap_or_default()))
}

/// The file of ImportDocumentationParts must be there [R aws/aws-sdk-js#3710].
///
/// # Errors
/// `ValidationException`.
pub fn check_file(body: &[u8]) -> Result<(), AwsError> {
    match body.is_empty() {
        false => Ok(()),
        true => Err(AwsError::new(
            ErrorCode::Validation,
            "1 validation error detected: Value null at 'body' failed to satisfy constraint: Member must not be null",
        )),
    }
}

/// A new part. `all` are those of the API. A location that may have a path and has none gets the root's, as in an
/// import [V a].
///
/// # Errors
/// 400 for properties that are no JSON object or a location that its type does not take, 409 for one that is taken.
pub fn create(
    all: &[DocumentationPart],
    (location, properties): (Location, String),
) -> Result<DocumentationPart, AwsError> {
    check_properties(&properties)?;
    location.check()?;
    let full = location.in_full();
    match all.iter().any(|part| part.location.in_full() == full) {
        true => Err(AwsError::conflict(format!(
            "Documentation part already exists for the specified location: {}.",
            location.describe()
        ))),
        false => Ok(new(all, location.with_path(), properties)),
    }
}

fn check_properties(properties: &str) -> Result<(), AwsError> {
    if properties.trim().is_empty() {
        return Err(AwsError::bad_request("Documentation part properties must be non-empty"));
    }
    match serde_json::from_str::<Value>(properties) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(AwsError::bad_request("Documentation part properties must be a valid JSON object")),
    }
}

const TABLE: &[Row<DocumentationPart>] = &[Row {
    path: "/properties",
    ops: &[Op::Replace],
    apply: |part, change, ()| {
        let properties = change.value.unwrap_or_default();
        check_properties(properties)?;
        properties.clone_into(&mut part.properties);
        Ok(())
    },
}];

/// Applies UpdateDocumentationPart.
///
/// # Errors
/// The patch family's texts, or those of properties.
pub fn patch(part: &DocumentationPart, operations: &[PatchOperation]) -> Result<DocumentationPart, AwsError> {
    patch::apply(part, operations, TABLE, Family::A, &())
}

#[cfg(test)]
#[path = "part_tests.rs"]
mod tests;
