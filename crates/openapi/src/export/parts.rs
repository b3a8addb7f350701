//! Everything of a document but its paths.

use serde_json::{Map, Value, json};
use stagecoach_resources::{ApiTree, policy};

use super::security::Schemes;
use super::{ExportOptions, Kind, models};

const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";

/// Where the stage is.
pub(super) fn address(tree: &ApiTree, options: &ExportOptions, root: &mut Map<String, Value>) {
    let host = format!("{}.execute-api.{}.amazonaws.com", tree.api.id, options.scope.region);
    let mut endpoint = Map::new();
    if tree.api.disable_execute_api_endpoint {
        endpoint.insert("disableExecuteApiEndpoint".into(), true.into());
    }
    if !tree.api.endpoint_configuration.vpc_endpoint_ids.is_empty() {
        endpoint.insert("vpcEndpointIds".into(), json!(tree.api.endpoint_configuration.vpc_endpoint_ids));
    }
    let endpoint = Some(endpoint).filter(|endpoint| options.extensions.apigateway && !endpoint.is_empty());
    match options.kind {
        Kind::Swagger => {
            root.insert("host".into(), host.into());
            root.insert("basePath".into(), format!("/{}", options.stage).into());
            root.insert("schemes".into(), json!(["https"]));
            root.extend(endpoint.map(|endpoint| (ENDPOINT.to_owned(), endpoint.into())));
        }
        Kind::Oas30 => {
            let mut server = json!({
                "url": format!("https://{host}/{{basePath}}"),
                "variables": { "basePath": { "default": options.stage } },
            });
            if let Some(endpoint) = endpoint {
                server[ENDPOINT] = endpoint.into();
            }
            root.insert("servers".into(), json!([server]));
        }
    }
}

/// Models and security schemes. Swagger leaves them out when there are none; OAS3 writes `components: {}`.
pub(super) fn components(tree: &ApiTree, options: &ExportOptions, schemes: Schemes, root: &mut Map<String, Value>) {
    let (models, schemes) = (models::schemas(tree, options), schemes.into_map());
    let keys = match options.kind {
        Kind::Swagger => ["definitions", "securityDefinitions"],
        Kind::Oas30 => ["schemas", "securitySchemes"],
    };
    let present = keys.into_iter().zip([models, schemes]).filter(|(_, part)| !part.is_empty());
    let parts: Map<String, Value> = present.map(|(key, part)| (key.to_owned(), part.into())).collect();
    match options.kind {
        Kind::Swagger => root.extend(parts),
        Kind::Oas30 => drop(root.insert("components".into(), parts.into())),
    }
}

/// API-wide extensions.
pub(super) fn api_extensions(tree: &ApiTree, options: &ExportOptions, root: &mut Map<String, Value>) {
    let mut put = |name: &str, value: Value| drop(root.insert(format!("x-amazon-apigateway-{name}"), value));
    if options.extensions.integrations && !tree.api.binary_media_types.is_empty() {
        put("binary-media-types", json!(tree.api.binary_media_types));
    }
    if !options.extensions.apigateway {
        return;
    }
    if tree.api.api_key_source != "HEADER" {
        put("api-key-source", tree.api.api_key_source.as_str().into());
    }
    if let Some(size) = tree.api.minimum_compression_size {
        put("minimum-compression-size", size.into());
    }
    if let Some(policy) = &tree.api.security_policy {
        put("security-policy", policy.as_str().into());
    }
    if let Some(mode) = &tree.api.endpoint_access_mode {
        put("endpoint-access-mode", mode.as_str().into());
    }
    // Own resources are written `execute-api:/…`, so that the file fits the API it is imported into.
    let policy = tree.api.policy.as_deref().map(|text| policy::relative(text, &tree.api.id));
    if let Some(policy) = policy.and_then(|text| serde_json::from_str(&text).ok()) {
        put("policy", policy);
    }
    if !tree.validators.is_empty() {
        let entries = tree.validators.iter().map(|validator| {
            let flags = json!({
                "validateRequestParameters": validator.validate_request_parameters,
                "validateRequestBody": validator.validate_request_body,
            });
            (validator.name.clone(), flags)
        });
        put("request-validators", Value::Object(entries.collect()));
    }
    if !tree.gateway_responses.is_empty() {
        let entries = tree.gateway_responses.iter().map(|response| {
            let mut shown = json!({});
            if let Some(status) = &response.status_code {
                shown["statusCode"] = status.as_str().into();
            }
            if !response.response_parameters.is_empty() {
                shown["responseParameters"] = json!(response.response_parameters);
            }
            if !response.response_templates.is_empty() {
                shown["responseTemplates"] = json!(response.response_templates);
            }
            (response.response_type.clone(), shown)
        });
        put("gateway-responses", Value::Object(entries.collect()));
    }
}
