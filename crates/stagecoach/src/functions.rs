//! `stagecoach functions`: a function host. Hosts that share a database serve the same functions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use stagecoach_control::{Alone, Auth, Keys};
use stagecoach_store::Store;
use tokio_util::sync::CancellationToken;

use crate::cli::Functions;
use crate::lambda::Lambda;
use crate::{compose, dev, signals};

/// How long an access key that was read is good for: it is asked for with every invocation.
const FRESH: Duration = Duration::from_secs(5);
/// How often the head is polled beside LISTEN/NOTIFY.
const POLL: Duration = Duration::from_millis(500);
/// How long a host that drains goes on taking calls, so that balancers see it is not ready.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the processes of functions may take to end.
pub(crate) const ENDING: Duration = Duration::from_secs(10);

/// Serves until SIGTERM, then lets invocations finish.
///
/// # Errors
/// A database that does not answer or has no access keys, an address or a data directory that is taken.
pub(crate) fn run(options: Functions) -> anyhow::Result<()> {
    compose::runtime()?.block_on(serve(options))
}

async fn serve(options: Functions) -> anyhow::Result<()> {
    let scope = options.names.scope()?;
    let _lock = dev::lock(&options.data_dir)?;
    let store = compose::store(&options.database_url, options.database_connections).await?;
    let (clock, entropy) = compose::environment();
    let auth = match options.insecure_open_admin {
        true => Auth::Open,
        false => {
            compose::require_access_key(&store).await?;
            Auth::SigV4(Keys::kept(store.clone(), Arc::clone(&clock), FRESH))
        }
    };
    let lambda = Lambda::new(store.clone(), scope, &options.data_dir, &options.host).await?;
    let (listener, status) = (compose::listen(options.functions).await?, compose::listen(options.status).await?);
    let (at, status_at) = (listener.local_addr()?, status.local_addr()?);
    let stop = signals::stop_token()?;
    let ready = Arc::new(AtomicBool::new(true));
    tokio::spawn(IntoFuture::into_future(axum::serve(status, endpoints(Arc::clone(&ready), lambda.clone()))));
    let following = CancellationToken::new();
    tokio::spawn(follow(store, lambda.clone(), following.clone()));
    lambda.run_events();
    tracing::info!(functions = %at, status = %status_at, "function host ready");
    let alone = Alone { service: Arc::new(lambda.clone()), auth, clock, entropy };
    let closing = CancellationToken::new();
    let mut serving = tokio::spawn(alone.serve(listener, closing.clone().cancelled_owned()));
    tokio::select! {
        () = stop.cancelled() => {}
        done = &mut serving => return done?.context("the functions listener failed"),
    }
    ready.store(false, Ordering::Relaxed);
    lambda.close();
    let drain = Duration::from_secs(options.drain_seconds);
    tokio::time::sleep(FAREWELL.min(drain)).await;
    closing.cancel();
    match tokio::time::timeout(drain, serving).await {
        Ok(served) => served?.context("the functions listener failed")?,
        Err(_) => tracing::warn!("invocations were broken off: they took longer than --drain-seconds"),
    }
    following.cancel();
    if tokio::time::timeout(ENDING, lambda.shutdown()).await.is_err() {
        tracing::warn!("processes of functions may be left");
    }
    Ok(())
}

/// Keeps the head current, which what is known of functions is held against, and the provisioned environments at what the
/// documents say.
async fn follow(store: Store, lambda: Lambda, stop: CancellationToken) {
    let provision = async {
        let mut head = store.head();
        loop {
            head.borrow_and_update();
            lambda.reconcile().await;
            if head.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = store.tail(POLL) => {}
        () = provision => {}
        () = stop.cancelled() => {}
    }
}

/// `/metrics`, `/healthz`, and `/readyz`: not while it drains. A database that does not answer takes no host out: functions that were
/// invoked before go on being served.
fn endpoints(ready: Arc<AtomicBool>, lambda: Lambda) -> Router {
    let readyz = move || async move {
        match ready.load(Ordering::Relaxed) {
            true => (StatusCode::OK, "ready\n"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        }
    };
    let metrics = move || async move {
        match lambda.metrics_text().await {
            Ok(text) => (StatusCode::OK, text),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be encoded\n".to_owned()),
        }
    };
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}
