//! Options of asynchronous invocations: retries, age, destinations.
//!
//! Texts marked [I] are inferred: other implementations that were checked against AWS have them.

use serde_json::{Value, json};
use stagecoach_store::Write;

use super::documents::{self, Cx, Outcome, empty, reply};
use crate::errors::{self, LambdaError};
use crate::model::event_config::EventConfig;
use crate::model::{Target, kinds};

/// PutFunctionEventInvokeConfig: what is not named is removed.
pub(super) async fn put(cx: &Cx<'_>) -> Outcome {
    write(cx, |_, _| Ok(EventConfig::default())).await
}

/// UpdateFunctionEventInvokeConfig: what is not named stays.
pub(super) async fn update(cx: &Cx<'_>) -> Outcome {
    write(cx, |found, target| found.ok_or_else(|| missing(cx, target))).await
}

/// Reads what a call asks for onto what `base` makes of the document that is there.
async fn write(
    cx: &Cx<'_>,
    base: impl FnOnce(Option<EventConfig>, &Target) -> Result<EventConfig, LambdaError>,
) -> Outcome {
    let (target, body) = (cx.target()?, cx.body()?);
    let (retries, age) = (number(body, "MaximumRetryAttempts"), number(body, "MaximumEventAgeInSeconds"));
    let destinations = destinations(body);
    if retries.is_none() && age.is_none() && destinations.is_none() {
        return Err(LambdaError::invalid(errors::NO_EVENT_SETTING));
    }
    let mut write = cx.write(&target.name).await?;
    cx.resolve(&mut write, &target).await.map_err(|_| LambdaError::not_found(errors::NO_SUCH_FUNCTION))?;
    let key = kinds::event_config(&target.name, target.beside_latest());
    let found = write.get(&key).await?.as_ref().map(kinds::body).transpose()?;
    let mut config = base(found, &target)?;
    config.retries = retries.or(config.retries);
    config.age = age.or(config.age);
    if let Some([on_success, on_failure]) = destinations {
        for arn in [&on_success, &on_failure].into_iter().flatten() {
            deliverable(cx, &mut write, &target, arn).await?;
        }
        (config.on_success, config.on_failure) = (on_success, on_failure);
    }
    config.modified = cx.now;
    write.put(&kinds::doc(key, &target.name, &config)?).await?;
    write.commit().await?;
    Ok(reply(cx, &config.shape(&arn(cx, &target))))
}

/// GetFunctionEventInvokeConfig.
pub(super) async fn get(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let found = cx.store().get(&kinds::event_config(&target.name, target.beside_latest())).await?;
    let found: EventConfig = kinds::body(&found.ok_or_else(|| missing(cx, &target))?)?;
    Ok(reply(cx, &found.shape(&arn(cx, &target))))
}

/// DeleteFunctionEventInvokeConfig.
pub(super) async fn delete(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let mut write = cx.write(&target.name).await?;
    if !write.delete(&kinds::event_config(&target.name, target.beside_latest())).await? {
        return Err(missing(cx, &target));
    }
    write.commit().await?;
    Ok(empty(cx))
}

/// ListFunctionEventInvokeConfigs.
pub(super) async fn list(cx: &Cx<'_>) -> Outcome {
    let target = cx.target()?;
    let (after, limit) = cx.page()?;
    let found = cx.function(&mut cx.store(), &target).await;
    found.map_err(|_| LambdaError::not_found(errors::NO_SUCH_FUNCTION))?;
    let mut docs = cx.store().list(kinds::EVENT_CONFIG, &target.name, after.as_deref(), limit + 1).await?;
    let next = documents::cut(&mut docs, limit);
    let mut shapes = Vec::new();
    for doc in &docs {
        let one = Target { name: target.name.clone(), qualifier: Some(doc.key.id.clone()) };
        shapes.push(kinds::body::<EventConfig>(doc)?.shape(&arn(cx, &one)));
    }
    Ok(reply(cx, &json!({ "FunctionEventInvokeConfigs": shapes, "NextMarker": next })))
}

/// The ARN of a qualifier; this API names `$LATEST`, too.
fn arn(cx: &Cx<'_>, target: &Target) -> String {
    format!("{}:{}", target.function_arn(cx.scope()), target.qualifier.as_deref().unwrap_or("$LATEST"))
}

fn missing(cx: &Cx<'_>, target: &Target) -> LambdaError {
    LambdaError::not_found(format!("The function {} doesn't have an EventInvokeConfig", arn(cx, target)))
}

fn number(body: &Value, member: &str) -> Option<u32> {
    body[member].as_u64().and_then(|number| u32::try_from(number).ok())
}

/// Destinations of successes and of failures, if the call names any settings of them. An empty ARN is none.
fn destinations(body: &Value) -> Option<[Option<String>; 2]> {
    let config = body["DestinationConfig"].as_object()?;
    let one = |member: &str| {
        let arn = config.get(member)?["Destination"].as_str()?;
        (!arn.is_empty()).then(|| arn.to_owned())
    };
    Some([one("OnSuccess"), one("OnFailure")])
}

/// Whether records can be delivered to `arn`: to another function of this host.
async fn deliverable(cx: &Cx<'_>, write: &mut Write, of: &Target, arn: &str) -> Result<(), LambdaError> {
    if arn.split(':').nth(2) != Some("lambda") {
        return Err(LambdaError::invalid(format!(
            "The destination ARN {arn} is not supported: this host delivers records of asynchronous invocations to Lambda \
             functions only."
        )));
    }
    let invalid = || LambdaError::invalid(format!("The destination ARN {arn} is invalid."));
    let target = Target::parse(arn, None, cx.scope()).map_err(|_| invalid())?;
    if target.name == of.name {
        return Err(LambdaError::invalid(errors::OWN_DESTINATION));
    }
    cx.resolve(write, &target).await.map_err(|_| invalid())?;
    Ok(())
}
