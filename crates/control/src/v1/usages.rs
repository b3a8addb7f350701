//! GetUsage and UpdateUsage (rest-admin-api §3.13).

use stagecoach_resources::v1::{Usage, UsagePlan, UsagePlanKey, usage, usage_plan};
use stagecoach_wire::{Reply, page};

use super::items::Item;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// `GET /usageplans/{usageplanId}/usage`, with `keyId`: a page of keys, in id order.
pub(crate) async fn get(cx: Cx) -> Answer {
    let days = usage::days(cx.call.query("startDate"), cx.call.query("endDate"))?;
    let (store, plan_id) = (&cx.control.store, cx.label(UsagePlan::LABEL));
    let plan: UsagePlan = documents::get(store, "", plan_id).await?.ok_or_else(usage_plan::unknown)?;
    let (limit, after) = (cx.call.limit(), cx.call.position()?);
    let mut links = match cx.call.query("keyId") {
        Some(key) => vec![documents::get(store, plan_id, key).await?.ok_or_else(usage_plan::unknown_key)?],
        None => documents::list::<UsagePlanKey>(store, plan_id, after.as_deref(), limit + 1).await?,
    };
    let more = links.len() > limit as usize;
    links.truncate(limit as usize);
    let mut used = Vec::with_capacity(links.len());
    for link in &links {
        let usage = documents::get::<Usage>(store, plan_id, &link.id).await?.unwrap_or_default();
        used.push((link.id.as_str(), usage));
    }
    let position = links.last().filter(|_| more).map(|link| page::encode(&link.id));
    let keys = used.iter().map(|(key, usage)| (*key, usage));
    Ok(Reply::json(200, &usage::show(&plan, days, keys, position)))
}

/// `PATCH /usageplans/{usageplanId}/keys/{keyId}/usage`: what remains of the current period.
pub(crate) async fn update(cx: Cx) -> Answer {
    let (operations, today) = (cx.patch()?, usage::day(cx.at));
    let key = cx.label("keyId");
    let mut tx = cx.write().await?;
    let plan: UsagePlan = tx.find("", cx.label(UsagePlan::LABEL)).await?.ok_or_else(usage_plan::unknown)?;
    tx.find::<UsagePlanKey>(&plan.id, key).await?.ok_or_else(usage_plan::unknown_key)?;
    let kept: Usage = tx.find(&plan.id, key).await?.unwrap_or_default();
    let changed = usage::patch(&kept, &operations, &plan, today)?;
    tx.store(&plan.id, key, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    let days = usage::current(plan.quota.as_ref(), today);
    Ok(Reply::json(200, &usage::show(&plan, days, [(key, &changed)].into_iter(), None)))
}
