//! What an environment and its runtime say to each other, whatever the wire.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, mpsc, oneshot};

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

/// Where the answer to one invocation goes.
type Answer = oneshot::Sender<Reply>;

/// How a runtime's start went: it asked for an invocation, or said why it cannot.
pub(super) type First = oneshot::Receiver<Result<(), Bytes>>;

/// What the connections of one environment share. A runtime may ask for as many invocations at once as it likes.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    state: Mutex<State>,
    offered: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Who waits for the runtime's first word.
    first: Option<oneshot::Sender<Result<(), Bytes>>>,
    /// What the runtime said of its start since then.
    last_words: Option<Bytes>,
    /// Not fetched yet, oldest first.
    offered: VecDeque<(Job, Answer)>,
    /// Fetched, and not answered.
    current: HashMap<String, Answer>,
}

impl Exchange {
    /// An exchange with a runtime that has said nothing yet.
    pub(super) fn new() -> (Self, First) {
        let (first, begun) = oneshot::channel();
        let state = State { first: Some(first), ..State::default() };
        (Self { state: Mutex::new(state), offered: Notify::new() }, begun)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the runtime an invocation; `None` while another one with the same id is not answered.
    pub(super) fn offer(&self, job: Job) -> Option<oneshot::Receiver<Reply>> {
        let (answer, answered) = oneshot::channel();
        let mut state = self.state();
        if state.current.contains_key(&job.id) || state.offered.iter().any(|(other, _)| other.id == job.id) {
            return None;
        }
        state.offered.push_back((job, answer));
        drop(state);
        self.offered.notify_one();
        Some(answered)
    }

    /// Takes an invocation back that the runtime did not fetch; whether it was still there.
    pub(super) fn withdraw(&self, id: &str) -> bool {
        let mut state = self.state();
        let before = state.offered.len();
        state.offered.retain(|(job, _)| job.id != id);
        state.offered.len() < before
    }

    /// Waits for an invocation. A caller that goes away takes none.
    pub(super) async fn next(&self) -> Job {
        self.begun(Ok(()));
        loop {
            let offered = self.offered.notified();
            let next = {
                let mut state = self.state();
                state.offered.pop_front().map(|(job, answer)| {
                    state.current.insert(job.id.clone(), answer);
                    if !state.offered.is_empty() {
                        // Several offers at once may have left one notice: it was for this caller.
                        self.offered.notify_one();
                    }
                    job
                })
            };
            match next {
                Some(job) => return job,
                None => offered.await,
            }
        }
    }

    /// The runtime said how its start went.
    pub(super) fn begun(&self, how: Result<(), Bytes>) {
        let mut state = self.state();
        let how = match (state.first.take(), how) {
            (Some(first), how) => first.send(how).err().unwrap_or(Ok(())),
            (None, how) => how,
        };
        if let Err(body) = how {
            state.last_words = Some(body);
        }
    }

    /// Why the runtime could not start, if it said so after it had asked for an invocation: one of its workers did.
    pub(super) fn last_words(&self) -> Option<Bytes> {
        self.state().last_words.clone()
    }

    /// The runtime begins to answer `id`; `None` if it does not owe that answer.
    pub(super) fn answering(&self, id: &str) -> Option<Owed<'_>> {
        let answer = self.state().current.remove(id)?;
        Some(Owed { exchange: self, id: id.to_owned(), answer: Some(answer) })
    }
}

/// An answer that is being read. Dropped before it is given, it is still owed: the runtime may try again.
#[derive(Debug)]
pub(super) struct Owed<'a> {
    exchange: &'a Exchange,
    id: String,
    answer: Option<Answer>,
}

impl Owed<'_> {
    /// Gives it. An invocation that is over, because its time was, needs none.
    pub(super) fn give(mut self, reply: Reply) {
        if self.answer.take().is_some_and(|answer| answer.send(reply).is_err()) {
            tracing::debug!("a runtime answered an invocation that is over");
        }
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.exchange.state().current.insert(std::mem::take(&mut self.id), answer);
        }
    }
}
