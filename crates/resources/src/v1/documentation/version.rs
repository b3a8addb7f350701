//! DocumentationVersion: the parts of an API as they were, under a name.

use serde::{Deserialize, Serialize};

use super::DocumentationPart;
use crate::Document;

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
