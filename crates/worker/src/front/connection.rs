//! One client connection: find out the protocol, serve it, leave politely.

use std::convert::Infallible;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::guarded::Guarded;
use super::served::Served;
use super::{Activity, Peer};
use crate::core::Core;
use crate::handle::handle;

/// How long a client may take to say its first word.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// What an HTTP/2 client with prior knowledge says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// To be found out from the first bytes.
    Unknown,
    /// Agreed by ALPN, or assumed without it.
    Http1,
    /// Agreed by ALPN.
    Http2,
}

/// What a connection is served with.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) core: Rc<Core>,
    pub(crate) peer: Rc<Peer>,
    /// Cancelled when idle connections are to be closed.
    pub(crate) close: CancellationToken,
}

/// Serves a connection to its end.
pub(crate) async fn serve<T>(mut stream: T, protocol: Protocol, serving: Serving)
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    serving.core.metrics.connected();
    let mut first = BytesMut::new();
    let http2 = match protocol {
        Protocol::Http1 => false,
        Protocol::Http2 => true,
        Protocol::Unknown => match tokio::time::timeout(FIRST_BYTE, sniff(&mut stream, &mut first)).await {
            Ok(Some(http2)) => http2,
            Ok(None) | Err(_) => return,
        },
    };
    let activity: Rc<Activity> = serving.peer.activity.clone();
    let guarded = TokioIo::new(Guarded::new(stream, first.freeze(), http2, activity));
    if http2 { serve_http2(guarded, serving).await } else { serve_http1(guarded, serving).await }
}

/// Reads until the preface can be told from a request; `None` when the client left.
async fn sniff<T: AsyncRead + Unpin>(stream: &mut T, first: &mut BytesMut) -> Option<bool> {
    first.reserve(1024);
    loop {
        if stream.read_buf(first).await.ok()? == 0 {
            return None;
        }
        let length = first.len().min(PREFACE.len());
        if first.get(..length) != PREFACE.get(..length) {
            return Some(false);
        }
        if length == PREFACE.len() {
            return Some(true);
        }
    }
}

/// Counts a request while it is answered.
struct Active<'a>(&'a Core, &'a Activity);

impl<'a> Active<'a> {
    fn begin(core: &'a Core, activity: &'a Activity) -> Self {
        core.metrics.begin();
        activity.active.set(activity.active.get() + 1);
        Self(core, activity)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.metrics.end();
        self.1.active.set(self.1.active.get().saturating_sub(1));
        self.1.served.set(self.1.served.get() + 1);
    }
}

async fn answer(serving: Rc<Serving>, request: Request<Incoming>) -> Result<Response<Served>, Infallible> {
    let activity = &serving.peer.activity;
    let _active = Active::begin(&serving.core, activity);
    Ok(handle(&serving.core, &serving.peer, request).await.map(|body| Served::new(body, activity.clone())))
}

async fn serve_http1<T>(io: TokioIo<Guarded<T>>, serving: Serving)
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (close, serving) = (serving.close.clone(), Rc::new(serving));
    let service = service_fn(move |request| answer(serving.clone(), request));
    let connection = http1::Builder::new().max_buf_size(64 * 1024).serve_connection(io, service);
    until_closed(connection, &close).await;
}

async fn serve_http2<T>(io: TokioIo<Guarded<T>>, serving: Serving)
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (close, serving) = (serving.close.clone(), Rc::new(serving));
    let service = service_fn(move |request| answer(serving.clone(), request));
    let connection = http2::Builder::new(LocalExecutor)
        .timer(TokioTimer::new())
        .max_concurrent_streams(100)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(10))
        .serve_connection(io, service);
    until_closed(connection, &close).await;
}

/// Drives a connection to its end; once `close` is cancelled it finishes what it is answering and leaves.
async fn until_closed<C: GracefulConnection<Error = hyper::Error>>(connection: C, close: &CancellationToken) {
    let (mut connection, mut cancelled) = (std::pin::pin!(connection), std::pin::pin!(close.cancelled()));
    let mut asked = false;
    // Asked once, the token wakes this task; to ask it again at every turn of the connection costs more.
    let closing = std::future::poll_fn(|cx| match std::mem::replace(&mut asked, true) {
        false => cancelled.as_mut().poll(cx),
        true if close.is_cancelled() => Poll::Ready(()),
        true => Poll::Pending,
    });
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = closing => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(error = %error, "a client connection ended");
    }
}

/// Streams of an HTTP/2 connection run on their connection's core.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(bytes: &'static [u8]) -> Option<bool> {
        let mut first = BytesMut::new();
        sniff(&mut &*bytes, &mut first).await
    }

    #[tokio::test]
    async fn the_preface_is_told_from_requests() {
        assert_eq!(told(PREFACE).await, Some(true));
        assert_eq!(told(b"POST / HTTP/1.1\r\n").await, Some(false));
        assert_eq!(told(b"PRI * HTTP/1").await, Some(false));
        assert_eq!(told(b"PRI").await, None);
        assert_eq!(told(b"").await, None);
    }
}
