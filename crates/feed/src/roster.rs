//! Who follows this replica: the latest word of every worker, and which stream speaks for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use stagecoach_base::{Revision, UnixMillis};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Outcome, OutcomeKind, PointerKey, wire};

/// How long a worker that left is still listed.
const FORGET_MS: i64 = 60 * 60 * 1000;
/// Most non-applied outcomes kept of one worker.
const MAX_OUTCOMES: usize = 10_000;

/// The latest word of a worker, as the fleet endpoint shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkerStatus {
    /// Its id.
    pub id: String,
    /// New per process start.
    pub incarnation: String,
    /// Program version.
    pub version: String,
    /// Where it runs.
    pub zone: String,
    /// Whatever its operator said of it.
    pub labels: BTreeMap<String, String>,
    /// Prefix of the pointer names it follows.
    pub scope: String,
    /// Where other workers reach it.
    pub peer_address: String,
    /// When its process started, Unix milliseconds.
    pub started_ms: u64,
    /// Whether its stream is open here and its heartbeats arrive.
    pub connected: bool,
    /// Everything up to this revision is settled there.
    pub watermark: Revision,
    /// When it was last heard, Unix milliseconds.
    pub last_heartbeat_ms: i64,
    /// Requests it was serving then.
    pub in_flight: u64,
    /// Whether it is going away.
    pub draining: bool,
    /// Pointers it did not apply, and why.
    pub outcomes: Vec<Outcome>,
}

/// The id is in use by a process that started later.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a later incarnation of worker {0} is connected")]
pub(crate) struct Superseded(pub(crate) String);

/// A stream's right to speak for a worker, until `replaced` is cancelled.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) worker: String,
    pub(crate) replaced: CancellationToken,
    number: u64,
}

#[derive(Default)]
pub(crate) struct Roster {
    members: Mutex<Members>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Members {
    next: u64,
    by_id: BTreeMap<String, Member>,
}

#[derive(Default)]
struct Member {
    status: WorkerStatus,
    outcomes: BTreeMap<PointerKey, Outcome>,
    stream: Option<(u64, CancellationToken)>,
}

impl Roster {
    /// Seats a stream. The earlier stream of the same worker is told to go, unless its process started later.
    pub(crate) fn join(&self, hello: &wire::Hello, now: UnixMillis) -> Result<Ticket, Superseded> {
        let worker = hello.worker.clone().unwrap_or_default();
        let mut members = self.lock();
        members.by_id.retain(|_, m| m.stream.is_some() || now.0 - m.status.last_heartbeat_ms < FORGET_MS);
        members.next += 1;
        let number = members.next;
        let member = members.by_id.entry(worker.id.clone()).or_default();
        if let Some((_, token)) = &member.stream {
            let other = member.status.incarnation != worker.incarnation;
            if other && member.status.started_ms > worker.started_ms {
                return Err(Superseded(worker.id));
            }
            token.cancel();
        }
        let ticket = Ticket { worker: worker.id.clone(), replaced: CancellationToken::new(), number };
        member.stream = Some((number, ticket.replaced.clone()));
        member.outcomes.clear();
        member.status = introduced(worker, hello, now);
        drop(members);
        self.touch();
        Ok(ticket)
    }

    pub(crate) fn heartbeat(&self, ticket: &Ticket, beat: &wire::Heartbeat, now: UnixMillis) {
        self.update(ticket, |member| {
            member.status.watermark = beat.watermark;
            member.status.in_flight = beat.inflight;
            member.status.draining = beat.draining;
            member.status.last_heartbeat_ms = now.0;
        });
    }

    pub(crate) fn report(&self, ticket: &Ticket, watermark: Revision, outcomes: Vec<Outcome>, now: UnixMillis) {
        self.update(ticket, |member| {
            member.status.watermark = watermark;
            member.status.last_heartbeat_ms = now.0;
            for outcome in outcomes {
                if outcome.result == OutcomeKind::Applied {
                    member.outcomes.remove(&outcome.key);
                } else if member.outcomes.len() < MAX_OUTCOMES || member.outcomes.contains_key(&outcome.key) {
                    member.outcomes.insert(outcome.key.clone(), outcome);
                }
            }
        });
    }

    pub(crate) fn leave(&self, ticket: &Ticket) {
        self.update(ticket, |member| {
            member.stream = None;
            member.status.connected = false;
        });
    }

    pub(crate) fn list(&self) -> Vec<WorkerStatus> {
        let members = self.lock();
        let full = |m: &Member| WorkerStatus { outcomes: m.outcomes.values().cloned().collect(), ..m.status.clone() };
        members.by_id.values().map(full).collect()
    }

    pub(crate) fn live(&self) -> u32 {
        let live = self.lock().by_id.values().filter(|member| member.status.connected).count();
        u32::try_from(live).unwrap_or(u32::MAX)
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Only the stream that holds the seat may change what it says.
    fn update(&self, ticket: &Ticket, change: impl FnOnce(&mut Member)) {
        let mut members = self.lock();
        let Some(member) = members.by_id.get_mut(&ticket.worker) else { return };
        if member.stream.as_ref().is_none_or(|(number, _)| *number != ticket.number) {
            return;
        }
        change(member);
        drop(members);
        self.touch();
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn introduced(worker: wire::Worker, hello: &wire::Hello, now: UnixMillis) -> WorkerStatus {
    WorkerStatus {
        id: worker.id,
        incarnation: worker.incarnation,
        version: worker.version,
        zone: worker.zone,
        labels: worker.labels.into_iter().collect(),
        scope: hello.scope.clone(),
        peer_address: worker.peer_address,
        started_ms: worker.started_ms,
        connected: true,
        watermark: hello.watermark,
        last_heartbeat_ms: now.0,
        in_flight: 0,
        draining: false,
        outcomes: Vec::new(),
    }
}
