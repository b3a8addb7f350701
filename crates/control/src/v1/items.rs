//! What most resources have in common: read one, list, patch, by one label under one owner.

use serde_json::Value;
use stagecoach_base::AwsError;
use stagecoach_resources::patch::PatchOperation;
use stagecoach_resources::{ApiTree, Document};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{self, Access, ApiWrite};
use crate::failure;

/// A document that is addressed by one label of the path.
pub(crate) trait Item: Document + Send + Sync {
    /// The label that holds its id.
    const LABEL: &'static str;

    /// How it is addressed.
    fn id(&self) -> &str;

    /// As AWS shows it alone.
    fn show(&self) -> Value;

    /// As AWS shows it in a list.
    fn show_in_list(&self) -> Value {
        self.show()
    }

    /// AWS's 404 for the one named in the path.
    fn unknown(cx: &Cx) -> AwsError;
}

/// Reads the item named in the path outside a transaction. `parent` is its owner, empty for the account's own.
pub(crate) async fn read<D: Item>(cx: &Cx, parent: &str) -> Result<D, AwsError> {
    let found = documents::get(&cx.control.store, parent, cx.label(D::LABEL)).await?;
    found.ok_or_else(|| D::unknown(cx))
}

/// GET of one item of an API. An unknown API is an unknown item [V a].
pub(crate) async fn get_in_api<D: Item>(cx: Cx) -> Answer {
    Ok(Reply::json(200, &read::<D>(&cx, cx.api_id()).await?.show()))
}

/// GET of one item of the account.
pub(crate) async fn get<D: Item>(cx: Cx) -> Answer {
    Ok(Reply::json(200, &read::<D>(&cx, "").await?.show()))
}

/// GET of an API's items, a page of them, in id order.
pub(crate) async fn list_in_api<D: Item>(cx: Cx) -> Answer {
    cx.api().await?;
    Ok(cx.page::<D>(cx.api_id()).await?.reply(D::id, D::show_in_list))
}

/// GET of the account's items, a page of them, in id order.
pub(crate) async fn list<D: Item>(cx: Cx) -> Answer {
    Ok(cx.page::<D>("").await?.reply(D::id, D::show_in_list))
}

/// PATCH of one item of an API.
pub(crate) async fn update_in_api<D: Item>(
    cx: Cx,
    patch: impl FnOnce(&D, &[PatchOperation]) -> Result<D, AwsError>,
) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.open_or(|| D::unknown(&cx)).await?;
    let found: Option<D> = tx.get(cx.label(D::LABEL)).await?;
    let changed = patch(&found.ok_or_else(|| D::unknown(&cx))?, &operations)?;
    tx.put(cx.label(D::LABEL), &changed).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &changed.show()))
}

/// POST of a new item of an API, opened already.
pub(crate) async fn add<D: Item>(mut tx: ApiWrite, made: D) -> Answer {
    tx.put(made.id(), &made).await?;
    tx.commit().await?;
    Ok(Reply::json(201, &made.show()))
}

/// PATCH of one item of an API by a rule that looks at all of its kind.
pub(crate) async fn update_among<D: Item>(
    cx: Cx,
    patch: impl FnOnce(&D, &[D], &[PatchOperation]) -> Result<D, AwsError>,
) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.open_or(|| D::unknown(&cx)).await?;
    let all: Vec<D> = tx.all().await?;
    let found = all.iter().find(|item| item.id() == cx.label(D::LABEL)).ok_or_else(|| D::unknown(&cx))?;
    let changed = patch(found, &all, &operations)?;
    tx.put(changed.id(), &changed).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &changed.show()))
}

/// DELETE of one item of an API, opened already, that `unused` lets go.
pub(crate) async fn remove<D: Item>(
    cx: &Cx,
    mut tx: ApiWrite,
    unused: impl FnOnce(&D, &ApiTree) -> Result<(), AwsError>,
) -> Answer {
    let found: D = tx.get(cx.label(D::LABEL)).await?.ok_or_else(|| D::unknown(cx))?;
    unused(&found, &tx.whole().await?)?;
    tx.delete::<D>(found.id()).await?;
    tx.commit().await?;
    Ok(Reply::empty(202))
}

/// PATCH of one item of the account.
pub(crate) async fn update<D: Item>(
    cx: Cx,
    patch: impl FnOnce(&D, &[PatchOperation]) -> Result<D, AwsError>,
) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write().await?;
    let found: Option<D> = tx.find("", cx.label(D::LABEL)).await?;
    let changed = patch(&found.ok_or_else(|| D::unknown(&cx))?, &operations)?;
    tx.store("", cx.label(D::LABEL), &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &changed.show()))
}
