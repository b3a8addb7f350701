//! Why a body does not fit, in the words of the validator that AWS uses (the library's texts, as customers quote them from
//! `$context.error.validationErrorString` and execution logs [F]).

use std::collections::BTreeMap;
use std::fmt::Display;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError, Validator};
use serde_json::Value;

use super::cost::Cost;

/// Looks at values that an explanation may take.
const LOOKS: usize = 5_000;
/// Bytes of an explanation; what is beyond is left out.
const LONGEST: usize = 4_096;
/// What is said when saying more would cost too much.
const NO_WORDS: &str = "[instance does not match the schema]";

/// All that is wrong, in brackets. As AWS's, it does not look inside of what is wrong already.
pub(super) fn text(validator: &Validator, value: &Value, cost: Cost) -> String {
    if looks(value, cost) > LOOKS {
        return NO_WORDS.to_owned();
    }
    let mut places: BTreeMap<String, Place> = BTreeMap::new();
    for error in validator.iter_errors(value) {
        places.entry(error.instance_path().as_str().to_owned()).or_default().add(&error);
    }
    let known: Vec<String> = places.keys().cloned().collect();
    let is_inside =
        |path: &str| known.iter().any(|other| path.strip_prefix(&**other).is_some_and(|rest| rest.starts_with('/')));
    let words = places.iter().filter(|(path, _)| !is_inside(path)).flat_map(|(_, place)| place.words());
    joined(words)
}

fn joined(words: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for word in words {
        if text.len() + word.len() > LONGEST {
            break;
        }
        text.push_str(if text.is_empty() { "" } else { ", " });
        text.push_str(&word);
    }
    if text.is_empty() { NO_WORDS.to_owned() } else { format!("[{text}]") }
}

/// Unlike the answer itself, its reasons are not kept where they are met twice: what refers to itself multiplies them.
fn looks(value: &Value, cost: Cost) -> usize {
    let levels = u32::try_from(depth(value)).unwrap_or(u32::MAX);
    let once = size(value).saturating_mul(cost.visits).saturating_mul(1 + cost.repeats / 64);
    once.saturating_mul(cost.growth.saturating_pow(levels))
}

/// Values in a value, itself included; long text counts for several.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len() / 1_024,
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.values().map(size).sum(),
        _ => 0,
    }
}

fn depth(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// What is wrong at one place of the body.
#[derive(Default)]
struct Place {
    missing: Vec<String>,
    others: Vec<String>,
}

impl Place {
    fn add(&mut self, error: &ValidationError<'_>) {
        match error.kind() {
            ValidationErrorKind::Required { property } => self.missing.extend(property.as_str().map(str::to_owned)),
            kind => self.others.push(sentence(kind, error.instance())),
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = self.others.clone();
        words.sort();
        if !self.missing.is_empty() {
            words.push(format!("object has missing required properties ({})", sorted(&self.missing)));
        }
        words.dedup();
        words
    }
}

/// A list of names as AWS prints them: in order, as JSON.
fn sorted(names: &[String]) -> String {
    let mut names = names.to_vec();
    names.sort();
    names.dedup();
    Value::from(names).to_string()
}

fn sentence(kind: &ValidationErrorKind, value: &Value) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Type { kind } => {
            let (found, allowed) = (type_of(value), types(kind));
            format!("instance type ({found}) does not match any allowed primitive type (allowed: {allowed})")
        }
        Kind::Enum { options } => format!("instance value ({value}) not found in enum (possible values: {options})"),
        Kind::AnyOf { context } => {
            format!("instance failed to match at least one required schema among {}", context.len())
        }
        Kind::OneOfNotValid { context } | Kind::OneOfMultipleValid { context } => {
            let matched = context.iter().filter(|errors| errors.is_empty()).count();
            format!("instance failed to match exactly one schema (matched {matched} out of {})", context.len())
        }
        Kind::Not { .. } => "instance matched a schema which it should not have".to_owned(),
        other => match value {
            Value::String(text) => of_text(other, text, value),
            Value::Number(_) => of_number(other, value),
            Value::Array(items) => of_array(other, items.len()),
            Value::Object(members) => of_object(other, members.len()),
            Value::Null | Value::Bool(_) => unnamed(other),
        },
    }
}

fn of_text(kind: &ValidationErrorKind, text: &str, quoted: &Value) -> String {
    use ValidationErrorKind as Kind;
    let length = text.chars().count();
    match kind {
        Kind::MinLength { limit } => {
            format!("string {quoted} is too short (length: {length}, required minimum: {limit})")
        }
        Kind::MaxLength { limit } => {
            format!("string {quoted} is too long (length: {length}, maximum allowed: {limit})")
        }
        Kind::Pattern { pattern } => format!("ECMA 262 regex \"{pattern}\" does not match input string {quoted}"),
        Kind::Format { format } => format!("string {quoted} is not a valid {format}"),
        other => unnamed(other),
    }
}

fn of_number(kind: &ValidationErrorKind, found: &Value) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Minimum { limit } => {
            format!("numeric instance is lower than the required minimum (minimum: {limit}, found: {found})")
        }
        Kind::Maximum { limit } => {
            format!("numeric instance is greater than the required maximum (maximum: {limit}, found: {found})")
        }
        Kind::ExclusiveMaximum { limit } => {
            format!("numeric instance is not strictly lower than the required maximum {limit}")
        }
        Kind::MultipleOf { multiple_of } => format!("remainder of division is not zero ({found} / {multiple_of})"),
        other => unnamed(other),
    }
}

fn of_array(kind: &ValidationErrorKind, found: usize) -> String {
    use ValidationErrorKind as Kind;
    let too_long = |limit: &dyn Display| {
        format!("array is too long: must have at most {limit} elements but instance has {found} elements")
    };
    match kind {
        Kind::MinItems { limit } => {
            format!("array is too short: must have at least {limit} elements but instance has {found} elements")
        }
        Kind::MaxItems { limit } => too_long(limit),
        Kind::AdditionalItems { limit } => too_long(limit),
        Kind::UniqueItems => "array must not contain duplicate elements".to_owned(),
        other => unnamed(other),
    }
}

fn of_object(kind: &ValidationErrorKind, found: usize) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::AdditionalProperties { unexpected } => {
            format!("object instance has properties which are not allowed by the schema: {}", sorted(unexpected))
        }
        Kind::MinProperties { limit } => {
            format!("object has too few properties (found {found} but schema requires at least {limit})")
        }
        Kind::MaxProperties { limit } => {
            format!("object has too many properties (found {found} but schema requires at most {limit})")
        }
        other => unnamed(other),
    }
}

fn unnamed(kind: &ValidationErrorKind) -> String {
    format!("instance does not match the schema's {}", kind.keyword())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Every number type allows integers, and AWS says so.
fn types(kind: &TypeKind) -> String {
    let mut names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
    };
    if names.contains(&JsonType::Number.to_string()) {
        names.push(JsonType::Integer.to_string());
    }
    sorted(&names)
}
