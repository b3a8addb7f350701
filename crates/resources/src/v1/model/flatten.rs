//! `flatten=true` of GetModel: references to other models replaced by what they point at.

use serde_json::Value;

use super::{Model, schema};

/// Values a flattened schema may have. Models that refer to each other several times over would grow without end.
const LARGEST: usize = 50_000;
/// How far references are followed.
const DEEPEST: usize = 64;

/// The schema text of `model` with the models it refers to in place of the references. A reference that leads back to
/// a model around it stays, and so do those past the limits.
pub fn flatten(model: &Model, all: &[Model], api_id: &str) -> Option<String> {
    let text = model.schema.as_deref()?;
    let Ok(schema) = serde_json::from_str::<Value>(text) else { return Some(text.to_owned()) };
    let mut flat = Flat { all, api_id, inside: vec![model.name.clone()], left: LARGEST };
    Some(flat.value(schema).to_string())
}

struct Flat<'a> {
    all: &'a [Model],
    api_id: &'a str,
    /// Names of the models around the current place.
    inside: Vec<String>,
    left: usize,
}

impl Flat<'_> {
    fn value(&mut self, value: Value) -> Value {
        self.left = self.left.saturating_sub(1);
        match value {
            Value::Object(members) => match members.get("$ref").and_then(|target| self.target(target)) {
                Some((name, schema)) => {
                    self.inside.push(name);
                    let flat = self.value(schema);
                    self.inside.pop();
                    flat
                }
                None => Value::Object(members.into_iter().map(|(key, value)| (key, self.value(value))).collect()),
            },
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.value(item)).collect()),
            other => other,
        }
    }

    /// The model that a reference may be replaced by.
    fn target(&self, reference: &Value) -> Option<(String, Value)> {
        let name = schema::referenced(reference.as_str()?, self.api_id)?;
        let follow = self.left > 0 && self.inside.len() < DEEPEST && !self.inside.iter().any(|around| around == name);
        let model = self.all.iter().find(|model| model.name == name).filter(|_| follow)?;
        Some((name.to_owned(), serde_json::from_str(model.schema.as_deref()?).ok()?))
    }
}
