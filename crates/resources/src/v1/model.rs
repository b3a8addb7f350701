//! Model: a named JSON Schema of an API (rest-admin-api §3.7).

use serde::{Deserialize, Serialize};
use stagecoach_base::id;

use crate::Document;

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
