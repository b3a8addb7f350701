//! The worker's side: start from disk, follow a control plane, make pointers ready and install them, report.
//!
//! Runs on the configuration runtime and hands everything it brings to a [`Sink`]; it must not know what a snapshot is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stagecoach_base::{Entropy, Revision};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cache::Cache;
use crate::{ClientTls, Sink, TrustedKeys};

mod connection;
mod settle;
mod state;

use connection::Connection;
pub(crate) use state::State;

/// Who a worker says it is.
#[derive(Clone, Debug, Default)]
pub struct WorkerIdentity {
    /// Unique in the fleet; its certificate names it.
    pub id: String,
    /// New per process start.
    pub incarnation: String,
    /// Program version.
    pub version: String,
    /// Where it runs.
    pub zone: String,
    /// Whatever its operator says of it.
    pub labels: BTreeMap<String, String>,
    /// Unix milliseconds.
    pub started_ms: u64,
}

/// Waiting between attempts: doubles from `first` to `most`, each wait a random share of it.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Before the second attempt.
    pub first: Duration,
    /// At most.
    pub most: Duration,
    /// Health for so long starts over.
    pub reset_after: Duration,
}

impl Default for Backoff {
    /// 100 ms to 15 s, over again after a minute of health (architecture §4.4).
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(15), reset_after: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait before attempt `attempt` (0 for the first retry): half to all of the doubled time.
    pub(crate) fn wait(&self, attempt: u32, entropy: &dyn Entropy) -> Duration {
        let whole = self.first.saturating_mul(1 << attempt.min(16)).min(self.most);
        let share = entropy.next_u64() % 1024;
        whole / 2 + (whole / 2).mul_f64(share as f64 / 1024.0)
    }
}

/// What a session needs to know.
pub struct SessionConfig {
    /// `http(s)://host:port` of control-plane replicas, tried in turn.
    pub control_planes: Vec<String>,
    /// Identity and trust; `None` is clear text.
    pub tls: Option<ClientTls>,
    /// Keys whose pointers are believed.
    pub trusted: TrustedKeys,
    /// Who this is.
    pub identity: WorkerIdentity,
    /// Prefix of the pointer names wanted; empty for everything.
    pub scope: String,
    /// The disk cache.
    pub state_dir: PathBuf,
    /// Snapshot formats that can be loaded.
    pub plan_formats: Vec<u32>,
    /// Between connections.
    pub backoff: Backoff,
}

/// How the session is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether a control plane is followed right now.
    pub connected: bool,
    /// Whether a whole state was installed since the start, from disk or from a control plane.
    pub complete: bool,
    /// Everything up to this revision is settled.
    pub watermark: Revision,
    /// The newest revision heard of.
    pub head: Revision,
    /// Pointers held.
    pub pointers: usize,
    /// Those whose newest revision does not serve.
    pub rejected: usize,
}

/// What the disk cache held at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Pointers installed.
    pub installed: usize,
    /// Pointers that could not be loaded.
    pub failed: usize,
}

/// Watches and steers a running session.
#[derive(Clone)]
pub struct Handle {
    status: watch::Receiver<Status>,
    counters: Arc<Counters>,
}

#[derive(Default)]
pub(crate) struct Counters {
    fetched_bytes: AtomicU64,
    draining: AtomicBool,
}

impl Counters {
    pub(crate) fn fetched(&self, bytes: u64) {
        self.fetched_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

impl Handle {
    /// The latest status; changes wake the receiver.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Uncompressed bytes of blobs fetched from control planes since the start.
    pub fn fetched_bytes(&self) -> u64 {
        self.counters.fetched_bytes.load(Ordering::Relaxed)
    }

    /// Says in heartbeats that this worker is going away.
    pub fn drain(&self) {
        self.counters.draining.store(true, Ordering::Relaxed);
    }
}

/// What all parts of a session share.
pub(crate) struct Shared {
    pub(crate) config: SessionConfig,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) cache: Cache,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) status: watch::Sender<Status>,
}

/// A worker's session with its control planes.
pub struct Session {
    shared: Arc<Shared>,
    state: State,
}

impl Session {
    /// Prepares a session; nothing is read or connected yet but the folder of the cache, which is made.
    ///
    /// # Errors
    /// When the state folder cannot be made.
    pub fn new(
        config: SessionConfig,
        sink: Arc<dyn Sink>,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<(Self, Handle)> {
        let cache = Cache::open(&config.state_dir)?;
        let (status, watched) = watch::channel(Status::default());
        let counters = Arc::<Counters>::default();
        let handle = Handle { status: watched, counters: Arc::clone(&counters) };
        let shared = Arc::new(Shared { config, sink, cache, entropy, counters, status });
        Ok((Self { shared, state: State::default() }, handle))
    }

    /// Installs what the disk cache holds. Every signature and digest is checked again.
    pub async fn load(&mut self) -> LoadReport {
        let Some(saved) = self.shared.cache.state() else { return LoadReport::default() };
        let (state, pointers) = State::restore(saved, &self.shared.config.trusted);
        let complete = state.watermark > 0;
        self.state = state;
        let mut report = LoadReport::default();
        let mut batch = Vec::new();
        for signed in pointers {
            match settle::settle(&self.shared, None, &signed.pointer).await {
                Ok(prepared) => {
                    self.state.restored(&signed);
                    batch.push(prepared);
                    report.installed += 1;
                }
                Err(outcome) => {
                    tracing::warn!(pointer = %signed.pointer.key, reason = %outcome.message, "cannot load from disk");
                    self.state.forget_watermark();
                    report.failed += 1;
                }
            }
        }
        self.shared.sink.install(batch, &[]);
        self.state.publish(&self.shared.status, |status| status.complete = complete && report.failed == 0);
        report
    }

    /// Follows control planes until `stop`: connects, waits with jitter, connects to the next one.
    pub async fn run(mut self, stop: CancellationToken) {
        let (mut attempt, mut turn) = (0u32, 0usize);
        while !stop.is_cancelled() {
            let started = tokio::time::Instant::now();
            let planes = &self.shared.config.control_planes;
            let Some(url) = planes.get(turn % planes.len().max(1)).cloned() else { return };
            let ended = tokio::select! {
                ended = Connection::run(&self.shared, &mut self.state, &url) => ended,
                () = stop.cancelled() => return,
            };
            self.state.publish(&self.shared.status, |status| status.connected = false);
            tracing::info!(control.url = %url, reason = %ended, "the feed ended; serving what is here");
            if started.elapsed() >= self.shared.config.backoff.reset_after {
                attempt = 0;
            }
            let wait = self.shared.config.backoff.wait(attempt, self.shared.entropy.as_ref());
            (attempt, turn) = (attempt.saturating_add(1), turn.wrapping_add(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
