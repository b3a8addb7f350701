//! Another AWS service on the admin listener, or on one of its own: the seam to whatever serves it. `stagecoach` puts the
//! function host's Lambda API behind it, so that one `AWS_ENDPOINT_URL` serves every client.

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use stagecoach_base::{Clock, Entropy, id};
use stagecoach_wire::Reply;
use tokio::net::TcpListener;

use crate::{Auth, native, server};

/// An answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// A service that answers some paths.
pub trait Beside: Send + Sync {
    /// Whether a path is its own.
    fn owns(&self, path: &str) -> bool;
    /// Whether a path is open to callers without an access key, because its URL is the permission.
    fn is_open(&self, path: &str) -> bool;
    /// The largest body it takes, bytes.
    fn largest_body(&self) -> usize;
    /// Answers a call of `actor`, an access key that was checked, or `anonymous` on an open path.
    fn answer(&self, call: Parts, actor: String, body: Bytes) -> Answering<'_>;
}

/// A service on a listener of its own.
pub struct Alone {
    /// The service.
    pub service: Arc<dyn Beside>,
    /// Who may call it.
    pub auth: Auth,
    /// Time, which signatures are held against.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for request ids.
    pub entropy: Arc<dyn Entropy>,
}

impl Alone {
    /// Serves until `shutdown` resolves; requests in flight are finished.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let router = Router::new().fallback(alone).with_state(Arc::new(self));
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }
}

async fn alone(State(alone): State<Arc<Alone>>, request: Request) -> Response {
    let Alone { service, auth, clock, entropy } = &*alone;
    if service.owns(request.uri().path()) {
        return checked(service.as_ref(), auth, clock.as_ref(), entropy.as_ref(), request).await;
    }
    server::respond(Reply::error(&native::unknown(request.uri().path())), &id::uuid(entropy.as_ref()))
}

/// Reads and authenticates a call, and has the service answer it.
pub(crate) async fn checked(
    service: &dyn Beside,
    auth: &Auth,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let checked = async {
        if service.is_open(parts.uri.path()) {
            // Downloads: nothing is sent.
            return Ok(("anonymous".to_owned(), server::read_up_to(body, 1).await?));
        }
        auth.admit(clock.wall(), &parts).await?;
        let body = server::read_up_to(body, service.largest_body()).await?;
        let actor = auth.authenticate(clock.wall(), &parts, &body).await?;
        Ok((actor, body))
    };
    match checked.await {
        Ok((actor, body)) => service.answer(parts, actor, body).await,
        Err(error) => server::respond(Reply::error(&error), &id::uuid(entropy)),
    }
}
