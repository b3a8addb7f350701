//! The server's state: an immutable, shared set of signed pointers and what each worker says of it.
//!
//! Streams hold only a cursor into the set, so a slow worker costs nothing and always gets the newest state. Must not
//! know: where pointers come from (the control plane loads them) or what they mean.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use stagecoach_base::{Clock, Revision};
use tokio::sync::watch;

use crate::roster::Roster;
use crate::{PointerKey, SignedPointer, WorkerStatus};

mod convergence;
mod set;

pub use convergence::{Convergence, Laggard, converge};
pub(crate) use set::{Entry, PointerSet, state_digest};

/// How many generations' state digests are remembered for the drift check (architecture §4.4).
const GENERATIONS: usize = 1024;

/// A pointer that was removed, kept so that a worker that was away learns of it (≥ 7 days).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// Whose.
    pub key: PointerKey,
    /// When it was removed.
    pub revision: Revision,
}

/// Tells every stream to go to another replica.
#[derive(Clone, Debug)]
pub(crate) struct DrainOrder {
    pub(crate) reason: String,
    pub(crate) within_ms: u32,
}

/// What this replica publishes, and who follows it. Shared by the tailer, the feed server and the fleet endpoint.
pub struct Board {
    control_id: String,
    clock: Arc<dyn Clock>,
    set: watch::Sender<Arc<PointerSet>>,
    history: Mutex<History>,
    drain: watch::Sender<Option<DrainOrder>>,
    remote_workers: watch::Sender<u32>,
    roster: Roster,
}

/// State digests of past generations, newest last. Its lock also serialises changes of the set.
#[derive(Default)]
struct History {
    generations: VecDeque<(Revision, [u8; 32])>,
}

impl Board {
    /// An empty board. `epoch` changes when the database is restored; `control_id` names this replica to workers.
    pub fn new(epoch: impl Into<String>, control_id: impl Into<String>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            control_id: control_id.into(),
            clock,
            set: watch::Sender::new(Arc::new(PointerSet::empty(&epoch.into()))),
            history: Mutex::default(),
            drain: watch::Sender::new(None),
            remote_workers: watch::Sender::new(0),
            roster: Roster::default(),
        })
    }

    /// Replaces everything, within the same epoch: what a replica does at start. `head` is the store's revision.
    pub fn load(&self, pointers: &[SignedPointer], removed: Vec<Tombstone>, head: Revision) {
        self.change(|set| set.replaced(&set.epoch, pointers, removed, head));
    }

    /// Applies what changed up to `head`. Entries older than what the board holds for their key are ignored, so the
    /// same rows may be applied twice.
    pub fn apply(&self, updates: &[SignedPointer], removed: Vec<Tombstone>, head: Revision) {
        self.change(|set| set.applied(updates, removed, head));
    }

    /// Starts another epoch (the database was restored and every pointer signed anew): workers synchronise in full.
    pub fn reset(&self, epoch: &str, pointers: &[SignedPointer], removed: Vec<Tombstone>, head: Revision) {
        self.change(|set| set.replaced(epoch, pointers, removed, head));
    }

    /// Says that tombstones at or below `horizon` may be gone: a worker whose watermark is lower gets a full sync.
    pub fn set_horizon(&self, horizon: Revision) {
        self.change(|set| PointerSet { horizon, ..set.clone() });
    }

    /// Live workers that follow other replicas, added to this one's for the share of a fleet-wide rate.
    pub fn set_remote_workers(&self, count: u32) {
        self.remote_workers.send_replace(count);
    }

    /// Tells every worker to go to another replica, and refuses new ones. Cannot be undone.
    pub fn drain(&self, reason: impl Into<String>) {
        self.drain.send_replace(Some(DrainOrder { reason: reason.into(), within_ms: 500 }));
    }

    /// The epoch of what is published.
    pub fn epoch(&self) -> String {
        self.set.borrow().epoch.to_string()
    }

    /// The newest revision offered.
    pub fn head(&self) -> Revision {
        self.set.borrow().head
    }

    /// Names this replica.
    pub fn control_id(&self) -> &str {
        &self.control_id
    }

    /// How many live pointers are offered.
    pub fn pointers(&self) -> usize {
        self.set.borrow().live().count()
    }

    /// The revision at which the board holds `key`, if it does.
    pub fn revision_of(&self, key: &PointerKey) -> Option<Revision> {
        self.set.borrow().live().find(|entry| entry.key == *key).map(|entry| entry.revision)
    }

    /// Every worker that followed this replica lately, sorted by id.
    pub fn workers(&self) -> Vec<WorkerStatus> {
        self.roster.list()
    }

    /// Changes whenever something in [`Self::workers`] does. A reader that persists should wait a second between
    /// readings; what happens meanwhile is in the next one.
    pub fn worker_changes(&self) -> watch::Receiver<u64> {
        self.roster.changes()
    }

    /// Whether the pointer's newest revision has reached every live worker of this replica (architecture §4.7).
    pub fn convergence(&self, key: &PointerKey) -> Option<Convergence> {
        let revision = self.revision_of(key)?;
        Some(converge(&self.workers(), key, revision))
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Arc<PointerSet>> {
        self.set.subscribe()
    }

    pub(crate) fn drained(&self) -> watch::Receiver<Option<DrainOrder>> {
        self.drain.subscribe()
    }

    pub(crate) fn live_workers(&self) -> u32 {
        self.roster.live().saturating_add(*self.remote_workers.borrow())
    }

    /// Whether a worker whose state is settled at `watermark` holds something else than this board offered there.
    /// A generation that is not remembered proves nothing.
    pub(crate) fn drifted(&self, scope: &str, watermark: Revision, digest: &[u8]) -> bool {
        if digest.is_empty() {
            return false;
        }
        if !scope.is_empty() {
            let set = self.set.borrow().clone();
            return set.head == watermark && set.digest(scope) != digest;
        }
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = history.generations.iter().rev().filter(|(revision, _)| *revision == watermark).peekable();
        found.peek().is_some() && !found.any(|(_, known)| known == digest)
    }

    fn change(&self, next: impl FnOnce(&PointerSet) -> PointerSet) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.set.borrow().clone();
        let next = next(&current);
        if next.epoch != current.epoch {
            history.generations.clear();
        }
        history.generations.push_back((next.head, next.digest("")));
        if history.generations.len() > GENERATIONS {
            history.generations.pop_front();
        }
        self.set.send_replace(Arc::new(next));
    }
}
