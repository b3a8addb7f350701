//! What the members of an integration mean together (rest-admin-api §2.6, rows of PutIntegration; §3.5).

use std::collections::BTreeMap;

use stagecoach_base::{AwsError, Verb, limits};

use super::{Integration, PASSTHROUGH, TRANSFER};
use crate::v1::integration_response::check_templates;
use crate::v1::method::{check_expression, invalid_expression, is_parameter_name};

/// Streaming responses may take fifteen minutes, ms.
const STREAM_TIMEOUT_MS: u32 = 900_000;

/// AWS's limits on integrations that an operator may raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceilings {
    /// Longest `timeoutInMillis`; a streamed answer may always take fifteen minutes, as on AWS.
    pub integration_timeout_ms: u32,
}

impl Default for Ceilings {
    fn default() -> Self {
        Self { integration_timeout_ms: limits::INTEGRATION_TIMEOUT_MS }
    }
}

pub(super) fn check_passthrough(text: &str) -> Result<String, AwsError> {
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
pub fn settle(mut integration: Integration, ceilings: Ceilings) -> Result<Integration, AwsError> {
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
    check_timeout(&integration, ceilings)?;
    check_templates(integration.request_templates.as_ref())?;
    for key in integration.request_parameters.iter().flatten().map(|(key, _)| key) {
        check_key(key)?;
    }
    Ok(integration)
}

/// Checks a new integration. A call to an AWS service needs a role; a function may be called without one, its own policy
/// says who may.
///
/// # Errors
/// As of [`settle`], and AWS's text for a missing role.
pub fn put(integration: Integration, ceilings: Ceilings) -> Result<Integration, AwsError> {
    let settled = settle(integration, ceilings)?;
    check_expressions(&settled)?;
    let service = settled.uri.as_deref().and_then(service);
    let needs_role = settled.kind == "AWS" && service != Some("lambda");
    match needs_role && settled.credentials.as_deref().is_none_or(str::is_empty) {
        true => Err(AwsError::bad_request("Role ARN must be specified for AWS integrations")),
        false => Ok(settled),
    }
}

/// What the request's parameters are filled with.
pub(super) fn check_expressions(integration: &Integration) -> Result<(), AwsError> {
    let expressions = integration.request_parameters.iter().flat_map(BTreeMap::values);
    expressions.into_iter().try_for_each(|expression| check_expression(expression, "method.request."))
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

/// Reads a mode out of a patch.
pub(super) fn check_transfer_mode(text: &str) -> Result<String, AwsError> {
    match TRANSFER.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(AwsError::bad_request("Invalid ResponseTransferMode. Valid options are BUFFERED,STREAM")),
    }
}

fn check_transfer(integration: &Integration) -> Result<(), AwsError> {
    let stream = integration.is_streamed();
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
    Ok(())
}

/// AWS's text for a time-out out of range [R], with the ceiling that holds here.
fn check_timeout(integration: &Integration, ceilings: Ceilings) -> Result<(), AwsError> {
    let (shortest, ceiling) = (limits::INTEGRATION_TIMEOUT_MIN_MS, ceilings.integration_timeout_ms);
    let longest = if integration.is_streamed() { ceiling.max(STREAM_TIMEOUT_MS) } else { ceiling };
    match (shortest..=longest).contains(&integration.timeout_in_millis) {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!("Timeout should be between {shortest} ms and {longest} ms"))),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::v1::integration::parse;

    fn made(body: &Value) -> Result<Integration, AwsError> {
        put(parse("r", body)?, Ceilings::default())
    }

    /// Recording test_put_integration_validation: a mock keeps neither verb nor URI; only HTTP shows a connection type.
    #[test]
    fn a_type_keeps_what_it_has_a_use_for() {
        let mock =
            made(&json!({ "type": "MOCK", "httpMethod": "GET", "uri": "x", "connectionType": "INTERNET" })).unwrap();
        let http = made(&json!({ "type": "HTTP", "httpMethod": "GET", "uri": "http://a.test" })).unwrap();

        assert_eq!((mock.uri, mock.http_method, mock.connection_type), (None, None, None));
        assert_eq!((http.connection_type.as_deref(), http.cache_namespace.as_str()), (Some("INTERNET"), "r"));
    }

    #[test]
    fn a_service_needs_a_role_and_a_function_does_not() {
        let body = |service: &str, role: Option<&str>| {
            let uri = format!("arn:aws:apigateway:eu-west-1:{service}:path/x");
            json!({ "type": "AWS", "httpMethod": "POST", "uri": uri, "credentials": role })
        };

        let refused = made(&body("sqs", None)).unwrap_err();

        assert_eq!(refused.message(), "Role ARN must be specified for AWS integrations");
        assert!(made(&body("sqs", Some("arn:aws:iam::1:role/x"))).is_ok() && made(&body("lambda", None)).is_ok());
    }

    /// rest-admin-api §3.5: streaming is for proxies, and may take fifteen minutes.
    #[test]
    fn streams_are_for_proxies_and_may_take_longer() {
        let body = |kind: &str, mode: &str, timeout: u32| json!({ "type": kind, "httpMethod": "GET", "uri": "http://a.test", "responseTransferMode": mode, "timeoutInMillis": timeout });

        assert!(made(&body("HTTP_PROXY", "STREAM", 900_000)).is_ok());
        for (kind, mode, timeout) in
            [("HTTP", "STREAM", 100), ("HTTP_PROXY", "STREAM", 900_001), ("HTTP_PROXY", "BUFFERED", 29_001)]
        {
            assert!(made(&body(kind, mode, timeout)).is_err(), "{kind} {mode} {timeout}");
        }
    }

    /// The operator's ceiling takes the place of AWS's, in the text too.
    #[test]
    fn a_timeout_may_be_as_long_as_the_operator_allows() {
        let body = |mode: &str, timeout: u32| json!({ "type": "HTTP_PROXY", "httpMethod": "GET", "uri": "http://a.test", "responseTransferMode": mode, "timeoutInMillis": timeout });
        let refused = |mode: &str, timeout: u32, ceiling: u32| {
            let ceilings = Ceilings { integration_timeout_ms: ceiling };
            put(parse("r", &body(mode, timeout)).unwrap(), ceilings).err().map(|error| error.message().to_owned())
        };
        let between = |longest: u32| Some(format!("Timeout should be between 50 ms and {longest} ms"));

        assert_eq!(refused("BUFFERED", 29_001, 29_000), between(29_000));
        assert_eq!(refused("BUFFERED", 300_000, 300_000), None);
        assert_eq!(refused("BUFFERED", 300_001, 300_000), between(300_000));
        assert_eq!(refused("BUFFERED", 49, 300_000), between(300_000));
        assert_eq!(refused("STREAM", 900_001, 29_000), between(900_000));
        assert_eq!(refused("STREAM", 1_000_000, 1_000_000), None);
    }

    #[test]
    fn parameters_are_filled_with_literals_and_expressions() {
        let body =
            |value: &str| json!({ "type": "MOCK", "requestParameters": { "integration.request.header.x": value } });

        for good in ["'x'", "''", "method.request.path.id", "context.requestId", "stageVariables.a"] {
            assert!(made(&body(good)).is_ok(), "{good}");
        }
        for bad in ["", "'", "x", "\"*\"", "integration.response.header.x"] {
            assert!(made(&body(bad)).is_err(), "{bad}");
        }
    }
}
