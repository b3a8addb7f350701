//! Who uses which folders: every [`Runnable`] that was given out, for as long as somebody has it. An environment has the one that
//! it was started with until its processes are gone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Runnable;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<Vec<Weak<Runnable>>>);

impl Held {
    pub(crate) fn add(&self, runnable: &Arc<Runnable>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|runnable| runnable.strong_count() > 0);
            // Room for as many again, so that this is done seldom.
            let more = all.len().max(64);
            all.reserve(more);
        }
        all.push(Arc::downgrade(runnable));
    }

    /// Packages and layers of all that is still in somebody's hands.
    pub(crate) fn folders(&self) -> BTreeSet<PathBuf> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let living = all.iter().filter_map(Weak::upgrade);
        living
            .flat_map(|runnable| {
                std::iter::once(runnable.code.clone()).chain(runnable.layers.clone()).collect::<Vec<_>>()
            })
            .collect()
    }
}
