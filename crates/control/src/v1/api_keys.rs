//! ApiKey operations (rest-admin-api §3.14).

use std::collections::HashSet;

use serde_json::json;
use stagecoach_base::{AwsError, id};
use stagecoach_resources::Document;
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::api_key::{self, Drawn, ImportedKey};
use stagecoach_resources::v1::{ApiKey, Stage, Usage, UsagePlan, UsagePlanKey, usage_plan};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use super::usage_plan_keys;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// `POST /apikeys`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let body = cx.body()?;
    let mut tx = cx.write().await?;
    let key = api_key::create(&body, draw(&cx, &tx, 0))?;
    require_stages(&mut tx, &key, None).await?;
    claim(&mut tx, &key).await?;
    tx.store("", &key.id, &key).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &reply::api_key(&key, ReplyKind::Create, true)))
}

/// What the `index`th key of a call is made of.
fn draw(cx: &Cx, tx: &Write, index: usize) -> Drawn {
    let entropy = cx.control.entropy.as_ref();
    Drawn {
        id: id::random(entropy, id::API_ID_LEN),
        value: id::secret(entropy, api_key::VALUE_LEN),
        sequence: api_key::sequence(tx.revision(), index),
        now_s: cx.at.seconds(),
    }
}

/// Makes the key the only one with its value.
async fn claim(tx: &mut Write, key: &ApiKey) -> Result<(), AwsError> {
    let (value, holder) = (documents::clean(&key.value), documents::key::<ApiKey>("", &key.id));
    tx.claim(api_key::VALUE_NAMES, &value, &key.id, &holder).await.map_err(|error| match error {
        stagecoach_store::StoreError::Exists(_) => api_key::exists(),
        other => failure::store(other),
    })
}

/// The stages that `key` names and `before` did not must exist.
async fn require_stages(tx: &mut Write, key: &ApiKey, before: Option<&ApiKey>) -> Result<(), AwsError> {
    let known = |entry: &(&str, &str)| before.is_some_and(|before| before.stages().any(|known| known == *entry));
    for (api, stage) in key.stages().filter(|entry| !known(entry)) {
        tx.find::<Stage>(api, stage).await?.ok_or_else(api_key::unknown_stage)?;
    }
    Ok(())
}

/// `GET /apikeys/{api_Key}`, with `includeValue`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let found: Option<ApiKey> = documents::get(&cx.control.store, "", cx.label("api_Key")).await?;
    let key = found.ok_or_else(api_key::unknown)?;
    Ok(Reply::json(200, &reply::api_key(&key, ReplyKind::List, cx.call.flag("includeValue"))))
}

/// `GET /apikeys`, with `name`, `customerId` and `includeValues`: newest first.
pub(crate) async fn list(cx: Cx) -> Answer {
    let mut keys = documents::all::<ApiKey>(&cx.control.store, "").await?;
    let (name, customer) = (cx.call.query("name"), cx.call.query("customerId"));
    keys.retain(|key| api_key::matches(key, name, customer));
    let page = cx.page_newest_first(keys, |key| key.sequence.as_str())?;
    let with_values = cx.call.flag("includeValues");
    Ok(page.reply(|key| key.sequence.as_str(), |key| reply::api_key(key, ReplyKind::List, with_values)))
}

/// `PATCH /apikeys/{api_Key}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write().await?;
    let key: ApiKey = tx.find("", cx.label("api_Key")).await?.ok_or_else(api_key::unknown)?;
    let changed = api_key::patch(&key, &operations, cx.at.seconds())?;
    require_stages(&mut tx, &changed, Some(&key)).await?;
    tx.store("", &changed.id, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &reply::api_key(&changed, ReplyKind::Single, false)))
}

/// `DELETE /apikeys/{api_Key}`: the plans that hold the key forget it.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = cx.write().await?;
    let key: ApiKey = tx.find("", cx.label("api_Key")).await?.ok_or_else(api_key::unknown)?;
    for plan in &key.usage_plans {
        tx.remove::<UsagePlanKey>(plan, &key.id).await?;
        tx.remove::<Usage>(plan, &key.id).await?;
    }
    tx.release(api_key::VALUE_NAMES, &documents::clean(&key.value)).await.map_err(failure::store)?;
    tx.remove::<ApiKey>("", &key.id).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}

/// `POST /apikeys?mode=import`: all keys of a CSV file in one transaction. A row that cannot be taken is a warning, or with
/// `failonwarnings` the end of the whole call.
pub(crate) async fn import(cx: Cx) -> Answer {
    if let Some(other) = cx.call.query("format").filter(|format| !format.eq_ignore_ascii_case(api_key::KEY_FILE_FORMAT))
    {
        return Err(AwsError::bad_request(format!("Invalid format {other}. Must be one of: [csv]")));
    }
    let mut imported = api_key::read(&cx.call.body)?;
    let mut tx = cx.write().await?;
    let (mut ids, mut seen): (Vec<String>, HashSet<String>) = Default::default();
    for (index, row) in imported.keys.iter().enumerate() {
        let id = import_one(&cx, &mut tx, index, row, &mut imported.warnings).await?;
        if seen.insert(id.clone()) {
            ids.push(id);
        }
    }
    if cx.call.flag("failonwarnings")
        && let Some(first) = imported.warnings.first()
    {
        return Err(AwsError::bad_request(format!("Failed to import API keys due to warnings: {first}")));
    }
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(201, &json!({ "ids": ids, "warnings": imported.warnings })))
}

/// Adds one row's key, or overwrites the one that has its value.
async fn import_one(
    cx: &Cx,
    tx: &mut Write,
    index: usize,
    row: &ImportedKey,
    warnings: &mut Vec<String>,
) -> Result<String, AwsError> {
    let held = tx.by_name(api_key::VALUE_NAMES, &documents::clean(&row.value)).await.map_err(failure::store)?;
    let existing = match held {
        Some(holder) => tx.find::<ApiKey>("", &holder.id).await?,
        None => None,
    };
    let is_new = existing.is_none();
    let mut key = existing.unwrap_or_else(|| ApiKey { value: row.value.clone(), ..ApiKey::new(draw(cx, tx, index)) });
    key.name = Some(row.name.clone());
    key.description.clone_from(&row.description);
    key.enabled = row.enabled;
    key.last_updated_date = cx.at.seconds();
    if is_new {
        claim(tx, &key).await?;
    }
    for plan in &row.usage_plans {
        if let Err(error) = join(tx, &mut key, plan, index).await {
            warnings.push(format!("Line {}: {}", row.line, error.message()));
        }
    }
    tx.store("", &key.id, &key).await?;
    Ok(key.id)
}

async fn join(tx: &mut Write, key: &mut ApiKey, plan: &str, index: usize) -> Result<(), AwsError> {
    if key.usage_plans.iter().any(|known| known == plan) {
        return Ok(());
    }
    let plan: UsagePlan = tx.find("", plan).await?.ok_or_else(usage_plan::unknown)?;
    usage_plan_keys::link(tx, &plan, key, index).await.map(drop)
}

/// Forgets one stage of an API, or all of them, in every key and every plan. AWS drops these links when a stage goes [R
/// hashicorp/terraform-provider-aws#14100].
pub(crate) async fn forget_stages(tx: &mut Write, api: &str, stage: Option<&str>) -> Result<(), AwsError> {
    for mut plan in tx.all::<UsagePlan>("").await? {
        if plan.forget(api, stage) {
            tx.store("", &plan.id, &plan).await?;
        }
    }
    // Few keys are bound the old way; a search of the text spares reading the others.
    let marker = format!("\"{api}/");
    let docs = tx.list(ApiKey::KIND, "", None, u32::MAX).await.map_err(failure::store)?;
    for doc in docs.iter().filter(|doc| doc.body.contains(&marker)) {
        let mut key: ApiKey = documents::decode(doc)?;
        let gone = |entry: &String| {
            entry.split_once('/').is_some_and(|(of, name)| of == api && stage.is_none_or(|stage| stage == name))
        };
        key.stage_keys.retain(|entry| !gone(entry));
        tx.store("", &key.id, &key).await?;
    }
    Ok(())
}
