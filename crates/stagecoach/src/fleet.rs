//! `stagecoach fleet`: who follows, as the database knows it.

use std::io::Write;

use stagecoach_base::Clock;
use stagecoach_feed::WorkerStatus;

use crate::cli::Fleet;
use crate::compose;
use crate::system::SystemClock;

/// Shows the fleet.
///
/// # Errors
/// When the database does not answer.
pub(crate) fn run(command: Fleet) -> anyhow::Result<()> {
    let Fleet::Status { database } = command;
    compose::runtime()?.block_on(status(&database.database_url))
}

async fn status(url: &str) -> anyhow::Result<()> {
    let store = compose::store(url, 1).await?;
    let (head, now, mut out) = (store.revision().await?, SystemClock.wall().0, std::io::stdout());
    writeln!(
        out,
        "{:<24} {:<24} {:>10} {:>8} {:>8}  state",
        "WORKER", "CONTROL PLANE", "WATERMARK", "BEHIND", "SEEN s"
    )?;
    for row in store.workers().await? {
        let Ok(worker) = serde_json::from_str::<WorkerStatus>(&row.rejected) else { continue };
        let state = match (worker.connected, worker.draining) {
            (true, false) => "following",
            (true, true) => "draining",
            (false, _) => "gone",
        };
        let (behind, seen) = (head.saturating_sub(row.watermark), (now - row.seen) / 1000);
        writeln!(out, "{:<24} {:<24} {:>10} {behind:>8} {seen:>8}  {state}", row.id, row.control_id, row.watermark)?;
        for outcome in worker.outcomes {
            writeln!(
                out,
                "  refused {} at {}: {:?} {}",
                outcome.key, outcome.revision, outcome.result, outcome.message
            )?;
        }
    }
    Ok(())
}
