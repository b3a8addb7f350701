//! Path items and operations to methods.

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::{AwsError, Verb};
use stagecoach_resources::v1::{Method, MethodResponse, method};

use super::parts::validator_id;
use super::schemas::Place;
use super::{Reader, integration};
use crate::document::{Dialect, scalar, text};

pub(super) const ANY: &str = "x-amazon-apigateway-any-method";
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";
const JSON: &str = "application/json";

/// The member of a path item that holds the operation of a verb.
pub(crate) fn key(verb: Verb) -> String {
    if verb == Verb::Any { ANY.to_owned() } else { verb.as_str().to_ascii_lowercase() }
}

/// The methods of one path item.
pub(super) fn methods(reader: &mut Reader<'_>, path: &str, item: &Value) -> Vec<Method> {
    let item = reader.document.resolve(item);
    let operations = Verb::ALL.iter().filter_map(|verb| Some((*verb, item.get(key(*verb))?)));
    let operations = operations.filter(|(_, operation)| operation.is_object());
    operations.map(|(verb, operation)| method(reader, path, item, verb, operation)).collect()
}

fn method(reader: &mut Reader<'_>, path: &str, item: &Value, verb: Verb, operation: &Value) -> Method {
    let mut method = Method::new(verb);
    method.operation_name = text(operation, "operationId");
    reader.schemes.apply(operation, &mut method);
    validator(reader, operation, &mut method, path);
    parameters(reader, path, item, operation, &mut method);
    bodies(reader, operation, &mut method);
    responses(reader, operation, &mut method);
    if let Err(error) = method::check_parameters(method.request_parameters.as_ref()) {
        complain(reader, &method, path, &error);
    }
    method.method_integration = integration::read(operation, path, &method, reader.ceilings, &mut reader.report);
    method
}

fn complain(reader: &mut Reader<'_>, method: &Method, path: &str, error: &AwsError) {
    let (verb, message) = (&method.http_method, error.message());
    reader.report.errors.push(format!("Unable to put method '{verb}' on resource at path '{path}': {message}"));
}

/// The operation's validator, or the file's default one.
fn validator(reader: &mut Reader<'_>, operation: &Value, method: &mut Method, path: &str) {
    let Some(name) = text(operation, VALIDATOR).or_else(|| text(&reader.document.root, VALIDATOR)) else { return };
    if reader.validators.contains(&name) {
        method.request_validator_id = Some(validator_id(&name));
        return;
    }
    let message = format!("Invalid Request Validator identifier specified: {name}");
    complain(reader, method, path, &AwsError::bad_request(message));
}

/// Operation parameters win over those of the path item; path variables that nobody declared are added [V i].
fn parameters(reader: &mut Reader<'_>, path: &str, item: &Value, operation: &Value, method: &mut Method) {
    let mut found = BTreeMap::new();
    let mut body = None;
    for holder in [item, operation] {
        let list = holder.get("parameters").and_then(Value::as_array).into_iter().flatten();
        for parameter in list.map(|parameter| reader.document.resolve(parameter)) {
            let (place, name) = (text(parameter, "in"), text(parameter, "name").unwrap_or_default());
            let location = match place.as_deref() {
                Some("query") => "querystring",
                Some(place @ ("header" | "path")) => place,
                Some("body") => {
                    body = Some(parameter);
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
    if let Some(body) = body {
        let model = reader.schemas.model(body.get("schema"), Place::Request, &mut reader.report);
        method.add_request_model(&media_type(reader, operation, "consumes"), model.as_deref());
    }
}

/// Swagger 2 keeps one media type per body: JSON when the operation (or else the file) lists it, or the first one, as
/// AWS's own importer chooses [R amazon-archives/aws-apigateway-importer].
fn media_type(reader: &Reader<'_>, operation: &Value, list: &str) -> String {
    let of = |holder: &Value| -> Vec<String> {
        let listed = holder.get(list).and_then(Value::as_array).into_iter().flatten();
        listed.filter_map(scalar).filter(|text| text.contains('/')).collect()
    };
    let own = of(operation);
    let listed = if own.is_empty() { of(&reader.document.root) } else { own };
    let json = listed.iter().any(|media_type| media_type.eq_ignore_ascii_case(JSON));
    listed.into_iter().next().filter(|_| !json).unwrap_or_else(|| JSON.to_owned())
}

/// OAS3 request bodies; every media type with a schema.
fn bodies(reader: &mut Reader<'_>, operation: &Value, method: &mut Method) {
    let Some(body) = operation.get("requestBody").filter(|_| reader.document.dialect == Dialect::OpenApi3) else {
        return;
    };
    let content = reader.document.resolve(body).get("content").and_then(Value::as_object);
    for (media_type, content) in content.into_iter().flatten() {
        let model = reader.schemas.model(content.get("schema"), Place::Request, &mut reader.report);
        method.add_request_model(media_type, model.as_deref());
    }
}

fn responses(reader: &mut Reader<'_>, operation: &Value, method: &mut Method) {
    let given = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
    for (status, response) in given {
        if !is_status(status) {
            continue;
        }
        // A reference to the `responses` at the root of Swagger 2 leaves the status only
        // [D DG:api-gateway-known-issues; R aws-apigateway-importer#117]; OpenAPI 3's are resolved [R aws/aws-sdk#468].
        let response = match reader.document.dialect {
            Dialect::Swagger2 => response,
            Dialect::OpenApi3 => reader.document.resolve(response),
        };
        let headers = response.get("headers").and_then(Value::as_object).into_iter().flatten();
        let parameters: BTreeMap<_, _> =
            headers.map(|(name, _)| (format!("method.response.header.{name}"), false)).collect();
        let made = MethodResponse {
            status_code: status.clone(),
            response_parameters: Some(parameters).filter(|map| !map.is_empty()),
            response_models: Some(response_models(reader, operation, response)).filter(|map| !map.is_empty()),
        };
        method.method_responses.insert(status.clone(), made);
    }
}

/// Three digits, 100 to 599.
pub(crate) fn is_status(text: &str) -> bool {
    matches!(text.as_bytes(), [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'])
}

fn response_models(reader: &mut Reader<'_>, operation: &Value, response: &Value) -> BTreeMap<String, String> {
    let mut models = BTreeMap::new();
    match reader.document.dialect {
        Dialect::Swagger2 => {
            let model = reader.schemas.model(response.get("schema"), Place::Response, &mut reader.report);
            models.extend(model.map(|model| (media_type(reader, operation, "produces"), model)));
        }
        Dialect::OpenApi3 => {
            for (media_type, content) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                let model = reader.schemas.model(content.get("schema"), Place::Response, &mut reader.report);
                models.extend(model.map(|model| (media_type.clone(), model)));
            }
        }
    }
    models
}
