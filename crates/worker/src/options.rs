//! What a worker is told at start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use stagecoach_base::{Digest, limits};

use crate::lambda_endpoint::LambdaEndpoint;

/// Bytes of a log that wait unless told otherwise.
pub const LOG_BUFFER: usize = 8 * 1024 * 1024;

/// Options of a worker.
#[derive(Clone, Debug)]
pub struct Options {
    /// Clear-text listener.
    pub traffic: SocketAddr,
    /// TLS listener with its certificate chain and key, PEM.
    pub tls: Option<(SocketAddr, PathBuf, PathBuf)>,
    /// Listener of `/healthz`, `/readyz`, `/metrics`.
    pub status: SocketAddr,
    /// Threads that serve traffic, at least 1.
    pub cores: usize,
    /// Largest payload of a request, and of an answer that is not streamed, bytes.
    pub max_payload: usize,
    /// Where access log lines go; `None`: nowhere.
    pub access_log: Option<LogTarget>,
    /// Where execution log lines go; `None`: nowhere.
    pub execution_log: Option<LogTarget>,
    /// Bytes of a log that may wait for its destination; more is dropped.
    pub log_buffer: usize,
    /// Whoever brings it gets requests explained; `None`: nobody.
    pub explain_key: Option<ExplainKey>,
    /// How long requests in flight may take to finish once draining.
    pub drain: Duration,
    /// Name overrides.
    pub resolve: Vec<Resolve>,
    /// Who runs functions, first match wins. Named by the operator, so that they may be private addresses.
    pub lambda: Vec<LambdaEndpoint>,
    /// Allow private, loopback and link-local upstreams.
    pub allow_private: bool,
    /// How long a streamed answer may pause.
    pub stream_idle: StreamIdle,
    /// What the method cache may hold, bytes; 0: no method is cached.
    pub cache_bytes: u64,
    /// What one rendering of a mapping template may use.
    pub templates: stagecoach_vtl::Limits,
}

impl Options {
    /// What the method cache may hold unless told otherwise, bytes.
    pub const CACHE_BYTES: u64 = 128 * 1024 * 1024;

    /// Defaults around a clear-text and a status address.
    pub fn new(traffic: SocketAddr, status: SocketAddr) -> Self {
        Self {
            traffic,
            tls: None,
            status,
            cores: 1,
            max_payload: limits::PAYLOAD_BYTES,
            access_log: None,
            execution_log: None,
            log_buffer: LOG_BUFFER,
            explain_key: None,
            drain: Duration::from_secs(30),
            resolve: Vec::new(),
            lambda: Vec::new(),
            allow_private: false,
            stream_idle: StreamIdle::default(),
            cache_bytes: Self::CACHE_BYTES,
            templates: stagecoach_vtl::Limits::default(),
        }
    }
}

/// How long nothing may come of a streamed answer before it is broken off. Source: API Gateway developer guide, "Stream the
/// integration response": 30 s for edge-optimised APIs, 5 minutes for all others.
#[derive(Clone, Copy, Debug)]
pub struct StreamIdle {
    /// Of EDGE APIs.
    pub edge: Duration,
    /// Of REGIONAL and PRIVATE ones.
    pub other: Duration,
}

impl Default for StreamIdle {
    fn default() -> Self {
        Self { edge: Duration::from_secs(30), other: Duration::from_secs(5 * 60) }
    }
}

impl StreamIdle {
    /// That of an endpoint type.
    pub(crate) fn of(self, endpoint_type: &str) -> Duration {
        if endpoint_type == "EDGE" { self.edge } else { self.other }
    }
}

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, made if missing and followed when it is rotated, or a named pipe.
    File(PathBuf),
}

impl LogTarget {
    /// Reads `-` or `stdout`, `stderr`, `off` or a path; `None` for `off`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => None,
            "-" | "stdout" => Some(Self::Stdout),
            "stderr" => Some(Self::Stderr),
            path => Some(Self::File(path.into())),
        }
    }
}

impl fmt::Display for LogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::Stderr => f.write_str("standard error"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// The key of those who may ask what happened to a request. Only its digest is kept.
#[derive(Clone)]
pub struct ExplainKey(Digest);

impl ExplainKey {
    /// Characters of the shortest key.
    pub const SHORTEST: usize = 16;

    /// Takes a key; `None` for one that is too short to be a secret.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() >= Self::SHORTEST).then(|| Self(Digest::of(text.as_bytes())))
    }

    /// Whether `given` is the key, in constant time.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        self.0.is_same(&Digest::of(given))
    }
}

impl fmt::Debug for ExplainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExplainKey")
    }
}

/// An upstream name and the address it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// A name; with a leading dot every name below it.
    pub name: String,
    /// The address to connect to.
    pub address: IpAddr,
}

impl Resolve {
    /// Reads `NAME=ADDR`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, address) = text.split_once('=')?;
        Some(Self { name: name.to_ascii_lowercase(), address: address.parse().ok()? }).filter(|r| !r.name.is_empty())
    }

    /// Whether this override is for `host`.
    pub(crate) fn matches(&self, host: &str) -> bool {
        match self.name.strip_prefix('.') {
            Some(suffix) => {
                let below =
                    host.len().checked_sub(suffix.len()).and_then(|at| Some((host.get(at..)?, host.get(..at)?)));
                below.is_some_and(|(tail, head)| {
                    tail.eq_ignore_ascii_case(suffix) && (head.is_empty() || head.ends_with('.'))
                })
            }
            None => host.eq_ignore_ascii_case(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_starts_with_a_dot_stands_for_all_below_it() {
        let resolve = Resolve::parse(".example.test=127.0.0.1").unwrap();

        assert!(resolve.matches("a.EXAMPLE.test") && resolve.matches("example.test"));
        assert!(!resolve.matches("badexample.test") && !resolve.matches("a.test"));
        assert_eq!(Resolve::parse("a=b"), None);
    }

    #[test]
    fn streams_of_edge_apis_may_pause_for_less_long() {
        let seconds = ["EDGE", "REGIONAL", "PRIVATE"].map(|kind| StreamIdle::default().of(kind).as_secs());

        assert_eq!(seconds, [30, 300, 300]);
    }

    #[test]
    fn an_explain_key_is_long_and_is_not_printed() {
        let key = ExplainKey::new("0123456789abcdef").unwrap();

        assert!(key.is(b"0123456789abcdef") && !key.is(b"0123456789abcdeg") && !key.is(b""));
        assert!(ExplainKey::new("short").is_none());
        assert_eq!(format!("{key:?}"), "ExplainKey");
    }
}
