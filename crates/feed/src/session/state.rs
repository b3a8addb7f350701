//! What a worker holds: per key the newest verified pointer, what serves, and what is not settled yet. No I/O.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use stagecoach_base::{Digest, Revision};
use tokio::sync::watch;

use super::Status;
use crate::board::state_digest;
use crate::{Outcome, OutcomeKind, PointerKey, SignedPointer, TrustedKeys, wire};

/// Digests per key that stay on disk for a rollback without transfer (architecture §4.5).
const RECENT: usize = 12;
/// Removed keys remembered.
const REMOVED: usize = 10_000;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) epoch: String,
    /// Everything up to here is settled.
    pub(crate) watermark: Revision,
    /// Revision of the last complete update.
    target: Revision,
    held: BTreeMap<PointerKey, Held>,
    removed: BTreeMap<PointerKey, Revision>,
    /// Keys mentioned by a full synchronisation under way.
    mentioned: Option<BTreeSet<PointerKey>>,
}

struct Held {
    head: SignedPointer,
    serving: Option<SignedPointer>,
    recent: VecDeque<Digest>,
    settled: bool,
    applied: bool,
}

/// What to do with a pointer that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Make it ready.
    Settle,
    /// Held already.
    Known,
    /// Refuse it.
    Refuse(OutcomeKind, String),
}

impl State {
    /// Reads a saved state; answers the pointers to load, verified. Anything unverifiable asks for a full sync.
    pub(crate) fn restore(saved: wire::CacheState, trusted: &TrustedKeys) -> (Self, Vec<SignedPointer>) {
        let mut state = Self { epoch: saved.epoch, watermark: saved.watermark, ..Self::default() };
        let mut load = Vec::new();
        for cached in saved.pointers {
            let head = state.verified(cached.head, trusted);
            let serving = state.verified(cached.serving, trusted);
            let Some(head) = head else {
                state.watermark = 0;
                continue;
            };
            let recent = cached.recent.iter().filter_map(|bytes| Digest::from_bytes(bytes).ok()).collect();
            load.push(serving.clone().unwrap_or_else(|| head.clone()));
            let held = Held { head: head.clone(), serving, recent, settled: false, applied: false };
            state.held.insert(head.pointer.key.clone(), held);
        }
        for gone in saved.removed {
            if let Some(Ok(key)) = gone.key.map(PointerKey::try_from) {
                state.removed.insert(key, gone.revision);
            }
        }
        state.target = state.watermark;
        (state, load)
    }

    fn verified(&self, message: Option<wire::Pointer>, trusted: &TrustedKeys) -> Option<SignedPointer> {
        let signed = SignedPointer::try_from(message?).ok()?;
        signed.verify(&self.epoch, trusted).is_ok().then_some(signed)
    }

    /// A restored pointer was installed.
    pub(crate) fn restored(&mut self, signed: &SignedPointer) {
        if let Some(held) = self.held.get_mut(&signed.pointer.key) {
            held.settled = true;
            held.applied = held.head.pointer.revision == signed.pointer.revision;
        }
    }

    /// Asks for a full synchronisation at the next greeting.
    pub(crate) fn forget_watermark(&mut self) {
        self.watermark = 0;
    }

    /// The control plane's greeting: another epoch forgets every revision seen; `full` begins a whole state.
    pub(crate) fn welcome(&mut self, epoch: &str, full: bool) {
        if self.epoch != epoch {
            epoch.clone_into(&mut self.epoch);
            self.watermark = 0;
            self.removed.clear();
            for held in self.held.values_mut() {
                held.head.pointer.revision = 0;
            }
        }
        self.mentioned = full.then(BTreeSet::new);
    }

    /// Judges a pointer by signature and revision, and remembers it as its key's head if it is to be settled.
    pub(crate) fn arrive(&mut self, signed: &SignedPointer, trusted: &TrustedKeys) -> Arrival {
        let key = &signed.pointer.key;
        if let Err(error) = signed.verify(&self.epoch, trusted) {
            return Arrival::Refuse(OutcomeKind::BadSignature, error.to_string());
        }
        if let Some(mentioned) = &mut self.mentioned {
            mentioned.insert(key.clone());
        }
        let revision = signed.pointer.revision;
        let seen = self.held.get(key).map(|held| held.head.pointer.revision);
        let seen = seen.unwrap_or(0).max(self.removed.get(key).copied().unwrap_or(0));
        if revision < seen {
            return Arrival::Refuse(OutcomeKind::StaleRevision, format!("revision {seen} of this pointer was seen"));
        }
        if self.held.get(key).is_some_and(|held| held.head == *signed && held.settled && held.applied) {
            return Arrival::Known;
        }
        self.removed.remove(key);
        match self.held.get_mut(key) {
            Some(held) => {
                if held.applied {
                    held.serving = Some(std::mem::replace(&mut held.head, signed.clone()));
                } else {
                    held.head = signed.clone();
                }
                (held.settled, held.applied) = (false, false);
            }
            None => {
                let (head, recent) = (signed.clone(), VecDeque::new());
                self.held.insert(key.clone(), Held { head, serving: None, recent, settled: false, applied: false });
            }
        }
        Arrival::Settle
    }

    /// Whether `revision` is still the newest of `key`.
    pub(crate) fn wants(&self, key: &PointerKey, revision: Revision) -> bool {
        self.held.get(key).is_some_and(|held| held.head.pointer.revision == revision && !held.settled)
    }

    /// Whether anything serves for the key.
    pub(crate) fn serves(&self, key: &PointerKey) -> Revision {
        self.held.get(key).and_then(|held| held.serving.as_ref()).map_or(0, |signed| signed.pointer.revision)
    }

    /// The key's newest revision serves now.
    pub(crate) fn applied(&mut self, key: &PointerKey) {
        let Some(held) = self.held.get_mut(key) else { return };
        (held.settled, held.applied, held.serving) = (true, true, None);
        for blob in &held.head.pointer.blobs {
            held.recent.retain(|digest| *digest != blob.digest);
            held.recent.push_front(blob.digest);
        }
        held.recent.truncate(RECENT);
    }

    /// The key's newest revision was refused; what served goes on.
    pub(crate) fn refused(&mut self, key: &PointerKey) {
        if let Some(held) = self.held.get_mut(key) {
            held.settled = true;
        }
    }

    /// A tombstone; true when something must be uninstalled.
    pub(crate) fn remove(&mut self, key: &PointerKey, revision: Revision) -> bool {
        if self.removed.len() < REMOVED {
            self.removed.insert(key.clone(), revision);
        }
        self.held.remove(key).is_some()
    }

    /// An update was whole up to `revision`. Answers keys that a full synchronisation did not mention.
    pub(crate) fn complete(&mut self, revision: Revision) -> Vec<PointerKey> {
        self.target = self.target.max(revision);
        let Some(mentioned) = self.mentioned.take() else { return Vec::new() };
        self.target = revision;
        let gone: Vec<_> = self.held.keys().filter(|key| !mentioned.contains(*key)).cloned().collect();
        for key in &gone {
            self.held.remove(key);
        }
        gone
    }

    /// Moves the watermark up to what is settled; while a full synchronisation runs it stays.
    pub(crate) fn advance(&mut self) {
        if self.mentioned.is_some() {
            return;
        }
        let open = self.held.values().filter(|held| !held.settled).map(|held| held.head.pointer.revision);
        let settled = open.min().map_or(self.target, |first| first.saturating_sub(1).min(self.target));
        self.watermark = self.watermark.max(settled);
    }

    /// Whether nothing is under way.
    pub(crate) fn quiet(&self) -> bool {
        self.mentioned.is_none() && self.held.values().all(|held| held.settled)
    }

    /// For the drift check; empty while something is not settled.
    pub(crate) fn digest(&self) -> Vec<u8> {
        if !self.quiet() {
            return Vec::new();
        }
        state_digest(self.held.iter().map(|(key, held)| (key, held.head.pointer.revision))).to_vec()
    }

    /// What the disk should hold.
    pub(crate) fn saved(&self) -> wire::CacheState {
        let pointers = self.held.values().map(|held| wire::CachedPointer {
            head: Some(wire::Pointer::from(&held.head)),
            serving: held.serving.as_ref().map(wire::Pointer::from),
            recent: held.recent.iter().map(|digest| digest.as_bytes().to_vec()).collect(),
        });
        let removed = self
            .removed
            .iter()
            .map(|(key, revision)| wire::RemovedKey { key: Some(wire::PointerKey::from(key)), revision: *revision });
        wire::CacheState {
            epoch: self.epoch.clone(),
            watermark: self.watermark,
            pointers: pointers.collect(),
            retired: Vec::new(),
            removed: removed.collect(),
        }
    }

    /// Digests that must stay on disk.
    pub(crate) fn referenced(&self) -> HashSet<Digest> {
        let pointers = self.held.values().flat_map(|held| std::iter::once(&held.head).chain(&held.serving));
        let named = pointers.flat_map(|signed| signed.pointer.blobs.iter().chain(&signed.pointer.fallback));
        let recent = self.held.values().flat_map(|held| &held.recent);
        named.map(|blob| blob.digest).chain(recent.copied()).collect()
    }

    /// Publishes the numbers, and whatever `change` says.
    pub(crate) fn publish(&self, status: &watch::Sender<Status>, change: impl FnOnce(&mut Status)) {
        status.send_modify(|status| {
            status.watermark = self.watermark;
            status.head = status.head.max(self.target);
            status.pointers = self.held.len();
            status.rejected = self.held.values().filter(|held| held.settled && !held.applied).count();
            change(status);
        });
    }

    /// Fills in what serves instead.
    pub(crate) fn complaint(&self, mut outcome: Outcome) -> Outcome {
        outcome.serving_revision = self.serves(&outcome.key);
        outcome
    }
}
