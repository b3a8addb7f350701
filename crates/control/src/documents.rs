//! Typed access to the store: documents in, documents out. Owns how keys are laid out; knows no AWS rule.
//!
//! Everything under an API has `root` = the API's id, so that loading or deleting a whole API is one statement. A method
//! is one document (with its responses and integration) named `{resource id}/{VERB}`.

use std::collections::HashMap;

use stagecoach_base::{AwsError, Revision};
use stagecoach_resources::tree::MethodAt;
use stagecoach_resources::v1::method::Parts;
use stagecoach_resources::v1::{
    Authorizer, Deployment, DocumentationPart, DocumentationVersion, GatewayResponse, Method, Model, RequestValidator,
    Resource, RestApi, Stage,
};
use stagecoach_resources::{ApiTree, Document, errors};
use stagecoach_store::{Doc, Key, Store, Write};

use crate::failure;

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

/// A document for the store.
pub(crate) fn doc<D: Document>(api_id: &str, id: &str, body: &D) -> Result<Doc, AwsError> {
    let parent = if D::KIND == RestApi::KIND { "" } else { api_id };
    let text = serde_json::to_string(body).map_err(failure::unexpected)?;
    Ok(Doc { key: key::<D>(parent, id), root: api_id.into(), version: D::VERSION, revision: 0, body: text })
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
    let mut docs = vec![doc(api, api, &tree.api)?];
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

/// Kinds under an API that a definition does not hold.
const LIVE: [&str; 3] = [Deployment::KIND, Stage::KIND, DocumentationVersion::KIND];

/// A write on one API: every document change goes through here, and the RestApi document is touched last, so that its
/// revision is the API's (a deployment checks that nothing moved while it compiled).
pub(crate) struct ApiWrite {
    /// The open transaction.
    pub(crate) write: Write,
    /// The API as read inside the transaction.
    pub(crate) api: RestApi,
    /// Revision of the API when it was read.
    pub(crate) revision_read: Revision,
    definition_changed: bool,
}

impl ApiWrite {
    /// Opens a transaction on an existing API.
    pub(crate) async fn open(mut write: Write, account: &str, id: &str) -> Result<Self, AwsError> {
        let found = write.get(&key::<RestApi>("", id)).await.map_err(failure::store)?;
        let found = found.ok_or_else(|| errors::unknown_api(account, id))?;
        Ok(Self { api: decode(&found)?, revision_read: found.revision, write, definition_changed: false })
    }

    /// Reads one document of this API.
    pub(crate) async fn get<D: Document>(&mut self, id: &str) -> Result<Option<D>, AwsError> {
        let found = self.write.get(&key::<D>(&self.api.id, id)).await.map_err(failure::store)?;
        found.as_ref().map(decode).transpose()
    }

    /// All documents of one kind of this API.
    pub(crate) async fn all<D: Document>(&mut self) -> Result<Vec<D>, AwsError> {
        let docs = self.write.list(D::KIND, &self.api.id, None, u32::MAX).await.map_err(failure::store)?;
        docs.iter().map(decode).collect()
    }

    /// What a method may refer to.
    pub(crate) async fn parts(&mut self) -> Result<Parts, AwsError> {
        Ok(Parts { authorizers: self.all().await?, validators: self.all().await?, models: self.all().await? })
    }

    /// The whole API.
    pub(crate) async fn whole(&mut self) -> Result<ApiTree, AwsError> {
        let docs = self.write.tree(&self.api.id).await.map_err(failure::store)?;
        let whole = assemble(&docs)?.ok_or_else(AwsError::internal)?;
        Ok(whole.tree)
    }

    /// Writes a document a deployment freezes.
    pub(crate) async fn put<D: Document>(&mut self, id: &str, body: &D) -> Result<(), AwsError> {
        self.definition_changed = true;
        self.put_live(id, body).await
    }

    /// Writes a document that takes effect without a deployment (deployments and stages).
    pub(crate) async fn put_live<D: Document>(&mut self, id: &str, body: &D) -> Result<(), AwsError> {
        self.write.put(&doc(&self.api.id, id, body)?).await.map_err(failure::store)
    }

    /// Removes a document a deployment freezes; false when there was none.
    pub(crate) async fn delete<D: Document>(&mut self, id: &str) -> Result<bool, AwsError> {
        self.definition_changed = true;
        self.delete_live::<D>(id).await
    }

    /// Removes a deployment or a stage; false when there was none.
    pub(crate) async fn delete_live<D: Document>(&mut self, id: &str) -> Result<bool, AwsError> {
        self.write.delete(&key::<D>(&self.api.id, id)).await.map_err(failure::store)
    }

    /// Replaces every document of the definition by those of `tree`; deployments and stages stay.
    pub(crate) async fn replace_definition(&mut self, tree: &ApiTree) -> Result<(), AwsError> {
        let stored = self.write.tree(&self.api.id).await.map_err(failure::store)?;
        let mut stored: HashMap<Key, Doc> = stored.into_iter().map(|doc| (doc.key.clone(), doc)).collect();
        for new in scatter(tree)? {
            if stored.remove(&new.key).is_none_or(|old| old.body != new.body) {
                self.write.put(&new).await.map_err(failure::store)?;
            }
        }
        for gone in stored.into_keys().filter(|key| !LIVE.contains(&&*key.kind)) {
            self.write.delete(&gone).await.map_err(failure::store)?;
        }
        self.api = tree.api.clone();
        self.definition_changed = true;
        Ok(())
    }

    /// Touches the RestApi document and commits.
    pub(crate) async fn commit(mut self) -> Result<Revision, AwsError> {
        if self.definition_changed {
            let api = self.api.clone();
            self.write.put(&doc(&api.id, &api.id, &api)?).await.map_err(failure::store)?;
        }
        self.write.commit().await.map_err(failure::store)
    }
}
