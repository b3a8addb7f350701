//! What a model's schema must be: JSON, a schema, and pointing only at models that exist.

use serde_json::{Map, Value};
use stagecoach_base::AwsError;

use super::Model;

const PREFIX: &str = "https://apigateway.amazonaws.com/restapis/";
const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
/// Members whose value is a schema.
const ONE: [&str; 4] = ["additionalProperties", "additionalItems", "not", "items"];
/// Members whose value is a list of schemas, never an empty one.
const MANY: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Members whose value is a map of schemas.
const NAMED: [&str; 3] = ["properties", "patternProperties", "definitions"];

/// Name of the model that a canonical reference points at.
pub(super) fn referenced<'a>(reference: &'a str, api_id: &str) -> Option<&'a str> {
    reference.strip_prefix(PREFIX)?.strip_prefix(api_id)?.strip_prefix("/models/")
}

/// The schema text with references to models of API `from` pointing at `to`: what a copy of an API needs.
pub fn relinked(schema: &str, from: &str, to: &str) -> String {
    schema.replace(&format!("{PREFIX}{from}/models/"), &format!("{PREFIX}{to}/models/"))
}

/// Checks the schema of `model` [V a; R for the texts of a bad one].
///
/// # Errors
/// 400 for none, or for one that is no schema or points nowhere.
pub(super) fn check(model: &Model, all: &[Model], api_id: &str) -> Result<(), AwsError> {
    let Some(text) = model.schema.as_deref().filter(|text| !text.trim().is_empty()) else {
        return Err(AwsError::bad_request("Model schema must have at least 1 property or array items defined"));
    };
    // Other media types may have schemas of their own, which nothing here reads.
    if !model.content_type.to_ascii_lowercase().contains("json") {
        return Ok(());
    }
    let mut found = Found { root: serde_json::from_str(text).unwrap_or(Value::Null), errors: Vec::new(), api_id };
    let root = found.root.clone();
    found.schema(&root);
    found.references(&root, |name| name == model.name || all.iter().any(|other| other.name == name));
    match found.errors.is_empty() {
        true => Ok(()),
        false => Err(AwsError::bad_request(format!(
            "Invalid model specified: Validation Result: warnings : [], errors : [{}]",
            found.errors.join(", ")
        ))),
    }
}

struct Found<'a> {
    root: Value,
    errors: Vec<String>,
    api_id: &'a str,
}

impl Found<'_> {
    fn fail(&mut self, error: String) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn require(&mut self, fits: bool) {
        if !fits {
            self.fail("Invalid model schema specified".to_owned());
        }
    }

    /// Draft 4, as far as a wrong shape would break a validator.
    fn schema(&mut self, schema: &Value) {
        let Value::Object(members) = schema else { return self.require(false) };
        self.require(members.get("type").is_none_or(is_type));
        self.require(members.get("required").is_none_or(|names| is_set(names, Value::is_string)));
        self.require(members.get("enum").is_none_or(|values| is_set(values, |_| true)));
        for (name, value) in members {
            self.member(name, value);
        }
    }

    fn member(&mut self, name: &str, value: &Value) {
        match value {
            Value::Object(map) if NAMED.contains(&name) => map.values().for_each(|schema| self.schema(schema)),
            _ if NAMED.contains(&name) => self.require(false),
            Value::Array(list) if MANY.contains(&name) || name == "items" => {
                self.require(!list.is_empty());
                list.iter().for_each(|schema| self.schema(schema));
            }
            _ if MANY.contains(&name) => self.require(false),
            Value::Bool(_) if name.starts_with("additional") => {}
            schema if ONE.contains(&name) => self.schema(schema),
            _ => {}
        }
    }

    /// Every `$ref`: one of this API's models, or a place in the schema itself.
    fn references(&mut self, value: &Value, known: impl Fn(&str) -> bool + Copy) {
        match value {
            Value::Object(members) => {
                self.reference(members, known);
                members.values().for_each(|value| self.references(value, known));
            }
            Value::Array(items) => items.iter().for_each(|value| self.references(value, known)),
            _ => {}
        }
    }

    fn reference(&mut self, members: &Map<String, Value>, known: impl Fn(&str) -> bool) {
        let Some(target) = members.get("$ref").and_then(Value::as_str) else { return };
        let local = target.strip_prefix('#').is_some_and(|pointer| self.root.pointer(pointer).is_some());
        match referenced(target, self.api_id) {
            Some(name) if known(name) => {}
            Some(name) => self.fail(format!("Invalid model specified: {name}")),
            None if local => {}
            None => self.fail("Model reference must be in canonical form".to_owned()),
        }
    }
}

fn is_type(value: &Value) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    known(value) || is_set(value, known)
}

/// A list that is not empty and holds nothing twice.
fn is_set(value: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    let Some(items) = value.as_array() else { return false };
    let mut texts: Vec<String> = items.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    !items.is_empty() && items.iter().all(fits) && texts.windows(2).all(|pair| pair.first() != pair.last())
}
