//! Who may use a layer version. Kept and shown: all functions of this host are of one account, whose own layers they may use.

use serde_json::{Map, Value, json};

use super::documents::{Cx, Outcome, empty, reply};
use super::layers;
use crate::errors::{self, Code, LambdaError};
use crate::model::kinds;
use crate::model::layer::{self, LayerVersion};

/// AddLayerVersionPermission.
pub(super) async fn add(cx: &Cx<'_>) -> Outcome {
    let ((name, number), body) = (layers::asked(cx)?, cx.body()?);
    let statement = statement(body, &layer::version_arn(cx.scope(), &name, number))?;
    let asked = body["RevisionId"].as_str().or(cx.call.query("RevisionId")).map(str::to_owned);
    let sid = body["StatementId"].as_str().unwrap_or_default();
    let version = change(cx, &name, number, asked.as_deref(), |version| {
        if version.policy.position(sid).is_some() {
            return Err(LambdaError::conflict(errors::statement_exists(sid)));
        }
        version.policy.statements.push(statement.clone());
        Ok(())
    })
    .await?;
    Ok(reply(cx, &json!({ "Statement": statement.to_string(), "RevisionId": version.policy_revision })))
}

/// RemoveLayerVersionPermission.
pub(super) async fn remove(cx: &Cx<'_>) -> Outcome {
    let ((name, number), sid) = (layers::asked(cx)?, cx.call.label("StatementId"));
    change(cx, &name, number, cx.call.query("RevisionId"), |version| {
        let missing = || LambdaError::not_found(format!("Statement {sid} is not found in resource policy."));
        let at = version.policy.position(sid).ok_or_else(missing)?;
        version.policy.statements.remove(at);
        Ok(())
    })
    .await?;
    Ok(empty(cx))
}

/// GetLayerVersionPolicy.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let (name, number) = layers::asked(cx)?;
    let version = layers::version(&mut cx.store(), &name, number).await?;
    let version = version.ok_or_else(|| missing(cx, &name, number))?;
    if version.policy.statements.is_empty() {
        return Err(LambdaError::not_found("No policy is associated with the given resource."));
    }
    Ok(reply(cx, &json!({ "Policy": version.policy.text(), "RevisionId": version.policy_revision })))
}

fn missing(cx: &Cx<'_>, name: &str, number: u64) -> LambdaError {
    LambdaError::not_found(format!("Layer version {} does not exist.", layer::version_arn(cx.scope(), name, number)))
}

/// Changes the policy of a version and gives it a new revision id.
async fn change(
    cx: &Cx<'_>,
    name: &str,
    number: u64,
    asked: Option<&str>,
    change: impl FnOnce(&mut LayerVersion) -> Result<(), LambdaError>,
) -> Result<LayerVersion, LambdaError> {
    let mut write = cx.write_in(kinds::layer_root(name)).await?;
    let version = layers::version(&mut write, name, number).await?;
    let mut version = version.ok_or_else(|| missing(cx, name, number))?;
    if asked.is_some_and(|asked| asked != version.policy_revision) {
        return Err(LambdaError::new(Code::PreconditionFailed, errors::STALE_LAYER_POLICY));
    }
    change(&mut version)?;
    version.policy_revision = cx.functions.new_id();
    write.put(&kinds::layer_doc(kinds::layer_version(name, number), name, &version)?).await?;
    write.commit().await?;
    Ok(version)
}

/// The statement that an AddLayerVersionPermission asks for, on `resource`.
fn statement(asked: &Value, resource: &str) -> Result<Value, LambdaError> {
    let text = |member: &str| asked[member].as_str().unwrap_or_default();
    let (sid, action, principal) = (text("StatementId"), text("Action"), text("Principal"));
    let mut statement = Map::new();
    statement.insert("Sid".into(), sid.into());
    statement.insert("Effect".into(), "Allow".into());
    statement.insert("Principal".into(), principal_of(principal));
    statement.insert("Action".into(), action.into());
    statement.insert("Resource".into(), resource.into());
    if let Some(organization) = asked["OrganizationId"].as_str() {
        let condition = json!({ "StringEquals": { "aws:PrincipalOrgID": organization } });
        statement.insert("Condition".into(), condition);
    }
    Ok(Value::Object(statement))
}

/// Everyone, or an account by its number or its root's ARN.
fn principal_of(text: &str) -> Value {
    match text {
        "*" => "*".into(),
        arn if arn.starts_with("arn:") => json!({ "AWS": arn }),
        account => json!({ "AWS": format!("arn:aws:iam::{account}:root") }),
    }
}
