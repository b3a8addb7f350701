//! Documents inside a write transaction, whatever they belong to.

use stagecoach_base::AwsError;
use stagecoach_resources::Document;
use stagecoach_store::Write;

use super::{clean, decode, doc, key};
use crate::failure;

/// Typed access to a write transaction. `parent` is the owner's id; empty for what belongs to the account itself
/// (RestApis, API keys, usage plans, domain names, VPC links, client certificates).
pub(crate) trait Access {
    /// Reads one document.
    async fn find<D: Document>(&mut self, parent: &str, id: &str) -> Result<Option<D>, AwsError>;
    /// All documents of one kind under `parent`, in id order.
    async fn all<D: Document>(&mut self, parent: &str) -> Result<Vec<D>, AwsError>;
    /// Adds or overwrites a document.
    async fn store<D: Document + Sync>(&mut self, parent: &str, id: &str, body: &D) -> Result<(), AwsError>;
    /// Removes a document; false when there was none.
    async fn remove<D: Document>(&mut self, parent: &str, id: &str) -> Result<bool, AwsError>;
}

impl Access for Write {
    async fn find<D: Document>(&mut self, parent: &str, id: &str) -> Result<Option<D>, AwsError> {
        let found = self.get(&key::<D>(parent, id)).await.map_err(failure::store)?;
        found.as_ref().map(decode).transpose()
    }

    async fn all<D: Document>(&mut self, parent: &str) -> Result<Vec<D>, AwsError> {
        let docs = self.list(D::KIND, &clean(parent), None, u32::MAX).await.map_err(failure::store)?;
        docs.iter().map(decode).collect()
    }

    async fn store<D: Document + Sync>(&mut self, parent: &str, id: &str, body: &D) -> Result<(), AwsError> {
        self.put(&doc(parent, id, body)?).await.map_err(failure::store)
    }

    async fn remove<D: Document>(&mut self, parent: &str, id: &str) -> Result<bool, AwsError> {
        self.delete(&key::<D>(parent, id)).await.map_err(failure::store)
    }
}
