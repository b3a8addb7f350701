//! UsagePlanKey operations (rest-admin-api §3.13): which keys are in a plan.
//!
//! A link is a document under its plan; the key keeps the ids of its plans as well, so that either side finds the other.

use std::collections::BTreeMap;

use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{ApiKey, Usage, UsagePlan, UsagePlanKey, api_key, usage_plan};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use super::items::Item;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// `POST /usageplans/{usageplanId}/keys`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let key_id = api_key::plan_key_id(&cx.body()?)?;
    let mut tx = cx.write().await?;
    let plan: UsagePlan = tx.find("", cx.label(UsagePlan::LABEL)).await?.ok_or_else(usage_plan::unknown)?;
    let mut key: ApiKey = tx.find("", &key_id).await?.ok_or_else(api_key::unknown)?;
    let made = link(&mut tx, &plan, &mut key, 0).await?;
    tx.store("", &key.id, &key).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::usage_plan_key(&made, &key)))
}

/// Puts `key` into `plan`; the caller stores the key. `index` tells apart the links that one call makes.
pub(crate) async fn link(
    tx: &mut Write,
    plan: &UsagePlan,
    key: &mut ApiKey,
    index: usize,
) -> Result<UsagePlanKey, AwsError> {
    if key.usage_plans.contains(&plan.id) {
        return Err(usage_plan::key_exists());
    }
    require_one_plan(tx, plan, key).await?;
    let sequence = api_key::sequence(tx.revision(), index);
    let link = UsagePlanKey { id: key.id.clone(), kind: "API_KEY".into(), sequence };
    tx.store(&plan.id, &link.id, &link).await?;
    key.usage_plans.push(plan.id.clone());
    Ok(link)
}

/// A key reaches each stage by one plan [D].
pub(crate) async fn require_one_plan(tx: &mut Write, plan: &UsagePlan, key: &ApiKey) -> Result<(), AwsError> {
    for other in &key.usage_plans {
        let Some(other) = tx.find::<UsagePlan>("", other).await? else { continue };
        if let Some(stage) = usage_plan::shared_stage(plan, &other) {
            return Err(usage_plan::ambiguous(&plan.id, &stage.api_id, &stage.stage));
        }
    }
    Ok(())
}

/// Takes a key out of a plan, with what the plan knows of its use; false when it was not in it.
pub(crate) async fn unlink(tx: &mut Write, plan: &str, key_id: &str) -> Result<bool, AwsError> {
    tx.remove::<Usage>(plan, key_id).await?;
    if let Some(mut key) = tx.find::<ApiKey>("", key_id).await? {
        key.usage_plans.retain(|held| held != plan);
        tx.store("", key_id, &key).await?;
    }
    tx.remove::<UsagePlanKey>(plan, key_id).await
}

/// `GET /usageplans/{usageplanId}/keys/{keyId}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let (store, plan, key) = (&cx.control.store, cx.label(UsagePlan::LABEL), cx.label("keyId"));
    documents::get::<UsagePlan>(store, "", plan).await?.ok_or_else(usage_plan::unknown)?;
    let link: UsagePlanKey = documents::get(store, plan, key).await?.ok_or_else(usage_plan::unknown_key)?;
    let key: ApiKey = documents::get(store, "", key).await?.ok_or_else(usage_plan::unknown_key)?;
    Ok(Reply::json(200, &reply::usage_plan_key(&link, &key)))
}

/// `GET /usageplans/{usageplanId}/keys`, with `name`: newest first; an unknown plan has none [V x].
pub(crate) async fn list(cx: Cx) -> Answer {
    let store = &cx.control.store;
    let links = documents::all::<UsagePlanKey>(store, cx.label(UsagePlan::LABEL)).await?;
    let mut keys: BTreeMap<String, ApiKey> = BTreeMap::new();
    for key in documents::all::<ApiKey>(store, "").await? {
        if api_key::matches(&key, cx.call.query("name"), None) {
            keys.insert(key.id.clone(), key);
        }
    }
    let held = links.into_iter().filter_map(|link| keys.remove(&link.id).map(|key| (link, key))).collect();
    let page = cx.page_newest_first(held, |(link, _): &(UsagePlanKey, ApiKey)| link.sequence.as_str())?;
    Ok(page.reply(|(link, _)| link.sequence.as_str(), |(link, key)| reply::usage_plan_key(link, key)))
}

/// `DELETE /usageplans/{usageplanId}/keys/{keyId}`.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.write().await?;
    let plan: UsagePlan = tx.find("", cx.label(UsagePlan::LABEL)).await?.ok_or_else(usage_plan::unknown)?;
    if !unlink(&mut tx, &plan.id, cx.label("keyId")).await? {
        return Err(usage_plan::unknown_key());
    }
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}
