//! Whether every live worker serves a stage as it is now (architecture §4.7). The AWS APIs stay silent about it.

use std::time::Duration;

use stagecoach_base::AwsError;
use stagecoach_feed::board::converge;
use stagecoach_feed::{Convergence, WorkerStatus};

use crate::{Control, failure, fleet};

/// Pause between two looks at workers of other replicas.
const LOOK: Duration = Duration::from_millis(100);

/// Waits up to `within` for the stage to converge; answers the last look, `None` when the stage has no pointer.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn wait(
    control: &Control,
    api: &str,
    stage: &str,
    within: Duration,
) -> Result<Option<Convergence>, AwsError> {
    let deadline = control.clock.now() + within;
    let mut changes = control.board.worker_changes();
    loop {
        changes.borrow_and_update();
        let Some(seen) = look(control, api, stage).await? else { return Ok(None) };
        let left = deadline.saturating_duration_since(control.clock.now());
        if seen.converged || left.is_zero() {
            return Ok(Some(seen));
        }
        // Elapsed, changed or closed: all that follows is another look.
        drop(tokio::time::timeout(left.min(LOOK), changes.changed()).await);
    }
}

async fn look(control: &Control, api: &str, stage: &str) -> Result<Option<Convergence>, AwsError> {
    let key = control.publisher.stage_key(api, stage);
    let row = control.store.pointer(key.kind as i64, &key.name).await.map_err(failure::store)?;
    let Some(row) = row.filter(|row| !row.removed) else { return Ok(None) };
    let members = fleet::members(control).await?;
    let live: Vec<WorkerStatus> =
        members.into_iter().filter(|member| member.live).map(|member| member.status).collect();
    let seen = converge(&live, &key, row.revision);
    // Nobody to serve it is not convergence.
    let converged = seen.converged && seen.workers > 0;
    Ok(Some(Convergence { converged, ..seen }))
}
