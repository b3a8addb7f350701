//! GatewayResponse: an answer of the gateway's own, customised (rest-admin-api §3.19).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Document;

/// A customised gateway response.
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

impl Document for GatewayResponse {
    const KIND: &'static str = "gatewayresponse";
}
