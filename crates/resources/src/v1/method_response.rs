//! MethodResponse: a declared answer of a method (rest-admin-api §3.4).

use serde_json::Value;
use stagecoach_base::AwsError;

use super::method::{invalid_expression, is_parameter_name};
use super::{Method, MethodResponse};
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

/// Checks a new response against its method.
///
/// # Errors
/// A key that is no `method.response.header.…`, 409 for a response that exists.
pub fn put(method: &Method, made: &MethodResponse) -> Result<(), AwsError> {
    for key in made.response_parameters.iter().flatten().map(|(key, _)| key) {
        check_key(key)?;
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

const TABLE: &[Row<MethodResponse>] = &[
    Row {
        path: "/responseParameters/{}",
        ops: ALL,
        apply: |r, c, ()| {
            check_key(c.key)?;
            c.entry(&mut r.response_parameters, c.flag(), "Invalid parameter name specified")
        },
    },
    Row {
        path: "/responseModels/{}",
        ops: ALL,
        apply: |r, c, ()| {
            let model = c.value.unwrap_or_default().to_owned();
            c.entry(&mut r.response_models, model, "Content-Type specified was not found")
        },
    },
];

/// Applies UpdateMethodResponse.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateMethodResponse.
pub fn patch(response: &MethodResponse, operations: &[PatchOperation]) -> Result<MethodResponse, AwsError> {
    patch::apply(response, operations, TABLE, Family::B, &())
}
