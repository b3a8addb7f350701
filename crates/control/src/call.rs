//! What a handler is given: the call, the caller, the control plane, and the time of the call.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};
use stagecoach_base::{AwsError, UnixMillis};
use stagecoach_resources::patch::{self, PatchOperation};
use stagecoach_resources::v1::RestApi;
use stagecoach_resources::{Document, errors};
use stagecoach_store::{Author, Write};
use stagecoach_wire::{Call, Reply, page};

use crate::documents::ApiWrite;
use crate::{Control, documents, failure};

/// What a handler returns.
pub(crate) type Answer = Result<Reply, AwsError>;
/// A handler as the operation table keeps it.
pub(crate) type Handler = fn(Cx) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// One admin call.
pub(crate) struct Cx {
    /// The control plane.
    pub(crate) control: Arc<Control>,
    /// Who calls, for the change log.
    pub(crate) actor: String,
    /// The parsed call.
    pub(crate) call: Call,
    /// When it arrived.
    pub(crate) at: UnixMillis,
    /// The id it is answered with.
    pub(crate) request_id: String,
}

impl Cx {
    /// A path label, percent-decoded. Every row of the table names its labels, so a missing one is a bug of ours.
    pub(crate) fn label(&self, name: &str) -> &str {
        self.call.label(name)
    }

    /// The API named in the path.
    pub(crate) fn api_id(&self) -> &str {
        self.label("restapi_id")
    }

    /// The body as JSON; empty is null.
    pub(crate) fn body(&self) -> Result<Value, AwsError> {
        self.call.json_body()
    }

    /// The patch operations of an Update call.
    pub(crate) fn patch(&self) -> Result<Vec<PatchOperation>, AwsError> {
        patch::parse(&self.body()?, self.call.operation().name)
    }

    /// Whether `embed` asks for `what`.
    pub(crate) fn embeds(&self, what: &str) -> bool {
        self.call.query_all("embed").any(|value| value.eq_ignore_ascii_case(what))
    }

    /// One page of a kind under `parent`, by `limit` and `position`.
    pub(crate) async fn page<D: Document>(&self, parent: &str) -> Result<Page<D>, AwsError> {
        let (limit, after) = (self.call.limit(), self.call.position()?);
        let mut items = documents::list(&self.control.store, parent, after.as_deref(), limit + 1).await?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Ok(Page { items, more })
    }

    /// The account, for error texts.
    pub(crate) fn account(&self) -> &str {
        &self.control.scope.account
    }

    /// Opens a write transaction.
    pub(crate) async fn write(&self) -> Result<Write, AwsError> {
        // The first label of every path names the owner of all that the call may change.
        self.write_on(self.call.first_label()).await
    }

    /// As [`Cx::write`], for a call whose path does not name the owner as such; `root` does.
    pub(crate) async fn write_on(&self, root: &str) -> Result<Write, AwsError> {
        let author = Author {
            actor: self.actor.clone(),
            operation: self.call.operation().name.to_owned(),
            target: self.call.path().to_owned(),
            root: documents::clean(root),
            request_id: self.request_id.clone(),
        };
        self.control.store.write(author, self.at.0).await.map_err(failure::store)
    }

    /// Leaves an audit row for a call that changes no document.
    pub(crate) async fn note(&self) -> Result<(), AwsError> {
        self.write().await?.commit().await.map(drop).map_err(failure::store)
    }

    /// Opens a write transaction on the API named in the path, or answers AWS's 404.
    pub(crate) async fn open(&self) -> Result<ApiWrite, AwsError> {
        self.open_or(|| errors::unknown_api(self.account(), self.api_id())).await
    }

    /// As [`Cx::open`], for the operations that answer an unknown API in other words.
    pub(crate) async fn open_or(&self, unknown: impl FnOnce() -> AwsError) -> Result<ApiWrite, AwsError> {
        ApiWrite::open(self.write().await?, self.api_id()).await?.ok_or_else(unknown)
    }

    /// The API named in the path, read outside a transaction, or AWS's 404.
    pub(crate) async fn api(&self) -> Result<RestApi, AwsError> {
        documents::api(&self.control.store, self.account(), self.api_id()).await
    }
}

/// A page of documents in the order of their list.
pub(crate) struct Page<D> {
    items: Vec<D>,
    more: bool,
}

impl Cx {
    /// One page out of `all`, which are in the order of their list: after the one whose id is in `position`.
    ///
    /// For lists that are filtered, or in another order than that of ids. An id that is gone since begins anew nowhere:
    /// the page after it is empty.
    pub(crate) fn page_of<D>(&self, all: Vec<D>, id: impl Fn(&D) -> &str) -> Result<Page<D>, AwsError> {
        let (limit, after) = (self.call.limit() as usize, self.call.position()?);
        let start = match &after {
            None => 0,
            Some(after) => all.iter().position(|item| id(item) == after).map_or(all.len(), |at| at + 1),
        };
        let more = all.len() > start.saturating_add(limit);
        Ok(Page { items: all.into_iter().skip(start).take(limit).collect(), more })
    }

    /// One page out of `all`, newest first: `sequence` sorts in the order of creation. The position is the sequence of the
    /// last one shown, so that a page goes on where the one before ended even when that one is gone since.
    pub(crate) fn page_newest_first<D>(
        &self,
        mut all: Vec<D>,
        sequence: impl Fn(&D) -> &str,
    ) -> Result<Page<D>, AwsError> {
        let (limit, after) = (self.call.limit() as usize, self.call.position()?);
        all.retain(|item| after.as_deref().is_none_or(|after| sequence(item) < after));
        all.sort_by(|one, other| sequence(other).cmp(sequence(one)));
        let more = all.len() > limit;
        all.truncate(limit);
        Ok(Page { items: all, more })
    }
}

impl<D> Page<D> {
    /// The documents of the page.
    pub(crate) fn items(&self) -> &[D] {
        &self.items
    }

    /// `{item, position}`; `position` is absent on the last page (rest-admin-api §2.3).
    pub(crate) fn reply(&self, id: impl Fn(&D) -> &str, show: impl Fn(&D) -> Value) -> Reply {
        let mut body = json!({ "item": self.items.iter().map(show).collect::<Vec<_>>() });
        if let Some(last) = self.items.last().filter(|_| self.more) {
            body["position"] = page::encode(id(last)).into();
        }
        Reply::json(200, &body)
    }
}
