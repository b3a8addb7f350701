//! Who may run, and where: environments with free slots, and the counts behind AWS's two throttles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::environment::Environment;
use super::shelf::{Place, Shelf};
use crate::{Runnable, ThrottleReason};

/// How many invocations one environment takes at once, as AWS tells its runtimes (Lambda Managed Instances).
const MAX_CONCURRENCY: &str = "AWS_LAMBDA_MAX_CONCURRENCY";
/// Most of them: the host counts on no more.
const MOST_SLOTS: u32 = 1024;

/// How many invocations one environment of `runnable` serves at once: one, unless the function asks for more.
pub(super) fn slots(runnable: &Runnable) -> u32 {
    let asked = runnable.variables.get(MAX_CONCURRENCY).and_then(|count| count.parse().ok());
    asked.unwrap_or(1).clamp(1, MOST_SLOTS)
}

/// What an environment can serve.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    arn: String,
    version: String,
    revision: String,
}

impl Key {
    fn of(runnable: &Runnable) -> Self {
        let Runnable { arn, version, revision, .. } = runnable;
        Self { arn: arn.clone(), version: version.clone(), revision: revision.clone() }
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Pool {
    account: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    shelves: HashMap<Key, Shelf>,
    /// Numbers environments.
    next: u64,
    busy: HashMap<String, u32>,
    total: u32,
    /// Revision last invoked, by ARN and version: environments of others end.
    revisions: HashMap<(String, String), String>,
    /// Environments kept however long they are idle.
    provisioned: HashMap<Key, usize>,
}

/// Leave to run one invocation; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    pool: Arc<Pool>,
    arn: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.total = state.total.saturating_sub(1);
        if let Some(busy) = state.busy.get_mut(&self.arn) {
            *busy = busy.saturating_sub(1);
            if *busy == 0 {
                state.busy.remove(&self.arn);
            }
        }
    }
}

/// A slot of an environment, to be released.
#[derive(Debug)]
pub(super) struct Seat {
    key: Key,
    entry: u64,
}

/// A seat found, and environments that have to end.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) seat: Seat,
    pub(super) place: Place,
    pub(super) ending: Vec<Arc<Environment>>,
}

impl Pool {
    /// An empty pool for at most `account` invocations at once.
    pub(super) fn new(account: u32) -> Self {
        Self { account, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits an invocation of `runnable`, or says which limit is reached. A provisioned environment that waits serves
    /// also a function whose reserved concurrency is 0 (recorded: dependencies §3.4).
    pub(super) fn admit(
        self: &Arc<Self>,
        runnable: &Runnable,
        now: Instant,
    ) -> Result<(Permit, Found), ThrottleReason> {
        let key = Key::of(runnable);
        let mut state = self.state();
        let busy = state.busy.get(&key.arn).copied().unwrap_or_default();
        let ready = state.provisioned.contains_key(&key) && state.shelves.get(&key).is_some_and(Shelf::has_room);
        if runnable.reserved.is_some_and(|most| busy >= most) && !ready {
            return Err(ThrottleReason::Reserved);
        }
        if state.total >= self.account {
            return Err(ThrottleReason::Concurrent);
        }
        state.total += 1;
        *state.busy.entry(key.arn.clone()).or_default() += 1;
        let arn = key.arn.clone();
        let ending = state.supersede(&key);
        let found = state.find(key, slots(runnable), now, ending);
        drop(state);
        Ok((Permit { pool: self.clone(), arn }, found))
    }

    /// Another seat for an invocation that has leave to run: its first one went with its environment.
    pub(super) fn again(&self, runnable: &Runnable, now: Instant) -> Found {
        self.state().find(Key::of(runnable), slots(runnable), now, Vec::new())
    }

    /// A seat in an environment that has to be started, whatever else waits.
    pub(super) fn ahead(&self, runnable: &Runnable, now: Instant) -> Found {
        let mut state = self.state();
        let key = Key::of(runnable);
        let (entry, place) = state.add(&key, slots(runnable), now);
        Found { seat: Seat { key, entry }, place, ending: Vec::new() }
    }

    /// The environment of a seat that was [`Place::New`] has started.
    pub(super) fn started(&self, seat: &Seat, environment: Arc<Environment>) {
        if let Some(shelf) = self.state().shelves.get_mut(&seat.key) {
            shelf.started(seat.entry, environment);
        }
    }

    /// The environment of a seat that was [`Place::New`] did not come to be: whoever waits for it has no seat any more.
    pub(super) fn failed(&self, seat: &Seat) {
        self.state().on(&seat.key, |shelf| shelf.failed(seat.entry));
    }

    /// Gives a seat back; the environment if it has to end.
    pub(super) fn release(&self, seat: &Seat, now: Instant) -> Option<Arc<Environment>> {
        self.state().on(&seat.key, |shelf| shelf.release(seat.entry, now)).flatten()
    }

    /// Keeps `count` slots of `runnable` from now on; how many environments are missing.
    pub(super) fn keep(&self, runnable: &Runnable, count: usize) -> usize {
        let key = Key::of(runnable);
        let environments = count.div_ceil(usize::try_from(slots(runnable)).unwrap_or(usize::MAX));
        let mut state = self.state();
        let idle = state.shelves.get(&key).map_or(0, Shelf::idle);
        if count == 0 {
            state.provisioned.remove(&key);
        } else {
            state.provisioned.insert(key, environments);
        }
        environments.saturating_sub(idle)
    }

    /// Takes out what has been idle for longer than `idle`, or has died.
    pub(super) fn reclaim(&self, now: Instant, idle: Duration) -> Vec<Arc<Environment>> {
        let mut guard = self.state();
        let State { shelves, provisioned, .. } = &mut *guard;
        let mut ending = Vec::new();
        for (key, shelf) in shelves.iter_mut() {
            let keep = provisioned.get(key).copied().unwrap_or_default();
            ending.extend(shelf.reclaim(keep, |since| now.saturating_duration_since(since) >= idle));
        }
        shelves.retain(|_, shelf| !shelf.is_empty());
        ending
    }

    /// Takes out every idle environment of a function; the busy ones end after their invocations.
    pub(super) fn retire(&self, arn: &str) -> Vec<Arc<Environment>> {
        let mut state = self.state();
        state.revisions.retain(|(owner, _), _| owner != arn);
        state.provisioned.retain(|key, _| key.arn != arn);
        state.clear(|key| key.arn == arn)
    }

    /// How many environments there are, those that start or end among them.
    pub(super) fn environments(&self) -> usize {
        self.state().shelves.values().map(Shelf::len).sum()
    }

    /// Takes out everything idle; the rest ends after its invocations.
    pub(super) fn drain(&self) -> Vec<Arc<Environment>> {
        self.state().clear(|_| true)
    }
}

impl State {
    fn clear(&mut self, which: impl Fn(&Key) -> bool) -> Vec<Arc<Environment>> {
        let mut ending = Vec::new();
        for (_, shelf) in self.shelves.iter_mut().filter(|(key, _)| which(key)) {
            ending.extend(shelf.clear());
        }
        self.shelves.retain(|_, shelf| !shelf.is_empty());
        ending
    }

    /// Makes `key`'s revision the current one of its version; what waits of others is returned.
    fn supersede(&mut self, key: &Key) -> Vec<Arc<Environment>> {
        let version = (key.arn.clone(), key.version.clone());
        let before = self.revisions.insert(version, key.revision.clone());
        if before.is_none_or(|before| before == key.revision) {
            return Vec::new();
        }
        let other =
            |other: &Key| other.arn == key.arn && other.version == key.version && other.revision != key.revision;
        self.provisioned.retain(|key, _| !other(key));
        self.clear(other)
    }

    fn find(&mut self, key: Key, slots: u32, now: Instant, mut ending: Vec<Arc<Environment>>) -> Found {
        let free = self.shelves.get_mut(&key).and_then(|shelf| shelf.take(&mut ending));
        let (entry, place) = free.unwrap_or_else(|| self.add(&key, slots, now));
        Found { seat: Seat { key, entry }, place, ending }
    }

    fn add(&mut self, key: &Key, slots: u32, now: Instant) -> (u64, Place) {
        self.next += 1;
        (self.next, self.shelves.entry(key.clone()).or_default().add(self.next, slots, now))
    }

    /// Works on a shelf, which goes if it is empty then.
    fn on<T>(&mut self, key: &Key, work: impl FnOnce(&mut Shelf) -> T) -> Option<T> {
        let shelf = self.shelves.get_mut(key)?;
        let done = work(shelf);
        if shelf.is_empty() {
            self.shelves.remove(key);
        }
        Some(done)
    }
}
