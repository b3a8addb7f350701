//! Integration operations (rest-admin-api §3.5).

use stagecoach_resources::v1::integration;
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;

use super::{methods, resources};
use crate::call::{Answer, Cx};

/// `PUT …/integration`: an upsert.
pub(crate) async fn put(cx: Cx) -> Answer {
    let input = cx.body()?;
    let resource_id = cx.label("resource_id").to_owned();
    methods::edit_part(cx, 201, move |method| {
        let made = integration::put(&resource_id, &input)?;
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
    methods::edit_part(cx, 200, move |method| {
        let found = method.method_integration.as_ref().ok_or_else(errors::unknown_integration)?;
        let changed = integration::patch(found, &operations)?;
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
