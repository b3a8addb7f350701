//! Invocations that nobody waits for: `InvocationType: Event`. An event is in the store before its client hears of it; the host
//! that took it in starts it at once if it has room, and any host over the same store runs what is left.

mod record;
mod run;
mod schedule;
mod serve;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use stagecoach_base::{Clock, Entropy, id};
use stagecoach_store::{Backlog, Claimed, NewEvent, Store, StoreError, Tried};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Functions;
use super::documents::Cx;
use super::invoke::refused;
use crate::errors::{Code, LambdaError};
use crate::model::Target;
use crate::{Invocation, InvokeError, ThrottleReason};

/// How a host keeps and runs events.
#[derive(Clone, Debug)]
pub struct EventOptions {
    /// Events in the queue at most, over all functions; what comes on top is throttled. Hosts count for themselves and look at
    /// each other's events every few seconds, so several may pass it by what they accept meanwhile.
    pub queued: u64,
    /// Events this host runs at once.
    pub running: usize,
    /// Waits before the second and the third try of an event whose function failed [D: one and two minutes].
    pub retry_delays: [Duration; 2],
    /// How long a claim holds without being renewed: what a killed host was running, another takes after that long. Hosts' clocks
    /// have to agree better than this.
    pub lease: Duration,
    /// No other host works on the store: what is claimed when this one starts, one that died left behind.
    pub alone: bool,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            queued: 100_000,
            running: 100,
            retry_delays: [Duration::from_secs(60), Duration::from_secs(120)],
            lease: Duration::from_secs(30),
            alone: false,
        }
    }
}

/// The queue of all hosts, and what this one does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventStatus {
    /// Events in the queue, running ones included.
    pub queued: u64,
    /// How long ago the oldest of them was accepted; zero when there is none.
    pub oldest: Duration,
    /// Events that this host runs.
    pub running: usize,
    /// Events that this host gave up since it started.
    pub given_up: u64,
}

impl Functions {
    /// How the queue of events is. Counts it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn event_status(&self) -> Result<EventStatus, LambdaError> {
        let backlog = self.parts.store.event_backlog().await?;
        let now = self.parts.clock.wall().0;
        let oldest = backlog.iter().map(|function| now.saturating_sub(function.oldest)).max().unwrap_or_default();
        Ok(EventStatus {
            queued: backlog.iter().map(|function| function.events).sum(),
            oldest: Duration::from_millis(u64::try_from(oldest).unwrap_or_default()),
            running: self.events.state().running.len(),
            given_up: self.events.given_up.load(Ordering::Relaxed),
        })
    }
}

/// How long counts of the queue are trusted.
const COUNTED: Duration = Duration::from_secs(5);
/// A function may hold this many times the room that is left, so one alone fills eight ninths of the queue and the rest stays
/// for others (dynamic thresholds, as in shared switch buffers).
const SHARE: u64 = 8;

/// A host's part in the queue.
pub(crate) struct Queue {
    options: EventOptions,
    /// Who claims: this start of this host.
    holder: String,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
    /// There may be more due than this host has room for: what is accepted now waits its turn, and room that is given back is told.
    behind: AtomicBool,
    /// Something changed that may be due.
    wake: Notify,
    given_up: AtomicU64,
    tasks: TaskTracker,
}

#[derive(Default)]
struct State {
    /// What runs events; nothing before [`Functions::serve_events`] and after it.
    runner: Weak<Functions>,
    /// Events that run here, by id.
    running: HashMap<String, Running>,
    /// When claims were last renewed, Unix ms.
    renewed: i64,
    /// Functions that were throttled, and until when (Unix ms) they are left alone.
    paused: HashMap<String, i64>,
    /// Events in the queue as far as this host knows, and since when.
    counted: Option<Instant>,
    total: u64,
    of: HashMap<String, u64>,
}

/// An event that runs here.
struct Running {
    function: String,
    /// A later claim of the same event by this host, which its run takes over when it ends.
    again: Option<Claimed>,
}

impl State {
    fn count(&mut self, function: &str) {
        self.total += 1;
        *self.of.entry(function.to_owned()).or_default() += 1;
    }
}

/// A place among the events that run here; given back when dropped.
struct Place {
    queue: Arc<Queue>,
    id: String,
    /// Whether the event is still listed as running by this place.
    listed: bool,
    slot: Option<OwnedSemaphorePermit>,
    /// Whoever waits for the end of all events waits for this one.
    _token: TaskTrackerToken,
}

impl Place {
    /// A later claim of the event, if this host took one while it ran; else the event no longer runs here.
    fn again(&mut self) -> Option<Claimed> {
        let mut state = self.queue.state();
        let again = state.running.get_mut(&self.id).and_then(|running| running.again.take());
        if again.is_none() {
            state.running.remove(&self.id);
            self.listed = false;
        }
        again
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.listed {
            self.queue.state().running.remove(&self.id);
        }
        // Before the loop is woken: it looks for room.
        drop(self.slot.take());
        if self.queue.behind.load(Ordering::Relaxed) {
            self.queue.wake.notify_one();
        }
    }
}

/// Takes an event in.
///
/// # Errors
/// 429 when the queue is full, 500 when the store fails: then nothing runs.
pub(super) async fn accept(cx: &Cx<'_>, target: Target, invocation: Invocation) -> Result<(), LambdaError> {
    let Functions { events, parts, .. } = cx.functions;
    events.refresh(&parts.store, parts.clock.now()).await;
    events.admit(&target.name).map_err(refused)?;
    let event = NewEvent {
        id: invocation.request_id,
        function: target.name,
        qualifier: target.qualifier.unwrap_or_default(),
        payload: invocation.payload.to_vec(),
        client_context: invocation.client_context.unwrap_or_default(),
        trace_id: invocation.trace_id.unwrap_or_default(),
        accepted: cx.now.0,
    };
    // A task of its own: a client that leaves must not leave a claimed event behind that nobody runs.
    let added = tokio::spawn(Arc::clone(events).add(parts.store.clone(), Arc::clone(&parts.clock), event)).await;
    added.map_err(|error| error.to_string()).and_then(|added| added.map_err(|error| error.to_string())).map_err(
        |error| {
            tracing::error!(%error, "an event could not be stored");
            LambdaError::new(Code::Service, "The service encountered an internal error.")
        },
    )
}

impl Queue {
    pub(super) fn new(options: EventOptions, entropy: &dyn Entropy) -> Arc<Self> {
        Arc::new(Self {
            holder: id::random(entropy, 20),
            slots: Arc::new(Semaphore::new(options.running.clamp(1, Semaphore::MAX_PERMITS))),
            state: Mutex::default(),
            behind: AtomicBool::new(false),
            wake: Notify::new(),
            given_up: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            options,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the queue again if that was long ago. A store that fails leaves the old counts.
    async fn refresh(&self, store: &Store, now: Instant) {
        {
            let mut state = self.state();
            if state.counted.is_some_and(|at| now.saturating_duration_since(at) < COUNTED) {
                return;
            }
            state.counted = Some(now);
        }
        if let Ok(backlog) = store.event_backlog().await {
            let mut state = self.state();
            state.total = backlog.iter().map(|function| function.events).sum();
            state.of = backlog.into_iter().map(|Backlog { function, events, .. }| (function, events)).collect();
        }
    }

    /// Whether there is room for one more event of `function`; counts it.
    fn admit(&self, function: &str) -> Result<(), InvokeError> {
        let mut state = self.state();
        let room = self.options.queued.saturating_sub(state.total);
        let has = state.of.get(function).copied().unwrap_or_default();
        if room == 0 || has >= room.saturating_mul(SHARE) {
            return Err(InvokeError::Throttled(ThrottleReason::Concurrent));
        }
        state.count(function);
        Ok(())
    }

    /// One event more, whether there is room or not.
    fn count(&self, function: &str) {
        self.state().count(function);
    }

    /// An event has left the queue.
    fn leave(&self, function: &str) {
        let mut state = self.state();
        state.total = state.total.saturating_sub(1);
        if let Some(has) = state.of.get_mut(function) {
            *has = has.saturating_sub(1);
            if *has == 0 {
                state.of.remove(function);
            }
        }
    }

    /// Stores an event, and starts it if there is room here and nothing waits before it.
    async fn add(self: Arc<Self>, store: Store, clock: Arc<dyn Clock>, event: NewEvent) -> Result<(), StoreError> {
        let place = self.reserve(&event);
        let (holder, due) = match place {
            // From now on: routing and unpacking took their time since the event was accepted.
            Some(_) => {
                (Some(self.holder.as_str()), clock.wall().0.saturating_add(schedule::millis(self.options.lease)))
            }
            None => (None, event.accepted),
        };
        let added = store.add_event(&event, holder, due).await;
        if added.is_err() {
            self.leave(&event.function);
            return added;
        }
        match place {
            Some((runner, place)) => self.start(runner, Claimed { event, tried: Tried::default(), claims: 1 }, place),
            None => self.wake.notify_one(),
        }
        Ok(())
    }

    /// A place for an event that was just accepted.
    fn reserve(self: &Arc<Self>, event: &NewEvent) -> Option<(Arc<Functions>, Place)> {
        if self.behind.load(Ordering::Relaxed) {
            return None;
        }
        // Before the runner is taken: one that stops waits for every token.
        let token = self.tasks.token();
        let runner = {
            let state = self.state();
            if state.paused.get(&event.function).is_some_and(|until| *until > event.accepted) {
                return None;
            }
            state.runner.upgrade()?
        };
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some((runner, self.place(event, slot, token)?))
    }

    /// `None` when the event runs here already: it is not started twice.
    fn place(self: &Arc<Self>, event: &NewEvent, slot: OwnedSemaphorePermit, token: TaskTrackerToken) -> Option<Place> {
        let mut state = self.state();
        let Entry::Vacant(free) = state.running.entry(event.id.clone()) else { return None };
        free.insert(Running { function: event.function.clone(), again: None });
        Some(Place { queue: Arc::clone(self), id: event.id.clone(), listed: true, slot: Some(slot), _token: token })
    }

    /// Starts what was claimed; an event that runs here already is left to its run, which has lost its claim to this one.
    fn started(self: &Arc<Self>, runner: Arc<Functions>, claimed: Claimed, slot: OwnedSemaphorePermit) {
        if let Some(running) = self.state().running.get_mut(&claimed.event.id) {
            running.again = Some(claimed);
            return;
        }
        if let Some(place) = self.place(&claimed.event, slot, self.tasks.token()) {
            self.start(runner, claimed, place);
        }
    }

    /// The later claim that this host took on an event while it ran here.
    fn superseding(&self, id: &str) -> Option<i64> {
        let again = self.state().running.get_mut(id)?.again.take()?;
        Some(again.claims)
    }

    fn start(&self, runner: Arc<Functions>, claimed: Claimed, place: Place) {
        self.tasks.spawn(runner.run_event(claimed, place));
    }
}
