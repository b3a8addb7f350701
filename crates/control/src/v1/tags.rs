//! TagResource, UntagResource and GetTags (rest-admin-api §3.22).

use std::collections::BTreeMap;

use serde_json::json;
use stagecoach_base::AwsError;
use stagecoach_resources::Document;
use stagecoach_resources::v1::stage::Cors;
use stagecoach_resources::v1::tags::{self, HasTags, Tagged};
use stagecoach_resources::v1::{ApiKey, ClientCertificate, DomainName, RestApi, Stage, UsagePlan, VpcLink};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{Access, ApiWrite};
use crate::{documents, failure};

type Tags = BTreeMap<String, String>;
/// What a call does to the tags there are.
type Change<'a> = &'a (dyn Fn(&mut Tags) -> Result<(), AwsError> + Sync);

fn tagged(cx: &Cx) -> Result<Tagged, AwsError> {
    tags::parse_arn(cx.label("resource_arn"), &cx.control.scope)
}

/// `PUT /tags/{resource_arn}`: laid over the tags there are.
pub(crate) async fn tag(cx: Cx) -> Answer {
    let new = tags::of_body(&cx.body()?)?;
    change(&cx, &|tags| tags::merge(tags, &new)).await
}

/// `DELETE /tags/{resource_arn}?tagKeys=…&tagKeys=…`.
pub(crate) async fn untag(cx: Cx) -> Answer {
    let gone: Vec<&str> = cx.call.query_all("tagKeys").collect();
    change(&cx, &|tags| {
        tags.retain(|key, _| !gone.contains(&key.as_str()));
        Ok(())
    })
    .await
}

async fn change(cx: &Cx, how: Change<'_>) -> Answer {
    let tagged = tagged(cx)?;
    let (parent, id) = tagged.place();
    let mut tx = cx.write_on(if parent.is_empty() { &id } else { parent }).await?;
    match &tagged {
        Tagged::RestApi(_) => apply::<RestApi>(&mut tx, parent, &id, how).await?,
        // A stage's tags may ask for what workers do, so its pointer follows.
        Tagged::Stage { .. } => return change_stage(cx, tx, parent, &id, how).await,
        Tagged::ApiKey(_) => apply::<ApiKey>(&mut tx, parent, &id, how).await?,
        Tagged::UsagePlan(_) => apply::<UsagePlan>(&mut tx, parent, &id, how).await?,
        Tagged::VpcLink(_) => apply::<VpcLink>(&mut tx, parent, &id, how).await?,
        Tagged::DomainName(_) => apply::<DomainName>(&mut tx, parent, &id, how).await?,
        Tagged::ClientCertificate(_) => apply::<ClientCertificate>(&mut tx, parent, &id, how).await?,
    }
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(204))
}

async fn change_stage(cx: &Cx, tx: Write, api: &str, name: &str, how: Change<'_>) -> Answer {
    let mut tx = ApiWrite::open(tx, api).await?.ok_or_else(tags::unknown)?;
    let mut stage: Stage = tx.get(name).await?.ok_or_else(tags::unknown)?;
    let before = Cors::of(&stage.tags)?;
    how(&mut stage.tags)?;
    match Cors::of(&stage.tags)? == before {
        true => tx.put(&stage.stage_name, &stage).await?,
        false => cx.control.publisher.put_stage(&mut tx, &stage).await?,
    }
    tx.commit().await?;
    Ok(Reply::empty(204))
}

async fn apply<D: Document + HasTags + Sync>(
    tx: &mut Write,
    parent: &str,
    id: &str,
    how: Change<'_>,
) -> Result<(), AwsError> {
    let mut found: D = tx.find(parent, id).await?.ok_or_else(tags::unknown)?;
    how(found.tags())?;
    tx.store(parent, id, &found).await
}

/// `GET /tags/{resource_arn}`: all of them; there are at most fifty.
pub(crate) async fn get(cx: Cx) -> Answer {
    let tagged = tagged(&cx)?;
    let (parent, id) = tagged.place();
    let tags = match &tagged {
        Tagged::RestApi(_) => read::<RestApi>(&cx, parent, &id).await?,
        Tagged::Stage { .. } => read::<Stage>(&cx, parent, &id).await?,
        Tagged::ApiKey(_) => read::<ApiKey>(&cx, parent, &id).await?,
        Tagged::UsagePlan(_) => read::<UsagePlan>(&cx, parent, &id).await?,
        Tagged::VpcLink(_) => read::<VpcLink>(&cx, parent, &id).await?,
        Tagged::DomainName(_) => read::<DomainName>(&cx, parent, &id).await?,
        Tagged::ClientCertificate(_) => read::<ClientCertificate>(&cx, parent, &id).await?,
    };
    Ok(Reply::json(200, &json!({ "tags": tags })))
}

async fn read<D: Document + HasTags>(cx: &Cx, parent: &str, id: &str) -> Result<Tags, AwsError> {
    let mut found: D = documents::get(&cx.control.store, parent, id).await?.ok_or_else(tags::unknown)?;
    Ok(std::mem::take(found.tags()))
}
