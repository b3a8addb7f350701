//! GetAccount and UpdateAccount (rest-admin-api §3.21).

use stagecoach_resources::reply;
use stagecoach_resources::v1::{Account, account};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// The one document of its kind.
const ID: &str = "account";

/// `GET /account`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let kept: Option<Account> = documents::get(&cx.control.store, "", ID).await?;
    Ok(Reply::json(200, &reply::account(&kept.unwrap_or_default())))
}

/// `PATCH /account`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write_on(ID).await?;
    let kept: Account = tx.find("", ID).await?.unwrap_or_default();
    let changed = account::patch(&kept, &operations)?;
    tx.store("", ID, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &reply::account(&changed)))
}
