//! Path items and operations to methods.

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::Verb;
use stagecoach_resources::v1::{Method, MethodResponse};

use super::parts::validator_id;
use super::security::Schemes;
use super::{Report, integration};
use crate::definition::Definition;
use crate::document::{Document, model_name, text};

const ANY: &str = "x-amazon-apigateway-any-method";

/// The methods of one path item.
pub(super) fn methods(
    document: &Document,
    path: &str,
    item: &Value,
    security: &Schemes,
    definition: &Definition,
    report: &mut Report,
) -> Vec<Method> {
    let item = document.resolve(item);
    let mut methods = Vec::new();
    for verb in Verb::ALL {
        let key = if verb == Verb::Any { ANY.to_owned() } else { verb.as_str().to_ascii_lowercase() };
        let Some(operation) = item.get(&key).filter(|operation| operation.is_object()) else { continue };
        let mut method = Method::new(verb);
        method.operation_name = text(operation, "operationId");
        security.apply(operation, &mut method);
        validator(document, operation, definition, &mut method, path, report);
        parameters(document, path, item, operation, &mut method);
        bodies(document, operation, &mut method);
        responses(document, operation, &mut method);
        method.method_integration = integration::read(operation, path, &method, report);
        methods.push(method);
    }
    methods
}

/// The operation's validator, or the file's default one.
fn validator(
    document: &Document,
    operation: &Value,
    definition: &Definition,
    method: &mut Method,
    path: &str,
    report: &mut Report,
) {
    const NAME: &str = "x-amazon-apigateway-request-validator";
    let Some(name) = text(operation, NAME).or_else(|| text(&document.root, NAME)) else { return };
    match definition.validators.iter().any(|validator| validator.name == name) {
        true => method.request_validator_id = Some(validator_id(&name)),
        false => report.errors.push(format!(
            "Unable to put method '{}' on resource at path '{path}': Invalid Request Validator identifier specified: {name}",
            method.http_method
        )),
    }
}

/// Operation parameters win over those of the path item; path variables that nobody declared are added [V i].
fn parameters(document: &Document, path: &str, item: &Value, operation: &Value, method: &mut Method) {
    let mut found = BTreeMap::new();
    for holder in [item, operation] {
        let list = holder.get("parameters").and_then(Value::as_array).into_iter().flatten();
        for parameter in list.map(|parameter| document.resolve(parameter)) {
            let (place, name) = (text(parameter, "in"), text(parameter, "name").unwrap_or_default());
            let location = match place.as_deref() {
                Some("query") => "querystring",
                Some(place @ ("header" | "path")) => place,
                Some("body") => {
                    let model = parameter.get("schema").and_then(model_name);
                    method.add_request_model("application/json", model);
                    continue;
                }
                _ => continue,
            };
            let required = parameter.get("required").and_then(Value::as_bool).unwrap_or_default();
            found.insert(format!("method.request.{location}.{name}"), required);
        }
    }
    let variables = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    for name in variables.filter(|name| !name.ends_with('+')) {
        found.entry(format!("method.request.path.{name}")).or_insert(true);
    }
    method.request_parameters = Some(found).filter(|found| !found.is_empty());
}

/// OAS3 request bodies; every content type that refers to a schema.
fn bodies(document: &Document, operation: &Value, method: &mut Method) {
    let Some(body) = operation.get("requestBody") else { return };
    let content = document.resolve(body).get("content").and_then(Value::as_object);
    for (media_type, content) in content.into_iter().flatten() {
        method.add_request_model(media_type, content.get("schema").and_then(model_name));
    }
}

fn responses(document: &Document, operation: &Value, method: &mut Method) {
    let given = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    for (status, response) in given {
        if !matches!(status.as_bytes(), [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9']) {
            continue;
        }
        let response = document.resolve(response);
        let headers = response.get("headers").and_then(Value::as_object).into_iter().flatten();
        let parameters: BTreeMap<_, _> =
            headers.map(|(name, _)| (format!("method.response.header.{name}"), false)).collect();
        let made = MethodResponse {
            status_code: status.clone(),
            response_parameters: Some(parameters).filter(|map| !map.is_empty()),
            response_models: Some(response_models(response)).filter(|map| !map.is_empty()),
        };
        method.method_responses.insert(status.clone(), made);
    }
}

fn response_models(response: &Value) -> BTreeMap<String, String> {
    let mut models = BTreeMap::new();
    if let Some(name) = response.get("schema").and_then(model_name) {
        models.insert("application/json".to_owned(), name.to_owned());
    }
    for (media_type, content) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
        if let Some(name) = content.get("schema").and_then(model_name) {
            models.insert(media_type.clone(), name.to_owned());
        }
    }
    models
}
