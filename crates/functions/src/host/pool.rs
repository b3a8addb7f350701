//! Who may run, and where: environments that wait for work, and the counts behind AWS's two throttles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::environment::Environment;
use crate::{Runnable, ThrottleReason};

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
    /// The most recently used last.
    idle: HashMap<Key, Vec<(Environment, Instant)>>,
    busy: HashMap<String, u32>,
    total: u32,
    /// Revision last invoked, by ARN and version: environments of others end.
    revisions: HashMap<(String, String), String>,
    /// Counts retirements of an ARN: environments from before end.
    generations: HashMap<String, u64>,
    /// Environments kept however long they are idle.
    provisioned: HashMap<Key, usize>,
}

/// Leave to run one invocation; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    pool: Arc<Pool>,
    arn: String,
    /// For the environment started under it.
    pub(super) generation: u64,
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

/// An admission: leave to run, a waiting environment if there is one, and those that have to end.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) permit: Permit,
    pub(super) environment: Option<Environment>,
    pub(super) ending: Vec<Environment>,
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
    pub(super) fn admit(self: &Arc<Self>, runnable: &Runnable) -> Result<Admitted, ThrottleReason> {
        let key = Key::of(runnable);
        let mut state = self.state();
        let busy = state.busy.get(&key.arn).copied().unwrap_or_default();
        let ready = state.provisioned.contains_key(&key) && state.idle.get(&key).is_some_and(|all| !all.is_empty());
        if runnable.reserved.is_some_and(|most| busy >= most) && !ready {
            return Err(ThrottleReason::Reserved);
        }
        if state.total >= self.account {
            return Err(ThrottleReason::Concurrent);
        }
        let mut ending = state.supersede(&key);
        let mut environment = None;
        while let Some((mut found, _)) = state.idle.get_mut(&key).and_then(Vec::pop) {
            if found.is_running() {
                environment = Some(found);
                break;
            }
            ending.push(found);
        }
        state.total += 1;
        *state.busy.entry(key.arn.clone()).or_default() += 1;
        let generation = state.generations.get(&key.arn).copied().unwrap_or_default();
        drop(state);
        Ok(Admitted { permit: Permit { pool: self.clone(), arn: key.arn, generation }, environment, ending })
    }

    /// The generation of a function now.
    pub(super) fn generation(&self, arn: &str) -> u64 {
        self.state().generations.get(arn).copied().unwrap_or_default()
    }

    /// Takes an environment back; returned if it has to end.
    pub(super) fn park(&self, mut environment: Environment, now: Instant) -> Option<Environment> {
        let key = Key::of(&environment.runnable);
        let mut state = self.state();
        let superseded = state
            .revisions
            .get(&(key.arn.clone(), key.version.clone()))
            .is_some_and(|revision| *revision != key.revision);
        let retired = state.generations.get(&key.arn).copied().unwrap_or_default() != environment.generation;
        if superseded || retired || !environment.is_running() {
            return Some(environment);
        }
        state.idle.entry(key).or_default().push((environment, now));
        None
    }

    /// Keeps `count` environments of `runnable` from now on; how many are missing.
    pub(super) fn keep(&self, runnable: &Runnable, count: usize) -> usize {
        let key = Key::of(runnable);
        let mut state = self.state();
        let idle = state.idle.get(&key).map_or(0, Vec::len);
        if count == 0 {
            state.provisioned.remove(&key);
        } else {
            state.provisioned.insert(key, count);
        }
        count.saturating_sub(idle)
    }

    /// Takes out what has been idle for longer than `idle`, or has died.
    pub(super) fn reclaim(&self, now: Instant, idle: Duration) -> Vec<Environment> {
        let mut guard = self.state();
        let State { idle: waiting, provisioned, .. } = &mut *guard;
        let mut ending = Vec::new();
        for (key, all) in waiting.iter_mut() {
            let mut spare = all.len().saturating_sub(provisioned.get(key).copied().unwrap_or_default());
            for (mut environment, since) in std::mem::take(all) {
                let old = spare > 0 && now.saturating_duration_since(since) >= idle;
                if old || !environment.is_running() {
                    spare = spare.saturating_sub(1);
                    ending.push(environment);
                } else {
                    all.push((environment, since));
                }
            }
        }
        waiting.retain(|_, all| !all.is_empty());
        ending
    }

    /// Takes out every idle environment of a function; the busy ones end when they come back.
    pub(super) fn retire(&self, arn: &str) -> Vec<Environment> {
        let mut state = self.state();
        *state.generations.entry(arn.to_owned()).or_default() += 1;
        state.revisions.retain(|(owner, _), _| owner != arn);
        state.provisioned.retain(|key, _| key.arn != arn);
        state.take(|key| key.arn == arn)
    }

    /// Takes out everything idle.
    pub(super) fn drain(&self) -> Vec<Environment> {
        self.state().take(|_| true)
    }
}

impl State {
    fn take(&mut self, which: impl Fn(&Key) -> bool) -> Vec<Environment> {
        let taken = self.idle.extract_if(|key, _| which(key));
        taken.flat_map(|(_, all)| all.into_iter().map(|(environment, _)| environment)).collect()
    }

    /// Makes `key`'s revision the current one of its version; what waits of others is returned.
    fn supersede(&mut self, key: &Key) -> Vec<Environment> {
        let version = (key.arn.clone(), key.version.clone());
        let before = self.revisions.insert(version, key.revision.clone());
        if before.is_none_or(|before| before == key.revision) {
            return Vec::new();
        }
        let other =
            |other: &Key| other.arn == key.arn && other.version == key.version && other.revision != key.revision;
        self.provisioned.retain(|key, _| !other(key));
        self.take(other)
    }
}
