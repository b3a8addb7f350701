//! GatewayResponse operations (rest-admin-api §3.19). Every type is there, customised or not.

use stagecoach_base::AwsError;
use stagecoach_resources::reply;
use stagecoach_resources::v1::{GatewayResponse, gateway_response};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents;

/// The type in the path; AWS checks it before it looks for the API.
fn kind(cx: &Cx) -> Result<&str, AwsError> {
    let kind = cx.label("response_type");
    gateway_response::check_type(kind).map(|()| kind)
}

async fn customised(cx: &Cx) -> Result<Vec<GatewayResponse>, AwsError> {
    cx.api().await?;
    documents::all(&cx.control.store, cx.api_id()).await
}

/// `PUT …/gatewayresponses/{response_type}`: replaces the whole response.
pub(crate) async fn put(cx: Cx) -> Answer {
    let parsed = gateway_response::parse(cx.label("response_type"), &cx.body()?)?;
    let mut tx = cx.open().await?;
    let made = gateway_response::put(parsed)?;
    tx.put(&made.response_type, &made).await?;
    tx.commit().await?;
    Ok(Reply::json(201, &reply::value(&gateway_response::shown(&made))))
}

/// `GET …/gatewayresponses/{response_type}`: never a 404 for a type.
pub(crate) async fn get(cx: Cx) -> Answer {
    let kind = kind(&cx)?;
    let found = gateway_response::effective(kind, &customised(&cx).await?);
    Ok(Reply::json(200, &reply::value(&found)))
}

/// `GET …/gatewayresponses`: all types.
pub(crate) async fn list(cx: Cx) -> Answer {
    let customised = customised(&cx).await?;
    let all = gateway_response::all().into_iter().map(|kind| gateway_response::effective(kind, &customised));
    let page = cx.page_of(all.collect(), |response: &GatewayResponse| &response.response_type)?;
    Ok(page.reply(|response| &response.response_type, reply::value))
}

/// `PATCH …/gatewayresponses/{response_type}`: the first one customises the type.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let kind = kind(&cx)?;
    let mut tx = cx.open().await?;
    let own: Option<GatewayResponse> = tx.get(kind).await?;
    let changed = gateway_response::patch(kind, own.as_ref(), &operations)?;
    tx.put(kind, &changed).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &reply::value(&gateway_response::shown(&changed))))
}

/// `DELETE …/gatewayresponses/{response_type}`: back to the default.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let kind = kind(&cx)?;
    let mut tx = cx.open().await?;
    if !tx.delete::<GatewayResponse>(kind).await? {
        return Err(gateway_response::not_customised());
    }
    tx.commit().await?;
    Ok(Reply::empty(202))
}
