//! Method operations (rest-admin-api §3.3).

use serde_json::Value;
use stagecoach_base::AwsError;
use stagecoach_resources::v1::{Method, Model, Resource, method};
use stagecoach_resources::{errors, reply};
use stagecoach_wire::Reply;

use super::resources;
use crate::call::{Answer, Cx};
use crate::documents::{self, ApiWrite};

/// `PUT …/methods/{http_method}`: an existing verb is a conflict, not an upsert.
pub(crate) async fn put(cx: Cx) -> Answer {
    let parsed = method::parse(cx.label("http_method"), &cx.body()?)?;
    let mut tx = resources::open(&cx).await?;
    let resource = tx.get::<Resource>(cx.label("resource_id")).await?.ok_or_else(errors::unknown_resource)?;
    let tree = tx.parts().await?;
    let made = method::put(parsed, &tree)?;
    let id = documents::method_id(&resource.id, &made.http_method);
    if tx.get::<Method>(&id).await?.is_some() {
        return Err(errors::method_exists());
    }
    tx.put(&id, &made).await?;
    tx.commit().await?;
    Ok(Reply::json(201, &reply::method(&made)))
}

/// `GET …/methods/{http_method}`.
pub(crate) async fn get(cx: Cx) -> Answer {
    Ok(Reply::json(200, &reply::method(&read(&cx).await?)))
}

/// `PATCH …/methods/{http_method}`.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = resources::open(&cx).await?;
    let parts = tx.parts().await?;
    let changed = edit(&cx, &mut tx, |method| method::patch(method, &operations, &parts)).await?;
    tx.commit().await?;
    Ok(Reply::json(200, &reply::method(&changed)))
}

/// `DELETE …/methods/{http_method}`.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = resources::open(&cx).await?;
    load(&cx, &mut tx).await?;
    tx.delete::<Method>(&id(&cx)).await?;
    tx.commit().await?;
    Ok(Reply::empty(204))
}

/// The id of the method named in the path.
pub(crate) fn id(cx: &Cx) -> String {
    documents::method_id(cx.label("resource_id"), cx.label("http_method"))
}

/// Reads the method named in the path outside a transaction, with AWS's 404s top-down.
pub(crate) async fn read(cx: &Cx) -> Result<Method, AwsError> {
    let store = &cx.control.store;
    let resource = documents::get::<Resource>(store, cx.api_id(), cx.label("resource_id")).await?;
    resource.ok_or_else(errors::unknown_resource)?;
    documents::get(store, cx.api_id(), &id(cx)).await?.ok_or_else(errors::unknown_method)
}

/// Reads the method named in the path inside a transaction.
pub(crate) async fn load(cx: &Cx, tx: &mut ApiWrite) -> Result<Method, AwsError> {
    tx.get::<Resource>(cx.label("resource_id")).await?.ok_or_else(errors::unknown_resource)?;
    tx.get(&id(cx)).await?.ok_or_else(errors::unknown_method)
}

/// Read-modify-write of the method named in the path. `change` answers the new document.
pub(crate) async fn edit(
    cx: &Cx,
    tx: &mut ApiWrite,
    change: impl FnOnce(&Method) -> Result<Method, AwsError>,
) -> Result<Method, AwsError> {
    let changed = change(&load(cx, tx).await?)?;
    tx.put(&id(cx), &changed).await?;
    Ok(changed)
}

/// Read-modify-write of a part of the method named in the path, committed and answered with `status`.
pub(crate) async fn edit_part(
    cx: Cx,
    status: u16,
    change: impl FnOnce(&mut Method) -> Result<Value, AwsError>,
) -> Answer {
    let mut tx = resources::open(&cx).await?;
    let method = load(&cx, &mut tx).await?;
    write_part(&cx, tx, status, method, change).await
}

/// As [`edit_part`], for a part that names models of the API.
pub(crate) async fn edit_part_with_models(
    cx: Cx,
    status: u16,
    change: impl FnOnce(&mut Method, &Vec<Model>) -> Result<Value, AwsError>,
) -> Answer {
    let mut tx = resources::open(&cx).await?;
    let method = load(&cx, &mut tx).await?;
    let models = tx.all::<Model>().await?;
    write_part(&cx, tx, status, method, |method| change(method, &models)).await
}

async fn write_part(
    cx: &Cx,
    mut tx: ApiWrite,
    status: u16,
    mut method: Method,
    change: impl FnOnce(&mut Method) -> Result<Value, AwsError>,
) -> Answer {
    let shown = change(&mut method)?;
    tx.put(&id(cx), &method).await?;
    tx.commit().await?;
    Ok(Reply::json(status, &shown))
}
