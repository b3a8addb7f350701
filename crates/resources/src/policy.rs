//! Resource policies as text: normalised on the way in, escaped once more on the way out (rest-admin-api §3.1).

use serde_json::Value;
use stagecoach_base::{AwsError, Scope};

/// Characters a policy may have [D].
const LONGEST: usize = 8192;

/// Parses, expands `execute-api:/…` resources to ARNs of `api_id`, and collapses a one-element Resource list [V n].
///
/// # Errors
/// 400 for text that is no policy document.
pub fn normalise(text: &str, api_id: &str, scope: &Scope) -> Result<String, AwsError> {
    let own = own(api_id, scope);
    expand_all(text, &|rest| format!("{own}{rest}"))
}

/// As [`normalise`], for the policy of a private domain: every `execute-api:/…` resource is the domain itself [R CLI].
///
/// # Errors
/// 400 for text that is no policy document.
pub fn normalise_domain(text: &str, name_and_id: &str, scope: &Scope) -> Result<String, AwsError> {
    let (partition, region, account) = (&scope.partition, &scope.region, &scope.account);
    let own = format!("arn:{partition}:execute-api:{region}:{account}:/domainnames/{name_and_id}");
    expand_all(text, &|_| own.clone())
}

/// Turns what follows `execute-api:/` into an ARN.
type Expand<'a> = &'a dyn Fn(&str) -> String;

fn expand_all(text: &str, own: Expand<'_>) -> Result<String, AwsError> {
    let invalid = || {
        AwsError::bad_request(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
        )
    };
    if text.len() > LONGEST {
        return Err(AwsError::bad_request(format!("Policy exceeds the maximum of {LONGEST} characters.")));
    }
    let mut policy: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let statements = policy.get_mut("Statement").ok_or_else(invalid)?;
    match statements {
        Value::Array(list) => list.iter_mut().for_each(|statement| expand(statement, own)),
        Value::Object(_) => expand(statements, own),
        _ => return Err(invalid()),
    }
    Ok(policy.to_string())
}

fn expand(statement: &mut Value, own: Expand<'_>) {
    for member in ["Resource", "NotResource"] {
        let Some(resource) = statement.get_mut(member) else { continue };
        if let Value::Array(list) = resource {
            list.iter_mut().for_each(|entry| expand_one(entry, own));
            if let [only] = list.as_slice() {
                *resource = only.clone();
            }
        } else {
            expand_one(resource, own);
        }
    }
}

fn expand_one(resource: &mut Value, own: Expand<'_>) {
    if let Some(rest) = resource.as_str().and_then(|text| text.strip_prefix("execute-api:/")) {
        *resource = own(rest).into();
    }
}

fn own(api_id: &str, scope: &Scope) -> String {
    format!("arn:{}:execute-api:{}:{}:{api_id}/", scope.partition, scope.region, scope.account)
}

/// The policy with this API's own ARNs written `execute-api:/…` again, so that two APIs of the same definition agree.
pub fn relative(policy: &str, api_id: &str) -> String {
    // Any ARN that names this API id is its own; ids are random, so nothing else holds one.
    let mut text = policy.to_owned();
    let marker = format!(":{api_id}/");
    while let Some(end) = text.find(&marker) {
        let Some(start) = text.get(..end).and_then(|head| head.rfind("arn:")) else { break };
        text.replace_range(start..end + marker.len(), "execute-api:/");
    }
    text
}

/// JSON string escaping without the outer quotes: what the wire carries.
pub fn escaped(policy: &str) -> String {
    let quoted = Value::from(policy).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_resources_are_expanded_and_made_relative_again() {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":["execute-api:/*"]}]}"#;

        let stored = normalise(text, "abc", &Scope::default()).unwrap();

        assert!(stored.contains(r#""Resource":"arn:aws:execute-api:us-east-1:000000000000:abc/*""#), "{stored}");
        assert!(relative(&stored, "abc").contains(r#""Resource":"execute-api:/*""#));
        assert!(escaped(&stored).starts_with(r#"{\"Version\""#));
    }

    #[test]
    fn text_that_is_no_policy_is_refused() {
        for text in ["", "{", "[]", "{}", r#"{"Statement":1}"#] {
            assert!(normalise(text, "abc", &Scope::default()).is_err(), "{text}");
        }
    }
}
