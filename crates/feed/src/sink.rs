//! The seam between the feed and whoever serves what it brings.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use stagecoach_base::Digest;

use crate::{Pointer, PointerKey};

/// The verified bytes a pointer names, by digest.
pub type Blobs = HashMap<Digest, Bytes>;

/// Why a pointer was not accepted. Maps to the protocol's `Outcome.Result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A blob has a format this worker does not know.
    UnknownFormat,
    /// A blob or the settings do not compile.
    CompileFailed,
    /// Over a limit of this worker.
    OverLimit,
}

/// A refusal with its reason, shown in the fleet endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Class.
    pub kind: RefusalKind,
    /// For a human: what is wrong and where.
    pub message: String,
}

/// A pointer made ready off the traffic path, opaque to the feed.
pub struct Prepared {
    /// The pointer it was made from.
    pub pointer: Pointer,
    /// The sink's own value (for the worker: a stage view holding compiled releases).
    pub value: Box<dyn Any + Send + Sync>,
}

/// A boxed future; the seams return these by hand.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whoever serves what the feed brings.
pub trait Sink: Send + Sync + 'static {
    /// Compiles what a pointer names. Runs on the configuration runtime, never on the traffic path.
    fn prepare<'a>(&'a self, pointer: &'a Pointer, blobs: Blobs) -> BoxFuture<'a, Result<Prepared, Refusal>>;
    /// Swaps a batch in and removes keys, atomically for each request.
    fn install(&self, batch: Vec<Prepared>, removed: &[PointerKey]);
    /// Requests being served right now, for heartbeats.
    fn in_flight(&self) -> u64 {
        0
    }
}
