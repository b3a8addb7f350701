//! Whether a pointer has reached every live worker (architecture §4.7).

use serde::Serialize;
use stagecoach_base::Revision;

use crate::{Outcome, OutcomeKind, PointerKey, WorkerStatus};

/// How far a pointer's revision has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Convergence {
    /// The revision asked about.
    pub revision: Revision,
    /// Whether every live worker serves it.
    pub converged: bool,
    /// Live workers whose scope has the pointer.
    pub workers: usize,
    /// Those that serve it.
    pub applied: usize,
    /// The others, with the reason if they gave one.
    pub laggards: Vec<Laggard>,
}

/// A live worker that does not serve the revision yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Laggard {
    /// The worker's id.
    pub worker: String,
    /// How far it is.
    pub watermark: Revision,
    /// What it said of the pointer.
    pub outcome: Option<Outcome>,
}

/// Judges `key` at `revision` over `workers` (of one replica, or of the whole fleet as the store has them). A worker
/// counts when it is live and its scope holds the key.
pub fn converge(workers: &[WorkerStatus], key: &PointerKey, revision: Revision) -> Convergence {
    let live: Vec<_> = workers.iter().filter(|w| w.connected && key.name.starts_with(&w.scope)).collect();
    let laggards: Vec<_> = live.iter().filter_map(|worker| laggard(worker, key, revision)).collect();
    Convergence {
        revision,
        converged: laggards.is_empty(),
        workers: live.len(),
        applied: live.len() - laggards.len(),
        laggards,
    }
}

fn laggard(worker: &WorkerStatus, key: &PointerKey, revision: Revision) -> Option<Laggard> {
    let unhappy = |outcome: &&Outcome| outcome.key == *key && outcome.result != OutcomeKind::Applied;
    let outcome = worker.outcomes.iter().find(unhappy).cloned();
    if outcome.is_none() && worker.watermark >= revision {
        return None;
    }
    Some(Laggard { worker: worker.id.clone(), watermark: worker.watermark, outcome })
}
