//! Resource policies.

use std::collections::BTreeMap;

use serde_json::json;
use stagecoach_policy::{Decision, Request, Statement, decide};
use stagecoach_store::Write;

use super::documents::{Cx, Outcome, Read, empty, reply};
use crate::errors::{self, Code, LambdaError};
use crate::model::function::Function;
use crate::model::name::is_number;
use crate::model::policy::{self, Policy};
use crate::model::{Target, kinds};

/// AddPermission.
pub(super) async fn add(cx: &Cx<'_>) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    if target.qualifier.as_deref() == Some("$LATEST") {
        return Err(LambdaError::invalid(errors::LATEST_POLICY));
    }
    let sid = body["StatementId"].as_str().unwrap_or_default();
    let statement = policy::statement(body, &target.arn(cx.scope()))?;
    let mut write = cx.write(&target.name).await?;
    let (function, revision) = holder(cx, &mut write, &target).await?;
    check(body["RevisionId"].as_str(), &revision)?;
    let mut policy = load(&mut write, &target).await?;
    if policy.position(sid).is_some() {
        return Err(LambdaError::conflict(errors::statement_exists(sid)));
    }
    policy.statements.push(statement.clone());
    keep(cx, write, &target, function, &policy).await?;
    Ok(reply(cx, &json!({ "Statement": statement.to_string() })))
}

/// RemovePermission.
pub(super) async fn remove(cx: &Cx<'_>) -> Outcome {
    let (target, sid) = (cx.target()?, cx.call.label("StatementId"));
    let mut write = cx.write(&target.name).await?;
    let (function, revision) = holder(cx, &mut write, &target).await?;
    check(cx.call.query("RevisionId"), &revision)?;
    let mut policy = load(&mut write, &target).await?;
    if policy.statements.is_empty() {
        return Err(LambdaError::not_found("No policy is associated with the given resource."));
    }
    let Some(at) = policy.position(sid) else {
        return Err(LambdaError::not_found(format!("Statement {sid} is not found in resource policy.")));
    };
    policy.statements.remove(at);
    keep(cx, write, &target, function, &policy).await?;
    Ok(empty(cx))
}

/// GetPolicy.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (_, revision) = holder(cx, &mut cx.store(), &target).await?;
    let policy = load(&mut cx.store(), &target).await?;
    if policy.statements.is_empty() {
        return Err(LambdaError::not_found(errors::NO_POLICY));
    }
    Ok(reply(cx, &json!({ "Policy": policy.text(), "RevisionId": revision })))
}

/// The statements of a target's policy. One that cannot be read allows nothing; AddPermission makes none.
pub(super) async fn statements(from: &mut impl Read, target: &Target) -> Result<Vec<Statement>, LambdaError> {
    let policy = load(from, target).await?;
    Ok(policy.statements.iter().filter_map(|statement| Statement::parse(statement).ok()).collect())
}

/// Whether the gateway may invoke `target` for the method `source` (an `execute-api` ARN).
pub(super) fn may_invoke(
    cx: &Cx<'_>,
    target: &Target,
    statements: &[Statement],
    source: &str,
) -> Result<(), LambdaError> {
    let account = source.split(':').nth(4).unwrap_or_default();
    let context = [("aws:SourceArn", source), ("aws:SourceAccount", account)];
    let request = Request {
        principal_kind: "Service".into(),
        principal: GATEWAY.into(),
        action: "lambda:InvokeFunction".into(),
        resource: Target { qualifier: target.beside_latest().map(str::to_owned), ..target.clone() }.arn(cx.scope()),
        context: context.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
    };
    if decide(statements, &request) == Decision::Allowed {
        return Ok(());
    }
    Err(LambdaError::new(
        Code::AccessDenied,
        format!(
            "User: {GATEWAY} is not authorized to perform: lambda:InvokeFunction on resource: {} because no resource-based \
             policy allows the lambda:InvokeFunction action",
            request.resource
        ),
    ))
}

/// Who calls on behalf of a method.
const GATEWAY: &str = "apigateway.amazonaws.com";

async fn load(from: &mut impl Read, target: &Target) -> Result<Policy, LambdaError> {
    let found = from.doc(&kinds::policy(&target.name, target.beside_latest())).await?;
    Ok(found.as_ref().map(kinds::body).transpose()?.unwrap_or_default())
}

/// What the policy belongs to, and its revision id: that of the function, the version or the alias.
async fn holder(cx: &Cx<'_>, from: &mut impl Read, target: &Target) -> Result<(Function, String), LambdaError> {
    let function = cx.function(from, target).await?;
    let revision = match target.beside_latest() {
        None => function.latest.revision_id.clone(),
        Some(number) if is_number(number) => cx.version(from, &function, number).await?.revision_id,
        Some(name) => {
            let alias = cx.alias(from, &target.name, name).await?;
            let missing = || LambdaError::not_found(format!("Cannot find alias arn: {}", target.arn(cx.scope())));
            alias.ok_or_else(missing)?.revision_id
        }
    };
    Ok((function, revision))
}

fn check(asked: Option<&str>, revision: &str) -> Result<(), LambdaError> {
    match asked {
        Some(asked) if asked != revision => Err(LambdaError::new(Code::PreconditionFailed, errors::STALE_POLICY)),
        _ => Ok(()),
    }
}

/// Writes the policy and gives its holder a new revision id.
async fn keep(
    cx: &Cx<'_>,
    mut write: Write,
    target: &Target,
    mut function: Function,
    policy: &Policy,
) -> Result<(), LambdaError> {
    let (name, fresh) = (&target.name, cx.functions.new_id());
    write.put(&kinds::doc(kinds::policy(name, target.beside_latest()), name, policy)?).await?;
    match target.beside_latest() {
        None => {
            function.latest.revision_id = fresh;
            cx.save(&mut write, &function).await?;
        }
        Some(number) if is_number(number) => {
            let mut version = cx.version(&mut write, &function, number).await?;
            version.revision_id = fresh;
            let key = kinds::version(name, number.parse().unwrap_or_default());
            write.put(&kinds::doc(key, name, &version)?).await?;
        }
        Some(alias) => {
            if let Some(mut held) = cx.alias(&mut write, name, alias).await? {
                held.revision_id = fresh;
                write.put(&kinds::doc(kinds::alias(name, alias), name, &held)?).await?;
            }
        }
    }
    write.commit().await?;
    Ok(())
}
