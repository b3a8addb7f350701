//! `stagecoach pki`: certificates and signing keys between the planes.

use stagecoach_base::Clock;
use stagecoach_feed::pki;

use crate::cli::Pki;
use crate::system::{SystemClock, SystemEntropy};

/// Makes a directory of identities, or a worker's certificate in it.
///
/// # Errors
/// When files exist already or cannot be written.
pub(crate) fn run(command: Pki) -> anyhow::Result<()> {
    let now = SystemClock.wall();
    match command {
        Pki::Init { dir, names } => pki::init(&dir, &names, now, &SystemEntropy)?,
        Pki::Worker { dir, id } => pki::issue_worker(&dir, &id, now)?,
    }
    Ok(())
}
