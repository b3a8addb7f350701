//! `x-amazon-apigateway-integration` of an export.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stagecoach_base::limits;
use stagecoach_resources::v1::{Integration, IntegrationResponse};

/// Type and passthrough in lower case, defaults left out [V x].
pub(super) fn integration(integration: &Integration, resource_id: &str) -> Value {
    let mut shown = json!({ "type": integration.kind.to_ascii_lowercase() });
    let texts = [
        ("httpMethod", &integration.http_method),
        ("uri", &integration.uri),
        ("credentials", &integration.credentials),
        ("connectionId", &integration.connection_id),
        ("contentHandling", &integration.content_handling),
        ("integrationTarget", &integration.integration_target),
        ("responseTransferMode", &integration.response_transfer_mode),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            shown[name] = text.as_str().into();
        }
    }
    if let Some(kind) = integration.connection_type.as_deref().filter(|kind| *kind != "INTERNET") {
        shown["connectionType"] = kind.into();
    }
    if !integration.integration_responses.is_empty() {
        let rows = integration.integration_responses.values().map(integration_response);
        shown["responses"] = Value::Object(rows.collect());
    }
    if let Some(parameters) = integration.request_parameters.as_ref().filter(|map| !map.is_empty()) {
        shown["requestParameters"] = json!(parameters);
    }
    if let Some(templates) = integration.request_templates.as_ref().filter(|map| !map.is_empty()) {
        shown["requestTemplates"] = self::templates(templates);
    }
    shown["passthroughBehavior"] = integration.passthrough_behavior.to_ascii_lowercase().into();
    if integration.timeout_in_millis != limits::INTEGRATION_TIMEOUT_MS {
        shown["timeoutInMillis"] = integration.timeout_in_millis.into();
    }
    if !integration.cache_key_parameters.is_empty() {
        shown["cacheKeyParameters"] = json!(integration.cache_key_parameters);
    }
    if integration.cache_namespace != resource_id && !integration.cache_namespace.is_empty() {
        shown["cacheNamespace"] = integration.cache_namespace.as_str().into();
    }
    if let Some(tls) = &integration.tls_config {
        shown["tlsConfig"] = json!({ "insecureSkipVerification": tls.insecure_skip_verification });
    }
    shown
}

fn integration_response(response: &IntegrationResponse) -> (String, Value) {
    let mut shown = json!({ "statusCode": response.status_code });
    if let Some(parameters) = response.response_parameters.as_ref().filter(|map| !map.is_empty()) {
        shown["responseParameters"] = json!(parameters);
    }
    if let Some(templates) = response.response_templates.as_ref().filter(|map| !map.is_empty()) {
        shown["responseTemplates"] = self::templates(templates);
    }
    if let Some(handling) = &response.content_handling {
        shown["contentHandling"] = handling.as_str().into();
    }
    let pattern = response.selection_pattern.clone().filter(|pattern| !pattern.is_empty());
    (pattern.unwrap_or_else(|| "default".into()), shown)
}

/// An empty template is written as empty text.
fn templates(templates: &BTreeMap<String, Option<String>>) -> Value {
    json!(templates.iter().map(|(key, text)| (key, text.as_deref().unwrap_or_default())).collect::<BTreeMap<_, _>>())
}
