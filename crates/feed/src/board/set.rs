//! One immutable generation of what a board offers.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use prost::Message;
use stagecoach_base::Revision;

use crate::{PointerKey, SignedPointer, Tombstone, wire};

/// A pointer or its tombstone, encoded once for all streams.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: PointerKey,
    pub(crate) revision: Revision,
    /// `None` for a tombstone.
    pub(crate) message: Option<wire::Pointer>,
    /// Encoded bytes, for cutting updates into chunks.
    pub(crate) size: usize,
}

/// Entries ordered by (revision, key), one per key.
#[derive(Clone, Debug)]
pub(crate) struct PointerSet {
    pub(crate) epoch: Arc<str>,
    pub(crate) head: Revision,
    /// Tombstones at or below this may be missing.
    pub(crate) horizon: Revision,
    pub(super) entries: Vec<Arc<Entry>>,
}

impl PointerSet {
    pub(crate) fn empty(epoch: &str) -> Self {
        Self { epoch: epoch.into(), head: 0, horizon: 0, entries: Vec::new() }
    }

    pub(crate) fn replaced(&self, epoch: &str, live: &[SignedPointer], gone: Vec<Tombstone>, head: Revision) -> Self {
        Self { horizon: self.horizon, ..Self::empty(epoch) }.applied(live, gone, head)
    }

    /// The next generation: per key the entry with the highest revision wins, the newcomer on a tie.
    pub(crate) fn applied(&self, live: &[SignedPointer], gone: Vec<Tombstone>, head: Revision) -> Self {
        let newcomers = live.iter().map(Entry::live).chain(gone.into_iter().map(Entry::gone));
        let mut changed: HashMap<PointerKey, Arc<Entry>> = HashMap::new();
        for entry in newcomers.map(Arc::new) {
            match changed.get(&entry.key) {
                Some(held) if held.revision > entry.revision => {}
                _ => drop(changed.insert(entry.key.clone(), entry)),
            }
        }
        let mut entries = Vec::with_capacity(self.entries.len() + changed.len());
        for entry in &self.entries {
            match changed.get(&entry.key) {
                Some(newer) if newer.revision >= entry.revision => {}
                Some(_) => {
                    changed.remove(&entry.key);
                    entries.push(Arc::clone(entry));
                }
                None => entries.push(Arc::clone(entry)),
            }
        }
        entries.extend(changed.into_values());
        entries.sort_unstable_by(|a, b| (a.revision, &a.key).cmp(&(b.revision, &b.key)));
        let newest = entries.last().map_or(0, |entry| entry.revision);
        Self { epoch: Arc::clone(&self.epoch), head: head.max(self.head).max(newest), horizon: self.horizon, entries }
    }

    /// What changed after `cursor`, oldest first.
    pub(crate) fn since(&self, cursor: Revision) -> &[Arc<Entry>] {
        let start = self.entries.partition_point(|entry| entry.revision <= cursor);
        self.entries.get(start..).unwrap_or_default()
    }

    pub(crate) fn live(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.iter().filter(|entry| entry.message.is_some())
    }

    /// What a worker of this scope that holds all of this answers in its heartbeat.
    pub(crate) fn digest(&self, scope: &str) -> [u8; 32] {
        let live = self.live().filter(|entry| entry.key.name.starts_with(scope));
        state_digest(live.map(|entry| (&entry.key, entry.revision)))
    }
}

impl Entry {
    fn live(pointer: &SignedPointer) -> Self {
        let message = wire::Pointer::from(pointer);
        let size = message.encoded_len();
        Self { key: pointer.pointer.key.clone(), revision: pointer.pointer.revision, message: Some(message), size }
    }

    fn gone(tombstone: Tombstone) -> Self {
        let size = tombstone.key.name.len() + 8;
        Self { key: tombstone.key, revision: tombstone.revision, message: None, size }
    }
}

/// SHA-256 over sorted (kind, name, revision); both sides compute it (architecture §4.4).
pub(crate) fn state_digest<'a>(settled: impl Iterator<Item = (&'a PointerKey, Revision)>) -> [u8; 32] {
    let mut sorted: Vec<_> = settled.collect();
    sorted.sort_unstable();
    let mut context = Context::new(&SHA256);
    for (key, revision) in sorted {
        context.update(&(key.kind as u32).to_be_bytes());
        context.update(&(key.name.len() as u64).to_be_bytes());
        context.update(key.name.as_bytes());
        context.update(&revision.to_be_bytes());
    }
    let mut out = [0u8; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}
