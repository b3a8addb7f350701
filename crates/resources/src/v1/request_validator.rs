//! RequestValidator: which parts of a request are checked (rest-admin-api §3.8).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, id};

use crate::input::Members;
use crate::patch::{self, Family, Op, PatchOperation, Row};
use crate::{ApiTree, Document};

/// A request validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestValidator {
    /// Six characters.
    pub id: String,
    /// Unique in the API.
    pub name: String,
    /// Check the body.
    pub validate_request_body: bool,
    /// Check parameters.
    pub validate_request_parameters: bool,
}

impl Document for RequestValidator {
    const KIND: &'static str = "requestvalidator";
}

/// 404 of a validator, and of the API above it [V a].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Request Validator identifier specified")
}

/// 400 of CreateRequestValidator on an API that does not exist [V a].
pub fn unknown_api() -> AwsError {
    AwsError::bad_request("Invalid REST API identifier specified")
}

/// Reads the body of CreateRequestValidator; the id is given by [`create`].
///
/// # Errors
/// `SerializationException`.
pub fn parse(body: &Value) -> Result<RequestValidator, AwsError> {
    let input = Members::of(body)?;
    Ok(RequestValidator {
        id: String::new(),
        name: input.text("name")?.unwrap_or_default(),
        validate_request_body: input.flag("validateRequestBody")?.unwrap_or_default(),
        validate_request_parameters: input.flag("validateRequestParameters")?.unwrap_or_default(),
    })
}

/// A new validator. `all` are those of the API.
///
/// # Errors
/// 400 for a blank name, 409 for one that is taken.
pub fn create(parsed: RequestValidator, all: &[RequestValidator]) -> Result<RequestValidator, AwsError> {
    check_name(&parsed, all)?;
    let is_free = |id: &str| all.iter().all(|validator| validator.id != id);
    Ok(RequestValidator { id: id::free(&[RequestValidator::KIND, &parsed.name], id::CHILD_ID_LEN, is_free), ..parsed })
}

/// The text of a blank name is recorded for updates [V a]; that names are unique, and the text, is from reports of users
/// (serverless/serverless#10099), the code is not.
fn check_name(validator: &RequestValidator, all: &[RequestValidator]) -> Result<(), AwsError> {
    if validator.name.trim().is_empty() {
        return Err(AwsError::bad_request("Request Validator name cannot be blank"));
    }
    match all.iter().any(|other| other.name == validator.name && other.id != validator.id) {
        true => Err(AwsError::conflict("Request Validator name must be unique")),
        false => Ok(()),
    }
}

/// In the order in which AWS prints them [V a].
const TABLE: &[Row<RequestValidator>] = &[
    Row {
        path: "/name",
        ops: &[Op::Replace],
        apply: |v, c, ()| {
            v.name = c.value.unwrap_or_default().to_owned();
            check_name(v, &[])
        },
    },
    Row {
        path: "/validateRequestParameters",
        ops: &[Op::Replace],
        apply: |v, c, ()| {
            v.validate_request_parameters = c.flag();
            Ok(())
        },
    },
    Row {
        path: "/validateRequestBody",
        ops: &[Op::Replace],
        apply: |v, c, ()| {
            v.validate_request_body = c.flag();
            Ok(())
        },
    },
];

/// Applies UpdateRequestValidator. `all` are the validators of the API.
///
/// # Errors
/// The patch family's texts, or those of a name.
pub fn patch(
    validator: &RequestValidator,
    all: &[RequestValidator],
    operations: &[PatchOperation],
) -> Result<RequestValidator, AwsError> {
    let changed = patch::apply(validator, operations, TABLE, Family::A, &())?;
    check_name(&changed, all)?;
    Ok(changed)
}

/// Whether the validator may go. AWS refuses one in use (localstack/localstack#7846) in words nobody wrote down; these
/// are the words it has for authorizers.
///
/// # Errors
/// 409 that names a method.
pub fn check_unused(validator: &RequestValidator, tree: &ApiTree) -> Result<(), AwsError> {
    let uses = |at: &&crate::tree::MethodAt| at.method.request_validator_id.as_deref() == Some(validator.id.as_str());
    match tree.last_method(uses) {
        None => Ok(()),
        Some((path, verb)) => Err(AwsError::conflict(format!(
            "Cannot delete request validator '{}', is referenced in method: {verb}/{path}",
            validator.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made(name: &str, all: &[RequestValidator]) -> Result<RequestValidator, AwsError> {
        create(parse(&json!({ "name": name }))?, all)
    }

    fn patched(validator: &RequestValidator, operation: &Value) -> Result<RequestValidator, AwsError> {
        let body = json!({ "patchOperations": [operation] });
        patch(validator, &[], &patch::parse(&body, "UpdateRequestValidator")?)
    }

    /// test_request_validator_lifecycle.
    #[test]
    fn flags_default_to_false_and_a_missing_value_is_false() {
        let validator = made("v", &[]).unwrap();

        let on =
            patched(&validator, &json!({ "op": "replace", "path": "/validateRequestBody", "value": "true" })).unwrap();
        let off = patched(&on, &json!({ "op": "replace", "path": "/validateRequestBody" })).unwrap();

        assert!(!validator.validate_request_body && !validator.validate_request_parameters);
        assert!(on.validate_request_body && !off.validate_request_body);
    }

    /// rest-admin-api §2.5 and §2.6, rows of UpdateRequestValidator.
    #[test]
    fn wrong_patches_have_aws_s_texts() {
        let validator = made("v", &[]).unwrap();
        let text = |operation: &Value| patched(&validator, operation).unwrap_err().message().to_owned();

        assert_eq!(
            text(&json!({ "op": "replace", "path": "/name", "value": "" })),
            "Request Validator name cannot be blank"
        );
        assert_eq!(
            text(&json!({ "op": "add", "path": "/name", "value": "x" })),
            "Invalid patch path  '/name' specified for op 'add'. Please choose supported operations"
        );
        assert_eq!(
            text(&json!({ "op": "replace", "path": "/invalid", "value": "x" })),
            "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: [/name, \
             /validateRequestParameters, /validateRequestBody]"
        );
    }

    #[test]
    fn names_are_unique_in_an_api() {
        let first = made("v", &[]).unwrap();

        let second = made("v", std::slice::from_ref(&first)).unwrap_err();
        let unnamed = create(parse(&Value::Null).unwrap(), &[]).unwrap_err();

        assert_eq!((second.code().status(), second.message()), (409, "Request Validator name must be unique"));
        assert_eq!(unnamed.message(), "Request Validator name cannot be blank");
    }
}
