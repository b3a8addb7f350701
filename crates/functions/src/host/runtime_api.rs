//! The Runtime API of one environment (AWS's `2018-06-01`): a loopback listener whose port is the environment's identity.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::exchange::{Exchange, First, Job, Piece, Reply};
use super::payloads::ANSWER_BYTES;
use super::peer;
use crate::FunctionError;

/// Before every path.
const PREFIX: &str = "/2018-06-01/runtime/";
/// How long after a failure connections are accepted again.
const AGAIN: Duration = Duration::from_millis(20);

/// The server of one environment; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    /// `host:port`.
    pub(super) address: SocketAddr,
    /// What is said over it.
    pub(super) exchange: Arc<Exchange>,
    _server: JoinSet<()>,
}

impl RuntimeApi {
    /// Listens on a free port of the loopback interface, to programs of `user` only where there is one.
    pub(super) async fn start(user: Option<u32>) -> io::Result<(Self, First)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (exchange, first) = Exchange::new();
        let exchange = Arc::new(exchange);
        let mut server = JoinSet::new();
        server.spawn(serve(listener, user, exchange.clone()));
        Ok((Self { address, exchange, _server: server }, first))
    }
}

/// Accepts until aborted; connections end with it.
async fn serve(listener: TcpListener, user: Option<u32>, exchange: Arc<Exchange>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, user, exchange.clone()));
                }
                // No more files, for instance: the next try would fail at once too.
                Err(error) => {
                    tracing::warn!(%error, "a runtime cannot connect");
                    tokio::time::sleep(AGAIN).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, user: Option<u32>, exchange: Arc<Exchange>) {
    if let Some(user) = user
        && !matches!(belongs(&stream, user).await, Ok(true))
    {
        tracing::warn!(user, "a program of another user was refused at a function's Runtime API");
        return;
    }
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    let service = service_fn(move |request| answer(request, exchange.clone()));
    if let Err(error) = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    {
        tracing::trace!(%error, "a runtime's connection ended");
    }
}

async fn belongs(stream: &TcpStream, user: u32) -> io::Result<bool> {
    Ok(peer::user(stream.peer_addr()?, stream.local_addr()?).await == Some(user))
}

/// Routes one request.
async fn answer(request: Request<Incoming>, exchange: Arc<Exchange>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    Ok(match (request.method(), parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => invocation(exchange.next().await),
        (&Method::POST, ["init", "error"]) => {
            if let Ok(Some(body)) = collected(request.into_body()).await {
                exchange.begun(Err(body));
            }
            accepted()
        }
        (&Method::POST, ["invocation", id, kind @ ("response" | "error")]) => reply(&exchange, id, kind, request).await,
        _ => status(StatusCode::NOT_FOUND, "InvalidPath", "no such path in the Runtime API"),
    })
}

fn invocation(job: Job) -> Response<Full<Bytes>> {
    let mut response = Response::builder().header("content-type", "application/json");
    for (name, value) in job.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(job.event)).unwrap_or_else(|_| {
        status(StatusCode::INTERNAL_SERVER_ERROR, "InvalidHeader", "the invocation has a header that HTTP cannot carry")
    })
}

/// Takes the answer to an invocation.
async fn reply(exchange: &Exchange, id: &str, kind: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let Some(owed) = exchange.answering(id) else {
        return status(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
    };
    let streamed = request
        .headers()
        .get("lambda-runtime-function-response-mode")
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"));
    if streamed && kind == "response" {
        let (sender, receiver) = mpsc::channel(16);
        owed.give(Reply::Stream(receiver));
        forward(request.into_body(), &sender).await;
        return accepted();
    }
    let (reply, response) = match collected(request.into_body()).await {
        Ok(Some(body)) if kind == "error" => (Reply::Error(body), accepted()),
        Ok(Some(body)) => (Reply::Whole(body), accepted()),
        Ok(None) => {
            let text = format!("Exceeded maximum allowed payload size ({ANSWER_BYTES} bytes).");
            (Reply::TooLarge, status(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", &text))
        }
        // Cut off: it is still owed, unless the runtime is gone, which its environment notices.
        Err(_) => return status(StatusCode::BAD_REQUEST, "InvalidBody", "the body ended early"),
    };
    owed.give(reply);
    response
}

/// A whole body; `None` if it is larger than an answer may be. It is read to its end either way, for the client's sake.
async fn collected(mut body: Incoming) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = BytesMut::new();
    let mut fits = true;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        fits = fits && bytes.len() + data.len() <= ANSWER_BYTES;
        if fits {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(fits.then(|| bytes.freeze()))
}

/// Passes a streamed body on. Where nobody listens any more it is read all the same, so that the function can finish.
async fn forward(mut body: Incoming, pieces: &mpsc::Sender<Piece>) {
    let mut listening = true;
    let mut last = Piece::End;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return };
        match frame.into_data() {
            Ok(data) if listening => listening = pieces.send(Piece::Chunk(data)).await.is_ok(),
            Ok(_) => {}
            Err(frame) => {
                if let Some(error) = frame.trailers_ref().and_then(failed) {
                    last = Piece::Failed(error);
                }
            }
        }
    }
    if listening && pieces.send(last).await.is_err() {
        tracing::debug!("a stream's reader left at its end");
    }
}

/// The error in a stream's trailers.
fn failed(trailers: &HeaderMap) -> Option<FunctionError> {
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok());
    let code = text("lambda-runtime-function-error-type")?.to_owned();
    let body = text("lambda-runtime-function-error-body").unwrap_or_default();
    let details =
        STANDARD.decode(body).map_or_else(|_| body.to_owned(), |raw| String::from_utf8_lossy(&raw).into_owned());
    Some(FunctionError { code, details })
}

fn accepted() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

fn status(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({ "errorMessage": message, "errorType": kind }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What one gets that asks for a path that is not there.
    async fn asked(user: Option<u32>) -> String {
        let (api, _first) = RuntimeApi::start(user).await.unwrap();
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        let mut answer = String::new();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        if stream.write_all(request).await.is_ok() && stream.read_to_string(&mut answer).await.is_err() {
            answer.clear();
        }
        answer
    }

    #[tokio::test]
    async fn only_the_environments_user_is_answered() {
        let us = rustix::process::geteuid().as_raw();

        let answers = [asked(None).await, asked(Some(us)).await, asked(Some(us + 1)).await];

        assert!(answers[..2].iter().all(|answer| answer.starts_with("HTTP/1.1 404")), "{answers:?}");
        assert_eq!(answers[2], "");
    }
}
