//! What a file says beside its operations: API options, models, validators, gateway responses.

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::id;
use stagecoach_resources::v1::{GatewayResponse, RequestValidator};

use super::Report;
use crate::definition::Definition;
use crate::document::{Document, scalar, text};

/// Ceiling of `minimumCompressionSize`, bytes.
const COMPRESSION_MAX: u64 = 10_485_760;

pub(super) fn read(document: &Document, report: &mut Report) -> Definition {
    let root = &document.root;
    let info = root.get("info").unwrap_or(&Value::Null);
    let endpoint = endpoint_configuration(document);
    let texts =
        |value: Option<&Value>| -> Option<Vec<String>> { Some(value?.as_array()?.iter().filter_map(scalar).collect()) };
    Definition {
        title: text(info, "title").unwrap_or_default(),
        description: text(info, "description").filter(|text| !text.is_empty()),
        version: text(info, "version"),
        binary_media_types: texts(root.get("x-amazon-apigateway-binary-media-types")),
        minimum_compression_size: compression(root, report),
        api_key_source: text(root, "x-amazon-apigateway-api-key-source").map(|source| source.to_ascii_uppercase()),
        policy: root.get("x-amazon-apigateway-policy").filter(|policy| policy.is_object()).map(Value::to_string),
        disable_execute_api_endpoint: endpoint.get("disableExecuteApiEndpoint").and_then(Value::as_bool),
        vpc_endpoint_ids: texts(endpoint.get("vpcEndpointIds")).unwrap_or_default(),
        security_policy: text(root, "x-amazon-apigateway-security-policy"),
        endpoint_access_mode: text(root, "x-amazon-apigateway-endpoint-access-mode"),
        validators: validators(root),
        gateway_responses: gateway_responses(root),
        ..Definition::default()
    }
}

fn compression(root: &Value, report: &mut Report) -> Option<u32> {
    let given = root.get("x-amazon-apigateway-minimum-compression-size")?;
    let size = given.as_u64().filter(|size| *size <= COMPRESSION_MAX).and_then(|size| u32::try_from(size).ok());
    if size.is_none() && !given.is_null() {
        report.errors.push("Invalid minimum compression size, must be between 0 and 10485760".to_owned());
    }
    size
}

/// At the root of OAS2, in a server of OAS3.
fn endpoint_configuration(document: &Document) -> &Value {
    const NAME: &str = "x-amazon-apigateway-endpoint-configuration";
    let servers = document.root.get("servers").and_then(Value::as_array).into_iter().flatten();
    let of_server = servers.filter_map(|server| server.get(NAME)).next();
    document.root.get(NAME).or(of_server).unwrap_or(&Value::Null)
}

fn validators(root: &Value) -> Vec<RequestValidator> {
    let given = root.get("x-amazon-apigateway-request-validators").and_then(Value::as_object);
    let flag = |value: &Value, name: &str| value.get(name).and_then(Value::as_bool).unwrap_or_default();
    let validator = |(name, value): (&String, &Value)| RequestValidator {
        id: validator_id(name),
        name: name.clone(),
        validate_request_body: flag(value, "validateRequestBody"),
        validate_request_parameters: flag(value, "validateRequestParameters"),
    };
    given.into_iter().flatten().map(validator).collect()
}

pub(super) fn validator_id(name: &str) -> String {
    id::derived(&["requestvalidator", name], 0, id::CHILD_ID_LEN)
}

fn gateway_responses(root: &Value) -> Vec<GatewayResponse> {
    let given = root.get("x-amazon-apigateway-gateway-responses").and_then(Value::as_object);
    let response = |(kind, value): (&String, &Value)| GatewayResponse {
        response_type: kind.clone(),
        status_code: text(value, "statusCode"),
        response_parameters: texts(value.get("responseParameters")),
        response_templates: texts(value.get("responseTemplates")),
        default_response: false,
    };
    given.into_iter().flatten().map(response).collect()
}

/// Entries whose value is text.
fn texts(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), scalar(value)?))).collect()
}
