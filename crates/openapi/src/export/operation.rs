//! Paths and operations of a document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::{Method, MethodResponse};

use super::security::Schemes;
use super::{ExportOptions, Kind, integration, models};
use crate::read;

/// Every path with methods, sorted. Paths without any are left out, unless the export is to be complete: then those
/// that nothing is below appear too, so that an import makes them again.
pub(super) fn paths(tree: &ApiTree, options: &ExportOptions, schemes: &Schemes) -> Value {
    let by_id: BTreeMap<&str, &str> = tree.resources.iter().map(|r| (r.id.as_str(), r.path.as_str())).collect();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    if options.extensions.apigateway {
        let parents: BTreeSet<&str> = tree.resources.iter().filter_map(|r| r.parent_id.as_deref()).collect();
        let leaves = tree.resources.iter().filter(|r| r.path != "/" && !parents.contains(r.id.as_str()));
        paths.extend(leaves.map(|resource| (resource.path.as_str(), Map::new())));
    }
    let mut methods: Vec<_> = tree.methods.iter().collect();
    methods.sort_by(|a, b| a.method.http_method.cmp(&b.method.http_method));
    for at in methods {
        let Some(path) = by_id.get(at.resource_id.as_str()) else { continue };
        let key = at.method.http_method.parse().map(read::key).unwrap_or_default();
        let operation = operation(tree, &at.method, &at.resource_id, options, schemes);
        paths.entry(path).or_default().insert(key, operation);
    }
    Value::Object(paths.into_iter().map(|(path, item)| (path.to_owned(), Value::Object(item))).collect())
}

fn operation(tree: &ApiTree, method: &Method, resource_id: &str, options: &ExportOptions, schemes: &Schemes) -> Value {
    let mut shown = Map::new();
    let mut put = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
    if let Some(name) = &method.operation_name {
        put("operationId", name.as_str().into());
    }
    if options.kind == Kind::Swagger {
        for (name, types) in [("consumes", consumes(method)), ("produces", produces(method))] {
            if !types.is_empty() {
                put(name, json!(types));
            }
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
    let security = schemes.requirements(tree, method, options);
    if !security.is_empty() {
        put("security", security.into());
    }
    let validator = method.request_validator_id.as_ref().filter(|_| options.extensions.apigateway);
    if let Some(validator) = validator.and_then(|id| tree.validators.iter().find(|one| one.id == *id)) {
        put("x-amazon-apigateway-request-validator", validator.name.as_str().into());
    }
    if let Some(integration) = method.method_integration.as_ref().filter(|_| options.extensions.integrations) {
        put("x-amazon-apigateway-integration", integration::integration(integration, resource_id));
    }
    Value::Object(shown)
}

/// Media types of models, or else of templates.
fn consumes(method: &Method) -> BTreeSet<&String> {
    let models: BTreeSet<&String> = method.request_models.iter().flat_map(BTreeMap::keys).collect();
    let integration = method.method_integration.as_ref();
    let templates = || integration.and_then(|one| one.request_templates.as_ref()).into_iter().flat_map(BTreeMap::keys);
    if models.is_empty() { templates().collect() } else { models }
}

/// As [`consumes`].
fn produces(method: &Method) -> BTreeSet<&String> {
    let models = method.method_responses.values().filter_map(|response| response.response_models.as_ref());
    let models: BTreeSet<&String> = models.flat_map(BTreeMap::keys).collect();
    let rows = method.method_integration.iter().flat_map(|integration| integration.integration_responses.values());
    let templates = rows.filter_map(|row| row.response_templates.as_ref()).flat_map(BTreeMap::keys);
    if models.is_empty() { templates.collect() } else { models }
}

fn contents(models: &BTreeMap<String, String>, kind: Kind) -> Value {
    let entry =
        |(media_type, name): (&String, &String)| (media_type.clone(), json!({ "schema": reference(name, kind) }));
    Value::Object(models.iter().map(entry).collect())
}

fn reference(name: &str, kind: Kind) -> Value {
    json!({ "$ref": format!("{}{name}", kind.dialect().schema_prefix()) })
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
        let model = method.request_models.as_ref().and_then(models::json);
        shown.extend(
            model.map(|name| json!({ "in": "body", "name": name, "required": true, "schema": reference(name, kind) })),
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
            if let Some(name) = models::json(&models) {
                shown["schema"] = reference(name, kind);
            }
        }
    }
    shown
}
