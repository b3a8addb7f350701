//! VpcLink operations (rest-admin-api §3.17).

use serde_json::Value;
use stagecoach_base::{AwsError, id};
use stagecoach_resources::reply::{self, ReplyKind};
use stagecoach_resources::v1::{Deployment, RestApi, Stage, VpcLink, vpc_link};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use super::items::Item;
use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::{failure, history, publish};

impl Item for VpcLink {
    const LABEL: &'static str = "vpclink_id";

    fn id(&self) -> &str {
        &self.id
    }

    fn show(&self) -> Value {
        reply::vpc_link(self, ReplyKind::Single)
    }

    fn show_in_list(&self) -> Value {
        reply::vpc_link(self, ReplyKind::List)
    }

    fn unknown(_: &Cx) -> AwsError {
        vpc_link::unknown()
    }
}

/// `POST /vpclinks`: pending in the answer, available when it is read.
pub(crate) async fn create(cx: Cx) -> Answer {
    let link = vpc_link::create(&cx.body()?, id::random(cx.control.entropy.as_ref(), id::CHILD_ID_LEN))?;
    let mut tx = cx.write().await?;
    tx.store("", &link.id, &vpc_link::available(link.clone())).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(202, &reply::vpc_link(&link, ReplyKind::Create)))
}

/// `PATCH /vpclinks/{vpclink_id}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    super::items::update::<VpcLink>(cx, vpc_link::patch).await
}

/// `DELETE /vpclinks/{vpclink_id}`: refused while an integration uses the link, in a draft or behind a stage.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let id = cx.label(VpcLink::LABEL);
    super::items::read::<VpcLink>(&cx, "").await?;
    // What stages serve is read outside the transaction: it is large, and a worker that has it keeps it.
    let mut places = deployed(&cx, id).await?;
    let mut tx = cx.write().await?;
    places.extend(drafts(&mut tx, id).await?);
    if !places.is_empty() {
        return Err(vpc_link::in_use(id, &places));
    }
    if !tx.remove::<VpcLink>("", id).await? {
        return Err(vpc_link::unknown());
    }
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::empty(202))
}

async fn deployed(cx: &Cx, link: &str) -> Result<Vec<String>, AwsError> {
    let (store, mut places) = (&cx.control.store, Vec::new());
    for api in documents::all::<RestApi>(store, "").await? {
        for stage in documents::all::<Stage>(store, &api.id).await? {
            for id in std::iter::once(stage.deployment_id.as_str()).chain(publish::canary_deployment(&stage)) {
                let Some(deployment) = documents::get::<Deployment>(store, &api.id, id).await? else { continue };
                let tree = history::deployed(&cx.control, &deployment).await?;
                places.extend(vpc_link::references(&tree, link, &stage.stage_name));
            }
        }
    }
    // A canary of the same definition names the same places.
    places.sort();
    places.dedup();
    Ok(places)
}

async fn drafts(tx: &mut Write, link: &str) -> Result<Vec<String>, AwsError> {
    let mut places = Vec::new();
    for api in tx.all::<RestApi>("").await? {
        let docs = tx.tree(&api.id).await.map_err(failure::store)?;
        let whole = documents::assemble(&docs)?;
        places.extend(whole.iter().flat_map(|whole| vpc_link::references(&whole.tree, link, vpc_link::DRAFT)));
    }
    Ok(places)
}
