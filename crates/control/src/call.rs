//! What a handler is given: the call, the caller, the control plane, and the time of the call.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};
use stagecoach_base::{AwsError, UnixMillis};
use stagecoach_resources::Document;
use stagecoach_resources::patch::{self, PatchOperation};
use stagecoach_store::Write;
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
        self.control.store.write(&self.actor, self.at.0).await.map_err(failure::store)
    }

    /// Opens a write transaction on the API named in the path, or answers AWS's 404.
    pub(crate) async fn open(&self) -> Result<ApiWrite, AwsError> {
        ApiWrite::open(self.write().await?, self.account(), self.api_id()).await
    }
}

/// A page of documents in id order.
pub(crate) struct Page<D> {
    items: Vec<D>,
    more: bool,
}

impl<D> Page<D> {
    /// `{item, position}`; `position` is absent on the last page (rest-admin-api §2.3).
    pub(crate) fn reply(&self, id: impl Fn(&D) -> &str, show: impl Fn(&D) -> Value) -> Reply {
        let mut body = json!({ "item": self.items.iter().map(show).collect::<Vec<_>>() });
        if let Some(last) = self.items.last().filter(|_| self.more) {
            body["position"] = page::encode(id(last)).into();
        }
        Reply::json(200, &body)
    }
}
