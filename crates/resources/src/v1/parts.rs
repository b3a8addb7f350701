//! Models, validators, authorizers and gateway responses: what an import may create beside methods.
//! Their own operations come with a later issue; imports, exports and deployments carry them already.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::id;

use crate::Document;

/// A model (rest-admin-api §3.7).
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

/// A request validator (rest-admin-api §3.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestValidator {
    /// Six characters.
    pub id: String,
    /// Name.
    pub name: String,
    /// Check the body.
    pub validate_request_body: bool,
    /// Check parameters.
    pub validate_request_parameters: bool,
}

/// An authorizer (rest-admin-api §3.9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authorizer {
    /// Six characters.
    pub id: String,
    /// Unique in the API.
    pub name: String,
    /// TOKEN, REQUEST, COGNITO_USER_POOLS, JWT.
    #[serde(rename = "type")]
    pub kind: String,
    /// Every other member, as AWS names it.
    #[serde(flatten)]
    pub options: BTreeMap<String, Value>,
}

/// A customised gateway response (rest-admin-api §3.19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    /// `DEFAULT_4XX`, …
    pub response_type: String,
    /// Absent: the type's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// `gatewayresponse.header.{name}` → expression.
    #[serde(default)]
    pub response_parameters: BTreeMap<String, String>,
    /// Content type → template.
    #[serde(default)]
    pub response_templates: BTreeMap<String, String>,
    /// False for a customised one.
    #[serde(default)]
    pub default_response: bool,
}

impl Document for Model {
    const KIND: &'static str = "model";
}
impl Document for RequestValidator {
    const KIND: &'static str = "requestvalidator";
}
impl Document for Authorizer {
    const KIND: &'static str = "authorizer";
}
impl Document for GatewayResponse {
    const KIND: &'static str = "gatewayresponse";
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
