//! Resource operations (rest-admin-api §3.2).

use std::collections::BTreeMap;

use stagecoach_base::{AwsError, Verb};
use stagecoach_resources::v1::{Method, Resource, resource};
use stagecoach_resources::{Document, errors, reply};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::documents::{self, ApiWrite};
use crate::failure;

/// Methods by the resource that holds them.
type Methods = BTreeMap<String, Vec<Method>>;

/// `POST /restapis/{restapi_id}/resources/{parent_id}`.
pub(crate) async fn create(cx: Cx) -> Answer {
    let part = resource::parse(&cx.body()?)?;
    let mut tx = open(&cx).await?;
    let siblings = tx.all::<Resource>().await?;
    let made = resource::create(&siblings, cx.label("parent_id"), &part)?;
    cx.control.quotas.resources(siblings.len() + 1)?;
    tx.put(&made.id, &made).await?;
    tx.commit().await?;
    Ok(Reply::json(201, &reply::resource(&made, &[], false)))
}

/// `GET …/resources/{resource_id}`, with `embed=methods`.
pub(crate) async fn get(cx: Cx) -> Answer {
    let found = documents::get::<Resource>(&cx.control.store, cx.api_id(), cx.label("resource_id")).await?;
    let found = found.ok_or_else(errors::unknown_resource)?;
    let methods = methods(&cx, std::slice::from_ref(&found)).await?;
    Ok(Reply::json(200, &render(&found, &methods, cx.embeds("methods"))))
}

/// `GET …/resources`, with `embed=methods`.
pub(crate) async fn list(cx: Cx) -> Answer {
    cx.api().await?;
    let page = cx.page::<Resource>(cx.api_id()).await?;
    let (methods, embed) = (methods(&cx, page.items()).await?, cx.embeds("methods"));
    Ok(page.reply(|resource| resource.id.as_str(), |resource| render(resource, &methods, embed)))
}

/// `PATCH …/resources/{resource_id}`: a new part or parent moves the whole subtree.
pub(crate) async fn update(cx: Cx) -> Answer {
    let operations = cx.patch()?;
    let mut tx = open(&cx).await?;
    let all = tx.all::<Resource>().await?;
    let moved = resource::update(&all, cx.label("resource_id"), &operations)?;
    for changed in &moved.changed {
        tx.put(&changed.id, changed).await?;
    }
    tx.commit().await?;
    let methods = methods(&cx, std::slice::from_ref(&moved.resource)).await?;
    Ok(Reply::json(200, &render(&moved.resource, &methods, false)))
}

/// `DELETE …/resources/{resource_id}`: the subtree and its methods go too.
pub(crate) async fn delete(cx: Cx) -> Answer {
    let mut tx = open(&cx).await?;
    let all = tx.all::<Resource>().await?;
    let gone = resource::delete(&all, cx.label("resource_id"))?;
    let docs = tx.write.list(Method::KIND, cx.api_id(), None, u32::MAX).await.map_err(failure::store)?;
    for doc in docs.iter().filter(|doc| gone.contains(&documents::resource_of(doc))) {
        tx.delete::<Method>(&doc.key.id).await?;
    }
    for id in &gone {
        tx.delete::<Resource>(id).await?;
    }
    tx.commit().await?;
    Ok(Reply::empty(202))
}

/// Opens the API; AWS says "Invalid Resource identifier" for an unknown API here [V a].
pub(crate) async fn open(cx: &Cx) -> Result<ApiWrite, AwsError> {
    cx.open_or(errors::unknown_resource).await
}

/// Resources up to which their methods are asked for by name: an API has thousands, a page a few.
const BY_NAME: usize = 32;

/// The methods of `resources`, and maybe of others.
async fn methods(cx: &Cx, resources: &[Resource]) -> Result<Methods, AwsError> {
    let (store, api) = (&cx.control.store, documents::clean(cx.api_id()));
    let docs = if resources.len() > BY_NAME {
        store.list(Method::KIND, &api, None, u32::MAX).await
    } else {
        let names = resources.iter().flat_map(|it| Verb::ALL.map(|verb| documents::method_id(&it.id, verb.as_str())));
        store.get_many(Method::KIND, &api, &names.collect::<Vec<_>>()).await
    };
    let docs = docs.map_err(failure::store)?;
    let mut by_resource = Methods::new();
    for doc in &docs {
        by_resource.entry(documents::resource_of(doc)).or_default().push(documents::decode(doc)?);
    }
    Ok(by_resource)
}

fn render(resource: &Resource, methods: &Methods, embed: bool) -> serde_json::Value {
    let own = methods.get(&resource.id).map_or(&[][..], Vec::as_slice);
    reply::resource(resource, own, embed)
}
