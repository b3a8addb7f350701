//! GatewayResponse: an answer of the gateway's own, customised (rest-admin-api §3.19).

mod types;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use super::method::{invalid_expression, is_parameter_name};
use crate::Document;
use crate::input::{self, Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

pub use types::{all, check_type};

/// A customised gateway response. What it leaves to its type is absent here, so that the snapshot holds only what was
/// customised; [`shown`] fills the gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayResponse {
    /// `DEFAULT_4XX`, …
    pub response_type: String,
    /// Absent: the type's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<String>,
    /// `gatewayresponse.header.{name}` → expression.
    #[serde(default)]
    pub response_parameters: BTreeMap<String, String>,
    /// Content type → template.
    #[serde(default)]
    pub response_templates: BTreeMap<String, String>,
    /// False for a customised one.
    #[serde(default)]
    pub default_response: bool,
}

impl Document for GatewayResponse {
    const KIND: &'static str = "gatewayresponse";
}

/// 404 of a type to delete that was not customised [V a].
pub fn not_customised() -> AwsError {
    AwsError::not_found("Gateway response type not defined on api")
}

fn standard_templates() -> BTreeMap<String, String> {
    BTreeMap::from([("application/json".to_owned(), r#"{"message":$context.error.messageString}"#.to_owned())])
}

/// Reads the body of PutGatewayResponse and checks its constraints, those of the URI included.
///
/// # Errors
/// `SerializationException`, `ValidationException`.
pub fn parse(kind: &str, body: &Value) -> Result<GatewayResponse, AwsError> {
    let input = Members::of(body)?;
    let status_code = input.text("statusCode")?;
    let response_parameters = input.map("responseParameters", input::text)?.unwrap_or_default();
    let response_templates = input.map("responseTemplates", input::text)?.unwrap_or_default();
    let mut constraints = Constraints::of("PutGatewayResponse");
    constraints.status_in_body("statusCode", status_code.as_deref());
    types::constrain(&mut constraints, kind);
    constraints.check()?;
    Ok(GatewayResponse {
        response_type: kind.to_owned(),
        status_code,
        response_parameters,
        response_templates,
        default_response: false,
    })
}

/// A response to store, from what was parsed.
///
/// # Errors
/// 400 for a parameter that is no mapping of a header.
pub fn put(parsed: GatewayResponse) -> Result<GatewayResponse, AwsError> {
    for (key, value) in &parsed.response_parameters {
        check_parameter(key, value)?;
    }
    Ok(trimmed(parsed))
}

/// Without what its type says anyway.
fn trimmed(mut response: GatewayResponse) -> GatewayResponse {
    let kind = types::find(&response.response_type);
    if response.status_code.as_deref() == kind.and_then(|kind| kind.status) {
        response.status_code = None;
    }
    if response.response_templates == standard_templates() {
        response.response_templates.clear();
    }
    response
}

/// The response as AWS shows it: gaps filled with the type's own status and the standard template [V a].
pub fn shown(response: &GatewayResponse) -> GatewayResponse {
    let mut shown = response.clone();
    if shown.status_code.is_none() {
        shown.status_code = types::find(&shown.response_type).and_then(|kind| kind.status).map(str::to_owned);
    }
    if shown.response_templates.is_empty() {
        shown.response_templates = standard_templates();
    }
    shown
}

/// The response of `kind` as AWS shows it. An uncustomised one takes what DEFAULT_4XX or DEFAULT_5XX was customised to
/// and stays `defaultResponse` [V a].
pub fn effective(kind: &str, customised: &[GatewayResponse]) -> GatewayResponse {
    let own = |name: &str| customised.iter().find(|response| response.response_type == name);
    if let Some(response) = own(kind) {
        return shown(response);
    }
    let family = types::find(kind).and_then(types::family).and_then(own).map(shown);
    let mut response = family.unwrap_or_else(|| shown(&standard(kind)));
    if response.status_code.is_none() {
        response.status_code = types::find(kind).and_then(|kind| kind.status).map(str::to_owned);
    }
    GatewayResponse { response_type: kind.to_owned(), default_response: true, ..response }
}

fn standard(kind: &str) -> GatewayResponse {
    GatewayResponse {
        response_type: kind.to_owned(),
        status_code: None,
        response_parameters: BTreeMap::new(),
        response_templates: BTreeMap::new(),
        default_response: true,
    }
}

/// `gatewayresponse.header.{name}` → a literal or a value of the request [D]. The other two places are accepted too,
/// though an answer has neither path nor query string (rest-data-plane §2.2, rule 3).
fn check_parameter(key: &str, value: &str) -> Result<(), AwsError> {
    let refuse = |text: &str| Err(invalid_expression(&format!("Invalid mapping expression specified: {text}")));
    const PLACES: [&str; 3] = ["gatewayresponse.header.", "gatewayresponse.path.", "gatewayresponse.querystring."];
    let placed = |place: &str| key.strip_prefix(place).is_some_and(is_parameter_name);
    if !PLACES.iter().any(|place| placed(place)) {
        return refuse(key);
    }
    let literal = value.len() > 1 && value.starts_with('\'') && value.ends_with('\'');
    const SOURCES: [&str; 8] = [
        // The guide's own example [D Gateway responses].
        "method.input.params.",
        "method.request.path.",
        "method.request.querystring.",
        "method.request.multivaluequerystring.",
        "method.request.header.",
        "method.request.multivalueheader.",
        "stageVariables.",
        "context.",
    ];
    let named = |source: &str| value.strip_prefix(source).is_some_and(is_parameter_name);
    if literal || SOURCES.iter().any(|source| named(source)) { Ok(()) } else { refuse(value) }
}

const ALL: &[Op] = &[Op::Add, Op::Replace, Op::Remove];
const EVERY: &[Op] = &[Op::Add, Op::Replace, Op::Remove, Op::Move, Op::Test, Op::Copy];

const TABLE: &[Row<GatewayResponse>] = &[
    // For another operation AWS says the path is invalid, not the operation [V a].
    Row { path: "/statusCode", ops: EVERY, apply: |r, c, ()| set_status(r, c) },
    Row {
        path: "/responseParameters/{}",
        ops: ALL,
        apply: |r, c, ()| {
            if let Some(value) = entry(&mut r.response_parameters, c, "responseParameters")? {
                check_parameter(c.key, &value)?;
            }
            Ok(())
        },
    },
    Row {
        path: "/responseTemplates/{}",
        ops: ALL,
        apply: |r, c, ()| entry(&mut r.response_templates, c, "responseTemplates").map(drop),
    },
];

fn set_status(response: &mut GatewayResponse, change: &Change<'_>) -> Result<(), AwsError> {
    if change.op != Op::Replace {
        return Err(AwsError::bad_request(format!("Invalid patch path {}", change.path)));
    }
    let status = change.value.filter(|value| input::is_status(value));
    let invalid =
        || AwsError::bad_request(format!("Invalid status code specified: {}", change.value.unwrap_or("null")));
    response.status_code = Some(status.ok_or_else(invalid)?.to_owned());
    Ok(())
}

/// Adds, replaces or removes one entry; answers the value that is there now. The 404 precedes the 400 for no value.
fn entry(map: &mut BTreeMap<String, String>, change: &Change<'_>, member: &str) -> Result<Option<String>, AwsError> {
    if change.op != Op::Add && !map.contains_key(change.key) {
        return Err(AwsError::not_found("Invalid parameter name specified"));
    }
    if change.op == Op::Remove {
        map.remove(change.key);
        return Ok(None);
    }
    let empty = || AwsError::bad_request(format!("Invalid null or empty value in {member}"));
    let value = change.value.filter(|value| !value.is_empty()).ok_or_else(empty)?;
    map.insert(change.key.to_owned(), value.to_owned());
    Ok(Some(value.to_owned()))
}

/// Applies UpdateGatewayResponse to the response of `kind`; the first patch of a type customises it [V a].
///
/// # Errors
/// rest-admin-api §2.6, rows of GatewayResponse.
pub fn patch(
    kind: &str,
    own: Option<&GatewayResponse>,
    operations: &[PatchOperation],
) -> Result<GatewayResponse, AwsError> {
    let before = own.map_or_else(|| shown(&standard(kind)), shown);
    let changed = patch::apply(&before, operations, TABLE, Family::B, &())?;
    Ok(trimmed(GatewayResponse { default_response: false, ..changed }))
}

#[cfg(test)]
mod tests;
