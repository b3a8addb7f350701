//! IntegrationResponse: one row of an integration's answer table (rest-admin-api §3.6).

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::AwsError;

use super::integration::CONTENT_HANDLING;
use super::method::{check_expression, invalid_expression};
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
    method.method_integration.as_ref().ok_or_else(errors::unknown_integration)?;
    check_templates(made.response_templates.as_ref())?;
    check_parameters(method, made)?;
    check_pattern(method, made)
}

fn check_pattern(method: &Method, made: &IntegrationResponse) -> Result<(), AwsError> {
    let Some(integration) = &method.method_integration else { return Ok(()) };
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
    made.response_parameters.iter().flatten().try_for_each(|(key, value)| check_parameter(method, made, key, value))
}

/// A parameter goes into a header that the method's response of the same status declares [R].
fn check_parameter(method: &Method, made: &IntegrationResponse, key: &str, value: &str) -> Result<(), AwsError> {
    let declared = method.method_responses.get(&made.status_code);
    let declared = declared.ok_or_else(|| invalid_expression("No method response exists for method."))?;
    super::method_response::check_key(key)?;
    match declared.response_parameters.as_ref().is_some_and(|parameters| parameters.contains_key(key)) {
        true => check_expression(value, "integration.response."),
        false => Err(invalid_expression(&format!("Invalid mapping expression parameter specified: {key}"))),
    }
}

const R: &[Op] = &[Op::Replace];
const ALL: &[Op] = &[Op::Add, Op::Replace, Op::Remove];

const TABLE: &[Row<IntegrationResponse, Method>] = &[
    Row { path: "/contentHandling", ops: R, apply: |r, c, _| set_handling(&mut r.content_handling, c) },
    Row {
        path: "/selectionPattern",
        ops: R,
        apply: |r, c, _| {
            r.selection_pattern = c.value.map(str::to_owned);
            Ok(())
        },
    },
    Row {
        path: "/responseParameters/{}",
        ops: ALL,
        apply: |r, c, method| {
            let expression = c.value.unwrap_or_default().to_owned();
            if c.op != Op::Remove {
                check_parameter(method, r, c.key, &expression)?;
            }
            c.entry(&mut r.response_parameters, expression, "Invalid parameter name specified")
        },
    },
    Row {
        path: "/responseTemplates/{}",
        ops: ALL,
        apply: |r, c, _| c.entry(&mut r.response_templates, c.text(), "Content-Type specified was not found"),
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

/// Applies UpdateIntegrationResponse. `method` is the one whose integration has the response.
///
/// # Errors
/// The patch family's texts; what [`put`] refuses.
pub fn patch(
    method: &Method,
    response: &IntegrationResponse,
    operations: &[PatchOperation],
) -> Result<IntegrationResponse, AwsError> {
    let changed = patch::apply(response, operations, TABLE, Family::B, method)?;
    check_templates(changed.response_templates.as_ref())?;
    check_pattern(method, &changed)?;
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stagecoach_base::Verb;

    use super::*;
    use crate::v1::{Integration, method_response};

    /// A mock with the method responses 200, which declares the header `x`, and 400.
    fn method() -> Method {
        let mut method = Method::new(Verb::Get);
        method.method_integration = Some(Integration::new("MOCK", "r"));
        let declared = json!({ "responseParameters": { "method.response.header.x": false } });
        method.method_responses.insert("200".into(), method_response::parse("200", &declared).unwrap());
        method.method_responses.insert("400".into(), method_response::parse("400", &json!({})).unwrap());
        method
    }

    fn add(method: &mut Method, status: &str, body: &Value) {
        let made = parse(status, body).unwrap();
        put(method, &made).unwrap();
        let integration = method.method_integration.as_mut().unwrap();
        integration.integration_responses.insert(status.into(), made);
    }

    fn replace(path: &str, value: &str) -> Vec<PatchOperation> {
        vec![PatchOperation { op: Op::Replace, path: Some(path.into()), value: Some(value.into()), from: None }]
    }

    #[test]
    fn a_parameter_needs_a_header_that_the_method_response_declares() {
        let parameter =
            |name: &str| json!({ "responseParameters": { format!("method.response.header.{name}"): "'1'" } });
        let refused = |status: &str, name: &str| put(&method(), &parse(status, &parameter(name)).unwrap()).unwrap_err();

        let (none, other) = (refused("500", "x"), refused("200", "y"));

        assert!(put(&method(), &parse("200", &parameter("x")).unwrap()).is_ok());
        assert!(none.message().ends_with("errors : [No method response exists for method.]"), "{none}");
        assert!(
            other.message().ends_with("[Invalid mapping expression parameter specified: method.response.header.y]"),
            "{other}"
        );
    }

    /// rest-admin-api §3.6: patterns are unique, however they came about; none is one.
    #[test]
    fn two_responses_never_share_a_pattern() {
        let mut method = method();
        add(&mut method, "200", &json!({}));
        add(&mut method, "400", &json!({ "selectionPattern": "4.*" }));
        let second = method.method_integration.as_ref().unwrap().integration_responses["400"].clone();

        let put = put(&method, &parse("500", &json!({ "selectionPattern": "4.*" })).unwrap()).unwrap_err();
        let patched = patch(&method, &second, &replace("/selectionPattern", "")).unwrap_err();

        assert_eq!(put.message(), "Integration response with selection pattern 4.* already exists");
        assert_eq!(patched.message(), "Integration response with selection pattern default already exists");
    }

    /// Recording test_put_integration_response_templates: empty and null templates are both shown as null.
    #[test]
    fn templates_without_text_are_null() {
        let templates = json!({ "application/json": "", "application/xml": null, "text/plain": "x" });

        let made = parse("200", &json!({ "responseTemplates": templates })).unwrap();

        let shown = serde_json::to_value(&made).unwrap();
        assert_eq!(
            shown["responseTemplates"],
            json!({ "application/json": null, "application/xml": null, "text/plain": "x" })
        );
    }
}
