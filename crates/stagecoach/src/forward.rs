//! The Lambda API on a control plane's admin listener: passed on, as it came, to a `stagecoach functions` host. Caller and
//! signature stay the caller's own: the host checks them against the same keys.

use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use stagecoach_control::{Answering, Beside};
use tokio_util::sync::CancellationToken;

use crate::function_logs;
use crate::lambda::{self, LARGEST_BODY};

/// How long a host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take: a function has fifteen minutes.
const LONGEST: Duration = Duration::from_secs(16 * 60);
/// A host whose machine is gone is noticed.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Base URL of a function host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not http://HOST:PORT or https://HOST:PORT");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let parts = uri.into_parts();
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority)) if bare && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS) => {
                Ok(Self { scheme, authority })
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// See the module.
pub(crate) struct Forward {
    endpoints: Vec<Endpoint>,
    /// Calls so far: they take turns at the endpoints.
    turn: AtomicUsize,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// Ends what would go on for ever: followed logs.
    stop: CancellationToken,
}

impl Forward {
    /// Passes calls on to `endpoints`, in turns; until `stop`, followed logs.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(crate) fn new(endpoints: Vec<Endpoint>, stop: CancellationToken) -> anyhow::Result<Self> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        http.enforce_http(false);
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(provider)
            .context("cannot read the system's certificates")?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(https);
        Ok(Self { endpoints, turn: AtomicUsize::new(0), client, stop })
    }

    /// Asks one host after another until one can be reached: a call that a host may have seen is not sent again.
    async fn pass_on(&self, call: &Parts, body: &Bytes) -> Response {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut problem = "This control plane was given no --functions-endpoint.".to_owned();
        for index in 0..self.endpoints.len() {
            let Some(endpoint) = self.endpoints.get(first.wrapping_add(index) % self.endpoints.len()) else { break };
            match tokio::time::timeout(LONGEST, self.client.request(request(call, body, endpoint))).await {
                Err(_) => return lambda::unavailable(&format!("The function host {endpoint} does not answer.")),
                Ok(Ok(answer)) => return answered(answer),
                Ok(Err(error)) => {
                    let why = chain(&error);
                    tracing::warn!(%endpoint, error = why, "a function host did not answer");
                    if !error.is_connect() {
                        return lambda::unavailable(&format!("The function host {endpoint} broke off: {why}."));
                    }
                    problem = format!(
                        "The function host {endpoint} cannot be reached ({why}): start `stagecoach functions`, and name it with \
                         --functions-endpoint."
                    );
                }
            }
        }
        lambda::unavailable(&problem)
    }
}

impl Forward {
    /// A function's log on every host that can be reached; a refusal only if all refuse.
    async fn logs(&self, call: &Parts, body: &Bytes) -> Response {
        let (mut logs, mut refused) = (Vec::new(), None);
        for endpoint in &self.endpoints {
            match self.log(call, body, endpoint).await {
                Ok(log) => logs.push(log),
                Err(refusal) => refused = Some(refusal),
            }
        }
        match refused {
            Some(refusal) if logs.is_empty() => refusal,
            _ => lambda::text(function_logs::merged(logs, &self.stop)),
        }
    }

    async fn log(&self, call: &Parts, body: &Bytes, endpoint: &Endpoint) -> Result<Body, Response> {
        let missing = |why: &str| Ok(Body::from(format!("[the function host {endpoint} cannot be reached: {why}]\n")));
        match tokio::time::timeout(CONNECT, self.client.request(request(call, body, endpoint))).await {
            Ok(Ok(answer)) if answer.status().is_success() => Ok(Body::new(answer.into_body())),
            Ok(Ok(refused)) => Err(answered(refused)),
            Ok(Err(error)) => missing(&chain(&error)),
            Err(_) => missing("it does not answer"),
        }
    }
}

/// The call for `endpoint`. Its `Host` stays: the signature covers it.
fn request(call: &Parts, body: &Bytes, endpoint: &Endpoint) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body.clone()));
    *request.method_mut() = call.method.clone();
    *request.headers_mut() = call.headers.clone();
    let headers = request.headers_mut();
    headers.remove(CONNECTION);
    headers.remove(TRANSFER_ENCODING);
    headers.remove(CONTENT_LENGTH);
    // HTTP/2 callers name the host in the target.
    if let Some(host) = call.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok()) {
        headers.entry(HOST).or_insert(host);
    }
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(endpoint.scheme.clone());
    parts.authority = Some(endpoint.authority.clone());
    parts.path_and_query = call.uri.path_and_query().cloned().or_else(|| Some(PathAndQuery::from_static("/")));
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    request
}

fn answered(answer: http::Response<hyper::body::Incoming>) -> Response {
    let mut answer = answer.map(Body::new);
    answer.headers_mut().remove(CONNECTION);
    answer.headers_mut().remove(TRANSFER_ENCODING);
    answer
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

impl Beside for Forward {
    fn owns(&self, path: &str) -> bool {
        lambda::is_ours(path)
    }

    fn is_open(&self, path: &str) -> bool {
        stagecoach_functions::is_presigned(path)
    }

    fn largest_body(&self) -> usize {
        LARGEST_BODY
    }

    fn answer(&self, call: Parts, _: String, body: Bytes) -> Answering<'_> {
        Box::pin(async move {
            match function_logs::function(call.uri.path()) {
                Some(_) if call.method == Method::GET => self.logs(&call, &body).await,
                _ => self.pass_on(&call, &body).await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_base_url() {
        let parsed = |text: &str| text.parse::<Endpoint>().map(|endpoint| endpoint.to_string()).ok();

        assert_eq!(parsed("http://127.0.0.1:8083/"), Some("http://127.0.0.1:8083".to_owned()));
        assert_eq!(parsed("https://functions.example.test"), Some("https://functions.example.test".to_owned()));
        for text in ["127.0.0.1:8083", "ftp://a", "http://a/b", "", "http://"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn a_call_is_passed_on_as_it_was_signed() {
        let (call, ()) = Request::post("/2015-03-31/functions/f/invocations?Qualifier=a%2Fb")
            .header("host", "admin.example.test:8081")
            .header("authorization", "AWS4-HMAC-SHA256 …")
            .header("connection", "keep-alive")
            .body(())
            .unwrap()
            .into_parts();

        let passed = request(&call, &Bytes::from_static(b"{}"), &"http://10.0.0.1:8083".parse().unwrap());

        assert_eq!(passed.uri(), "http://10.0.0.1:8083/2015-03-31/functions/f/invocations?Qualifier=a%2Fb");
        assert_eq!(passed.headers()["host"], "admin.example.test:8081");
        assert!(passed.headers().contains_key("authorization") && !passed.headers().contains_key("connection"));
    }
}
