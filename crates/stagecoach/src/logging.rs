//! Logs: human-readable on a terminal, JSON lines otherwise, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging with a filter such as `info` or `stagecoach_worker=debug`.
pub(crate) fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).init();
    } else {
        builder.json().flatten_event(true).init();
    }
}
