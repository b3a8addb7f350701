//! Documentation of an export: the extension, and descriptions where OpenAPI has a member for them.

use serde_json::{Map, Value, json};
use stagecoach_resources::v1::DocumentationVersion;
use stagecoach_resources::v1::documentation::Location;

use super::Kind;
use crate::documentation::Content;

/// `x-amazon-apigateway-documentation`.
pub(super) fn extension(version: &DocumentationVersion) -> Value {
    let mut parts: Vec<_> = version.parts.iter().collect();
    parts.sort_by(|a, b| a.location.cmp(&b.location));
    let part = |part: &&stagecoach_resources::v1::DocumentationPart| {
        let content = serde_json::from_str::<Value>(&part.properties);
        json!({ "location": part.location, "properties": content.unwrap_or_else(|_| part.properties.as_str().into()) })
    };
    json!({ "version": version.version, "documentationParts": parts.iter().map(part).collect::<Vec<_>>() })
}

/// Members that OpenAPI knows, by what they are written into.
const OF_INFO: &[&str] = &["description", "termsOfService", "contact", "license"];
const OF_ITEM: &[&str] = &["summary", "description"];
const OF_OPERATION: &[&str] = &["summary", "description", "tags", "deprecated", "externalDocs"];
const OF_OTHERS: &[&str] = &["description"];

/// Writes what the version says of paths, operations, parameters, bodies, responses and authorizers.
pub(super) fn entities(version: &DocumentationVersion, kind: Kind, root: &mut Map<String, Value>) {
    let content = Content::of(version.parts.iter().map(|part| (&part.location, part.properties.as_str())));
    let of_api = content.find(&at("API"));
    if let (Some(Value::Object(said)), Some(info)) = (of_api.get("info"), root.get_mut("info")) {
        write(info, said, OF_INFO);
    }
    for (path, item) in members(root.get_mut("paths")) {
        let place = Location { path: Some(path.clone()), ..at("RESOURCE") };
        for (key, operation) in members(Some(&mut *item)) {
            let verb = if key.starts_with("x-") { "ANY".to_owned() } else { key.to_ascii_uppercase() };
            of_operation(&content, &Location { method: Some(verb), ..place.clone() }, operation);
        }
        // Swagger's path items have no descriptions.
        if kind == Kind::Oas30 {
            write(item, &content.find(&place), OF_ITEM);
        }
    }
    let schemes = match kind {
        Kind::Swagger => root.get_mut("securityDefinitions"),
        Kind::Oas30 => root.get_mut("components").and_then(|components| components.get_mut("securitySchemes")),
    };
    for (name, scheme) in members(schemes) {
        write(scheme, &content.find(&Location { name: Some(name.clone()), ..at("AUTHORIZER") }), OF_OTHERS);
    }
}

fn of_operation(content: &Content<'_>, place: &Location, operation: &mut Value) {
    let of = |kind: &str| Location { kind: kind.into(), ..place.clone() };
    write(operation, &content.find(&of("METHOD")), OF_OPERATION);
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let kind = match parameter.get("in").and_then(Value::as_str) {
            Some("query") => "QUERY_PARAMETER",
            Some("header") => "REQUEST_HEADER",
            Some("path") => "PATH_PARAMETER",
            _ => "REQUEST_BODY",
        };
        let name = parameter.get("name").and_then(Value::as_str).filter(|_| kind != "REQUEST_BODY");
        let said = content.find(&Location { name: name.map(str::to_owned), ..of(kind) });
        write(parameter, &said, OF_OTHERS);
    }
    if let Some(body) = operation.get_mut("requestBody") {
        write(body, &content.find(&of("REQUEST_BODY")), OF_OTHERS);
    }
    for (status, response) in members(operation.get_mut("responses")) {
        let place = Location { status_code: Some(status.clone()), ..of("RESPONSE") };
        write(response, &content.find(&place), OF_OTHERS);
        for (name, header) in members(response.get_mut("headers")) {
            let place = Location { kind: "RESPONSE_HEADER".into(), name: Some(name.clone()), ..place.clone() };
            write(header, &content.find(&place), OF_OTHERS);
        }
    }
}

fn members(value: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    value.and_then(Value::as_object_mut).into_iter().flatten()
}

fn write(target: &mut Value, said: &Map<String, Value>, known: &[&str]) {
    let Some(target) = target.as_object_mut() else { return };
    for member in known {
        target.extend(said.get(*member).map(|value| ((*member).to_owned(), value.clone())));
    }
}

fn at(kind: &str) -> Location {
    Location { kind: kind.to_owned(), ..Location::default() }
}
