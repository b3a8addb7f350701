//! MethodResponse: a declared answer of a method (rest-admin-api §3.4).

use serde_json::Value;
use stagecoach_base::AwsError;

use super::method::{check_model, invalid_expression, is_parameter_name};
use super::{Method, MethodResponse, Model};
use crate::input::{self, Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// Reads the body of PutMethodResponse and checks its constraints, which AWS does before it looks anything up.
///
/// # Errors
/// `SerializationException`, or `ValidationException` for a bad status.
pub fn parse(status: &str, body: &Value) -> Result<MethodResponse, AwsError> {
    let input = Members::of(body)?;
    let response_parameters = input.map("responseParameters", input::flag)?;
    let response_models = input.map("responseModels", input::text)?;
    let mut constraints = Constraints::of("PutMethodResponse");
    constraints.status_code(status);
    constraints.check()?;
    Ok(MethodResponse { status_code: status.to_owned(), response_parameters, response_models })
}

/// Checks a new response against its method and the models of the API.
///
/// # Errors
/// A key that is no `method.response.header.…`, an unknown model, 409 for a response that exists.
pub fn put(method: &Method, made: &MethodResponse, models: &[Model]) -> Result<(), AwsError> {
    for key in made.response_parameters.iter().flatten().map(|(key, _)| key) {
        check_key(key)?;
    }
    for name in made.response_models.iter().flatten().map(|(_, name)| name) {
        check_model(models, name)?;
    }
    match method.method_responses.contains_key(&made.status_code) {
        true => Err(AwsError::conflict("Response already exists for this resource")),
        false => Ok(()),
    }
}

/// `method.response.header.{name}`.
pub(crate) fn check_key(key: &str) -> Result<(), AwsError> {
    match key.strip_prefix("method.response.header.").is_some_and(is_parameter_name) {
        true => Ok(()),
        false => Err(invalid_expression(&format!("Invalid mapping expression specified: {key}"))),
    }
}

const ALL: &[Op] = &[Op::Add, Op::Replace, Op::Remove];

const TABLE: &[Row<MethodResponse, Vec<Model>>] = &[
    Row {
        path: "/responseParameters/{}",
        ops: ALL,
        apply: |r, c, _| {
            check_key(c.key)?;
            c.entry(&mut r.response_parameters, c.flag(), "Invalid parameter name specified")
        },
    },
    Row {
        path: "/responseModels/{}",
        ops: ALL,
        apply: |r, c, models| {
            let model = c.value.unwrap_or_default().to_owned();
            c.entry(&mut r.response_models, model.clone(), "Content-Type specified was not found")?;
            if c.op == Op::Remove { Ok(()) } else { check_model(models, &model) }
        },
    },
];

/// Applies UpdateMethodResponse. `models` are those of the API.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateMethodResponse.
pub fn patch(
    response: &MethodResponse,
    operations: &[PatchOperation],
    models: &Vec<Model>,
) -> Result<MethodResponse, AwsError> {
    patch::apply(response, operations, TABLE, Family::B, models)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stagecoach_base::Verb;

    use super::*;

    fn known() -> Vec<Model> {
        vec![Model::standard("Empty", "", "{}")]
    }

    /// rest-admin-api §3.4: `{}` sent is `{}` shown, what is not sent is not shown.
    #[test]
    fn an_empty_map_is_kept_and_an_absent_one_stays_absent() {
        let made = parse("200", &json!({ "responseParameters": {} })).unwrap();

        let shown = serde_json::to_value(&made).unwrap();

        assert_eq!(shown, json!({ "statusCode": "200", "responseParameters": {} }));
    }

    #[test]
    fn a_second_response_is_a_conflict_and_an_unknown_model_is_refused() {
        let mut method = Method::new(Verb::Get);
        let made = parse("200", &json!({ "responseModels": { "application/json": "Empty" } })).unwrap();
        let other = parse("400", &json!({ "responseModels": { "application/json": "Nope" } })).unwrap();

        put(&method, &made, &known()).unwrap();
        method.method_responses.insert("200".into(), made.clone());

        assert_eq!(put(&method, &made, &known()).unwrap_err().message(), "Response already exists for this resource");
        assert_eq!(put(&method, &other, &known()).unwrap_err().message(), "Invalid model identifier specified: Nope");
    }

    /// Recording test_lifecycle_method_response: the last entry that goes takes the map with it.
    #[test]
    fn entries_are_added_replaced_and_removed() {
        let made = parse("200", &json!({})).unwrap();
        let operations = json!({ "patchOperations": [
            { "op": "add", "path": "/responseParameters/method.response.header.x", "value": "true" },
            { "op": "add", "path": "/responseModels/application~1json", "value": "Empty" },
            { "op": "replace", "path": "/responseParameters/method.response.header.x", "value": "yes" },
            { "op": "remove", "path": "/responseModels/application~1json" },
        ] });
        let operations = patch::parse(&operations, "UpdateMethodResponse").unwrap();

        let changed = patch(&made, &operations, &known()).unwrap();

        assert!(!changed.response_parameters.unwrap()["method.response.header.x"]);
        assert!(changed.response_models.is_none());
    }
}
