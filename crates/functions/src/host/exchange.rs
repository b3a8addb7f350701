//! What an environment and its runtime say to each other, whatever the wire.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};

use crate::FunctionError;

/// One invocation as the runtime gets it.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Request id.
    pub(super) id: String,
    /// `Lambda-Runtime-*` headers.
    pub(super) headers: BTreeMap<&'static str, String>,
    /// The event.
    pub(super) event: Bytes,
}

/// What the runtime did.
#[derive(Debug)]
pub(super) enum Event {
    /// It asked for its first invocation.
    Ready,
    /// It could not start.
    InitError(Bytes),
    /// It answered the current invocation.
    Reply(Reply),
}

/// An answer to an invocation.
#[derive(Debug)]
pub(super) enum Reply {
    /// All of it.
    Whole(Bytes),
    /// More than an answer may have.
    TooLarge,
    /// The handler failed.
    Error(Bytes),
    /// It comes in pieces.
    Stream(mpsc::Receiver<Piece>),
}

/// A piece of a streamed answer. A stream that closes without `End` or `Failed` was cut off.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes.
    Chunk(Bytes),
    /// The handler failed midway.
    Failed(FunctionError),
    /// All is said.
    End,
}

/// What the connections of one environment share.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) state: Mutex<State>,
    pub(super) offered: Notify,
    pub(super) events: mpsc::Sender<Event>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// The runtime has asked before.
    pub(super) asked: bool,
    pub(super) offered: Option<Job>,
    /// Fetched, and not answered.
    pub(super) current: Option<String>,
}

impl Exchange {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the current invocation, if `id` is it.
    pub(super) fn finish(&self, id: &str) -> bool {
        let mut state = self.state();
        let current = state.current.as_deref() == Some(id);
        if current {
            state.current = None;
        }
        current
    }

    /// The environment reads events as long as it lives, and nobody needs them later.
    pub(super) async fn tell(&self, event: Event) {
        if self.events.send(event).await.is_err() {
            tracing::debug!("a runtime spoke to an environment that has ended");
        }
    }
}
