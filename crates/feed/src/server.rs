//! The feed's gRPC server: `Follow` and `Fetch` over a listener the caller made.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::fetch::Library;
use crate::follow::{self, Follower};
use crate::wire::config_feed_server::{ConfigFeed, ConfigFeedServer};
use crate::{BlobSource, Board, ServerTls, wire};

/// How long streams and transfers may take to end once told to.
const GRACE: Duration = Duration::from_secs(5);

/// Why the server stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The TLS identity cannot be used, or the transport failed.
    #[error("feed server: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves a [`Board`] to workers.
pub struct FeedServer {
    board: Arc<Board>,
    blobs: Arc<dyn BlobSource>,
    tls: Option<ServerTls>,
    heartbeat: Duration,
}

impl FeedServer {
    /// Serves `board`'s pointers and `blobs`, in clear text and with a heartbeat of 5 s unless told otherwise.
    pub fn new(board: Arc<Board>, blobs: Arc<dyn BlobSource>) -> Self {
        Self { board, blobs, tls: None, heartbeat: Duration::from_secs(5) }
    }

    /// Requires mutual TLS, and that a worker's certificate names its id.
    #[must_use]
    pub fn tls(mut self, tls: Option<ServerTls>) -> Self {
        self.tls = tls;
        self
    }

    /// How often workers must be heard; after three missed beats a stream ends.
    #[must_use]
    pub fn heartbeat(mut self, every: Duration) -> Self {
        self.heartbeat = every;
        self
    }

    /// Serves until `shutdown`, then drains the board, gives streams five seconds and returns.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let mut server = Server::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(5)))
            .http2_keepalive_timeout(Some(Duration::from_secs(5)));
        if let Some(tls) = &self.tls {
            server = server.tls_config(tls.config())?;
        }
        let follower = Follower::new(Arc::clone(&self.board), self.heartbeat, self.tls.is_some());
        let service = Service { follower, library: Library::new(self.blobs) };
        let (closing, closed) = oneshot::channel::<()>();
        let board = self.board;
        let stop = async move {
            shutdown.await;
            board.drain("this control plane is shutting down");
            drop(closing);
        };
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serving = server.add_service(ConfigFeedServer::new(service)).serve_with_incoming_shutdown(incoming, stop);
        let overdue = async {
            // Errs once `closing` is dropped, which is the signal.
            drop(closed.await);
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            done = serving => Ok(done?),
            () = overdue => Ok(()),
        }
    }
}

struct Service {
    follower: Arc<Follower>,
    library: Arc<Library>,
}

type Replies<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ConfigFeed for Service {
    type FollowStream = Replies<wire::FromControl>;
    type FetchStream = Replies<wire::Chunk>;

    async fn follow(
        &self,
        request: Request<Streaming<wire::FromWorker>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let replies = follow::accept(Arc::clone(&self.follower), request).await?;
        Ok(Response::new(Box::pin(ReceiverStream::new(replies))))
    }

    async fn fetch(&self, request: Request<wire::FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        let chunks = self.library.open(request.get_ref()).await?;
        Ok(Response::new(Box::pin(ReceiverStream::new(chunks))))
    }
}
