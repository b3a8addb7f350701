//! Typed access to the store: documents in, documents out. Owns how keys are laid out; knows no AWS rule.
//!
//! Everything under an API has `root` = the API's id, so that loading or deleting a whole API is one statement. A method
//! is one document (with its responses and integration) named `{resource id}/{VERB}`.

mod access;
mod api_write;

use stagecoach_base::{AwsError, Revision};
use stagecoach_resources::tree::MethodAt;
use stagecoach_resources::v1::{
    Authorizer, DocumentationPart, GatewayResponse, Method, Model, RequestValidator, Resource, RestApi,
};
use stagecoach_resources::{ApiTree, Document, errors};
use stagecoach_store::{Doc, Key, Store};

use crate::failure;

pub(crate) use access::Access;
pub(crate) use api_write::ApiWrite;

/// The key of document `id` of kind `D` under `parent` (an API's id, or empty for a RestApi).
pub(crate) fn key<D: Document>(parent: &str, id: &str) -> Key {
    Key { kind: D::KIND.into(), parent: clean(parent), id: clean(id) }
}

/// An id fit for the store: Postgres takes no NUL in text. Ids come out of bodies and files, so one may be in there.
pub(crate) fn clean(id: &str) -> String {
    id.replace('\0', "\u{fffd}")
}

/// The id of a method's document.
pub(crate) fn method_id(resource_id: &str, verb: &str) -> String {
    format!("{resource_id}/{verb}")
}

/// A document for the store. What has no parent is the root of a tree; all below it has the tree's name as its parent.
pub(crate) fn doc<D: Document>(parent: &str, id: &str, body: &D) -> Result<Doc, AwsError> {
    let text = serde_json::to_string(body).map_err(failure::unexpected)?;
    let root = clean(if parent.is_empty() { id } else { parent });
    Ok(Doc { key: key::<D>(parent, id), root, version: D::VERSION, revision: 0, body: text })
}

/// Reads a stored document.
pub(crate) fn decode<D: Document>(doc: &Doc) -> Result<D, AwsError> {
    D::decode(doc.version, &doc.body).map_err(failure::unexpected)
}

/// Reads outside a transaction.
pub(crate) async fn get<D: Document>(store: &Store, parent: &str, id: &str) -> Result<Option<D>, AwsError> {
    let found = store.get(&key::<D>(parent, id)).await.map_err(failure::store)?;
    found.as_ref().map(decode).transpose()
}

/// The API, or AWS's 404.
pub(crate) async fn api(store: &Store, account: &str, id: &str) -> Result<RestApi, AwsError> {
    get(store, "", id).await?.ok_or_else(|| errors::unknown_api(account, id))
}

/// One page of a kind under `parent`, in id order.
pub(crate) async fn list<D: Document>(
    store: &Store,
    parent: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<D>, AwsError> {
    let docs = store.list(D::KIND, &clean(parent), after, limit).await.map_err(failure::store)?;
    docs.iter().map(decode).collect()
}

/// All documents of a kind under `parent`.
pub(crate) async fn all<D: Document>(store: &Store, parent: &str) -> Result<Vec<D>, AwsError> {
    list(store, parent, None, u32::MAX).await
}

/// A whole API as stored, and the revision of its last change.
pub(crate) struct Whole {
    /// What a deployment freezes.
    pub(crate) tree: ApiTree,
    /// Revision of the RestApi document, which every change under the API touches.
    pub(crate) revision: Revision,
}

/// Assembles the documents of one API. `None` when there is no RestApi among them.
pub(crate) fn assemble(docs: &[Doc]) -> Result<Option<Whole>, AwsError> {
    let Some(root) = docs.iter().find(|doc| doc.key.kind == RestApi::KIND) else { return Ok(None) };
    let tree = ApiTree {
        api: decode(root)?,
        resources: of_kind::<Resource>(docs)?,
        methods: methods(docs)?,
        models: of_kind::<Model>(docs)?,
        validators: of_kind::<RequestValidator>(docs)?,
        authorizers: of_kind::<Authorizer>(docs)?,
        gateway_responses: of_kind::<GatewayResponse>(docs)?,
        documentation_parts: of_kind::<DocumentationPart>(docs)?,
        documentation_version: None,
    };
    Ok(Some(Whole { tree, revision: root.revision }))
}

/// All documents of kind `D` among `docs`.
pub(crate) fn of_kind<D: Document>(docs: &[Doc]) -> Result<Vec<D>, AwsError> {
    docs.iter().filter(|doc| doc.key.kind == D::KIND).map(decode).collect()
}

fn methods(docs: &[Doc]) -> Result<Vec<MethodAt>, AwsError> {
    let methods = docs.iter().filter(|doc| doc.key.kind == Method::KIND);
    methods.map(|doc| Ok(MethodAt { resource_id: resource_of(doc), method: decode(doc)? })).collect()
}

/// The resource a method document belongs to.
pub(crate) fn resource_of(doc: &Doc) -> String {
    doc.key.id.split_once('/').map_or_else(String::new, |(resource, _)| resource.to_owned())
}

/// The whole API outside a transaction, or AWS's 404.
pub(crate) async fn whole(store: &Store, account: &str, id: &str) -> Result<Whole, AwsError> {
    let docs = store.tree(&clean(id)).await.map_err(failure::store)?;
    assemble(&docs)?.ok_or_else(|| errors::unknown_api(account, id))
}

/// The documents of a tree, for a batched insert.
pub(crate) fn scatter(tree: &ApiTree) -> Result<Vec<Doc>, AwsError> {
    let api = tree.api.id.as_str();
    let mut docs = vec![doc("", api, &tree.api)?];
    for resource in &tree.resources {
        docs.push(doc(api, &resource.id, resource)?);
    }
    for at in &tree.methods {
        docs.push(doc(api, &method_id(&at.resource_id, &at.method.http_method), &at.method)?);
    }
    for model in &tree.models {
        docs.push(doc(api, &model.name, model)?);
    }
    for validator in &tree.validators {
        docs.push(doc(api, &validator.id, validator)?);
    }
    for authorizer in &tree.authorizers {
        docs.push(doc(api, &authorizer.id, authorizer)?);
    }
    for response in &tree.gateway_responses {
        docs.push(doc(api, &response.response_type, response)?);
    }
    for part in &tree.documentation_parts {
        docs.push(doc(api, &part.id, part)?);
    }
    Ok(docs)
}
