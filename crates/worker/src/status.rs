//! `/healthz`, `/readyz`, `/metrics` and `/explain/{id}`, on the configuration runtime.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus_client::registry::Registry;
use stagecoach_feed::Handle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics::Scrape;
use crate::shared::Shared;

/// Where traces are.
const EXPLAIN: &str = "/explain/";

struct Probe {
    shared: Arc<Shared>,
    feed: Handle,
    registry: Registry,
}

/// Serves the status endpoints until `stop`.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, feed: Handle, stop: CancellationToken) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { shared: Arc::clone(&shared), feed: feed.clone() }));
    let probe = Arc::new(Probe { shared, feed, registry });
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let probe = Arc::clone(&probe);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let probe = Arc::clone(&probe);
                async move { Ok::<_, Infallible>(probe.answer(&request).await) }
            });
            // A scraper that goes away is no event.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

impl Probe {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match request.uri().path() {
            path if path.starts_with(EXPLAIN) => self.explained(request.headers(), path),
            "/healthz" => reply(StatusCode::OK, "ok\n"),
            "/readyz" => self.ready(),
            "/metrics" => {
                // What is over or too much is no longer held.
                if let Some(cache) = &self.shared.cache {
                    cache.settle().await;
                }
                let mut text = String::new();
                match prometheus_client::encoding::text::encode(&mut text, &self.registry) {
                    Ok(()) => reply(StatusCode::OK, text),
                    Err(_) => reply(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be encoded\n"),
                }
            }
            _ => reply(StatusCode::NOT_FOUND, "there are /healthz, /readyz, /metrics and /explain/{id}\n"),
        }
    }

    /// A trace, for whoever has the key.
    fn explained(&self, headers: &HeaderMap, path: &str) -> Response<Full<Bytes>> {
        let id = path.strip_prefix(EXPLAIN).unwrap_or_default();
        let found = self.shared.explain.as_ref().and_then(|explain| explain.find(headers, id));
        let Some(trace) = found else { return reply(StatusCode::NOT_FOUND, "there is no such trace\n") };
        let mut response = reply(StatusCode::OK, trace);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// Ready: not leaving, and everything the control plane (or the disk) had is installed.
    fn ready(&self) -> Response<Full<Bytes>> {
        let status = self.feed.status().borrow().clone();
        match (self.shared.is_draining(), status.complete) {
            (true, _) => reply(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
            (false, false) => reply(StatusCode::SERVICE_UNAVAILABLE, "no complete configuration yet\n"),
            (false, true) => reply(StatusCode::OK, "ready\n"),
        }
    }
}

fn reply(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
