//! `x-amazon-apigateway-integration` (rest-admin-api §5.3, §5.4).

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::{AwsError, limits};
use stagecoach_resources::v1::integration::{self, Ceilings};
use stagecoach_resources::v1::{Integration, IntegrationResponse, Method, TlsConfig};

use super::Report;
use crate::document::{scalar, text};

/// The integration of an operation; problems go to the report.
pub(super) fn read(
    operation: &Value,
    path: &str,
    method: &Method,
    ceilings: Ceilings,
    report: &mut Report,
) -> Option<Integration> {
    let extension = operation.get("x-amazon-apigateway-integration").filter(|extension| extension.is_object())?;
    let kind = text(extension, "type").unwrap_or_default().to_ascii_uppercase();
    let mut made = Integration::new(&kind, "");
    let upper = |name: &str| text(extension, name).map(|text| text.to_ascii_uppercase());
    made.http_method = upper("httpMethod");
    made.uri = text(extension, "uri");
    made.credentials = text(extension, "credentials");
    made.connection_type = upper("connectionType");
    made.connection_id = text(extension, "connectionId");
    made.integration_target = text(extension, "integrationTarget");
    made.content_handling = upper("contentHandling");
    made.response_transfer_mode = upper("responseTransferMode");
    made.cache_namespace = text(extension, "cacheNamespace").unwrap_or_default();
    made.passthrough_behavior = upper("passthroughBehavior").unwrap_or(made.passthrough_behavior);
    made.request_templates = templates(extension.get("requestTemplates"));
    made.request_parameters = parameters(extension, path, method, report);
    let keys = extension.get("cacheKeyParameters").and_then(Value::as_array).into_iter().flatten();
    made.cache_key_parameters = keys.filter_map(scalar).collect();
    // What is no number of milliseconds is refused with those out of range, by `settle`.
    let timeout = text(extension, "timeoutInMillis").map(|ms| ms.parse().unwrap_or_default());
    made.timeout_in_millis = timeout.unwrap_or(limits::INTEGRATION_TIMEOUT_MS);
    let skip = extension.pointer("/tlsConfig/insecureSkipVerification").and_then(Value::as_bool);
    made.tls_config = skip.map(|insecure_skip_verification| TlsConfig { insecure_skip_verification });
    made.integration_responses = responses(extension, path, method, report);
    let checked = known_type(&kind).and_then(|()| integration::settle(made, ceilings));
    checked.map_err(|error| complain("integration", path, method, &error, report)).ok()
}

fn known_type(kind: &str) -> Result<(), AwsError> {
    match kind {
        "HTTP" | "HTTP_PROXY" | "AWS" | "AWS_PROXY" | "MOCK" => Ok(()),
        other => Err(AwsError::bad_request(format!("Invalid integration type specified: {other}"))),
    }
}

fn complain(what: &str, path: &str, method: &Method, error: &AwsError, report: &mut Report) {
    let verb = &method.http_method;
    report.errors.push(format!("Unable to put {what} on '{verb}' for resource at path '{path}': {}", error.message()));
}

/// A value that is no string is dropped with a warning [V i].
fn parameters(extension: &Value, path: &str, method: &Method, report: &mut Report) -> Option<BTreeMap<String, String>> {
    let given = extension.get("requestParameters")?.as_object()?;
    let mut kept = BTreeMap::new();
    for (key, value) in given {
        match value.as_str() {
            Some(text) => drop(kept.insert(key.clone(), text.to_owned())),
            None => report.warnings.push(format!(
                "Invalid format for 'requestParameters'. Expected type string for property '{key}' of resource '{path}' \
                 and method '{}' but got '{value}'",
                method.http_method
            )),
        }
    }
    Some(kept).filter(|kept| !kept.is_empty())
}

fn templates(value: Option<&Value>) -> Option<BTreeMap<String, Option<String>>> {
    let entries = value?.as_object().filter(|entries| !entries.is_empty())?.iter();
    let template = |value: &Value| match value {
        Value::Object(_) | Value::Array(_) => Some(value.to_string()),
        value => scalar(value).filter(|text| !text.is_empty()),
    };
    Some(entries.map(|(media_type, value)| (media_type.clone(), template(value))).collect())
}

/// `default` (as is an empty key) has no selection pattern; every other key is one [V i]. Rows are kept by status code.
fn responses(
    extension: &Value,
    path: &str,
    method: &Method,
    report: &mut Report,
) -> BTreeMap<String, IntegrationResponse> {
    let mut rows = BTreeMap::new();
    let given = extension.get("responses").and_then(Value::as_object);
    let has_default = given.is_some_and(|given| given.contains_key("default"));
    for (pattern, value) in given.into_iter().flatten().filter(|(pattern, _)| !(has_default && pattern.is_empty())) {
        let status = text(value, "statusCode").unwrap_or_else(|| "200".into());
        let entries = value.get("responseParameters").and_then(Value::as_object);
        let parameters: Option<BTreeMap<_, _>> = entries
            .map(|entries| entries.iter().filter_map(|(k, v)| Some((k.clone(), scalar(v)?))).collect())
            .filter(|map: &BTreeMap<_, _>| !map.is_empty());
        if parameters.is_some() && !method.method_responses.contains_key(&status) {
            let text = "Invalid mapping expression specified: Validation Result: warnings : [], errors : [No method \
                        response exists for method.]";
            complain("integration response", path, method, &AwsError::bad_request(text), report);
        }
        let row = IntegrationResponse {
            status_code: status.clone(),
            selection_pattern: Some(pattern.clone()).filter(|pattern| pattern != "default" && !pattern.is_empty()),
            response_parameters: parameters,
            response_templates: templates(value.get("responseTemplates")),
            content_handling: text(value, "contentHandling").map(|text| text.to_ascii_uppercase()),
        };
        rows.insert(status, row);
    }
    rows
}
