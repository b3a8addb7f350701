//! A model and everything it refers to as one document that refers only to itself.
//!
//! Only draft 4's own members are taken over: `id` cannot move references, `$schema` cannot ask for another draft, and
//! what AWS does not look at (rest-data-plane §1.3: `exclusiveMinimum`, `discriminator`, `readOnly`, `default`, number
//! formats) is left out.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// How a member is read.
#[derive(Clone, Copy)]
enum Kind {
    /// As it is.
    Plain,
    /// A schema, or a flag.
    Schema,
    /// A list of schemas; `items` may be a single one.
    List,
    /// Schemas by name; `dependencies` may hold lists of names.
    Map,
}

/// Draft 4's members that say anything about a value.
const MEMBERS: [(&str, Kind); 26] = [
    ("type", Kind::Plain),
    ("enum", Kind::Plain),
    ("format", Kind::Plain),
    ("required", Kind::Plain),
    ("minimum", Kind::Plain),
    ("maximum", Kind::Plain),
    ("exclusiveMaximum", Kind::Plain),
    ("multipleOf", Kind::Plain),
    ("minLength", Kind::Plain),
    ("maxLength", Kind::Plain),
    ("pattern", Kind::Plain),
    ("minItems", Kind::Plain),
    ("maxItems", Kind::Plain),
    ("uniqueItems", Kind::Plain),
    ("minProperties", Kind::Plain),
    ("maxProperties", Kind::Plain),
    ("properties", Kind::Map),
    ("patternProperties", Kind::Map),
    ("dependencies", Kind::Map),
    ("additionalProperties", Kind::Schema),
    ("additionalItems", Kind::Schema),
    ("items", Kind::List),
    ("not", Kind::Schema),
    ("allOf", Kind::List),
    ("anyOf", Kind::List),
    ("oneOf", Kind::List),
];
/// Formats that are checked; any other says nothing.
const FORMATS: [&str; 7] = ["date-time", "email", "hostname", "ipv4", "ipv6", "regex", "uri"];
/// Text of all schemas of a bundle, bytes: a few times what AWS allows one model.
const LARGEST: usize = 4 << 20;

/// Schemas by number, of which the first is the model's.
pub(super) struct Bundle {
    pub(super) definitions: Vec<Value>,
}

impl Bundle {
    /// # Errors
    /// What cannot be read, and in which model.
    pub(super) fn of(name: &str, models: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut builder = Builder { models, read: HashMap::new(), bytes: 0, places: Vec::new() };
        let mut definitions = Vec::new();
        builder.number(Place { model: name.to_owned(), pointer: String::new() })?;
        while let Some(place) = builder.places.get(definitions.len()).cloned() {
            let schema = builder.find(&place)?.clone();
            definitions.push(builder.schema(&schema, &place.model)?);
        }
        Ok(Self { definitions })
    }

    /// One document.
    pub(super) fn document(&self) -> Value {
        let numbered = self.definitions.iter().enumerate().map(|(number, schema)| (number.to_string(), schema.clone()));
        serde_json::json!({ "$ref": reference(0), "definitions": numbered.collect::<Map<_, _>>() })
    }

    /// The definition that a schema refers to instead of saying something itself.
    pub(super) fn target(schema: &Value) -> Option<usize> {
        schema.get("$ref")?.as_str()?.strip_prefix(DEFINITIONS)?.parse().ok()
    }

    /// The schemas in a schema's member.
    pub(super) fn parts<'v>(schema: &'v Value, name: &str) -> Vec<&'v Value> {
        let kind = MEMBERS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        match (kind, schema.get(name)) {
            (Some(Kind::Map), Some(Value::Object(map))) => map.values().filter(|value| value.is_object()).collect(),
            (Some(Kind::List), Some(Value::Array(list))) => list.iter().filter(|value| value.is_object()).collect(),
            (Some(Kind::Schema | Kind::List), Some(value @ Value::Object(_))) => vec![value],
            _ => Vec::new(),
        }
    }
}

const DEFINITIONS: &str = "#/definitions/";

fn reference(number: usize) -> String {
    format!("{DEFINITIONS}{number}")
}

/// A schema in a model.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    model: String,
    pointer: String,
}

struct Builder<'a> {
    models: &'a BTreeMap<String, String>,
    read: HashMap<String, Value>,
    bytes: usize,
    places: Vec<Place>,
}

impl Builder<'_> {
    /// The number of a place, which stands for it from now on.
    fn number(&mut self, place: Place) -> Result<usize, String> {
        if let Some(known) = self.places.iter().position(|known| *known == place) {
            return Ok(known);
        }
        self.find(&place)?;
        self.places.push(place);
        Ok(self.places.len() - 1)
    }

    fn find(&mut self, place: &Place) -> Result<&Value, String> {
        let Place { model, pointer } = place;
        if !self.read.contains_key(model) {
            let text = self.models.get(model).ok_or_else(|| format!("there is no model {model}"))?;
            self.bytes += text.len();
            if self.bytes > LARGEST {
                return Err(format!("it and what it refers to have more than {LARGEST} bytes"));
            }
            let value = serde_json::from_str(text).map_err(|error| format!("{model} is no JSON: {error}"))?;
            self.read.insert(model.clone(), value);
        }
        let found = self.read.get(model).and_then(|value| value.pointer(pointer));
        found.ok_or_else(|| format!("there is no {pointer} in {model}"))
    }

    fn schema(&mut self, schema: &Value, model: &str) -> Result<Value, String> {
        // Anything else is refused where the document is held against draft 4.
        let Value::Object(members) = schema else { return Ok(schema.clone()) };
        if let Some(target) = members.get("$ref").and_then(Value::as_str) {
            let place = resolve(target, model).ok_or_else(|| format!("{target} names no model of this API"))?;
            return Ok(serde_json::json!({ "$ref": reference(self.number(place)?) }));
        }
        let mut kept = Map::new();
        for (name, kind) in MEMBERS {
            if let Some(value) = members.get(name).filter(|value| counts(name, value)) {
                kept.insert(name.to_owned(), self.member(value, kind, model)?);
            }
        }
        Ok(Value::Object(kept))
    }

    fn member(&mut self, value: &Value, kind: Kind, model: &str) -> Result<Value, String> {
        Ok(match (kind, value) {
            (Kind::Map, Value::Object(map)) => {
                let entry = |(name, schema): (&String, &Value)| Ok((name.clone(), self.schema(schema, model)?));
                Value::Object(map.iter().map(entry).collect::<Result<_, String>>()?)
            }
            (Kind::List, Value::Array(list)) => {
                Value::Array(list.iter().map(|schema| self.schema(schema, model)).collect::<Result<_, String>>()?)
            }
            (Kind::Schema | Kind::List, schema @ Value::Object(_)) => self.schema(schema, model)?,
            (_, other) => other.clone(),
        })
    }
}

/// Whether a member says anything.
fn counts(name: &str, value: &Value) -> bool {
    match name {
        "format" => value.as_str().is_none_or(|format| FORMATS.contains(&format)),
        "required" => value.as_array().is_none_or(|names| !names.is_empty()),
        _ => true,
    }
}

/// `https://…/restapis/{any}/models/{Name}#{pointer}`, or `#{pointer}` alone.
fn resolve(target: &str, model: &str) -> Option<Place> {
    let (base, fragment) = target.split_once('#').unwrap_or((target, ""));
    let model = if base.is_empty() { model } else { base.rsplit_once("/models/")?.1 };
    let pointer = percent_decode_str(fragment).decode_utf8().ok()?.into_owned();
    let fits = pointer.is_empty() || pointer.starts_with('/');
    fits.then(|| Place { model: model.to_owned(), pointer })
}
