//! Models as validators of request bodies (rest-data-plane §1.3): JSON Schema draft 4, compiled when a release is.

mod bundle;
mod cost;
mod explain;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use bundle::Bundle;
use cost::Cost;

/// Steps that one pattern may take back on one string; those without look-around never do.
const BACKTRACKS: usize = 20_000;
/// Bytes of one compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;
/// Stack of the thread that compiles, in bytes: what [`cost::LEVELS`] nested schemas need, with room.
const STACK: usize = 64 << 20;
/// The model that every API is created with; an imported one may name it without having it.
const EMPTY: (&str, &str) = ("Empty", r#"{"type":"object"}"#);

/// A compiled model.
#[derive(Clone, Debug)]
pub struct Schema {
    validator: Validator,
    cost: Cost,
}

/// Compiled models by name, or what is wrong with them.
pub(crate) type Schemas = BTreeMap<String, Result<Arc<Schema>, String>>;

/// Compiles the models named. On a thread of its own, because nested schemas nest calls: a deep one must not end the
/// program.
pub(crate) fn compile(names: &BTreeSet<&str>, models: &BTreeMap<String, String>) -> Schemas {
    if names.is_empty() {
        return Schemas::new();
    }
    let all = || {
        let mut left = cost::Budget::default();
        names.iter().map(|name| ((*name).to_owned(), Schema::compile(name, models, &mut left).map(Arc::new))).collect()
    };
    let failed = || names.iter().map(|name| ((*name).to_owned(), Err("it cannot be compiled".to_owned()))).collect();
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("schemas".into()).stack_size(STACK).spawn_scoped(scope, all);
        thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(failed)
    })
}

impl Schema {
    fn compile(name: &str, models: &BTreeMap<String, String>, left: &mut cost::Budget) -> Result<Self, String> {
        let empty = BTreeMap::from([EMPTY].map(|(name, text)| (name.to_owned(), text.to_owned())));
        let models = if name == EMPTY.0 && !models.contains_key(name) { &empty } else { models };
        let bundle = Bundle::of(name, models)?;
        let cost = Cost::of(&bundle, left)?;
        let patterns = PatternOptions::fancy_regex()
            .backtrack_limit(BACKTRACKS)
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES);
        let options = jsonschema::options().with_draft(Draft::Draft4).offline().with_pattern_options(patterns);
        let validator = options.build(&bundle.document()).map_err(|error| error.to_string())?;
        Ok(Self { validator, cost })
    }

    /// Whether `body` is JSON that fits; an empty one reads as `{}`.
    ///
    /// # Errors
    /// `$context.error.validationErrorString`: AWS's words in brackets.
    pub fn check(&self, body: &[u8]) -> Result<(), String> {
        let body = if body.is_empty() { b"{}" } else { body };
        // What AWS logs of a body that is no JSON [F].
        let unreadable = |_| "[Unknown error parsing request body]".to_owned();
        let value: Value = serde_json::from_slice(body).map_err(unreadable)?;
        match self.validator.is_valid(&value) {
            true => Ok(()),
            false => Err(explain::text(&self.validator, &value, self.cost)),
        }
    }
}

/// Fuzz target: models as a JSON object of name to schema, then a blank line and a body. What compiles must answer.
#[doc(hidden)]
pub fn fuzz(text: &str) {
    let (models, body) = text.split_once("\n\n").unwrap_or((text, "{}"));
    let Ok(Value::Object(models)) = serde_json::from_str(models) else { return };
    let models: BTreeMap<String, String> =
        models.iter().map(|(name, schema)| (name.clone(), schema.to_string())).collect();
    let names = models.keys().map(String::as_str).collect();
    for schema in compile(&names, &models).values().flatten() {
        if let Err(text) = schema.check(body.as_bytes()) {
            assert!(text.starts_with('[') && text.ends_with(']'), "{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compiled(models: &Value, name: &str) -> Result<Arc<Schema>, String> {
        let models = models.as_object().unwrap().iter();
        let models = models.map(|(name, schema)| (name.clone(), schema.to_string())).collect();
        compile(&BTreeSet::from([name]), &models).remove(name).unwrap()
    }

    fn link(name: &str) -> Value {
        json!({ "$ref": format!("https://apigateway.amazonaws.com/restapis/-/models/{name}") })
    }

    fn check(schema: &Value, body: &str) -> Result<(), String> {
        compiled(&json!({ "M": schema }), "M").unwrap().check(body.as_bytes())
    }

    fn said(schema: &Value, body: &str) -> String {
        check(schema, body).unwrap_err()
    }

    /// [V common/test_api_gateway_request_validator_with_ref_models, …_with_ref_one_ofmodels]
    #[test]
    fn models_refer_to_each_other_and_an_empty_body_is_an_empty_object() {
        let one = json!({ "type": "object", "properties": { "a": { "type": "number" } }, "required": ["a"] });
        let models = json!({
            "One": one,
            "List": { "type": "array", "items": link("One") },
            "Either": { "properties": { "status": { "oneOf": [{ "type": "null" }, link("One")] } }, "required": ["status"] },
        });

        let (list, either) = (compiled(&models, "List").unwrap(), compiled(&models, "Either").unwrap());

        assert_eq!(list.check(br#"[{"a": 1}]"#), Ok(()));
        assert!(list.check(b"").is_err() && list.check(br#"[{"b": 1}]"#).is_err());
        assert_eq!(either.check(br#"{"status": null}"#), Ok(()));
        assert_eq!(either.check(br#"{"status": {"a": 1}}"#), Ok(()));
        assert!(either.check(b"").is_err() && either.check(br#"{"badFormat": "bla"}"#).is_err());
        assert_eq!(check(&json!({ "type": "object" }), ""), Ok(()));
    }

    /// [V import/test_import_with_circular_models_and_request_validation]
    #[test]
    fn circles_of_models_are_legal() {
        let models = json!({
            "Person": { "type": "object", "properties": { "house": link("House") }, "required": ["house"] },
            "House": { "type": "object", "properties": { "people": { "type": "array", "items": link("Person") } } },
        });

        let person = compiled(&models, "Person").unwrap();

        assert_eq!(person.check(br#"{"house": {"people": [{"house": {}}]}}"#), Ok(()));
        assert_eq!(
            person.check(br#"{"house": {"people": [{}]}}"#).unwrap_err(),
            r#"[object has missing required properties (["house"])]"#
        );
        assert_eq!(check(&link("M"), "1"), Ok(()));
    }

    /// rest-data-plane §1.3: what AWS does not look at.
    #[test]
    fn unsupported_members_say_nothing_and_cannot_move_references() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "id": "http://other.test/x#", "discriminator": "kind",
            "required": [], "properties": {
                "n": { "minimum": 1, "exclusiveMinimum": true, "format": "int32", "readOnly": true, "default": "x" },
                "same": { "$ref": "#/definitions/with~1slash%20and%20blank" },
            },
            "definitions": { "with/slash and blank": { "type": "string" } },
        });

        assert_eq!(check(&schema, r#"{"n": 1, "same": "text"}"#), Ok(()));
        assert!(check(&schema, r#"{"n": 0}"#).is_err() && check(&schema, r#"{"same": 1}"#).is_err());
    }

    /// Texts that customers quote from `$context.error.validationErrorString` and execution logs [F].
    #[test]
    fn what_is_wrong_is_said_in_aws_words() {
        let place = json!({ "type": "object", "required": ["timestamp", "id", "state"], "properties": {
            "timestamp": { "type": "number", "minimum": 315_529_200_000_u64 },
            "id": { "type": "string", "maxLength": 3, "pattern": "^[a-z]+$" },
            "state": { "enum": ["CREATED", "SENT"] },
            "how": { "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] },
        } });

        assert_eq!(said(&place, "{"), "[Unknown error parsing request body]");
        assert_eq!(said(&place, "{}"), r#"[object has missing required properties (["id","state","timestamp"])]"#);
        let expected = [
            r#"ECMA 262 regex "^[a-z]+$" does not match input string "TOO""#,
            r#"instance value ("INVALID") not found in enum (possible values: ["CREATED","SENT"])"#,
            "numeric instance is lower than the required minimum (minimum: 315529200000, found: 1)",
        ];
        let body = r#"{"timestamp": 1, "id": "TOO", "state": "INVALID"}"#;
        assert_eq!(said(&place, body), format!("[{}]", expected.join(", ")));
        let body = r#"{"timestamp": "1", "id": "a", "state": "SENT", "how": {}}"#;
        assert_eq!(
            said(&place, body),
            "[instance failed to match exactly one schema (matched 0 out of 2), instance type (string) does not match any \
             allowed primitive type (allowed: [\"integer\",\"number\"])]"
        );
    }

    #[test]
    fn a_schema_that_is_none_is_refused_with_its_reason() {
        let refused = |schema: Value| compiled(&json!({ "M": schema }), "M").unwrap_err();

        assert_eq!(refused(link("N")), "there is no model N");
        assert_eq!(refused(json!({ "$ref": "#/definitions/x" })), "there is no /definitions/x in M");
        assert_eq!(refused(json!({ "$ref": "file:///etc/passwd" })), "file:///etc/passwd names no model of this API");
        assert!(refused(json!({ "minimum": "1" })).contains(r#""1" is not of type "number""#));
        assert!(refused(json!({ "pattern": "(" })).contains("regex"));
        assert!(refused(json!(1)).contains("object"));
        let none = compile(&BTreeSet::from(["M"]), &BTreeMap::from([("M".to_owned(), "<xml/>".to_owned())]));
        assert!(none["M"].as_ref().unwrap_err().starts_with("M is no JSON: "));
    }

    /// `Empty` is built in; an import need not bring it.
    #[test]
    fn the_model_empty_is_always_there() {
        let empty = compiled(&json!({}), "Empty").unwrap();

        assert!(empty.check(b"{}").is_ok() && empty.check(b"[]").is_err());
    }

    /// Schemas on top of each other, or doubling at every step, or nested without end.
    #[test]
    fn a_schema_that_would_cost_too_much_is_refused() {
        let chain = |links: usize, step: &dyn Fn(Value) -> Value| {
            let models: serde_json::Map<String, Value> =
                (0..links).map(|n| (format!("M{n}"), step(link(&format!("M{}", n + 1))))).collect();
            let mut models = Value::Object(models);
            models[format!("M{links}")] = json!({});
            compiled(&models, "M0").map(|_| ()).unwrap_err()
        };

        assert!(chain(40, &|next| json!({ "allOf": [next] })).contains("on top of each other"));
        assert!(chain(12, &|next| json!({ "anyOf": [next, next] })).contains("look at one value"));
        let twice =
            |next: Value| json!({ "allOf": [{ "properties": { "x": next } }, { "properties": { "x": next } }] });
        assert!(chain(12, &twice).contains("look at one value"));
        assert!(chain(1_500, &|next| json!({ "properties": { "x": next } })).contains("nests"));
        let patterns: Vec<Value> = (0..1_001).map(|n| json!({ "pattern": n.to_string() })).collect();
        assert!(compiled(&json!({ "M": { "anyOf": patterns } }), "M").unwrap_err().contains("patterns"));
    }

    /// As deep as the limits allow, on a stack of the size that traffic has.
    #[test]
    fn the_deepest_schema_over_the_deepest_body_fits_the_stack() {
        let wrap = |inner: Value, _| json!({ "allOf": [inner] });
        let inner = (0..28).fold(json!({ "type": "object", "properties": { "x": link("M") } }), wrap);
        let recursive = compiled(&json!({ "M": inner }), "M").unwrap();
        let links = 990;
        let models: serde_json::Map<String, Value> = (0..links)
            .map(|n| (format!("M{n}"), json!({ "properties": { "x": link(&format!("M{}", (n + 1) % links)) } })))
            .collect();
        let long = compiled(&Value::Object(models), "M0").unwrap();

        let body = format!("{}1{}", r#"{"x":"#.repeat(126), "}".repeat(126));
        let small = std::thread::Builder::new().stack_size(2 << 20);
        let checked = small.spawn(move || (recursive.check(body.as_bytes()), drop((recursive, long)))).unwrap();

        let said = "[instance type (integer) does not match any allowed primitive type (allowed: [\"object\"])]";
        assert_eq!(checked.join().unwrap().0, Err(said.to_owned()));
    }

    /// Recursion in both branches doubles with every level, unless what is known is kept.
    #[test]
    fn a_schema_that_doubles_with_every_level_of_the_body_ends() {
        let branch = |kind: &str| json!({ "properties": { "x": link("M"), "kind": { "enum": [kind] } } });
        let schema = json!({ "oneOf": [branch("a"), branch("b"), { "type": "number" }] });
        let body = format!("{}true{}", r#"{"x":"#.repeat(100), "}".repeat(100));

        assert_eq!(said(&schema, &body), "[instance does not match the schema]");
    }

    #[test]
    fn a_pattern_that_backtracks_without_end_is_given_up() {
        let schema = json!({ "items": { "pattern": "^(?=(a+)+$)(a|aa)+$" } });
        let body = json!(vec!["a".repeat(60) + "!"; 20]).to_string();

        assert!(check(&schema, &body).is_err());
    }
}
