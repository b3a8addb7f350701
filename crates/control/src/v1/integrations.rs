//! Integration operations (rest-admin-api §3.5).

use stagecoach_resources::v1::integration;
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;

use super::{methods, resources};
use crate::call::{Answer, Cx};

/// `PUT …/integration`: an upsert.
pub(crate) async fn put(cx: Cx) -> Answer {
    let parsed = integration::parse(cx.label("resource_id"), &cx.body()?)?;
    let ceilings = cx.control.ceilings;
    methods::edit_part(cx, 201, move |method| {
        let mut made = integration::put(parsed, ceilings)?;
        // Whether AWS keeps the responses is not recorded; losing them by a repeated put would surprise more.
        if let Some(before) = method.method_integration.take() {
            made.integration_responses = before.integration_responses;
        }
        let shown = reply::integration(&made);
        method.method_integration = Some(made);
        Ok(shown)
    })
    .await
}

/// `GET …/integration`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let method = methods::read(&cx).await?;
    let found = method.method_integration.ok_or_else(errors::unknown_integration)?;
    Ok(Reply::json(200, &reply::integration(&found)))
}

/// `PATCH …/integration`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let ceilings = cx.control.ceilings;
    methods::edit_part(cx, 200, move |method| {
        let found = method.method_integration.as_ref().ok_or_else(errors::unknown_integration)?;
        let changed = integration::patch(found, &operations, ceilings)?;
        let shown = reply::integration(&changed);
        method.method_integration = Some(changed);
        Ok(shown)
    })
    .await
}

/// `DELETE …/integration`: its responses go too.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = resources::open(&cx).await?;
    let mut method = methods::load(&cx, &mut tx).await?;
    method.method_integration.take().ok_or_else(errors::unknown_integration)?;
    tx.put(&methods::id(&cx), &method).await?;
    tx.commit().await?;
    Ok(Reply::empty(204))
}
