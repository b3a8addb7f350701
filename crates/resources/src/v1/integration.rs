//! Integration and IntegrationResponse (rest-admin-api §3.5, §3.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, Verb, limits};

use super::integration_response::{check_templates, set_handling};
use super::method::{invalid_expression, is_parameter_name};
use crate::input::{self, Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

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
/// Streaming responses may take fifteen minutes, ms.
const STREAM_TIMEOUT_MS: u32 = 900_000;
const TIMEOUT: &str = "Timeout should be between 50 ms and 29000 ms";

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
    constraints.check()?;
    let mut made = Integration::new(&kind.unwrap_or_default(), resource_id);
    made.content_handling = handling;
    made.response_transfer_mode = transfer;
    made.connection_type = connection;
    read_members(&mut made, input)?;
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

fn check_passthrough(text: &str) -> Result<String, AwsError> {
    let upper = text.to_ascii_uppercase();
    match PASSTHROUGH.contains(&upper.as_str()) {
        true => Ok(upper),
        false => Err(AwsError::bad_request(format!(
            "Invalid passthroughBehavior specified. Valid options are {}",
            PASSTHROUGH.join(",")
        ))),
    }
}

/// Checks the whole, and drops what the type has no use for: MOCK keeps no uri and no verb [V n].
///
/// # Errors
/// rest-admin-api §2.6, rows of PutIntegration.
pub fn settle(mut integration: Integration) -> Result<Integration, AwsError> {
    if integration.kind == "MOCK" {
        integration.uri = None;
        integration.http_method = None;
    }
    if integration.is_http() {
        integration.connection_type.get_or_insert_with(|| "INTERNET".into());
    } else {
        integration.connection_type = None;
    }
    let needs_verb = matches!(integration.kind.as_str(), "HTTP" | "HTTP_PROXY" | "AWS");
    if needs_verb && integration.http_method.as_deref().is_none_or(str::is_empty) {
        return Err(AwsError::bad_request("Enumeration value for HttpMethod must be non-empty"));
    }
    if let Some(verb) = &integration.http_method {
        verb.parse::<Verb>().map_err(|invalid| AwsError::bad_request(invalid.to_string()))?;
    }
    check_passthrough(&integration.passthrough_behavior)?;
    check_uri(&integration)?;
    check_transfer(&integration)?;
    check_templates(integration.request_templates.as_ref())?;
    for key in integration.request_parameters.iter().flatten().map(|(key, _)| key) {
        check_key(key)?;
    }
    Ok(integration)
}

fn check_key(key: &str) -> Result<(), AwsError> {
    let parts = key.strip_prefix("integration.request.").and_then(|rest| rest.split_once('.'));
    let fits = |(location, name): (&str, &str)| {
        matches!(location, "path" | "querystring" | "header") && is_parameter_name(name)
    };
    match parts.is_some_and(fits) {
        true => Ok(()),
        false => Err(invalid_expression(&format!("Invalid mapping expression specified: {key}"))),
    }
}

fn check_transfer(integration: &Integration) -> Result<(), AwsError> {
    let stream = integration.response_transfer_mode.as_deref() == Some("STREAM");
    let streaming_uri = integration.uri.as_deref().is_some_and(|uri| uri.ends_with("/response-streaming-invocations"));
    if stream && !integration.kind.ends_with("_PROXY") {
        return Err(AwsError::bad_request(
            "Invalid ResponseTransferMode. ResponseTransferMode STREAM is only supported for HTTP_PROXY and AWS_PROXY \
             integrations.",
        ));
    }
    if streaming_uri && integration.kind == "AWS_PROXY" && !stream {
        return Err(AwsError::bad_request(
            "Invalid ResponseTransferMode. Cannot use ResponseTransferMode BUFFERED for Lambda functions invoked by \
             InvokeWithResponseStream for AWS_PROXY integrations.",
        ));
    }
    let longest = if stream { STREAM_TIMEOUT_MS } else { limits::INTEGRATION_TIMEOUT_MS };
    match (limits::INTEGRATION_TIMEOUT_MIN_MS..=longest).contains(&integration.timeout_in_millis) {
        true => Ok(()),
        false => Err(AwsError::bad_request(TIMEOUT)),
    }
}

fn check_uri(integration: &Integration) -> Result<(), AwsError> {
    let uri = integration.uri.as_deref().unwrap_or_default();
    match integration.kind.as_str() {
        "HTTP" | "HTTP_PROXY" => {
            let fits = ["http://", "https://"].iter().any(|scheme| uri.len() > scheme.len() && uri.starts_with(scheme));
            let variable = uri.starts_with("${stageVariables.");
            (fits || variable)
                .then_some(())
                .ok_or_else(|| AwsError::bad_request("Invalid HTTP endpoint specified for URI"))
        }
        "AWS" => check_arn(uri),
        "AWS_PROXY" => {
            check_arn(uri)?;
            let lambda = service(uri) == Some("lambda") && uri.contains(":function:") && uri.contains(":path/");
            let firehose = service(uri) == Some("firehose");
            (lambda || firehose).then_some(()).ok_or_else(|| {
                AwsError::bad_request(
                    "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream \
                     invocations.",
                )
            })
        }
        _ => Ok(()),
    }
}

/// `arn:{partition}:apigateway:{region}:{service}:path/…` or `…:action/…`.
fn check_arn(uri: &str) -> Result<(), AwsError> {
    let mut parts = uri.splitn(6, ':');
    let fits = parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| partition.starts_with("aws"))
        && parts.next() == Some("apigateway");
    if !fits || uri.split(':').count() < 6 {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    }
    let target = parts.nth(2).unwrap_or_default();
    match target.starts_with("path/") || target.starts_with("action/") {
        true => Ok(()),
        false => Err(AwsError::bad_request("AWS ARN for integration must contain path or action")),
    }
}

fn service(uri: &str) -> Option<&str> {
    uri.split(':').nth(4)
}

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;
type Done = Result<(), AwsError>;

const TABLE: &[Row<Integration>] = &[
    Row { path: "/uri", ops: &[R], apply: |i, c, ()| not_mock(i, |i| i.uri = c.text()) },
    Row { path: "/httpMethod", ops: &[R], apply: |i, c, ()| not_mock(i, |i| i.http_method = c.text()) },
    Row {
        path: "/cacheNamespace",
        ops: &[R],
        apply: |i, c, ()| {
            i.cache_namespace = c.text().unwrap_or_default();
            Ok(())
        },
    },
    Row {
        path: "/connectionId",
        ops: &[R],
        apply: |i, c, ()| {
            i.connection_id = c.text();
            Ok(())
        },
    },
    Row { path: "/connectionType", ops: &[R], apply: |i, c, ()| set_connection(i, c) },
    Row { path: "/contentHandling", ops: &[R], apply: |i, c, ()| set_handling(&mut i.content_handling, c) },
    Row {
        path: "/credentials",
        ops: &[R],
        apply: |i, c, ()| {
            i.credentials = c.text();
            Ok(())
        },
    },
    Row {
        path: "/integrationTarget",
        ops: &[R],
        apply: |i, c, ()| {
            i.integration_target = c.text();
            Ok(())
        },
    },
    Row { path: "/passthroughBehavior", ops: &[R], apply: |i, c, ()| set_passthrough(i, c) },
    Row {
        path: "/responseTransferMode",
        ops: &[R],
        apply: |i, c, ()| {
            i.response_transfer_mode = c.text();
            Ok(())
        },
    },
    Row { path: "/timeoutInMillis", ops: &[R], apply: |i, c, ()| set_timeout(i, c) },
    Row {
        path: "/tlsConfig/insecureSkipVerification",
        ops: &[R],
        apply: |i, c, ()| {
            i.tls_config = Some(TlsConfig { insecure_skip_verification: c.flag() });
            Ok(())
        },
    },
    Row {
        path: "/cacheKeyParameters/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| {
            change_cache_keys(i, c);
            Ok(())
        },
    },
    Row {
        path: "/requestParameters/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| {
            let expression = c.value.unwrap_or_default().to_owned();
            c.entry(&mut i.request_parameters, expression, "Invalid parameter name specified")
        },
    },
    Row {
        path: "/requestTemplates/{}",
        ops: &[A, R, D],
        apply: |i, c, ()| c.entry(&mut i.request_templates, c.text(), "Content-Type specified was not found"),
    },
];

fn not_mock(integration: &mut Integration, set: impl FnOnce(&mut Integration)) -> Done {
    if integration.kind != "MOCK" {
        set(integration);
    }
    Ok(())
}

fn set_connection(integration: &mut Integration, change: &Change<'_>) -> Done {
    let invalid = || AwsError::bad_request("Invalid ConnectionType specified. Valid options are INTERNET,VPC_LINK");
    let kind = change.value.filter(|value| CONNECTIONS.contains(value)).ok_or_else(invalid)?;
    integration.connection_type = Some(kind.to_owned());
    Ok(())
}

fn set_passthrough(integration: &mut Integration, change: &Change<'_>) -> Done {
    integration.passthrough_behavior = check_passthrough(change.value.unwrap_or_default())?;
    Ok(())
}

fn set_timeout(integration: &mut Integration, change: &Change<'_>) -> Done {
    let parsed = change.value.and_then(|value| value.parse().ok());
    integration.timeout_in_millis = parsed.ok_or_else(|| AwsError::bad_request(TIMEOUT))?;
    Ok(())
}

fn change_cache_keys(integration: &mut Integration, change: &Change<'_>) {
    integration.cache_key_parameters.retain(|known| known != change.key);
    if change.op != D {
        integration.cache_key_parameters.push(change.key.to_owned());
    }
}

/// Applies UpdateIntegration.
///
/// # Errors
/// As of [`settle`], and the patch family's texts.
pub fn patch(integration: &Integration, operations: &[PatchOperation]) -> Result<Integration, AwsError> {
    settle(patch::apply(integration, operations, TABLE, Family::B, &())?)
}
