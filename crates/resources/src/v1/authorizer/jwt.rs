//! `jwtConfiguration` of a JWT authorizer [M; D rest-api-jwt-authorizer-create].
//!
//! AWS fetches each issuer's discovery document when the authorizer is made and shows its `jwksUri`. Here the worker
//! fetches it, so that making an authorizer depends on no other host; `jwksUri` is not shown.

use serde_json::{Map, Value, json};
use stagecoach_base::AwsError;

use super::rules::invalid;
use crate::input::{self, Constraints, Members};

const ALGORITHMS: [&str; 6] = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];
/// Claims that have rules of their own.
const RESERVED: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "scope", "scp"];

/// Reads the members AWS knows, in its order.
pub(super) fn read(given: Members<'_>, constraints: &mut Constraints) -> Result<Value, AwsError> {
    let algorithms = given.texts("defaultAlgorithms")?;
    let mut issuers = Vec::new();
    for (index, entry) in given.list("issuers")?.iter().enumerate() {
        issuers.push(issuer(Members::of(entry)?, index + 1, constraints)?);
    }
    constraints.each_of("jwtConfiguration.defaultAlgorithms", algorithms.as_deref().unwrap_or_default(), &ALGORITHMS);
    let mut made = Map::from_iter([("issuers".to_owned(), Value::Array(issuers))]);
    made.extend(algorithms.map(|list| ("defaultAlgorithms".to_owned(), json!(list))));
    Ok(Value::Object(made))
}

fn issuer(given: Members<'_>, index: usize, constraints: &mut Constraints) -> Result<Value, AwsError> {
    let at = format!("jwtConfiguration.issuers.{index}.member");
    let (url, audiences) = (given.text("issuer")?, given.texts("audiences")?);
    constraints.required(&format!("{at}.issuer"), url.is_some());
    let mut claims = Vec::new();
    for (index, entry) in given.list("additionalClaims")?.iter().enumerate() {
        let at = format!("{at}.additionalClaims.{}.member", index + 1);
        claims.push(claim(Members::of(entry)?, &at, constraints)?);
    }
    let mut made = Map::new();
    made.extend(url.map(|url| ("issuer".to_owned(), url.into())));
    made.extend(audiences.map(|list| ("audiences".to_owned(), json!(list))));
    if given.has("additionalClaims") {
        made.insert("additionalClaims".to_owned(), Value::Array(claims));
    }
    Ok(Value::Object(made))
}

fn claim(given: Members<'_>, at: &str, constraints: &mut Constraints) -> Result<Value, AwsError> {
    let (name, format) = (given.text("claimName")?, given.text("format")?);
    constraints.required(&format!("{at}.claimName"), name.is_some());
    constraints.one_of(&format!("{at}.format"), format.as_deref(), &["SINGLE_STRING"]);
    let mut made = Map::new();
    made.extend(name.map(|name| ("claimName".to_owned(), name.into())));
    made.extend(format.map(|format| ("format".to_owned(), format.into())));
    made.extend(given.flag("required")?.map(|required| ("required".to_owned(), required.into())));
    made.extend(given.texts("expectedValues")?.map(|values| ("expectedValues".to_owned(), json!(values))));
    Ok(Value::Object(made))
}

/// Issuers: at least one, absolute https, each once. Algorithms are required. Reserved claims are refused.
///
/// # Errors
/// 400 naming the rule.
pub(super) fn check(configuration: &Value) -> Result<(), AwsError> {
    let list = |value: &Value, member: &str| -> Vec<Value> {
        value.get(member).and_then(Value::as_array).cloned().unwrap_or_default()
    };
    if list(configuration, "defaultAlgorithms").is_empty() {
        return Err(invalid("jwtConfiguration.defaultAlgorithms is required"));
    }
    let issuers = list(configuration, "issuers");
    let urls: Vec<String> = issuers.iter().filter_map(|one| input::text(one.get("issuer")?).ok()).collect();
    if urls.is_empty() || urls.iter().any(|url| !is_https(url)) {
        return Err(invalid("every issuer must be an absolute https URL"));
    }
    if urls.iter().enumerate().any(|(index, url)| urls.iter().skip(index + 1).any(|other| other == url)) {
        return Err(invalid("issuers must be unique"));
    }
    let claims = issuers.iter().flat_map(|one| list(one, "additionalClaims"));
    let mut names = claims.filter_map(|claim| claim.get("claimName").and_then(Value::as_str).map(str::to_owned));
    match names.find(|name| name.is_empty() || RESERVED.contains(&name.as_str())) {
        Some(name) => Err(invalid(&format!("claimName '{name}' is not allowed"))),
        None => Ok(()),
    }
}

fn is_https(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or_default();
    rest.chars().next().is_some_and(char::is_alphanumeric) && !url.contains(char::is_whitespace)
}
