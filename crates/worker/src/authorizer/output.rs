//! What an authorizer's function may answer (rest-data-plane §7.3), as rules in one place.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A well-formed output.
#[derive(Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) principal_id: String,
    /// Policy document, as the function wrote it.
    pub(crate) policy: Value,
    /// `context`, every value as text.
    pub(crate) context: BTreeMap<String, String>,
}

/// Reads a function's answer.
///
/// # Errors
/// What is wrong with it, as text: 500 for the client.
pub(crate) fn parse(body: &[u8]) -> Result<Output, String> {
    let output: Map<String, Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let principal_id = output.get("principalId").and_then(Value::as_str).filter(|id| !id.is_empty());
    let principal_id = principal_id.ok_or("principalId is missing or no text")?.to_owned();
    let policy = output.get("policyDocument").ok_or("policyDocument is missing")?;
    check_policy(policy)?;
    let context = match output.get("context") {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(context)) => context.iter().map(scalar).collect::<Result<_, _>>()?,
        Some(_) => return Err("context is no map".into()),
    };
    Ok(Output { principal_id, policy: policy.clone(), context })
}

/// Strings, numbers and booleans come out as text; anything else is malformed.
fn scalar((name, value): (&String, &Value)) -> Result<(String, String), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(format!("context.{name} is no string, number or boolean"));
        }
    };
    Ok((name.clone(), text))
}

fn check_policy(policy: &Value) -> Result<(), String> {
    let statements = policy.get("Statement").and_then(Value::as_array);
    let statements = statements.ok_or("policyDocument has no list of statements")?;
    statements.iter().try_for_each(|statement| {
        if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
            return Err("a statement's Effect is neither Allow nor Deny".to_owned());
        }
        ["Action", "Resource"].into_iter().try_for_each(|name| match statement.get(name) {
            Some(Value::String(_)) => Ok(()),
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => Ok(()),
            _ => Err(format!("a statement's {name} is neither a text nor a list of texts")),
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: impl FnOnce(&mut Value)) -> Result<Output, String> {
        let statement = json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": ["*"] });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
        let mut output =
            json!({ "principalId": "me", "policyDocument": policy, "context": { "n": 1, "b": true, "s": "x" } });
        change(&mut output);
        parse(output.to_string().as_bytes())
    }

    #[test]
    fn values_of_the_context_become_text() {
        let output = read(|_| ()).unwrap();

        let texts: Vec<_> = output.context.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((output.principal_id.as_str(), texts), ("me", vec![("b", "true"), ("n", "1"), ("s", "x")]));
    }

    #[test]
    fn anything_malformed_is_refused() {
        assert!(parse(b"\"text\"").is_err() && parse(b"").is_err());
        assert!(read(|output| output["principalId"] = json!(7)).is_err());
        assert!(read(|output| output["policyDocument"] = json!({})).is_err());
        assert!(read(|output| output["policyDocument"]["Statement"][0]["Effect"] = json!("Maybe")).is_err());
        assert!(read(|output| output["policyDocument"]["Statement"][0]["Resource"] = json!([1])).is_err());
        assert!(read(|output| output["context"]["list"] = json!([])).unwrap_err().contains("context.list"));
    }
}
