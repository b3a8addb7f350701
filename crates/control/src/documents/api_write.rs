//! Writes on one API.

use std::collections::HashMap;

use stagecoach_base::{AwsError, Revision};
use stagecoach_resources::v1::method::Parts;
use stagecoach_resources::v1::{Deployment, DocumentationPart, DocumentationVersion, RestApi, Stage};
use stagecoach_resources::{ApiTree, Document};
use stagecoach_store::{Doc, Key, Write};

use super::{Access, assemble, decode, key, scatter};
use crate::failure;

/// Kinds under an API that no definition holds: an import leaves them alone.
const KEPT: [&str; 3] = [Deployment::KIND, Stage::KIND, DocumentationVersion::KIND];
/// Kinds under an API that no snapshot holds: writing them is no change that a deployment would have to see.
const LIVE: [&str; 4] = [Deployment::KIND, Stage::KIND, DocumentationVersion::KIND, DocumentationPart::KIND];

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
    /// Opens a transaction on an existing API; `None` when there is none.
    pub(crate) async fn open(mut write: Write, id: &str) -> Result<Option<Self>, AwsError> {
        let found = write.get(&key::<RestApi>("", id)).await.map_err(failure::store)?;
        let Some(found) = found else { return Ok(None) };
        Ok(Some(Self { api: decode(&found)?, revision_read: found.revision, write, definition_changed: false }))
    }

    /// Reads one document of this API.
    pub(crate) async fn get<D: Document>(&mut self, id: &str) -> Result<Option<D>, AwsError> {
        self.write.find(&self.api.id, id).await
    }

    /// All documents of one kind of this API.
    pub(crate) async fn all<D: Document>(&mut self) -> Result<Vec<D>, AwsError> {
        self.write.all(&self.api.id).await
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

    /// Writes a document of this API.
    pub(crate) async fn put<D: Document + Sync>(&mut self, id: &str, body: &D) -> Result<(), AwsError> {
        self.definition_changed |= !LIVE.contains(&D::KIND);
        self.write.store(&self.api.id, id, body).await
    }

    /// Writes the RestApi document itself, at the commit.
    pub(crate) fn put_api(&mut self, api: RestApi) {
        self.definition_changed = true;
        self.api = api;
    }

    /// Removes a document of this API; false when there was none.
    pub(crate) async fn delete<D: Document>(&mut self, id: &str) -> Result<bool, AwsError> {
        self.definition_changed |= !LIVE.contains(&D::KIND);
        self.write.remove::<D>(&self.api.id, id).await
    }

    /// Replaces every document of the definition by those of `tree`; deployments and stages stay.
    pub(crate) async fn replace_definition(&mut self, tree: &ApiTree) -> Result<(), AwsError> {
        let stored = self.write.tree(&self.api.id).await.map_err(failure::store)?;
        let mut stored: HashMap<Key, Doc> = stored.into_iter().map(|doc| (doc.key.clone(), doc)).collect();
        let mut changed = scatter(tree)?;
        changed.retain(|new| stored.remove(&new.key).is_none_or(|old| old.body != new.body));
        self.write.put_many(&changed).await.map_err(failure::store)?;
        let gone: Vec<Key> = stored.into_keys().filter(|key| !KEPT.contains(&&*key.kind)).collect();
        self.write.delete_many(&gone).await.map_err(failure::store)?;
        self.put_api(tree.api.clone());
        Ok(())
    }

    /// Touches the RestApi document and commits.
    pub(crate) async fn commit(mut self) -> Result<Revision, AwsError> {
        if self.definition_changed {
            let api = self.api.clone();
            self.write.store("", &api.id, &api).await?;
        }
        self.write.commit().await.map_err(failure::store)
    }
}
