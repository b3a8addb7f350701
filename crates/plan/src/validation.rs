//! A method's request validator: what must be there, and which model a body is held against (rest-data-plane §1.3).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ir::{Guard, Method, Plan};
use crate::schema::{self, Schema, Schemas};

/// What a request must have.
#[derive(Clone, Debug, Default)]
pub struct Validation {
    /// In the order in which missing ones are named: by location, then name.
    pub parameters: Vec<Required>,
    /// Models by media type; `None` for one whose model is no JSON Schema, which nothing is held against.
    bodies: Vec<Body>,
}

/// A media type and its model.
type Body = (Box<str>, Option<Arc<Schema>>);

/// A parameter that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Where.
    pub place: Place,
    /// Its name alone.
    pub name: Box<str>,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A header's last value.
    Header,
    /// Any value of a header.
    MultiValueHeader,
    /// The last value of a name in the query string.
    Query,
    /// Any value of it.
    MultiValueQuery,
    /// A variable of the resource's path.
    Path,
}

/// Locations of `method.request.{location}.{name}`.
const PLACES: [(&str, Place); 5] = [
    ("header", Place::Header),
    ("multivalueheader", Place::MultiValueHeader),
    ("querystring", Place::Query),
    ("multivaluequerystring", Place::MultiValueQuery),
    ("path", Place::Path),
];
/// The entry for media types without one of their own.
const DEFAULT: &str = "$default";

impl Validation {
    /// The model for a body of `media_type`; `None`: whatever it is passes.
    pub fn model(&self, media_type: &str) -> Option<&Schema> {
        let named = |name: &str| self.bodies.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        named(media_type).or_else(|| named(DEFAULT))?.1.as_deref()
    }

    /// What `method` asks for; `None` when that is nothing.
    pub(crate) fn compile(plan: &Plan, method: &Method, schemas: &Schemas) -> Result<Option<Box<Self>>, String> {
        let mut validation = Self::default();
        for id in validators(method) {
            let validator = plan.validators.get(id).ok_or_else(|| format!("there is no request validator {id}"))?;
            if validator.parameters {
                let required = method.request_parameters.iter().filter(|(_, required)| **required);
                validation.parameters.extend(required.filter_map(|(key, _)| Required::parse(key)));
            }
            if validator.body {
                validation.bodies = bodies(plan, method, schemas)?;
            }
        }
        let nothing = validation.parameters.is_empty() && validation.bodies.is_empty();
        Ok((!nothing).then(|| Box::new(validation)))
    }
}

impl Required {
    fn parse(key: &str) -> Option<Self> {
        let (location, name) = key.strip_prefix("method.request.")?.split_once('.')?;
        let (_, place) = PLACES.iter().find(|(known, _)| *known == location)?;
        Some(Self { place: *place, name: name.into() })
    }
}

fn validators(method: &Method) -> impl Iterator<Item = &str> {
    method.guards.iter().filter_map(|guard| match guard {
        Guard::Validate { validator_id } => Some(validator_id.as_str()),
        Guard::Policy | Guard::Authorize { .. } | Guard::ApiKey | Guard::Throttle => None,
    })
}

/// A model of another media type may be text that nothing here reads.
fn is_foreign(plan: &Plan, media_type: &str, model: &str) -> bool {
    let is_json = media_type == DEFAULT || media_type.to_ascii_lowercase().contains("json");
    !is_json && plan.models.get(model).is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err())
}

fn bodies(plan: &Plan, method: &Method, schemas: &Schemas) -> Result<Vec<Body>, String> {
    let entry = |(media_type, model): (&String, &String)| {
        if is_foreign(plan, media_type, model) {
            return Ok((media_type.as_str().into(), None));
        }
        let refused = |error: &str| format!("the model {model} cannot validate request bodies: {error}");
        match schemas.get(model.as_str()) {
            Some(Ok(schema)) => Ok((media_type.as_str().into(), Some(schema.clone()))),
            Some(Err(error)) => Err(refused(error)),
            None => Err(refused("it is not compiled")),
        }
    };
    method.request_models.iter().map(entry).collect()
}

/// Compiles the models that validators need: nobody pays for the others, nor fails for them.
pub(crate) fn schemas(plan: &Plan) -> Schemas {
    let checks = |method: &&Method| validators(method).any(|id| plan.validators.get(id).is_some_and(|v| v.body));
    let names: BTreeSet<&str> = plan
        .methods
        .iter()
        .filter(checks)
        .flat_map(|method| &method.request_models)
        .filter(|(media_type, model)| !is_foreign(plan, media_type, model))
        .map(|(_, model)| model.as_str())
        .collect();
    schema::compile(&names, &plan.models)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{CompileLimits, Release};

    fn compiled(models: &Value, validator: &Value, method: &Value) -> Result<Option<Box<Validation>>, String> {
        let mut whole = json!({
            "path": "/a/{id}", "verb": "POST", "guards": [{ "kind": "validate", "validatorId": "v" }],
            "integration": { "type": "MOCK", "timeoutMs": 50, "passthrough": "NEVER" },
        });
        whole.as_object_mut().unwrap().extend(method.as_object().unwrap().clone());
        let plan =
            json!({ "format": 1, "api": {}, "methods": [whole], "models": models, "validators": { "v": validator } });
        let plan: Plan = serde_json::from_value(plan).unwrap();
        let release = Release::compile(&plan, &CompileLimits::default());
        release.map(|release| release.method(0).unwrap().validation.clone()).map_err(|problems| problems[0].to_string())
    }

    /// [V common/test_api_gateway_request_validator]
    #[test]
    fn required_parameters_are_in_the_order_of_their_whole_names() {
        let method = json!({ "requestParameters": {
            "method.request.querystring.qs1": true, "method.request.path.issuer": true, "method.request.header.h": true,
            "method.request.header.optional": false,
        } });

        let validation = compiled(&json!({}), &json!({ "body": false, "parameters": true }), &method).unwrap().unwrap();

        let names: Vec<_> = validation.parameters.iter().map(|required| (required.place, &*required.name)).collect();
        assert_eq!(names, [(Place::Header, "h"), (Place::Path, "issuer"), (Place::Query, "qs1")]);
    }

    #[test]
    fn the_media_type_chooses_the_model() {
        let models = json!({ "A": r#"{"type":"array"}"#, "S": r#"{"type":"string"}"#, "X": "<schema/>" });
        let types = json!({ "application/json": "A", "$default": "S", "application/xml": "X" });
        let (body, other) = (json!({ "body": true, "parameters": false }), json!({ "application/json": "A" }));

        let all = compiled(&models, &body, &json!({ "requestModels": types })).unwrap().unwrap();
        let one = compiled(&models, &body, &json!({ "requestModels": other })).unwrap().unwrap();

        let fits = |validation: &Validation, media_type: &str, body: &str| {
            validation.model(media_type).is_none_or(|model| model.check(body.as_bytes()).is_ok())
        };
        assert!(fits(&all, "Application/JSON", "[]") && !fits(&all, "application/json", "\"s\""));
        assert!(fits(&all, "text/plain", "\"s\"") && !fits(&all, "text/plain", "[]"));
        assert!(fits(&all, "application/xml", "<a/>") && fits(&one, "text/plain", "anything"));
    }

    #[test]
    fn nothing_is_compiled_that_no_validator_asks_for() {
        let (broken, bad) =
            (json!({ "M": "{\"minimum\":\"1\"}" }), json!({ "requestModels": { "application/json": "M" } }));

        let idle = compiled(&broken, &json!({ "body": false, "parameters": true }), &bad).unwrap();
        let asked = compiled(&broken, &json!({ "body": true, "parameters": false }), &bad).unwrap_err();

        assert!(idle.is_none());
        assert!(asked.starts_with("POST /a/{id}: the model M cannot validate request bodies: "), "{asked}");
    }
}
