//! IntegrationResponse: one row of an integration's answer table (rest-admin-api §3.6).

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::AwsError;

use super::integration::CONTENT_HANDLING;
use super::method::invalid_expression;
use super::{IntegrationResponse, Method};
use crate::errors;
use crate::input::{self, Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

/// Reads the body of PutIntegrationResponse and checks its constraints, which AWS does before it looks anything up.
///
/// # Errors
/// `SerializationException` or `ValidationException`.
pub fn parse(status: &str, body: &Value) -> Result<IntegrationResponse, AwsError> {
    let input = Members::of(body)?;
    let made = IntegrationResponse {
        status_code: status.to_owned(),
        selection_pattern: input.text("selectionPattern")?,
        response_parameters: input.map("responseParameters", input::text)?,
        response_templates: input.map("responseTemplates", input::template)?,
        content_handling: input.text("contentHandling")?,
    };
    let mut constraints = Constraints::of("PutIntegrationResponse");
    constraints.one_of("contentHandling", made.content_handling.as_deref(), &CONTENT_HANDLING);
    constraints.status_code(status);
    constraints.check()?;
    Ok(made)
}

/// Checks a row against its method. Putting is an upsert that overwrites fully.
///
/// # Errors
/// rest-admin-api §2.6, rows of PutIntegrationResponse.
pub fn put(method: &Method, made: &IntegrationResponse) -> Result<(), AwsError> {
    let integration = method.method_integration.as_ref().ok_or_else(errors::unknown_integration)?;
    check_templates(made.response_templates.as_ref())?;
    check_parameters(method, made)?;
    let pattern = pattern(made);
    let others = integration.integration_responses.values().filter(|other| other.status_code != made.status_code);
    if others.map(self::pattern).any(|other| other == pattern) {
        return Err(AwsError::conflict(format!(
            "Integration response with selection pattern {} already exists",
            pattern.unwrap_or("default")
        )));
    }
    Ok(())
}

fn pattern(response: &IntegrationResponse) -> Option<&str> {
    response.selection_pattern.as_deref().filter(|pattern| !pattern.is_empty())
}

/// Template keys are media types [V a].
pub(crate) fn check_templates(templates: Option<&BTreeMap<String, Option<String>>>) -> Result<(), AwsError> {
    match templates.into_iter().flat_map(BTreeMap::keys).find(|key| !is_media_type(key)) {
        None => Ok(()),
        Some(key) => Err(AwsError::bad_request(format!(
            "Validation Result: warnings : [], errors : [Invalid content type specified: {key}]"
        ))),
    }
}

fn is_media_type(text: &str) -> bool {
    text == "$default" || text.split_once('/').is_some_and(|(kind, sub)| !kind.is_empty() && !sub.is_empty())
}

fn check_parameters(method: &Method, made: &IntegrationResponse) -> Result<(), AwsError> {
    let Some(parameters) = made.response_parameters.as_ref().filter(|map| !map.is_empty()) else { return Ok(()) };
    if !method.method_responses.contains_key(&made.status_code) {
        return Err(invalid_expression("No method response exists for method."));
    }
    parameters.keys().try_for_each(|key| super::method_response::check_key(key))
}

const R: &[Op] = &[Op::Replace];
const ALL: &[Op] = &[Op::Add, Op::Replace, Op::Remove];

const TABLE: &[Row<IntegrationResponse>] = &[
    Row { path: "/contentHandling", ops: R, apply: |r, c, ()| set_handling(&mut r.content_handling, c) },
    Row {
        path: "/selectionPattern",
        ops: R,
        apply: |r, c, ()| {
            r.selection_pattern = c.value.map(str::to_owned);
            Ok(())
        },
    },
    Row {
        path: "/responseParameters/{}",
        ops: ALL,
        apply: |r, c, ()| {
            super::method_response::check_key(c.key)?;
            let expression = c.value.unwrap_or_default().to_owned();
            c.entry(&mut r.response_parameters, expression, "Invalid parameter name specified")
        },
    },
    Row {
        path: "/responseTemplates/{}",
        ops: ALL,
        apply: |r, c, ()| c.entry(&mut r.response_templates, c.text(), "Content-Type specified was not found"),
    },
];

/// Sets `contentHandling`; an empty value resets it [I ZP].
pub(crate) fn set_handling(target: &mut Option<String>, change: &Change<'_>) -> Result<(), AwsError> {
    let value = change.text();
    if value.as_deref().is_some_and(|value| !CONTENT_HANDLING.contains(&value)) {
        return Err(AwsError::bad_request(
            "Invalid contentHandling specified. Valid options are CONVERT_TO_BINARY,CONVERT_TO_TEXT",
        ));
    }
    *target = value;
    Ok(())
}

/// Applies UpdateIntegrationResponse.
///
/// # Errors
/// The patch family's texts; a template key that is no media type.
pub fn patch(response: &IntegrationResponse, operations: &[PatchOperation]) -> Result<IntegrationResponse, AwsError> {
    let changed = patch::apply(response, operations, TABLE, Family::B, &())?;
    check_templates(changed.response_templates.as_ref())?;
    Ok(changed)
}
