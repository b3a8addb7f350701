//! What each type of authorizer needs and refuses [M; D]: one row a type.

use serde_json::Value;
use stagecoach_base::AwsError;

use super::{Authorizer, JWT, PROVIDERS, TTL, jwt};

/// As AWS's model lists them.
pub(super) const TYPES: [&str; 4] = ["TOKEN", "REQUEST", "COGNITO_USER_POOLS", "JWT"];
/// Longest time a result is kept, seconds [M].
const LONGEST_TTL: i64 = 3600;
/// Effective when not set, seconds [M].
const DEFAULT_TTL: i64 = 300;

const URI: &str = "authorizerUri";
const SOURCE: &str = "identitySource";

struct Rule {
    kind: &'static str,
    /// `authType` when not given [V b,f,i]; for JWT what an import gives it, so that both come to the same.
    auth_type: &'static str,
    needs: &'static [&'static str],
    refuses: &'static [&'static str],
    /// Whether several identity sources, from several places, are taken.
    many_sources: bool,
}

const RULES: [Rule; 4] = [
    Rule { kind: "TOKEN", auth_type: "custom", needs: &[URI, SOURCE], refuses: &[JWT], many_sources: false },
    Rule { kind: "REQUEST", auth_type: "custom", needs: &[URI], refuses: &[JWT], many_sources: true },
    Rule {
        kind: "COGNITO_USER_POOLS",
        auth_type: "cognito_user_pools",
        needs: &[PROVIDERS, SOURCE],
        refuses: &[JWT],
        many_sources: false,
    },
    Rule {
        kind: "JWT",
        auth_type: "custom",
        needs: &[JWT, SOURCE],
        refuses: &[URI, "authorizerCredentials", TTL, PROVIDERS, "identityValidationExpression"],
        many_sources: false,
    },
];

/// AWS says no more than "Invalid request input" [R awsdocs/aws-cloudformation-user-guide#692]; ours goes on to say why.
pub(super) fn invalid(why: &str) -> AwsError {
    AwsError::bad_request(format!("Invalid request input: {why}"))
}

pub(super) fn auth_type(kind: &str) -> Option<&'static str> {
    RULES.iter().find(|rule| rule.kind == kind).map(|rule| rule.auth_type)
}

/// Checks an authorizer against the rules of its type.
///
/// # Errors
/// 400 for what is missing, refused or out of range.
pub(super) fn check(authorizer: &Authorizer) -> Result<(), AwsError> {
    let kind = authorizer.kind.as_str();
    let rule = RULES.iter().find(|rule| rule.kind == kind).ok_or_else(|| invalid("type is unknown"))?;
    let has = |member: &str| authorizer.options.get(member).is_some_and(|value| *value != Value::Array(Vec::new()));
    if let Some(missing) = rule.needs.iter().find(|member| !has(member)) {
        return Err(invalid(&format!("{missing} is required for type {kind}")));
    }
    if let Some(extra) = rule.refuses.iter().find(|member| has(member)) {
        return Err(invalid(&format!("{extra} is not allowed for type {kind}")));
    }
    let ttl = authorizer.options.get(TTL).and_then(Value::as_i64).unwrap_or(DEFAULT_TTL);
    if !(0..=LONGEST_TTL).contains(&ttl) {
        return Err(invalid(&format!("authorizerResultTtlInSeconds must be between 0 and {LONGEST_TTL}")));
    }
    match authorizer.options.get(SOURCE).and_then(Value::as_str) {
        Some(source) => check_sources(source, rule)?,
        None if ttl > 0 => return Err(invalid("identitySource is required while results are cached")),
        None => {}
    }
    authorizer.options.get(JWT).map_or(Ok(()), jwt::check)
}

/// Comma-separated mapping expressions; but one header for the types that read a token.
fn check_sources(text: &str, rule: &Rule) -> Result<(), AwsError> {
    let sources: Vec<&str> = text.split(',').map(str::trim).collect();
    let fits = |source: &&str| match rule.many_sources {
        true => is_source(source),
        false => sources.len() == 1 && named(source, "method.request.header."),
    };
    match sources.iter().all(fits) {
        true => Ok(()),
        false => Err(invalid(&format!("identitySource '{text}' does not suit type {}", rule.kind))),
    }
}

fn is_source(text: &str) -> bool {
    const PLACES: [&str; 6] = [
        "method.request.header.",
        "method.request.querystring.",
        "method.request.multivalueheader.",
        "method.request.multivaluequerystring.",
        "stageVariables.",
        "context.",
    ];
    PLACES.iter().any(|place| named(text, place))
}

fn named(text: &str, place: &str) -> bool {
    text.strip_prefix(place).is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}
