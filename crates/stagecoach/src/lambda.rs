//! The Lambda API with its function host: beside the control plane of `stagecoach dev`, on a listener of its own in
//! `stagecoach functions`.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use serde_json::json;
use stagecoach_base::{Clock, Scope};
use stagecoach_control::{Answering, Beside};
use stagecoach_functions::{
    Answered, Caller, EventOptions, Functions, Host, HostOptions, Objects, S3, is_presigned, owns,
};
use stagecoach_sigv4::Credentials;
use stagecoach_store::Store;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cli::FunctionHost;
use crate::function_metrics::FunctionMetrics;
use crate::profiles::Profiles;
use crate::{compose, function_logs};

/// Largest body of a Lambda call, bytes: a package of 50 MB in base64, in JSON.
pub(crate) const LARGEST_BODY: usize = 72 * 1024 * 1024;

/// How long events that run may take to finish when the processes are to end.
const EVENTS_FINISH: Duration = Duration::from_secs(5);

/// The Lambda API with its host.
#[derive(Clone)]
pub(crate) struct Lambda {
    api: Arc<Functions>,
    host: Host,
    metrics: FunctionMetrics,
    /// Ends what would go on for ever: followed logs, and claiming events.
    closing: CancellationToken,
    events: TaskTracker,
    /// Held while this host works on a database that is a file.
    _lock: Option<Arc<File>>,
}

impl Lambda {
    /// A host whose documents are in `store` and whose files are under `folder`.
    ///
    /// # Errors
    /// When the working directory is gone, `--s3-endpoint` is given without credentials, there is no such `--function-profile`, or
    /// another function host uses the same SQLite database.
    pub(crate) async fn new(store: Store, scope: Scope, folder: &Path, how: &FunctionHost) -> anyhow::Result<Self> {
        let lock = sole(&store).await?;
        // Functions run in folders of their own.
        let folder = std::path::absolute(folder)?;
        let (clock, entropy) = compose::environment();
        let mut options = HostOptions::new(folder.join("run"), Arc::clone(&clock), Arc::clone(&entropy));
        options.account_concurrency = how.function_concurrency;
        options.idle = Duration::from_secs(how.function_idle_seconds);
        (options.isolation, options.users) = (how.function_isolation, how.function_users);
        if let Some(profile) = &how.function_profile {
            let credentials = Profiles::of_the_environment().get(profile).context("--function-profile")?;
            options.credentials = Some(Credentials::clone(&credentials.get()));
        }
        (options.python, options.node) = (interpreter(&how.python)?, interpreter(&how.node)?);
        // The system's interpreters first: those of version managers are scripts that want a home and start slowly.
        if let Ok(path) = std::env::var("PATH") {
            options.path = format!("{}:{path}", options.path);
        }
        let host = Host::new(options);
        let metrics = FunctionMetrics::new(host.clone());
        let invoker = Arc::new(metrics.clone());
        let objects = how.objects(&scope, &clock)?;
        let parts = stagecoach_functions::Parts {
            store,
            scope,
            clock,
            entropy,
            invoker,
            concurrency: how.function_concurrency,
        };
        let events = EventOptions {
            running: EventOptions::default()
                .running
                .min(usize::try_from(how.function_concurrency).unwrap_or(usize::MAX)),
            // Nobody else runs events of a database that is a file: it is locked.
            alone: parts.store.is_embedded(),
            queued: how.max_queued_events,
            ..EventOptions::default()
        };
        let mut api = Functions::new(parts, &folder).following_the_head().with_events(events);
        if let Some(objects) = objects {
            api = api.fetching_from(objects);
        }
        let (closing, events) = (CancellationToken::new(), TaskTracker::new());
        Ok(Self { api: Arc::new(api), host, metrics, closing, events, _lock: lock.map(Arc::new) })
    }

    /// Begins to run queued events, and to remove packages that nothing refers to; ends with [`Lambda::close`].
    pub(crate) fn run_events(&self) {
        self.events.spawn(Arc::clone(&self.api).keep_tidy(self.closing.clone()));
        self.events.spawn(Arc::clone(&self.api).serve_events(self.closing.clone()));
        self.events.close();
    }

    /// Starts the environments of provisioned concurrency.
    pub(crate) async fn reconcile(&self) {
        if let Err(error) = self.api.reconcile().await {
            tracing::error!(%error, "provisioned concurrency is not ready");
        }
    }

    /// Both of these.
    pub(crate) async fn start(&self) {
        self.run_events();
        self.reconcile().await;
    }

    /// One call from inside this process.
    pub(crate) async fn call(&self, mut call: Parts, actor: String, body: Bytes) -> Answered {
        call.extensions.insert(Caller(actor));
        self.api.handle(&call, body).await
    }

    /// What the host counts, as Prometheus' text. A database that does not answer costs the queue's numbers only.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub(crate) async fn metrics_text(&self) -> Result<String, std::fmt::Error> {
        let events = self.api.event_status().await;
        let events = events.inspect_err(|error| tracing::warn!(%error, "the queue of events cannot be counted"));
        self.metrics.text(events.ok())
    }

    /// The refusal for a function that does not exist and has printed nothing.
    async fn unknown(&self, name: &str, actor: &str) -> Option<Response> {
        if !self.host.logs(name).is_empty() {
            return None;
        }
        let uri = format!("/2015-03-31/functions/{name}/configuration");
        let (call, ()) = Request::get(uri).body(()).ok()?.into_parts();
        match self.call(call, actor.to_owned(), Bytes::new()).await {
            Answered::Whole(reply) if reply.status >= 400 => {
                Some(response(reply.status, reply.headers, Body::from(reply.body)))
            }
            _ => None,
        }
    }

    /// Ends what would go on for ever, and claims no more events, so that a listener can be drained.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Lets events that run finish for a while, then ends every process of every function. Events that did not finish are left
    /// in the queue.
    pub(crate) async fn shutdown(&self) {
        self.close();
        if tokio::time::timeout(EVENTS_FINISH, self.events.wait()).await.is_err() {
            tracing::info!("events that run for long are stopped; they will run again");
        }
        self.host.shutdown().await;
        self.events.wait().await;
    }
}

impl FunctionHost {
    /// Where packages are fetched from.
    ///
    /// # Errors
    /// When there are no credentials to sign with.
    fn objects(&self, scope: &Scope, clock: &Arc<dyn Clock>) -> anyhow::Result<Option<Arc<dyn Objects>>> {
        let Some(endpoint) = self.s3_endpoint.clone() else { return Ok(None) };
        let credentials = compose::sdk_credentials();
        let credentials = credentials.context("--s3-endpoint needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")?;
        Ok(Some(Arc::new(S3::new(endpoint, scope.region.clone(), credentials, Arc::clone(clock)))))
    }
}

impl Beside for Lambda {
    fn owns(&self, path: &str) -> bool {
        is_ours(path)
    }

    fn is_open(&self, path: &str) -> bool {
        is_presigned(path)
    }

    fn largest_body(&self) -> usize {
        LARGEST_BODY
    }

    fn answer(&self, call: Parts, actor: String, body: Bytes) -> Answering<'_> {
        Box::pin(async move {
            let path = call.uri.path().to_owned();
            let name = function_logs::function(&path).filter(|_| call.method == Method::GET);
            if let Some(name) = name {
                if let Some(refusal) = self.unknown(name, &actor).await {
                    return refusal;
                }
                let follow = function_logs::follows(call.uri.query().unwrap_or_default());
                return text(function_logs::body(&self.host, name, follow, self.closing.clone()));
            }
            match self.call(call, actor, body).await {
                Answered::Whole(reply) => response(reply.status, reply.headers, Body::from(reply.body)),
                Answered::Stream(reply, chunks) => {
                    let body = Body::from_stream(ReceiverStream::new(chunks).map(Ok::<_, std::io::Error>));
                    response(reply.status, reply.headers, body)
                }
            }
        })
    }
}

/// Locks the file of an embedded database for function hosts: one that believes it is alone would take another's events.
///
/// # Errors
/// When another has it.
async fn sole(store: &Store) -> anyhow::Result<Option<File>> {
    let Some(database) = store.file().await? else { return Ok(None) };
    let mut path = database.clone().into_os_string();
    path.push(".functions.lock");
    let file = File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => bail!(
            "another function host uses this SQLite database ({}); use Postgres for several hosts",
            database.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// A name as it is; a path from here, because functions run in folders of their own.
fn interpreter(named: &str) -> std::io::Result<String> {
    if !named.contains('/') {
        return Ok(named.to_owned());
    }
    Ok(std::path::absolute(named)?.to_string_lossy().into_owned())
}

/// Whether a path is the Lambda API's, or a function's log.
pub(crate) fn is_ours(path: &str) -> bool {
    owns(path) || function_logs::function(path).is_some()
}

/// Plain text.
pub(crate) fn text(body: Body) -> Response {
    let kind = ("content-type", "text/plain; charset=utf-8");
    ([kind], body).into_response()
}

/// A 503 as Lambda clients read it.
pub(crate) fn unavailable(why: &str) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-amzn-errortype", HeaderValue::from_static("ServiceUnavailableException"));
    response(503, headers, Body::from(json!({ "Type": "Service", "message": why }).to_string()))
}

fn response(status: u16, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}
