//! GetModelTemplate: a mapping template that makes a payload of the model's shape, with sample values.
//!
//! Layout and samples are AWS's, as its documentation and its console's users show them [D, R]: `"foo"`, `3.1415`, `42`,
//! `true`, and a loop over an array that the author has to name. Objects are spaced as `"name" : value`.

use serde_json::{Map, Value};

use super::{Model, flatten};

const HEAD: &str = "#set($inputRoot = $input.path('$'))\n";

/// The loop over an array, with the place of its items. AWS leaves it to the author to name the array.
const LOOP: &str = include_str!("loop.vtl");

/// Sample of each simple type.
const SAMPLES: [(&str, &str); 5] =
    [("string", "\"foo\""), ("number", "3.1415"), ("integer", "42"), ("boolean", "true"), ("null", "null")];

/// The template of `model`; references are followed as [`flatten`] follows them.
pub fn template(model: &Model, all: &[Model], api_id: &str) -> String {
    let text = flatten(model, all, api_id).unwrap_or_default();
    let schema = serde_json::from_str(&text).unwrap_or(Value::Null);
    let mut out = HEAD.to_owned();
    value(&mut out, &schema, 0);
    out
}

fn value(out: &mut String, schema: &Value, depth: usize) {
    match kind(schema) {
        "object" => object(out, schema.get("properties").and_then(Value::as_object), depth),
        "array" => array(out, schema.get("items").unwrap_or(&Value::Null), depth),
        simple => {
            out.push_str(SAMPLES.iter().find(|(name, _)| *name == simple).map_or("\"foo\"", |(_, sample)| sample))
        }
    }
}

/// The schema's type: the first that is not `null` of a list; without one, what its members tell.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("items").is_some() => "array",
        _ => "object",
    }
}

fn object(out: &mut String, properties: Option<&Map<String, Value>>, depth: usize) {
    let Some(properties) = properties.filter(|properties| !properties.is_empty()) else {
        return out.push_str("{ }");
    };
    let indent = "  ".repeat(depth);
    out.push_str("{\n");
    for (index, (name, schema)) in properties.iter().enumerate() {
        let comma = if index == 0 { "" } else { ",\n" };
        out.push_str(&format!("{comma}{indent}  {} : ", Value::from(name.as_str())));
        value(out, schema, depth + 1);
    }
    out.push_str(&format!("\n{indent}}}"));
}

fn array(out: &mut String, items: &Value, depth: usize) {
    let (before, after) = LOOP.split_once("ITEM").unwrap_or((LOOP, ""));
    out.push_str(before);
    value(out, items, depth);
    out.push_str(after);
}
