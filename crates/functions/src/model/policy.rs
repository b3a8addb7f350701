//! A resource policy: what AddPermission makes of its members.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::errors::{self, LambdaError};

/// The policy of a function, a version or an alias.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Statements in the order they were added.
    pub(crate) statements: Vec<Value>,
}

impl Policy {
    /// `Policy` of GetPolicy: a JSON text.
    pub(crate) fn text(&self) -> String {
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": self.statements }).to_string()
    }

    /// Where a statement is.
    pub(crate) fn position(&self, sid: &str) -> Option<usize> {
        self.statements.iter().position(|statement| statement["Sid"] == sid)
    }
}

/// Condition keys that AddPermission's members become: member, operator, key.
const CONDITIONS: [(&str, &str, &str); 6] = [
    ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
    ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
    ("InvokedViaFunctionUrl", "Bool", "lambda:InvokedViaFunctionUrl"),
    ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
    ("SourceArn", "ArnLike", "AWS:SourceArn"),
];

/// The statement that an AddPermission asks for, on `resource`.
pub(crate) fn statement(asked: &Value, resource: &str) -> Result<Value, LambdaError> {
    let mut statement = Map::new();
    statement.insert("Sid".into(), asked["StatementId"].clone());
    statement.insert("Effect".into(), "Allow".into());
    statement.insert("Principal".into(), principal(asked["Principal"].as_str().unwrap_or_default())?);
    statement.insert("Action".into(), asked["Action"].clone());
    statement.insert("Resource".into(), resource.into());
    let mut conditions = Map::new();
    for (member, operator, key) in CONDITIONS {
        let value = match &asked[member] {
            Value::Bool(flag) => Some(Value::from(flag.to_string())),
            text => text.is_string().then(|| text.clone()),
        };
        if let Some(value) = value {
            let keys = conditions.entry(operator).or_insert_with(|| json!({}));
            keys[key] = value;
        }
    }
    if !conditions.is_empty() {
        statement.insert("Condition".into(), conditions.into());
    }
    Ok(Value::Object(statement))
}

/// A service, anyone, an account (as its root's ARN) or an ARN.
fn principal(text: &str) -> Result<Value, LambdaError> {
    let account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "*" => Ok("*".into()),
        account_id if account => Ok(json!({ "AWS": format!("arn:aws:iam::{account_id}:root") })),
        arn if arn.starts_with("arn:") => Ok(json!({ "AWS": arn })),
        service if service.contains(".amazonaws.com") || service.ends_with(".amazon.com") => {
            Ok(json!({ "Service": service }))
        }
        _ => Err(LambdaError::invalid(errors::BAD_PRINCIPAL)),
    }
}
