//! DocumentationVersion: the parts of an API as they were, under a name.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stagecoach_base::AwsError;

use super::DocumentationPart;
use crate::Document;
use crate::input::{Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// A documentation version. A stage names one; exports of the stage carry its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentationVersion {
    /// Its name, unique in the API.
    pub version: String,
    /// Epoch seconds.
    pub created_date: i64,
    /// Omitted if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Ours, never on the wire: the parts when it was made.
    #[serde(default)]
    pub parts: Vec<DocumentationPart>,
}

impl Document for DocumentationVersion {
    const KIND: &'static str = "documentationversion";
}

/// The body of CreateDocumentationVersion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name of the version.
    pub version: String,
    /// The stage that shows it from now on.
    pub stage_name: Option<String>,
    /// Of the version.
    pub description: Option<String>,
}

/// 404 of a version [R deliveryhero/serverless-aws-documentation#173].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Documentation version specified")
}

/// 400 of a stage that names a version that is not there; the text is that of [`unknown`], the status that of a
/// deployment that is not there [V k].
pub fn unknown_to_stage() -> AwsError {
    AwsError::bad_request("Invalid Documentation version specified")
}

/// Reads the body of CreateDocumentationVersion.
///
/// # Errors
/// `SerializationException`, `ValidationException`.
pub fn parse(body: &Value) -> Result<Input, AwsError> {
    let input = Members::of(body)?;
    let version = input.text("documentationVersion")?;
    let (stage_name, description) = (input.text("stageName")?, input.text("description")?);
    let mut constraints = Constraints::of("CreateDocumentationVersion");
    constraints.required("documentationVersion", version.is_some());
    constraints.check()?;
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    Ok(Input { version: version.unwrap_or_default(), stage_name: filled(stage_name), description: filled(description) })
}

/// A new version of `parts`; `taken` says whether its name is.
///
/// # Errors
/// 400 for a blank name, 409 for one that is taken; AWS's texts are not recorded.
pub fn create(
    input: &Input,
    parts: Vec<DocumentationPart>,
    taken: bool,
    now_s: i64,
) -> Result<DocumentationVersion, AwsError> {
    let version = &input.version;
    if version.trim().is_empty() {
        return Err(AwsError::bad_request("Documentation version must be non-empty"));
    }
    if taken {
        return Err(AwsError::conflict(format!("Documentation version already exists: {version}")));
    }
    let (version, description) = (version.clone(), input.description.clone());
    Ok(DocumentationVersion { version, created_date: now_s, description, parts })
}

const TABLE: &[Row<DocumentationVersion>] = &[Row {
    path: "/description",
    ops: &[Op::Replace],
    apply: |version, change, ()| {
        version.description = change.text();
        Ok(())
    },
}];

/// Applies UpdateDocumentationVersion.
///
/// # Errors
/// The patch family's texts.
pub fn patch(version: &DocumentationVersion, operations: &[PatchOperation]) -> Result<DocumentationVersion, AwsError> {
    patch::apply(version, operations, TABLE, Family::A, &())
}

/// The version as AWS shows it: without its parts.
pub fn shown(version: &DocumentationVersion) -> Value {
    let mut shown = json!({ "version": version.version, "createdDate": version.created_date });
    if let Some(description) = &version.description {
        shown["description"] = description.as_str().into();
    }
    shown
}
