//! What environments use: memory and processes. All busy environments are measured in one look at `/proc` a few times per second;
//! one beyond its limits is ended, as AWS ends it.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::param::page_size;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::log::Log;
use super::processes::{self, Seen};

/// How often busy environments are measured.
const PERIOD: Duration = Duration::from_millis(200);
/// Measuring takes at most one part in so many of the time of one core.
const SHARE: u32 = 50;
const MIB: u64 = 1024 * 1024;

/// What is measured.
#[derive(Debug)]
pub(super) struct Watched {
    /// The mark of its processes.
    pub(super) mark: String,
    /// Its process group.
    pub(super) group: i32,
    /// Most memory, MiB.
    pub(super) memory_mib: u32,
    /// Most processes.
    pub(super) processes: u32,
    /// Its first process only holds the others.
    pub(super) sandboxed: bool,
    /// Ends it.
    pub(super) kill: CancellationToken,
}

/// What is known of one environment.
#[derive(Debug)]
pub(super) struct Vitals {
    own: Watched,
    log: Arc<Log>,
    /// `/proc/PID/statm` of its first process.
    statm: Option<File>,
    busy: AtomicU32,
    /// The most it was seen to use, bytes.
    peak: AtomicU64,
}

/// Work that an environment does, until it is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Vitals>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Vitals {
    /// Of an environment that was just started.
    pub(super) fn new(own: Watched, log: Arc<Log>) -> Self {
        let statm = File::open(format!("/proc/{}/statm", own.group)).ok();
        Self { own, log, statm, busy: AtomicU32::new(0), peak: AtomicU64::new(0) }
    }

    /// It does some work from now on.
    pub(super) fn work(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self.clone())
    }

    /// The most it used so far, MiB, as far as that was seen: its first process is looked at now.
    pub(super) fn used_mib(&self) -> u64 {
        let now = self.statm.as_ref().and_then(resident).unwrap_or_default();
        let peak = self.peak.fetch_max(now, Ordering::Relaxed).max(now);
        peak.div_ceil(MIB).min(self.own.memory_mib.into())
    }

    /// Takes note of its processes now, and ends it if they are too many or too large.
    fn measured(&self, processes: &[Seen]) {
        let page = u64::try_from(page_size()).unwrap_or(4096);
        let limit = u64::from(self.own.memory_mib) * MIB;
        let mut used = processes.iter().map(|seen| seen.resident * page).sum();
        if used > limit {
            // Pages that they share were counted for each.
            let part = |seen: &Seen| processes::proportional(seen.pid).unwrap_or(seen.resident * page);
            used = processes.iter().map(part).sum();
        }
        self.peak.fetch_max(used, Ordering::Relaxed);
        let reason = if used > limit {
            format!("out of memory: {} MB used, {} MB configured", used / MIB, self.own.memory_mib)
        } else if processes.len() > usize::try_from(self.own.processes).unwrap_or(usize::MAX) {
            format!("too many processes: {}, {} at most", processes.len(), self.own.processes)
        } else {
            return;
        };
        if !self.own.kill.is_cancelled() {
            self.log.note(&format!("stagecoach: the environment was ended, {reason}"));
            self.own.kill.cancel();
        }
    }
}

/// The second number of `statm`: pages in memory.
fn resident(statm: &File) -> Option<u64> {
    let mut buffer = [0; 128];
    let count = statm.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(buffer.get(..count)?).ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(page_size()).unwrap_or(4096))
}

/// Measures all environments of a host.
#[derive(Debug, Default)]
pub(super) struct Meter {
    watched: Mutex<Vec<Weak<Vitals>>>,
    more: Notify,
}

impl Meter {
    /// Measures an environment from now on, whenever it is busy, as long as it lives.
    pub(super) fn watch(&self, vitals: &Arc<Vitals>) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(vitals));
        self.more.notify_one();
    }

    /// Measures one environment now, if its first process tells little: a sandbox's.
    pub(super) async fn now(&self, vitals: &Arc<Vitals>) {
        if !vitals.own.sandboxed {
            return;
        }
        let vitals = vitals.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || measure(&[vitals], &mut Marks::default())).await {
            tracing::debug!(%error, "an environment was not measured");
        }
    }

    /// Measures until the host stops.
    pub(super) async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let mut known = Marks::default();
        let mut pause = PERIOD;
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopping.cancelled() => return,
            }
            let Some(busy) = self.busy() else {
                tokio::select! {
                    () = self.more.notified() => continue,
                    () = stopping.cancelled() => return,
                }
            };
            if busy.is_empty() {
                continue;
            }
            let began = Instant::now();
            let measured = tokio::task::spawn_blocking(move || {
                measure(&busy, &mut known);
                known
            });
            known = measured.await.unwrap_or_default();
            pause = PERIOD.max(began.elapsed() * SHARE);
        }
    }

    /// The busy environments; `None` when there are no environments at all.
    fn busy(&self) -> Option<Vec<Arc<Vitals>>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|vitals| vitals.strong_count() > 0);
        let living = watched.iter().filter_map(Weak::upgrade);
        let busy = living.filter(|vitals| vitals.busy.load(Ordering::Relaxed) > 0).collect();
        (!watched.is_empty()).then_some(busy)
    }
}

/// Marks that were read, by pid and start.
type Marks = HashMap<(i32, u64), Option<String>>;

/// One look at all processes.
fn measure(busy: &[Arc<Vitals>], known: &mut Marks) {
    let seen = processes::all();
    let owners = owners(&seen, busy, known);
    for vitals in busy {
        let own: Vec<Seen> =
            seen.iter().filter(|seen| owners.get(&seen.pid) == Some(&vitals.own.group)).copied().collect();
        vitals.measured(&own);
    }
}

/// The environment of each process, by its group: that of its own group, of its ancestors, or the one it is marked with.
fn owners(seen: &[Seen], busy: &[Arc<Vitals>], known: &mut Marks) -> HashMap<i32, i32> {
    let groups: HashMap<i32, &str> = busy.iter().map(|vitals| (vitals.own.group, vitals.own.mark.as_str())).collect();
    let marks: HashMap<&str, i32> = groups.iter().map(|(group, mark)| (*mark, *group)).collect();
    let by_pid: HashMap<i32, &Seen> = seen.iter().map(|seen| (seen.pid, seen)).collect();
    known.retain(|(pid, started), _| by_pid.get(pid).is_some_and(|seen| seen.started == *started));
    let mut owner = |seen: &Seen| {
        let ancestors = std::iter::successors(Some(seen), |seen| by_pid.get(&seen.parent).copied());
        let related = ancestors.take(32).map(|seen| seen.group).find(|group| groups.contains_key(group));
        related.or_else(|| {
            let mark = known.entry((seen.pid, seen.started)).or_insert_with(|| processes::mark(seen.pid));
            marks.get(mark.as_deref()?).copied()
        })
    };
    seen.iter().filter_map(|seen| Some((seen.pid, owner(seen)?))).collect()
}
