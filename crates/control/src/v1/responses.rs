//! Method responses and integration responses (rest-admin-api §3.4, §3.6).

use stagecoach_base::AwsError;
use stagecoach_resources::v1::{Integration, Method, integration_response, method_response};
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;

use super::{methods, resources};
use crate::call::{Answer, Cx};

/// `PUT …/responses/{status_code}`.
pub(crate) async fn put_method_response(cx: Cx) -> Answer {
    let made = method_response::parse(cx.label("status_code"), &cx.body()?)?;
    methods::edit_part_with_models(cx, 201, move |method, models| {
        method_response::put(method, &made, models)?;
        let shown = reply::method_response(&made);
        method.method_responses.insert(made.status_code.clone(), made);
        Ok(shown)
    })
    .await
}

/// `GET …/responses/{status_code}`.
pub(crate) async fn get_method_response(cx: Cx) -> Answer {
    let method = methods::read(&cx).await?;
    let found = method.method_responses.get(&status(&cx)).ok_or_else(errors::unknown_status)?;
    Ok(Reply::json(200, &reply::method_response(found)))
}

/// `PATCH …/responses/{status_code}`: answers 201 [M].
pub(crate) async fn update_method_response(cx: Cx) -> Answer {
    let (operations, status) = (cx.patch()?, status(&cx));
    methods::edit_part_with_models(cx, 201, move |method, models| {
        let found = method.method_responses.get(&status).ok_or_else(errors::unknown_status)?;
        let changed = method_response::patch(found, &operations, models)?;
        let shown = reply::method_response(&changed);
        method.method_responses.insert(status, changed);
        Ok(shown)
    })
    .await
}

/// `DELETE …/responses/{status_code}`.
pub(crate) async fn delete_method_response(cx: Cx) -> Answer {
    let status = status(&cx);
    remove(cx, move |method| method.method_responses.remove(&status).map(drop).ok_or_else(errors::unknown_status)).await
}

/// `PUT …/integration/responses/{status_code}`: an upsert.
pub(crate) async fn put_integration_response(cx: Cx) -> Answer {
    let made = integration_response::parse(cx.label("status_code"), &cx.body()?)?;
    methods::edit_part(cx, 201, move |method| {
        integration_response::put(method, &made)?;
        let shown = reply::integration_response(&made);
        integration(method)?.integration_responses.insert(made.status_code.clone(), made);
        Ok(shown)
    })
    .await
}

/// `GET …/integration/responses/{status_code}`.
pub(crate) async fn get_integration_response(cx: Cx) -> Answer {
    let method = methods::read(&cx).await?;
    let integration = method.method_integration.as_ref().ok_or_else(errors::unknown_integration)?;
    let found = integration.integration_responses.get(&status(&cx)).ok_or_else(errors::unknown_status)?;
    Ok(Reply::json(200, &reply::integration_response(found)))
}

/// `PATCH …/integration/responses/{status_code}`.
pub(crate) async fn update_integration_response(cx: Cx) -> Answer {
    let (operations, status) = (cx.patch()?, status(&cx));
    methods::edit_part(cx, 200, move |method| {
        let found = integration(method)?.integration_responses.get(&status).cloned();
        let changed = integration_response::patch(method, &found.ok_or_else(errors::unknown_status)?, &operations)?;
        let shown = reply::integration_response(&changed);
        integration(method)?.integration_responses.insert(status, changed);
        Ok(shown)
    })
    .await
}

/// `DELETE …/integration/responses/{status_code}`.
pub(crate) async fn delete_integration_response(cx: Cx) -> Answer {
    let status = status(&cx);
    let removed = remove(cx, move |method| {
        integration(method)?.integration_responses.remove(&status).map(drop).ok_or_else(errors::unknown_status)
    });
    // AWS names the integration here even when it is the method that is not there [V a].
    removed.await.map_err(|error| if error == errors::unknown_method() { errors::unknown_integration() } else { error })
}

fn status(cx: &Cx) -> String {
    cx.label("status_code").to_owned()
}

fn integration(method: &mut Method) -> Result<&mut Integration, AwsError> {
    method.method_integration.as_mut().ok_or_else(errors::unknown_integration)
}

/// Removes a part of the method named in the path and answers 204.
async fn remove(cx: Cx, change: impl FnOnce(&mut Method) -> Result<(), AwsError>) -> Answer {
    let mut tx = resources::open(&cx).await?;
    let mut method = methods::load(&cx, &mut tx).await?;
    change(&mut method)?;
    tx.put(&methods::id(&cx), &method).await?;
    tx.commit().await?;
    Ok(Reply::empty(204))
}
