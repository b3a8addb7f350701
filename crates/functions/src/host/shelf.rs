//! The environments of one revision of a function, and which of their slots are taken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use super::environment::{Environment, NoEnvironment};
use super::log::Log;

/// Why an environment did not come to be, and what it printed.
#[derive(Clone, Debug)]
pub(super) struct NotStarted {
    pub(super) why: NoEnvironment,
    pub(super) log: Arc<Log>,
}

/// How an environment's start went; `None` while it goes on.
pub(super) type Started = Option<Result<Arc<Environment>, NotStarted>>;

/// Where an invocation has been given a slot.
#[derive(Debug)]
pub(super) enum Place {
    /// In this environment.
    Ready(Arc<Environment>),
    /// In one that another invocation is starting.
    Starting(watch::Receiver<Started>),
    /// In one that it has to start; others may wait for that.
    New(watch::Sender<Started>),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// With free slots, the most recently used last.
    open: Vec<Entry>,
    /// Without, or about to end.
    closed: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    state: State,
    slots: u32,
    taken: u32,
    /// When the last invocation ended.
    since: Instant,
    /// Takes no further invocations.
    ending: bool,
}

#[derive(Debug)]
enum State {
    Starting(watch::Receiver<Started>),
    Ready(Arc<Environment>),
}

impl Entry {
    fn running(&self) -> bool {
        match &self.state {
            State::Starting(_) => true,
            State::Ready(environment) => environment.is_running(),
        }
    }

    fn environment(self) -> Option<Arc<Environment>> {
        match self.state {
            State::Starting(_) => None,
            State::Ready(environment) => Some(environment),
        }
    }
}

impl Shelf {
    /// Takes a slot of an environment that has one; its entry's number. Environments found dead are added to `dead`.
    pub(super) fn take(&mut self, dead: &mut Vec<Arc<Environment>>) -> Option<(u64, Place)> {
        while let Some(mut entry) = self.open.pop() {
            if !entry.running() {
                dead.extend(self.retire(entry));
                continue;
            }
            entry.taken += 1;
            let place = match &entry.state {
                State::Starting(started) => Place::Starting(started.clone()),
                State::Ready(environment) => Place::Ready(environment.clone()),
            };
            let id = entry.id;
            if entry.taken < entry.slots {
                self.open.push(entry);
            } else {
                self.closed.insert(id, entry);
            }
            return Some((id, place));
        }
        None
    }

    /// Takes the first slot of an environment that has to be started.
    pub(super) fn add(&mut self, id: u64, slots: u32, now: Instant) -> Place {
        let (sender, started) = watch::channel(None);
        let entry = Entry { id, state: State::Starting(started), slots, taken: 1, since: now, ending: false };
        if slots > 1 {
            // What is ready goes first.
            self.open.insert(0, entry);
        } else {
            self.closed.insert(id, entry);
        }
        Place::New(sender)
    }

    /// The environment of an entry has started.
    pub(super) fn started(&mut self, id: u64, environment: Arc<Environment>) {
        let open = self.open.iter_mut().find(|entry| entry.id == id);
        if let Some(entry) = open.or_else(|| self.closed.get_mut(&id)) {
            entry.state = State::Ready(environment);
        }
    }

    /// The environment of an entry did not come to be.
    pub(super) fn failed(&mut self, id: u64) {
        self.remove(id);
    }

    /// Gives a slot back; the environment if it has to end.
    pub(super) fn release(&mut self, id: u64, now: Instant) -> Option<Arc<Environment>> {
        let mut entry = self.remove(id)?;
        entry.taken = entry.taken.saturating_sub(1);
        entry.since = now;
        if entry.ending || !entry.running() {
            return self.retire(entry);
        }
        self.open.push(entry);
        None
    }

    /// Whether a slot is free now.
    pub(super) fn has_room(&self) -> bool {
        self.open.iter().any(|entry| matches!(entry.state, State::Ready(_)))
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.closed.is_empty()
    }

    /// How many environments there are.
    pub(super) fn len(&self) -> usize {
        self.open.len() + self.closed.len()
    }

    /// How many environments do nothing.
    pub(super) fn idle(&self) -> usize {
        self.open.iter().filter(|entry| entry.taken == 0).count()
    }

    /// Takes out what is idle and `old` or dead; `keep` environments stay however old.
    pub(super) fn reclaim(&mut self, keep: usize, old: impl Fn(Instant) -> bool) -> Vec<Arc<Environment>> {
        let mut spare = self.idle().saturating_sub(keep);
        let mut ending = Vec::new();
        for entry in std::mem::take(&mut self.open) {
            let idle = entry.taken == 0;
            if !entry.running() || (idle && spare > 0 && old(entry.since)) {
                spare = spare.saturating_sub(usize::from(idle));
                ending.extend(self.retire(entry));
            } else {
                self.open.push(entry);
            }
        }
        ending
    }

    /// Takes out what is idle; the rest takes no further invocations and ends after its last one.
    pub(super) fn clear(&mut self) -> Vec<Arc<Environment>> {
        for entry in self.closed.values_mut() {
            entry.ending = true;
        }
        let open = std::mem::take(&mut self.open);
        open.into_iter().filter_map(|entry| self.retire(entry)).collect()
    }

    /// An entry takes no further invocations: its environment if nothing runs in it, else it ends later.
    fn retire(&mut self, mut entry: Entry) -> Option<Arc<Environment>> {
        if entry.taken == 0 {
            return entry.environment();
        }
        entry.ending = true;
        self.closed.insert(entry.id, entry);
        None
    }

    fn remove(&mut self, id: u64) -> Option<Entry> {
        if let Some(entry) = self.closed.remove(&id) {
            return Some(entry);
        }
        let at = self.open.iter().rposition(|entry| entry.id == id)?;
        Some(self.open.remove(at))
    }
}
