//! DocumentationPart: text about one entity of an API.

use serde::{Deserialize, Serialize};
use stagecoach_base::id;

use crate::Document;

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

/// `DocumentationPartLocation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// `API`, `METHOD`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Resource path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Verb, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Status, or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// Name of a parameter, model or authorizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
