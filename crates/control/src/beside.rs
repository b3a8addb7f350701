//! Another AWS service on the admin listener: the seam to whatever serves it. `stagecoach` puts the function host's Lambda
//! API behind it, so that one `AWS_ENDPOINT_URL` serves every client.

use std::pin::Pin;

use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;

/// An answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

/// A service that answers some of the admin listener's paths.
pub trait Beside: Send + Sync {
    /// Whether a path is its own.
    fn owns(&self, path: &str) -> bool;
    /// The largest body it takes, bytes.
    fn largest_body(&self) -> usize;
    /// Answers a call of `actor`, an access key that was checked.
    fn answer(&self, call: Parts, actor: String, body: Bytes) -> Answering<'_>;
}
