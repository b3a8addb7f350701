//! Integration and IntegrationResponse (rest-admin-api §3.5, §3.6).

mod check;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, limits};

use crate::input::{self, Constraints, Members};

pub use check::{Ceilings, put, settle};
pub use update::patch;

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

const TYPES: [&str; 5] = ["HTTP", "MOCK", "AWS_PROXY", "HTTP_PROXY", "AWS"];
const CONNECTIONS: [&str; 2] = ["INTERNET", "VPC_LINK"];
const PASSTHROUGH: [&str; 3] = ["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"];
const TRANSFER: [&str; 2] = ["BUFFERED", "STREAM"];
/// AWS's values of `contentHandling`.
pub(crate) const CONTENT_HANDLING: [&str; 2] = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"];

impl Integration {
    /// An integration with AWS's defaults (rest-admin-api §3.5).
    pub fn new(kind: &str, resource_id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            http_method: None,
            uri: None,
            connection_type: None,
            connection_id: None,
            credentials: None,
            request_parameters: None,
            request_templates: None,
            passthrough_behavior: "WHEN_NO_MATCH".into(),
            content_handling: None,
            timeout_in_millis: limits::INTEGRATION_TIMEOUT_MS,
            cache_namespace: resource_id.to_owned(),
            cache_key_parameters: Vec::new(),
            integration_responses: BTreeMap::new(),
            tls_config: None,
            response_transfer_mode: None,
            integration_target: None,
        }
    }

    fn is_http(&self) -> bool {
        self.kind.starts_with("HTTP")
    }

    fn is_streamed(&self) -> bool {
        self.response_transfer_mode.as_deref() == Some("STREAM")
    }
}

/// Reads the body of PutIntegration and checks its constraints, which AWS does before it looks anything up. What the
/// members mean together is for [`settle`], once resource and method are found.
///
/// # Errors
/// `SerializationException` or `ValidationException`.
pub fn parse(resource_id: &str, body: &Value) -> Result<Integration, AwsError> {
    let input = Members::of(body)?;
    let (kind, connection) = (input.text("type")?, input.text("connectionType")?);
    let (handling, transfer) = (input.text("contentHandling")?, input.text("responseTransferMode")?);
    let mut constraints = Constraints::of("PutIntegration");
    constraints.required("type", kind.is_some());
    constraints.one_of("type", kind.as_deref(), &TYPES);
    constraints.one_of("connectionType", connection.as_deref(), &CONNECTIONS);
    constraints.one_of("contentHandling", handling.as_deref(), &CONTENT_HANDLING);
    constraints.one_of("responseTransferMode", transfer.as_deref(), &TRANSFER);
    let mut made = Integration::new(&kind.unwrap_or_default(), resource_id);
    made.content_handling = handling;
    made.response_transfer_mode = transfer;
    made.connection_type = connection;
    read_members(&mut made, input)?;
    constraints.check()?;
    Ok(made)
}

fn read_members(made: &mut Integration, input: Members<'_>) -> Result<(), AwsError> {
    made.http_method = input.text("httpMethod")?;
    made.uri = input.text("uri")?;
    made.connection_id = input.text("connectionId")?;
    made.credentials = input.text("credentials")?;
    made.integration_target = input.text("integrationTarget")?;
    made.request_parameters = input.map("requestParameters", input::text)?;
    made.request_templates = input.map("requestTemplates", input::template)?;
    made.cache_key_parameters = input.texts("cacheKeyParameters")?.unwrap_or_default();
    if let Some(namespace) = input.text("cacheNamespace")? {
        made.cache_namespace = namespace;
    }
    if let Some(passthrough) = input.text("passthroughBehavior")? {
        made.passthrough_behavior = passthrough.to_ascii_uppercase();
    }
    if let Some(timeout) = input.integer("timeoutInMillis")? {
        // Out of range is refused with the others, by `settle`.
        made.timeout_in_millis = u32::try_from(timeout).unwrap_or_default();
    }
    if let Some(tls) = input.structure("tlsConfig")? {
        let skip = tls.flag("insecureSkipVerification")?.unwrap_or_default();
        made.tls_config = Some(TlsConfig { insecure_skip_verification: skip });
    }
    Ok(())
}
