//! GetAccount and UpdateAccount (rest-admin-api §3.21).

use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{Account, account};
use stagecoach_store::Write;
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{self, Access};
use crate::failure;

/// The one document of its kind.
const ID: &str = "account";

/// `GET /account`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let kept: Option<Account> = documents::get(&cx.control.store, "", ID).await?;
    Ok(Reply::json(200, &reply::account(&kept.unwrap_or_else(|| Account::new(&cx.control.scope)))))
}

/// `PATCH /account`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = cx.write_on(ID).await?;
    let kept: Option<Account> = tx.find("", ID).await?;
    let changed = account::patch(&kept.unwrap_or_else(|| Account::new(&cx.control.scope)), &operations)?;
    tx.store("", ID, &changed).await?;
    tx.commit().await.map_err(failure::store)?;
    Ok(Reply::json(200, &reply::account(&changed)))
}

/// What logs need the account to have: a role. An account that nobody changed has one.
pub(crate) async fn require_role(tx: &mut Write) -> Result<(), AwsError> {
    let kept: Option<Account> = tx.find("", ID).await?;
    match kept.is_none_or(|account| account.cloudwatch_role_arn.is_some()) {
        true => Ok(()),
        false => Err(account::no_role()),
    }
}
