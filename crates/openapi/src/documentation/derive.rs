//! Descriptions of a file as documentation parts.

use serde_json::{Map, Value, json};
use stagecoach_base::Verb;
use stagecoach_resources::v1::Model;
use stagecoach_resources::v1::documentation::Location;

use crate::definition::Part;
use crate::document::{Document, text};
use crate::read;

/// What documents a path item, and an operation.
const OF_ITEM: [&str; 2] = ["summary", "description"];
const OF_OPERATION: [&str; 5] = ["summary", "description", "tags", "deprecated", "externalDocs"];
const OF_INFO: [&str; 4] = ["description", "termsOfService", "contact", "license"];

pub(super) fn parts(document: &Document, prefix: &str, models: &[Model]) -> Vec<Part> {
    let mut found = Found(Vec::new());
    let info = pick(document.root.get("info").unwrap_or(&Value::Null), &OF_INFO);
    if !info.is_empty() {
        found.put(at("API"), Map::from_iter([("info".to_owned(), info.into())]));
    }
    for (path, item) in document.members("/paths").filter(|(path, _)| !path.starts_with("x-")) {
        item_parts(document, &read::full_path(prefix, path), document.resolve(item), &mut found);
    }
    for model in models {
        if let Some(description) = &model.description {
            found.put(named(at("MODEL"), &model.name), described(description));
        }
    }
    for (name, scheme) in document.members(document.dialect.security_schemes()) {
        if scheme.get("x-amazon-apigateway-authorizer").is_some() {
            found.put(named(at("AUTHORIZER"), name), pick(scheme, &["description"]));
        }
    }
    found.0
}

fn item_parts(document: &Document, path: &str, item: &Value, found: &mut Found) {
    found.put(under(path, "RESOURCE"), pick(item, &OF_ITEM));
    parameters(document, item, &Location { method: Some("*".into()), ..under(path, "") }, found);
    for verb in Verb::ALL {
        let Some(operation) = item.get(read::key(verb)).filter(|operation| operation.is_object()) else { continue };
        let place = Location { method: Some(verb.to_string()), ..under(path, "METHOD") };
        found.put(place.clone(), pick(operation, &OF_OPERATION));
        parameters(document, operation, &place, found);
        let body = document.resolve(operation.get("requestBody").unwrap_or(&Value::Null));
        found.put(Location { kind: "REQUEST_BODY".into(), ..place.clone() }, pick(body, &["description"]));
        for (status, response) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
            if read::is_status(status) {
                let place = Location { status_code: Some(status.clone()), ..place.clone() };
                self::response(document.resolve(response), status, &place, found);
            }
        }
    }
}

fn parameters(document: &Document, holder: &Value, place: &Location, found: &mut Found) {
    let list = holder.get("parameters").and_then(Value::as_array).into_iter().flatten();
    for parameter in list.map(|parameter| document.resolve(parameter)) {
        let kind = match text(parameter, "in").as_deref() {
            Some("query") => "QUERY_PARAMETER",
            Some("header") => "REQUEST_HEADER",
            Some("path") => "PATH_PARAMETER",
            Some("body") => "REQUEST_BODY",
            _ => continue,
        };
        let place = Location { kind: kind.into(), ..place.clone() };
        let name = text(parameter, "name").unwrap_or_default();
        let place = if kind == "REQUEST_BODY" { place } else { named(place, &name) };
        found.put(place, pick(parameter, &["description"]));
    }
}

fn response(response: &Value, status: &str, place: &Location, found: &mut Found) {
    let mut content = pick(response, &["description"]);
    // What an export writes where nobody said anything.
    content.retain(|_, text| *text != json!(format!("{status} response")));
    found.put(Location { kind: "RESPONSE".into(), ..place.clone() }, content);
    for (name, header) in response.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let place = Location { kind: "RESPONSE_HEADER".into(), ..place.clone() };
        found.put(named(place, name), pick(header, &["description"]));
    }
}

struct Found(Vec<Part>);

impl Found {
    fn put(&mut self, location: Location, content: Map<String, Value>) {
        if !content.is_empty() {
            self.0.push(Part { location, properties: Value::Object(content).to_string() });
        }
    }
}

/// Members that say something.
fn pick(value: &Value, members: &[&str]) -> Map<String, Value> {
    let says = |value: &&Value| !value.is_null() && value.as_str() != Some("");
    let found =
        members.iter().filter_map(|member| Some(((*member).to_owned(), value.get(member).filter(says)?.clone())));
    found.collect()
}

fn described(text: &str) -> Map<String, Value> {
    Map::from_iter([("description".to_owned(), text.into())])
}

fn at(kind: &str) -> Location {
    Location { kind: kind.to_owned(), ..Location::default() }
}

fn under(path: &str, kind: &str) -> Location {
    Location { path: Some(path.to_owned()), ..at(kind) }
}

fn named(location: Location, name: &str) -> Location {
    Location { name: Some(name.to_owned()), ..location }
}
