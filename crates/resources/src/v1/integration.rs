//! Integration and IntegrationResponse (rest-admin-api §3.5, §3.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a method calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS.
    #[serde(rename = "type")]
    pub kind: String,
    /// Verb of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    /// URL or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// INTERNET or VPC_LINK; present for HTTP and HTTP_PROXY only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_type: Option<String>,
    /// VPC link id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// Role ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// `integration.request.…` → expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_parameters: Option<BTreeMap<String, String>>,
    /// Content type → template; a template put as `""` is stored and returned as null.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_templates: Option<BTreeMap<String, Option<String>>>,
    /// WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER.
    pub passthrough_behavior: String,
    /// CONVERT_TO_BINARY or CONVERT_TO_TEXT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<String>,
    /// ms.
    pub timeout_in_millis: u32,
    /// The resource id by default.
    pub cache_namespace: String,
    /// Never absent.
    #[serde(default)]
    pub cache_key_parameters: Vec<String>,
    /// By status code; absent until the first one is put.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub integration_responses: BTreeMap<String, IntegrationResponse>,
    /// TLS options towards the back end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_config: Option<TlsConfig>,
    /// STREAM or BUFFERED, only when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_transfer_mode: Option<String>,
    /// Load balancer ARN of a VPC link v2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration_target: Option<String>,
}

/// `tlsConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsConfig {
    /// Accept certificates of private authorities.
    pub insecure_skip_verification: bool,
}

/// One row of the response table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationResponse {
    /// Three digits.
    pub status_code: String,
    /// Regular expression; absent: default row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection_pattern: Option<String>,
    /// `method.response.header.{name}` → expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_parameters: Option<BTreeMap<String, String>>,
    /// Content type → template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_templates: Option<BTreeMap<String, Option<String>>>,
    /// Conversion of the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<String>,
}
