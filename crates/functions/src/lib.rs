//! The Lambda-compatible function host.
