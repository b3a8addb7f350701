//! Who follows: what this replica hears on its board, and what other replicas wrote to the store.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use stagecoach_base::{AwsError, Revision, UnixMillis};
use stagecoach_feed::WorkerStatus;
use stagecoach_store::WorkerRow;

use crate::{Control, failure};

/// How often worker states are written to the store at most.
const PERSIST: Duration = Duration::from_secs(1);
/// A worker that was not heard of for this long is not part of the fleet any more, ms.
const STALE_MS: i64 = 15_000;
/// Rows older than this are deleted, ms.
const FORGET_MS: i64 = 24 * 3600 * 1000;

/// One worker, as the fleet endpoint shows it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    /// What it said last. `outcomes` are the pointers it did not apply, with the reason.
    #[serde(flatten)]
    pub(crate) status: WorkerStatus,
    /// Replica it follows.
    pub(crate) control: String,
    /// Revisions behind this replica's head.
    pub(crate) lag: Revision,
    /// Whether its stream is open and fresh.
    pub(crate) live: bool,
}

/// All workers heard of lately, by id. A worker may be known to two replicas; the later word counts.
pub(crate) async fn members(control: &Control) -> Result<Vec<Member>, AwsError> {
    let rows = control.store.workers().await.map_err(failure::store)?;
    let others = rows.into_iter().filter(|row| row.control_id != control.id).filter_map(|row| {
        let status: WorkerStatus = serde_json::from_str(&row.rejected).ok()?;
        Some((status, row.control_id))
    });
    let own = control.board.workers().into_iter().map(|status| (status, control.id.clone()));
    let mut latest: BTreeMap<String, (WorkerStatus, String)> = BTreeMap::new();
    for (status, replica) in others.chain(own) {
        let known = latest.get(&status.id).is_some_and(|(other, _)| fresher(other, &status));
        if !known {
            latest.insert(status.id.clone(), (status, replica));
        }
    }
    let (head, now) = (control.board.head(), control.clock.wall());
    Ok(latest.into_values().map(|(status, replica)| member(status, replica, head, now)).collect())
}

/// Whether `a` is a later word than `b`. An open stream beats a closed one: a worker that moved to another replica
/// leaves a row there that may be heard of a moment earlier.
fn fresher(a: &WorkerStatus, b: &WorkerStatus) -> bool {
    (a.connected, a.last_heartbeat_ms) > (b.connected, b.last_heartbeat_ms)
}

fn member(status: WorkerStatus, control: String, head: Revision, now: UnixMillis) -> Member {
    let live = status.connected && !status.draining && now.0 - status.last_heartbeat_ms <= STALE_MS;
    Member { lag: head.saturating_sub(status.watermark), live, control, status }
}

/// Writes this replica's worker states to the store, at most once a second, forever.
pub(crate) async fn persist_workers(control: &Control) {
    let mut changes = control.board.worker_changes();
    while changes.changed().await.is_ok() {
        if let Err(error) = persist(control).await {
            tracing::debug!(error = %error, "worker states could not be written");
        }
        tokio::time::sleep(PERSIST).await;
    }
}

async fn persist(control: &Control) -> Result<(), stagecoach_store::StoreError> {
    let rows: Vec<WorkerRow> = control.board.workers().iter().filter_map(|status| row(&control.id, status)).collect();
    control.store.report_workers(&rows).await?;
    control.store.forget_workers(control.clock.wall().0 - FORGET_MS).await?;
    let now = control.clock.wall();
    let others = control.store.workers().await?;
    let remote = others.iter().filter(|row| row.control_id != control.id && now.0 - row.seen <= STALE_MS).count();
    control.board.set_remote_workers(u32::try_from(remote).unwrap_or(u32::MAX));
    Ok(())
}

fn row(control: &str, status: &WorkerStatus) -> Option<WorkerRow> {
    Some(WorkerRow {
        id: status.id.clone(),
        incarnation: status.incarnation.clone(),
        control_id: control.to_owned(),
        watermark: status.watermark,
        rejected: serde_json::to_string(status).ok()?,
        seen: status.last_heartbeat_ms,
    })
}
