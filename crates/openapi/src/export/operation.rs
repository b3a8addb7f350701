//! Paths and operations of a document.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stagecoach_base::limits;
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::{Integration, IntegrationResponse, Method, MethodResponse};

use super::parts::{API_KEY, SIGV4, model_prefix};
use super::{ExportOptions, Kind};

/// Every path with methods, sorted; paths without any are left out, imports make them again when something is below.
pub(super) fn paths(tree: &ApiTree, options: &ExportOptions) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut methods: Vec<_> = tree.methods.iter().collect();
    methods.sort_by(|a, b| a.method.http_method.cmp(&b.method.http_method));
    for at in methods {
        let Some(resource) = tree.resource(&at.resource_id) else { continue };
        let key = match at.method.http_method.as_str() {
            "ANY" => "x-amazon-apigateway-any-method".to_owned(),
            verb => verb.to_ascii_lowercase(),
        };
        paths.entry(&resource.path).or_default().insert(key, operation(tree, &at.method, &at.resource_id, options));
    }
    Value::Object(paths.into_iter().map(|(path, item)| (path.to_owned(), Value::Object(item))).collect())
}

fn operation(tree: &ApiTree, method: &Method, resource_id: &str, options: &ExportOptions) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    if let Some(name) = &method.operation_name {
        put("operationId", name.as_str().into());
    }
    let (consumes, produces) = media_types(method);
    if options.kind == Kind::Swagger {
        if !consumes.is_empty() {
            put("consumes", json!(consumes));
        }
        if !produces.is_empty() {
            put("produces", json!(produces));
        }
    }
    let parameters = parameters(method, options.kind);
    if !parameters.is_empty() {
        put("parameters", parameters.into());
    }
    if let Some(models) = method.request_models.as_ref().filter(|_| options.kind == Kind::Oas30) {
        put("requestBody", json!({ "content": contents(models, options.kind), "required": true }));
    }
    put("responses", responses(method, options.kind));
    let security = security(tree, method, options);
    if !security.is_empty() {
        put("security", security.into());
    }
    let validator = method.request_validator_id.as_ref().filter(|_| options.extensions.apigateway);
    if let Some(validator) = validator.and_then(|id| tree.validators.iter().find(|one| one.id == *id)) {
        put("x-amazon-apigateway-request-validator", validator.name.as_str().into());
    }
    if let Some(integration) = method.method_integration.as_ref().filter(|_| options.extensions.integrations) {
        put("x-amazon-apigateway-integration", self::integration(integration, resource_id));
    }
    Value::Object(shown)
}

fn media_types(method: &Method) -> (Vec<&String>, Vec<&String>) {
    let consumes = method.request_models.iter().flat_map(BTreeMap::keys).collect();
    let models = method.method_responses.values().filter_map(|response| response.response_models.as_ref());
    let mut produces: Vec<&String> = models.flat_map(BTreeMap::keys).collect();
    produces.sort();
    produces.dedup();
    (consumes, produces)
}

fn contents(models: &BTreeMap<String, String>, kind: Kind) -> Value {
    let entry =
        |(media_type, name): (&String, &String)| (media_type.clone(), json!({ "schema": reference(name, kind) }));
    Value::Object(models.iter().map(entry).collect())
}

fn reference(name: &str, kind: Kind) -> Value {
    json!({ "$ref": format!("{}{name}", model_prefix(kind)) })
}

fn parameters(method: &Method, kind: Kind) -> Vec<Value> {
    let mut shown = Vec::new();
    for (key, required) in method.request_parameters.iter().flatten() {
        let parts = key.strip_prefix("method.request.").and_then(|rest| rest.split_once('.'));
        let Some((location, name)) = parts else { continue };
        let place = match location {
            "querystring" | "multivaluequerystring" => "query",
            "header" | "multivalueheader" => "header",
            _ => "path",
        };
        let mut parameter = json!({ "name": name, "in": place });
        match kind {
            Kind::Swagger => {
                parameter["required"] = (*required).into();
                parameter["type"] = "string".into();
            }
            Kind::Oas30 => {
                if *required {
                    parameter["required"] = true.into();
                }
                parameter["schema"] = json!({ "type": "string" });
            }
        }
        shown.push(parameter);
    }
    if kind == Kind::Swagger {
        let models = method.request_models.iter().flat_map(BTreeMap::values).take(1);
        shown.extend(
            models.map(|name| json!({ "in": "body", "name": name, "required": true, "schema": reference(name, kind) })),
        );
    }
    shown
}

fn responses(method: &Method, kind: Kind) -> Value {
    let entry = |response: &MethodResponse| (response.status_code.clone(), self::response(response, kind));
    Value::Object(method.method_responses.values().map(entry).collect())
}

fn response(response: &MethodResponse, kind: Kind) -> Value {
    let mut shown = json!({ "description": format!("{} response", response.status_code) });
    let names = response.response_parameters.iter().flat_map(BTreeMap::keys);
    let names = names.filter_map(|key| key.strip_prefix("method.response.header."));
    let schema = json!({ "type": "string" });
    let header = |name: &str| match kind {
        Kind::Swagger => (name.to_owned(), schema.clone()),
        Kind::Oas30 => (name.to_owned(), json!({ "schema": schema })),
    };
    let headers: Map<String, Value> = names.map(header).collect();
    if !headers.is_empty() {
        shown["headers"] = headers.into();
    }
    let models = response.response_models.clone().unwrap_or_default();
    match kind {
        Kind::Oas30 => shown["content"] = contents(&models, kind),
        Kind::Swagger => {
            if let Some(name) = models.values().next() {
                shown["schema"] = reference(name, kind);
            }
        }
    }
    shown
}

fn security(tree: &ApiTree, method: &Method, options: &ExportOptions) -> Vec<Value> {
    let mut requirements = Vec::new();
    let named = method.authorizer_id.as_ref().filter(|_| options.extensions.authorizers);
    if let Some(authorizer) = named.and_then(|id| tree.authorizers.iter().find(|one| one.id == *id)) {
        requirements.push(json!({ &authorizer.name: method.authorization_scopes }));
    }
    if method.authorization_type == "AWS_IAM" {
        requirements.push(json!({ SIGV4: [] }));
    }
    if method.api_key_required {
        requirements.push(json!({ API_KEY: [] }));
    }
    requirements
}

/// Type and passthrough in lower case, defaults left out [V x].
fn integration(integration: &Integration, resource_id: &str) -> Value {
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
