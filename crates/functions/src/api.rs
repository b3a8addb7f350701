//! The Lambda wire API: bytes to calls, calls to handlers, answers to bytes.
//!
//! Authentication is the caller's business: who is asking comes in as a [`Caller`] among the request's extensions.

mod aliases;
mod code;
mod concurrency;
mod constraints;
mod documents;
mod downloads;
mod event_config;
mod events;
mod functions;
mod invoke;
mod layer_policies;
mod layers;
mod permissions;
mod provisioned;
mod routes;
mod settings;
mod streaming;
mod sweep;
mod table;
mod tags;
mod versions;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use stagecoach_base::{Clock, Entropy, Scope, id};
use stagecoach_store::Store;
use stagecoach_wire::{Call, Reply, route_lambda};
use tokio::sync::{OnceCell, Semaphore, mpsc};

use crate::errors::{Code, LambdaError};
use crate::package::{Held, Packages};
use crate::{Invocation, InvokeError, Invoked, Objects, Runnable};
use documents::Cx;
use downloads::Origin;
pub use downloads::is_presigned;
pub use events::{EventOptions, EventStatus};
use routes::Routes;

/// A future on the heap.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What runs functions.
pub trait Invoker: Send + Sync {
    /// Runs one invocation.
    fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Pending<'_, Result<Invoked, InvokeError>>;
    /// Keeps `count` environments ready from now on; 0 ends that.
    fn provision(&self, runnable: Arc<Runnable>, count: usize) -> Pending<'_, Result<(), InvokeError>>;
    /// The function is gone: its environments end.
    fn retire<'a>(&'a self, arn: &'a str) -> Pending<'a, ()>;
}

/// Who is asking, for the audit log: an access key's id. A request without one is `anonymous` there.
#[derive(Clone, Debug)]
pub struct Caller(pub String);

/// What a [`Functions`] is made of.
pub struct Parts {
    /// Documents and packages.
    pub store: Store,
    /// Partition, region and account of ARNs.
    pub scope: Scope,
    /// Wall time of writes.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
    /// What runs functions.
    pub invoker: Arc<dyn Invoker>,
    /// Invocations that the invoker runs at once at most, over all functions: the account's limit as GetAccountSettings tells it.
    pub concurrency: u32,
}

/// The Lambda API of one host.
pub struct Functions {
    pub(crate) parts: Parts,
    pub(crate) packages: Packages,
    pub(crate) held: Held,
    /// Room for packages that are being taken in, MiB.
    pub(crate) taking: Semaphore,
    pub(crate) doomed: sweep::Doomed,
    pub(crate) objects: Option<Arc<dyn Objects>>,
    pub(crate) download_key: OnceCell<hmac::Key>,
    pub(crate) events: Arc<events::Queue>,
    pub(crate) routes: Routes,
    pub(crate) ready: provisioned::Ready,
    pub(crate) patterns: constraints::Patterns,
}

/// An answer; the request id is among its headers.
#[derive(Debug)]
pub enum Answered {
    /// All of it.
    Whole(Reply),
    /// Head, then the body as it is made.
    Stream(Reply, mpsc::Receiver<Bytes>),
}

impl From<Reply> for Answered {
    fn from(reply: Reply) -> Self {
        Self::Whole(reply)
    }
}

/// Whether a path belongs to the Lambda API: its first segment is a date, as no path's of API Gateway, or it is a download's
/// ([`is_presigned`]).
pub fn owns(path: &str) -> bool {
    if is_presigned(path) {
        return true;
    }
    let first = path.strip_prefix('/').and_then(|rest| rest.split('/').next()).unwrap_or_default();
    first.len() == 10
        && first
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

impl Functions {
    /// The API over a store; packages are unpacked under `folder`.
    pub fn new(parts: Parts, folder: &Path) -> Self {
        let events = events::Queue::new(EventOptions::default(), parts.entropy.as_ref());
        Self {
            parts,
            packages: Packages::new(folder),
            held: Held::default(),
            taking: Semaphore::new(code::ROOM),
            doomed: sweep::Doomed::default(),
            objects: None,
            download_key: OnceCell::new(),
            events,
            routes: Routes::default(),
            ready: provisioned::Ready::default(),
            patterns: constraints::Patterns::default(),
        }
    }

    /// Keeps what invocations read of functions until the store's head moves. Only where the head is followed (`Store::tail`),
    /// or nobody else writes: else another host's changes would not be seen.
    #[must_use]
    pub fn following_the_head(self) -> Self {
        Self { routes: Routes::kept(), ..self }
    }

    /// Takes packages that calls name by `S3Bucket` and `S3Key` from `objects`; without, such calls are refused.
    #[must_use]
    pub fn fetching_from(self, objects: Arc<dyn Objects>) -> Self {
        Self { objects: Some(objects), ..self }
    }

    /// Keeps and runs events in another way than by default.
    #[must_use]
    pub fn with_events(self, options: EventOptions) -> Self {
        let events = events::Queue::new(options, self.parts.entropy.as_ref());
        Self { events, ..self }
    }

    /// Answers one request.
    pub async fn handle(&self, request: &http::request::Parts, body: Bytes) -> Answered {
        let id = self.new_id();
        let mut answered = match self.answer(request, body, &id).await {
            Ok(answered) => answered,
            Err(error) => refusal(&error).into(),
        };
        let (Answered::Whole(reply) | Answered::Stream(reply, _)) = &mut answered;
        put(&mut reply.headers, "x-amzn-requestid", &id);
        answered
    }

    async fn answer(&self, request: &http::request::Parts, body: Bytes, id: &str) -> Result<Answered, LambdaError> {
        let (path, query) = (request.uri.path(), request.uri.query().unwrap_or_default());
        if is_presigned(path) {
            return self.download(request).await.map(Answered::from);
        }
        let routed = route_lambda(request.method.as_str(), path, query)
            .map_err(|error| LambdaError::new(Code::UnknownOperation, error.to_string()))?;
        let (op, name) = (routed.operation.op, routed.operation.name);
        let handler = table::handler(op).ok_or_else(|| {
            LambdaError::new(Code::NotImplemented, format!("The operation {name} is not supported by this host."))
        })?;
        let call = Call::new(routed, path, query, request.headers.clone(), body);
        let actor = request.extensions.get::<Caller>().map_or("anonymous", |caller| caller.0.as_str());
        let now = self.parts.clock.wall();
        let origin = Origin::of(request);
        let cx = Cx { functions: self, call: &call, id, actor, now, origin, parsed: OnceLock::new() };
        constraints::hold(&cx)?;
        handler(&cx).await
    }

    /// A random UUID: request ids and revision ids.
    pub(crate) fn new_id(&self) -> String {
        id::uuid(self.parts.entropy.as_ref())
    }
}

fn refusal(error: &LambdaError) -> Reply {
    let mut body = Map::new();
    let side = if error.code.status() < 500 { "User" } else { "Service" };
    body.insert("Type".into(), side.into());
    body.insert(error.code.member().into(), error.message.as_str().into());
    if let Some(reason) = error.reason {
        body.insert("Reason".into(), reason.into());
    }
    let mut reply = Reply::json(error.code.status(), &Value::Object(body));
    put(&mut reply.headers, "x-amzn-errortype", error.code.name());
    if error.code == Code::TooManyRequests {
        put(&mut reply.headers, "retry-after", "1");
    }
    reply
}

/// Sets a header; a value that is no header text is left out.
pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_begin_with_a_date_are_lambdas() {
        assert!(owns("/2015-03-31/functions") && owns("/2017-03-31/tags/x"));
        for path in ["/", "", "/restapis", "/v2/apis", "/2015-03-3/x", "/2015x03-31/x", "2015-03-31/functions"] {
            assert!(!owns(path), "{path}");
        }
    }
}
