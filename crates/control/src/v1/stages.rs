//! Stage operations (rest-admin-api §3.11, §4.3, §4.4): the documents behind pointers.

use serde_json::json;
use stagecoach_base::AwsError;
use stagecoach_resources::v1::documentation::version;
use stagecoach_resources::v1::{Deployment, DocumentationVersion, Stage, stage};
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;

use super::{accounts, api_keys, client_certificates};
use crate::call::{Answer, Cx};
use crate::documents::{self, ApiWrite};

/// `POST …/stages`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let input = cx.body()?;
    let mut tx = cx.open().await?;
    let made = stage::create(&input, cx.at.seconds())?;
    if tx.get::<Stage>(&made.stage_name).await?.is_some() {
        return Err(errors::stage_exists());
    }
    require_deployments(&mut tx, &made).await?;
    require_documentation(&mut tx, None, &made).await?;
    cx.control.publisher.put_stage(&mut tx, &made).await?;
    tx.commit().await?;
    Ok(Reply::json(201, &reply::stage(&made)))
}

/// `GET …/stages/{stage_name}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    Ok(Reply::json(200, &reply::stage(&read(&cx).await?)))
}

/// `GET …/stages`: all of them, or those of one deployment; no pages.
pub(crate) async fn list(cx: Cx) -> Answer {
    cx.api().await?;
    let wanted = cx.call.query("deploymentId");
    let stages = documents::all::<Stage>(&cx.control.store, cx.api_id()).await?;
    let shown = stages.iter().filter(|stage| wanted.is_none_or(|id| stage.deployment_id == id));
    Ok(Reply::json(200, &json!({ "item": shown.map(reply::stage).collect::<Vec<_>>() })))
}

/// `PATCH …/stages/{stage_name}`: variables, method settings, canary, promotion, rollback.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.open().await?;
    let found: Option<Stage> = tx.get(cx.label("stage_name")).await?;
    let found = found.ok_or_else(errors::unknown_stage)?;
    let changed = stage::patch(&found, &operations, cx.at.seconds())?;
    require_deployments(&mut tx, &changed).await?;
    if stage::begins_logging(&found, &changed) {
        accounts::require_role(&mut tx.write).await?;
    }
    if changed.client_certificate_id != found.client_certificate_id {
        client_certificates::require(&mut tx.write, changed.client_certificate_id.as_deref()).await?;
    }
    require_documentation(&mut tx, Some(&found), &changed).await?;
    cx.control.publisher.put_stage(&mut tx, &changed).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &reply::stage(&changed)))
}

/// `DELETE …/stages/{stage_name}`: the deployment survives, usage plans and keys forget the stage.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.open().await?;
    if !cx.control.publisher.delete_stage(&mut tx, cx.label("stage_name")).await? {
        return Err(errors::unknown_stage());
    }
    api_keys::forget_stages(&mut tx.write, cx.api_id(), Some(cx.label("stage_name"))).await?;
    tx.commit().await?;
    Ok(Reply::empty(202))
}

/// `DELETE …/stages/{stage_name}/cache/data`; succeeds without a cache, too (SAM calls it on every sync).
pub(crate) async fn flush_cache(cx: Cx) -> Answer {
    flush(cx, |stage| stage.cache_generation = None).await
}

/// `DELETE …/stages/{stage_name}/cache/authorizers`.
pub(crate) async fn flush_authorizers_cache(cx: Cx) -> Answer {
    flush(cx, |stage| stage.authorizer_cache_generation = None).await
}

/// A generation that starts reaches every worker with the stage's pointer, which then finds no older entry.
async fn flush(cx: Cx, forget: fn(&mut Stage)) -> Answer {
    let mut tx = cx.open().await?;
    let found: Option<Stage> = tx.get(cx.label("stage_name")).await?;
    let mut stage = found.ok_or_else(errors::unknown_stage)?;
    forget(&mut stage);
    cx.control.publisher.put_stage(&mut tx, &stage).await?;
    tx.commit().await?;
    Ok(Reply::empty(202))
}

/// The stage named in the path.
pub(crate) async fn read(cx: &Cx) -> Result<Stage, AwsError> {
    cx.api().await?;
    let found = documents::get(&cx.control.store, cx.api_id(), cx.label("stage_name")).await?;
    found.ok_or_else(errors::unknown_stage)
}

/// Both deployments of a stage must exist [V k].
async fn require_deployments(tx: &mut ApiWrite, stage: &Stage) -> Result<(), AwsError> {
    let canary = crate::publish::canary_deployment(stage);
    for id in std::iter::once(stage.deployment_id.as_str()).chain(canary) {
        tx.get::<Deployment>(id).await?.ok_or_else(errors::missing_deployment)?;
    }
    Ok(())
}

/// A documentation version that a stage is given must exist.
async fn require_documentation(tx: &mut ApiWrite, before: Option<&Stage>, stage: &Stage) -> Result<(), AwsError> {
    let held = before.and_then(|stage| stage.documentation_version.as_ref());
    if let Some(version) = stage.documentation_version.as_ref().filter(|version| Some(*version) != held) {
        tx.get::<DocumentationVersion>(version).await?.ok_or_else(version::unknown_to_stage)?;
    }
    Ok(())
}
