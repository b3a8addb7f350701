//! UsagePlan operations (rest-admin-api §3.12).

use serde_json::Value;
use stagecoach_base::{AwsError, id};
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::usage_plan::{self, Known};
use stagecoach_resources::v1::{ApiKey, Stage, UsagePlan, UsagePlanKey};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use super::items::Item;
use super::usage_plan_keys;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

impl Item for UsagePlan {
    const LABEL: &'static str = "usageplanId";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::usage_plan(self, ReplyKind::Single)
    }

    fn show_in_list(&self) -> Value {
        reply::usage_plan(self, ReplyKind::List)
    }

    fn unknown(_: &Cx) -> AwsError {
        usage_plan::unknown()
    }
}

/// `POST /usageplans`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let plan = usage_plan::create(&cx.body()?, id::random(cx.control.entropy.as_ref(), id::CHILD_ID_LEN))?;
    let mut tx = cx.write().await?;
    for held in &plan.api_stages {
        let found = tx.find::<Stage>(&held.api_id, &held.stage).await?;
        found.ok_or_else(|| usage_plan::unknown_stage(&held.api_id, &held.stage, &plan.id))?;
    }
    tx.store("", &plan.id, &plan).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::usage_plan(&plan, ReplyKind::Create)))
}

/// `GET /usageplans`, with `keyId`: only the plans that hold that key.
pub(crate) async fn list(cx: Cx) -> Answer {
    let Some(key) = cx.call.query("keyId") else {
        return super::items::list::<UsagePlan>(cx).await;
    };
    let key: Option<ApiKey> = documents::get(&cx.control.store, "", key).await?;
    let held = key.map(|key| key.usage_plans).unwrap_or_default();
    let mut plans = documents::all::<UsagePlan>(&cx.control.store, "").await?;
    plans.retain(|plan| held.contains(&plan.id));
    Ok(cx.page_of(plans, UsagePlan::id)?.reply(UsagePlan::id, UsagePlan::show_in_list))
}

/// `PATCH /usageplans/{usageplanId}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write().await?;
    let plan: UsagePlan = tx.find("", cx.label(UsagePlan::LABEL)).await?.ok_or_else(usage_plan::unknown)?;
    let mut known = Known::new();
    for (api, stage) in usage_plan::named_stages(&operations) {
        if tx.find::<Stage>(api, stage).await?.is_some() {
            known.insert((api.to_owned(), stage.to_owned()));
        }
    }
    let changed = usage_plan::patch(&plan, &operations, &known)?;
    if changed.api_stages.iter().any(|held| !plan.holds(&held.api_id, &held.stage)) {
        require_unambiguous(&mut tx, &changed).await?;
    }
    tx.store("", &changed.id, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &changed.show()))
}

/// No key of the plan may reach one of its stages by another plan too.
async fn require_unambiguous(tx: &mut Write, plan: &UsagePlan) -> Result<(), AwsError> {
    for link in tx.all::<UsagePlanKey>(&plan.id).await? {
        if let Some(key) = tx.find::<ApiKey>("", &link.id).await? {
            usage_plan_keys::require_one_plan(tx, plan, &key).await?;
        }
    }
    Ok(())
}

/// `DELETE /usageplans/{usageplanId}`: refused while it has stages; its keys stay, without it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.write().await?;
    let plan: UsagePlan = tx.find("", cx.label(UsagePlan::LABEL)).await?.ok_or_else(usage_plan::unknown)?;
    if let Some(refused) = usage_plan::in_use(&plan) {
        return Err(refused);
    }
    for link in tx.all::<UsagePlanKey>(&plan.id).await? {
        usage_plan_keys::unlink(&mut tx, &plan.id, &link.id).await?;
    }
    tx.remove::<UsagePlan>("", &plan.id).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}
