//! The decision over the statements of one resource policy.

use std::collections::BTreeMap;

use crate::{Effect, Principals, Statement, arn_like, string_like};

/// What a policy is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Kind of the caller: `Service` or `AWS`.
    pub principal_kind: String,
    /// The caller: `apigateway.amazonaws.com`, an ARN or an account.
    pub principal: String,
    /// `lambda:InvokeFunction`.
    pub action: String,
    /// ARN of what it is done to.
    pub resource: String,
    /// Condition keys (compared without regard to case) and their values.
    pub context: BTreeMap<String, String>,
}

/// What the policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it, none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
    /// No statement speaks of it.
    Unmentioned,
}

/// Decides: an explicit deny wins, whatever the order. Source: IAM user guide, "Policy evaluation logic".
pub fn decide(statements: &[Statement], request: &Request) -> Decision {
    let mut decision = Decision::Unmentioned;
    for statement in statements.iter().filter(|statement| speaks_of(statement, request)) {
        match statement.effect {
            Effect::Deny => return Decision::Denied,
            Effect::Allow => decision = Decision::Allowed,
        }
    }
    decision
}

fn speaks_of(statement: &Statement, request: &Request) -> bool {
    let named = match &statement.principal {
        Principals::Anyone => true,
        Principals::Named(named) => {
            named.get(&request.principal_kind).is_some_and(|values| values.contains(&request.principal))
        }
    };
    // Actions are compared without regard to case.
    let action = request.action.to_ascii_lowercase();
    named
        && statement.actions.iter().any(|pattern| string_like(&pattern.to_ascii_lowercase(), &action))
        && statement.resources.iter().any(|pattern| arn_like(pattern, &request.resource))
        && conditions_hold(statement, request)
}

/// All must hold. An operator that is not known makes an `Allow` fall silent and a `Deny` speak.
fn conditions_hold(statement: &Statement, request: &Request) -> bool {
    let closed = statement.effect == Effect::Deny;
    statement.conditions.iter().all(|(operator, keys)| {
        keys.iter().all(|(key, patterns)| {
            let found = request.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
            holds(operator, patterns, found.map(|(_, value)| value.as_str())).unwrap_or(closed)
        })
    })
}

/// `None`: the operator is not known.
fn holds(operator: &str, patterns: &[String], value: Option<&str>) -> Option<bool> {
    let any = |matches: fn(&str, &str) -> bool| {
        value.is_some_and(|value| patterns.iter().any(|pattern| matches(pattern, value)))
    };
    Some(match operator {
        "ArnLike" | "ArnEquals" => any(arn_like),
        "StringLike" => any(string_like),
        "StringEquals" => any(|pattern, value| pattern == value),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

    fn statement(change: impl FnOnce(&mut Value)) -> Statement {
        let mut value = json!({
            "Sid": "s", "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": ARN,
            "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:execute-api:*:*:abc/*/GET/pets" } },
        });
        change(&mut value);
        Statement::parse(&value).unwrap()
    }

    fn request(source: &str) -> Request {
        Request {
            principal_kind: "Service".into(),
            principal: "apigateway.amazonaws.com".into(),
            action: "lambda:InvokeFunction".into(),
            resource: ARN.into(),
            context: [("aws:SourceArn".to_owned(), source.to_owned())].into(),
        }
    }

    const PETS: &str = "arn:aws:execute-api:us-east-1:000000000000:abc/dev/GET/pets";

    #[test]
    fn the_source_arn_decides_whether_the_gateway_may_invoke() {
        let allow = [statement(|_| ())];

        assert_eq!(decide(&allow, &request(PETS)), Decision::Allowed);
        assert_eq!(decide(&allow, &request(&PETS.replace("GET", "POST"))), Decision::Unmentioned);
        assert_eq!(decide(&[], &request(PETS)), Decision::Unmentioned);
        let mut without = request(PETS);
        without.context.clear();
        assert_eq!(decide(&allow, &without), Decision::Unmentioned);
    }

    #[test]
    fn an_explicit_deny_wins_in_any_order() {
        let (allow, deny) = (statement(|_| ()), statement(|value| value["Effect"] = json!("Deny")));

        assert_eq!(decide(&[allow.clone(), deny.clone()], &request(PETS)), Decision::Denied);
        assert_eq!(decide(&[deny, allow], &request(PETS)), Decision::Denied);
    }

    #[test]
    fn what_is_not_understood_never_allows() {
        let unknown = statement(|value| value["Condition"] = json!({ "DateLessThan": { "aws:CurrentTime": "2030" } }));

        assert_eq!(decide(&[unknown], &request(PETS)), Decision::Unmentioned);
        for field in ["NotAction", "NotPrincipal", "NotResource", "Else"] {
            let mut value = json!({ "Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*" });
            value[field] = json!("x");
            assert!(Statement::parse(&value).is_err(), "{field}");
        }
    }

    #[test]
    fn principals_actions_and_resources_are_compared() {
        let differs: [fn(&mut Value); 3] = [
            |value| value["Principal"] = json!({ "Service": "events.amazonaws.com" }),
            |value| value["Action"] = json!("lambda:GetFunction"),
            |value| value["Resource"] = json!(format!("{ARN}:live")),
        ];
        for change in differs {
            assert_eq!(decide(&[statement(change)], &request(PETS)), Decision::Unmentioned);
        }
        let wide = statement(|value| {
            value["Principal"] = json!("*");
            value["Action"] = json!(["lambda:*"]);
        });
        assert_eq!(decide(&[wide], &request(PETS)), Decision::Allowed);
    }
}
