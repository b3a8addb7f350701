//! SIGTERM and SIGINT: both mean "drain and stop". SIGHUP: log files were rotated.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first SIGTERM or SIGINT.
///
/// # Errors
/// When the handlers cannot be installed.
pub(crate) fn stop_token() -> anyhow::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let token = CancellationToken::new();
    let stop = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in flight are finished first");
        stop.cancel();
    });
    Ok(token)
}

/// SIGHUPs, which no longer end the process.
///
/// # Errors
/// When the handler cannot be installed.
pub(crate) fn on_hangup() -> anyhow::Result<tokio::signal::unix::Signal> {
    signal(SignalKind::hangup()).context("cannot listen for SIGHUP")
}
