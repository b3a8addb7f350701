//! Model: a named JSON Schema of an API (rest-admin-api §3.7).

mod flatten;
mod schema;
mod template;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, id};

use crate::input::{Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};
use crate::{ApiTree, Document};

pub use flatten::flatten;
pub use schema::relinked;
pub use template::template;

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Six characters.
    pub id: String,
    /// Alphanumeric; how it is addressed.
    pub name: String,
    /// Omitted if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema text; references to other models are absolute URLs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// `application/json`.
    pub content_type: String,
}

impl Document for Model {
    const KIND: &'static str = "model";
}

impl Model {
    /// A JSON model with an id derived from its name, so that the same definition has the same ids wherever it is.
    pub fn standard(name: &str, description: &str, schema: &str) -> Self {
        Self {
            id: id::derived(&["model", name], 0, id::CHILD_ID_LEN),
            name: name.to_owned(),
            description: Some(description.to_owned()).filter(|text| !text.is_empty()),
            schema: Some(schema.to_owned()),
            content_type: "application/json".to_owned(),
        }
    }
}

/// 404 of a model, and of the API above it [V a].
pub fn unknown(name: &str) -> AwsError {
    AwsError::not_found(format!("Invalid model name specified: {name}"))
}

/// Reads the body of CreateModel; the id is given by [`create`].
///
/// # Errors
/// `SerializationException`, `ValidationException`.
pub fn parse(body: &Value) -> Result<Model, AwsError> {
    let input = Members::of(body)?;
    let (name, content_type) = (input.text("name")?, input.text("contentType")?);
    let (description, schema) = (input.text("description")?, input.text("schema")?);
    let mut constraints = Constraints::of("CreateModel");
    constraints.required("name", name.is_some());
    constraints.required("contentType", content_type.is_some());
    constraints.check()?;
    Ok(Model {
        id: String::new(),
        name: name.unwrap_or_default(),
        description: description.filter(|text| !text.is_empty()),
        schema,
        content_type: content_type.unwrap_or_default(),
    })
}

/// A new model. `all` are the models of the API `api_id`.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateModel.
pub fn create(parsed: Model, all: &[Model], api_id: &str) -> Result<Model, AwsError> {
    check_name(&parsed.name)?;
    if all.iter().any(|model| model.name == parsed.name) {
        return Err(AwsError::conflict("Model name already exists for this REST API"));
    }
    check_content_type(&parsed.content_type)?;
    schema::check(&parsed, all, api_id)?;
    let is_free = |id: &str| all.iter().all(|model| model.id != id);
    Ok(Model { id: id::free(&["model", &parsed.name], id::CHILD_ID_LEN, is_free), ..parsed })
}

/// Letters and digits [R].
fn check_name(name: &str) -> Result<(), AwsError> {
    if name.is_empty() {
        return Err(AwsError::bad_request("Model name must be non-empty"));
    }
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!("Model name must be alphanumeric: {name}"))),
    }
}

/// `type/subtype`, in the words AWS has for template keys [V a].
fn check_content_type(content_type: &str) -> Result<(), AwsError> {
    let part = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == '/');
    match content_type.split_once('/').is_some_and(|(kind, rest)| part(kind) && !rest.trim().is_empty()) {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!(
            "Validation Result: warnings : [], errors : [Invalid content type specified: {content_type}]"
        ))),
    }
}

/// What a changed schema may refer to.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Models of the API.
    pub all: Vec<Model>,
    /// Id of the API.
    pub api_id: String,
}

const TABLE: &[Row<Model, Scope>] = &[
    Row {
        path: "/description",
        ops: &[Op::Replace],
        apply: |m, c, _| {
            m.description = c.text();
            Ok(())
        },
    },
    Row {
        path: "/schema",
        ops: &[Op::Replace],
        apply: |m, c, scope| {
            m.schema = c.text();
            schema::check(m, &scope.all, &scope.api_id)
        },
    },
];

/// Applies UpdateModel.
///
/// # Errors
/// The patch family's texts, or those of a schema.
pub fn patch(model: &Model, operations: &[PatchOperation], scope: &Scope) -> Result<Model, AwsError> {
    patch::apply(model, operations, TABLE, Family::A, scope)
}

/// Whether the model may go.
///
/// # Errors
/// 409 that names one method whose request uses it [V a]. Responses do not hold a model, nor do other models.
pub fn check_unused(name: &str, tree: &ApiTree) -> Result<(), AwsError> {
    let uses = |at: &&crate::tree::MethodAt| at.method.request_models.iter().flatten().any(|(_, model)| model == name);
    match tree.last_method(uses) {
        None => Ok(()),
        Some((path, verb)) => Err(AwsError::conflict(format!(
            "Cannot delete model '{name}', is referenced in method request: {path}/{verb}"
        ))),
    }
}

#[cfg(test)]
mod tests;
