//! One worker's stream, server side: greet, send what changed since its cursor, listen, notice when it is gone.
//!
//! Holds a cursor and nothing else, so whatever a slow worker missed is sent as one newest state (architecture §4.4).

use std::sync::Arc;
use std::time::Duration;

use stagecoach_base::Revision;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tonic::{Request, Status, Streaming};

use crate::board::{DrainOrder, Entry, PointerSet};
use crate::codec::MAX_POINTER;
use crate::roster::Ticket;
use crate::wire::from_control::Body as Say;
use crate::wire::from_worker::Body as Hear;
use crate::{Board, Outcome, PROTOCOL, tls, wire};

/// How long a new stream has to introduce itself.
const GREETING: Duration = Duration::from_secs(10);
/// Most pointer bytes in one update.
const UPDATE: usize = MAX_POINTER;

type Reply = Result<wire::FromControl, Status>;

/// What all streams of a server share.
pub(crate) struct Follower {
    board: Arc<Board>,
    heartbeat: Duration,
    identified: bool,
}

impl Follower {
    pub(crate) fn new(board: Arc<Board>, heartbeat: Duration, identified: bool) -> Arc<Self> {
        Arc::new(Self { board, heartbeat, identified })
    }
}

/// Reads the greeting, checks who it is, and starts the stream's task.
pub(crate) async fn accept(
    follower: Arc<Follower>,
    request: Request<Streaming<wire::FromWorker>>,
) -> Result<mpsc::Receiver<Reply>, Status> {
    let certificates = request.peer_certs();
    let mut inbound = request.into_inner();
    let first = timeout(GREETING, inbound.message()).await.map_err(|_| Status::deadline_exceeded("no hello"))??;
    let Some(Hear::Hello(hello)) = first.and_then(|message| message.body) else {
        return Err(Status::invalid_argument("a stream begins with hello"));
    };
    let id = hello.worker.as_ref().map_or("", |worker| worker.id.as_str());
    check(&follower, &hello, id)?;
    if follower.identified {
        let leaf = certificates.as_ref().and_then(|chain| chain.first());
        if !leaf.is_some_and(|leaf| tls::names_worker(leaf, id)) {
            tracing::warn!(worker.id = %id, "refused a worker whose certificate names another");
            return Err(Status::permission_denied(format!("the certificate is not worker {id}'s")));
        }
    }
    let board = &follower.board;
    let seated = board.roster().join(&hello, board.clock().wall());
    let ticket = seated.map_err(|refused| Status::already_exists(refused.to_string()))?;
    tracing::info!(worker.id = %ticket.worker, feed.watermark = hello.watermark, "worker connected");
    let (replies, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let stream = Stream::new(&follower, &hello, &ticket, &replies);
        let ended = stream.run(&hello, inbound).await;
        follower.board.roster().leave(&ticket);
        tracing::info!(worker.id = %ticket.worker, reason = %ended, "worker's stream ended");
    });
    Ok(receiver)
}

fn check(follower: &Follower, hello: &wire::Hello, id: &str) -> Result<(), Status> {
    if id.is_empty() || id.len() > 256 {
        return Err(Status::invalid_argument("a worker needs an id of at most 256 bytes"));
    }
    if hello.protocol != PROTOCOL {
        return Err(Status::failed_precondition(format!("protocol {} is not {PROTOCOL}", hello.protocol)));
    }
    if follower.board.drained().borrow().is_some() {
        return Err(Status::unavailable("this control plane is draining"));
    }
    Ok(())
}

/// Why a stream ended; for the log.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the worker closed it")]
    Closed,
    #[error("the connection failed: {0}")]
    Broken(Status),
    #[error("no heartbeat")]
    Silent,
    #[error("told to go: {0}")]
    Sent(String),
    #[error("{0}")]
    Refused(&'static str),
}

struct Stream<'a> {
    follower: &'a Follower,
    ticket: &'a Ticket,
    replies: &'a mpsc::Sender<Reply>,
    scope: String,
    set: watch::Receiver<Arc<PointerSet>>,
    epoch: Arc<str>,
    cursor: Revision,
}

impl<'a> Stream<'a> {
    fn new(follower: &'a Follower, hello: &wire::Hello, ticket: &'a Ticket, replies: &'a mpsc::Sender<Reply>) -> Self {
        let mut set = follower.board.subscribe();
        let epoch = Arc::clone(&set.borrow_and_update().epoch);
        Self { follower, ticket, replies, scope: hello.scope.clone(), set, epoch, cursor: hello.watermark }
    }

    async fn run(mut self, hello: &wire::Hello, mut inbound: Streaming<wire::FromWorker>) -> Ended {
        match self.converse(hello, &mut inbound).await {
            Err(ended) => ended,
            Ok(order) => {
                let drain = wire::Drain { within_ms: order.within_ms, reason: order.reason.clone() };
                match self.say(Say::Drain(drain)).await {
                    Ok(()) => Ended::Sent(order.reason),
                    Err(ended) => ended,
                }
            }
        }
    }

    /// Runs until the worker must be told to go.
    async fn converse(
        &mut self,
        hello: &wire::Hello,
        inbound: &mut Streaming<wire::FromWorker>,
    ) -> Result<DrainOrder, Ended> {
        self.welcome(hello).await?;
        let beat = self.follower.heartbeat;
        let mut drain = self.follower.board.drained();
        let mut pings = interval(beat);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deadline = Instant::now() + beat * 3;
        loop {
            tokio::select! {
                changed = self.set.changed() => {
                    changed.map_err(|_| Ended::Closed)?;
                    if let Some(order) = self.catch_up().await? {
                        return Ok(order);
                    }
                }
                message = inbound.message() => {
                    let message = message.map_err(Ended::Broken)?.ok_or(Ended::Closed)?;
                    deadline = Instant::now() + beat * 3;
                    self.hear(message).await?;
                }
                _ = pings.tick() => self.ping().await?,
                () = sleep_until(deadline) => return Err(Ended::Silent),
                () = self.ticket.replaced.cancelled() => {
                    return Ok(DrainOrder { reason: "a later incarnation of this worker connected".into(), within_ms: 15_000 });
                }
                order = ordered(&mut drain) => return order.ok_or(Ended::Closed),
            }
        }
    }

    async fn welcome(&mut self, hello: &wire::Hello) -> Result<(), Ended> {
        let set = self.set.borrow_and_update().clone();
        let known = hello.epoch == *set.epoch && hello.watermark > 0;
        let full = !known
            || hello.watermark < set.horizon
            || self.follower.board.drifted(&self.scope, hello.watermark, &hello.state_digest);
        let beat = u32::try_from(self.follower.heartbeat.as_millis()).unwrap_or(u32::MAX);
        self.say(Say::Welcome(wire::Welcome {
            epoch: set.epoch.to_string(),
            head: set.head,
            full,
            heartbeat_ms: beat,
            stale_after_ms: beat.saturating_mul(3),
            control_id: self.follower.board.control_id().to_owned(),
            keys: Vec::new(),
            live_workers: self.follower.board.live_workers(),
        }))
        .await?;
        self.cursor = if full { 0 } else { hello.watermark };
        self.send_since(&set, full).await
    }

    /// Sends the newest state, unless the epoch changed under the stream: then the worker must greet again.
    async fn catch_up(&mut self) -> Result<Option<DrainOrder>, Ended> {
        let set = self.set.borrow_and_update().clone();
        if set.epoch != self.epoch {
            return Ok(Some(DrainOrder { reason: "the epoch changed".into(), within_ms: 0 }));
        }
        if set.head > self.cursor {
            self.send_since(&set, false).await?;
        }
        Ok(None)
    }

    async fn send_since(&mut self, set: &PointerSet, full: bool) -> Result<(), Ended> {
        let wanted = set.since(self.cursor).iter().filter(|entry| entry.key.name.starts_with(&self.scope));
        let mut update = wire::Update { revision: set.head, ..wire::Update::default() };
        let mut size = 0;
        for entry in wanted.filter(|entry| !full || entry.message.is_some()) {
            if size > 0 && size + entry.size > UPDATE {
                let next = wire::Update { revision: set.head, ..wire::Update::default() };
                self.say(Say::Update(std::mem::replace(&mut update, next))).await?;
                size = 0;
            }
            size += entry.size;
            push(&mut update, entry);
        }
        update.complete = true;
        self.cursor = self.cursor.max(set.head);
        self.say(Say::Update(update)).await
    }

    async fn hear(&self, message: wire::FromWorker) -> Result<(), Ended> {
        let board = &self.follower.board;
        let now = board.clock().wall();
        match message.body {
            Some(Hear::Heartbeat(beat)) => {
                board.roster().heartbeat(self.ticket, &beat, now);
                if beat.watermark == self.cursor && board.drifted(&self.scope, beat.watermark, &beat.state_digest) {
                    tracing::warn!(worker.id = %self.ticket.worker, feed.watermark = beat.watermark, "worker drifted");
                    drop(self.replies.send(Err(Status::data_loss("drift: synchronise in full"))).await);
                    return Err(Ended::Refused("its state drifted"));
                }
            }
            Some(Hear::Report(report)) => {
                let outcomes = report.outcomes.into_iter().filter_map(|outcome| Outcome::try_from(outcome).ok());
                board.roster().report(self.ticket, report.watermark, outcomes.collect(), now);
            }
            Some(Hear::Hello(_)) => return Err(Ended::Refused("it said hello twice")),
            None => {}
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), Ended> {
        let head = self.set.borrow().head;
        self.say(Say::Ping(wire::Ping { head, live_workers: self.follower.board.live_workers() })).await
    }

    async fn say(&self, body: Say) -> Result<(), Ended> {
        self.replies.send(Ok(wire::FromControl { body: Some(body) })).await.map_err(|_| Ended::Closed)
    }
}

/// Its own function, so that the watch's guard is not held across an await of the caller.
async fn ordered(drain: &mut watch::Receiver<Option<DrainOrder>>) -> Option<DrainOrder> {
    drain.wait_for(Option::is_some).await.ok().and_then(|order| order.clone())
}

fn push(update: &mut wire::Update, entry: &Entry) {
    match &entry.message {
        Some(pointer) => update.upserts.push(pointer.clone()),
        None => update.removes.push(wire::PointerKey::from(&entry.key)),
    }
}
