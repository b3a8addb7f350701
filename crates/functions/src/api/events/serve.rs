//! Claiming events: finds what is due, starts what there is room for, and keeps the claims of what runs.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use stagecoach_store::{StoreError, Waiting};
use tokio_util::sync::CancellationToken;

use super::Queue;
use super::schedule::millis;
use crate::api::Functions;

/// Longest time between two looks at a queue that has events, and at one that has none: other hosts may have added some that
/// they had no room for. A host that is alone hears of all events itself.
const BUSY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);
const ALONE: Duration = Duration::from_secs(60);
impl Functions {
    /// Runs events until `stop`, then waits for those that run, and gives back what is left. Events that are accepted while no
    /// host does this wait in the store.
    pub async fn serve_events(self: Arc<Self>, stop: CancellationToken) {
        let queue = &self.events;
        if queue.options.alone {
            self.release(None).await;
        }
        queue.state().runner = Arc::downgrade(&self);
        let work = async {
            self.claim_until(&stop).await;
            queue.state().runner = Weak::new();
            queue.tasks.close();
            queue.tasks.wait().await;
        };
        tokio::select! {
            () = work => {}
            () = self.renew() => {}
        }
        self.release(Some(&queue.holder)).await;
    }

    async fn release(&self, holder: Option<&str>) {
        match self.parts.store.release_events(holder, self.parts.clock.wall().0).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "events were given back to the queue"),
            Err(error) => {
                tracing::warn!(%error, "claims on events could not be given back; they run out by themselves")
            }
        }
    }

    /// Keeps the claims of what runs here, for ever.
    async fn renew(&self) {
        let queue = &self.events;
        loop {
            tokio::time::sleep(queue.options.lease / 3).await;
            if let Err(error) = self.renew_now(self.parts.clock.wall().0).await {
                tracing::warn!(%error, "claims on events could not be renewed");
            }
        }
    }

    async fn renew_now(&self, now: i64) -> Result<(), StoreError> {
        let queue = &self.events;
        let running: Vec<String> = queue.state().running.keys().cloned().collect();
        let until = now.saturating_add(millis(queue.options.lease));
        self.parts.store.renew_events(&queue.holder, &running, until).await?;
        queue.state().renewed = now;
        Ok(())
    }

    /// Renews first what may otherwise seem free at `now`: the machine slept, or the database was away. A claim that ran out
    /// and that nobody took is renewed, too.
    async fn renew_if_late(&self, now: i64) -> Result<(), StoreError> {
        let late = now.saturating_sub(self.events.state().renewed) > millis(self.events.options.lease) / 2;
        if late { self.renew_now(now).await } else { Ok(()) }
    }

    async fn claim_until(self: &Arc<Self>, stop: &CancellationToken) {
        loop {
            let wait = match self.claim(stop).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "the queue of events cannot be read");
                    BUSY
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.events.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Claims what is due and there is room for; answers when to look again.
    async fn claim(self: &Arc<Self>, stop: &CancellationToken) -> Result<Duration, StoreError> {
        let (queue, store) = (&self.events, &self.parts.store);
        loop {
            // Before looking for room: room that is given back after this wakes the loop.
            queue.behind.store(true, Ordering::Relaxed);
            if queue.slots.available_permits() == 0 {
                return Ok(self.soon(BUSY));
            }
            let now = self.parts.clock.wall().0;
            self.renew_if_late(now).await?;
            let waiting = store.waiting_events().await?;
            let (due, later) = queue.plan(&waiting, now);
            queue.behind.store(!due.is_empty(), Ordering::Relaxed);
            let mut claimed = 0;
            for (nth, function) in due.iter().enumerate() {
                if stop.is_cancelled() {
                    return Ok(BUSY);
                }
                let free = queue.slots.available_permits();
                claimed += self.claim_of(function, now, free.div_ceil(due.len() - nth)).await?;
            }
            if claimed == 0 {
                // What is due and was not claimed, others were about to claim.
                let bound = match (due.is_empty(), waiting.is_empty()) {
                    (false, _) => BUSY / 4,
                    _ if queue.options.alone => ALONE,
                    (true, false) => BUSY,
                    (true, true) => IDLE,
                };
                let later = later.map(|at| Duration::from_millis(at.saturating_sub(now).max(1).unsigned_abs()));
                let bound = self.soon(bound);
                return Ok(later.map_or(bound, |later| later.min(bound)));
            }
        }
    }

    /// Claims and starts at most `share` events of a function; answers how many.
    async fn claim_of(self: &Arc<Self>, function: &str, now: i64, share: usize) -> Result<usize, StoreError> {
        let queue = &self.events;
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        // Meanwhile an event that was just accepted may have taken the room.
        let Some(mut slots) = Arc::clone(&queue.slots).try_acquire_many_owned(share).ok().filter(|_| share > 0) else {
            return Ok(0);
        };
        // `now` is when claims were known to be fresh; this one counts from here.
        let until = self.parts.clock.wall().0.saturating_add(millis(queue.options.lease));
        let claimed = self.parts.store.claim_events(&queue.holder, function, now, until, share).await?;
        let count = claimed.len();
        for claimed in claimed {
            if let Some(slot) = slots.split(1) {
                queue.started(Arc::clone(self), claimed, slot);
            }
        }
        Ok(count)
    }

    /// About this long: hosts that started together do not look together.
    fn soon(&self, about: Duration) -> Duration {
        let parts = u32::try_from(self.parts.entropy.next_u64() % 256).unwrap_or_default();
        about * 3 / 4 + about / 512 * parts
    }
}

impl Queue {
    pub(super) fn pause(&self, function: &str, until: i64) {
        self.state().paused.insert(function.to_owned(), until);
    }

    /// The functions to claim for at `now` (Unix ms), those with the least running here first, and when the next thing is due.
    fn plan(&self, waiting: &[Waiting], now: i64) -> (Vec<String>, Option<i64>) {
        let mut state = self.state();
        state.paused.retain(|_, until| *until > now);
        let mut busy: HashMap<&str, usize> = HashMap::new();
        for running in state.running.values() {
            *busy.entry(&running.function).or_default() += 1;
        }
        let (mut due, mut later) = (Vec::new(), None::<i64>);
        for Waiting { function, due: at } in waiting {
            let at = state.paused.get(function).map_or(*at, |until| (*until).max(*at));
            if at <= now {
                due.push(function.clone());
            } else {
                later = Some(later.map_or(at, |earlier| earlier.min(at)));
            }
        }
        due.sort_by_key(|function| busy.get(function.as_str()).copied().unwrap_or_default());
        (due, later)
    }
}
