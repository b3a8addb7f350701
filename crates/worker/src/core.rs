//! What one core keeps for itself.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stagecoach_base::UnixMillis;

use crate::deadline::Deadlines;
use crate::ids::Random;
use crate::log::Buffer;
use crate::metrics::CoreMetrics;
use crate::shared::Shared;
use crate::signers::Signers;
use crate::table::Table;
use crate::upstream::Pool;

/// How often requests may complain of one thing that the operator has to mend, and of how many at a time.
const COMPLAIN: Duration = Duration::from_secs(10);
const COMPLAINTS: usize = 32;

/// State of one core; never leaves its thread.
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: Arc<CoreMetrics>,
    pub(crate) random: RefCell<Random>,
    pub(crate) pool: Pool,
    pub(crate) deadlines: Deadlines,
    pub(crate) signers: Signers,
    /// Access log lines.
    pub(crate) log: Option<Buffer>,
    /// Execution log lines.
    pub(crate) execution: Option<Buffer>,
    wall: Cell<(UnixMillis, Option<Instant>)>,
    complained: RefCell<Vec<(Box<str>, Instant)>>,
}

impl Core {
    pub(crate) fn new(shared: Arc<Shared>, index: usize) -> Self {
        Self {
            metrics: shared.metrics.core(index),
            random: RefCell::new(Random::new(Arc::clone(&shared.entropy))),
            pool: Pool::new(Arc::clone(&shared)),
            deadlines: Deadlines::default(),
            signers: Signers::default(),
            log: shared.logs.access.as_ref().map(Buffer::new),
            execution: shared.logs.execution.as_ref().map(Buffer::new),
            shared,
            wall: Cell::new((UnixMillis(0), None)),
            complained: RefCell::default(),
        }
    }

    /// Hands over what the logs' buffers hold.
    pub(crate) fn flush_logs(&self) {
        [&self.log, &self.execution].into_iter().flatten().for_each(Buffer::flush);
    }

    /// Whether a request may complain aloud about something; if it may, it is the one that does.
    pub(crate) fn may_complain(&self, about: &str) -> bool {
        let mut complained = self.complained.borrow_mut();
        complained.retain(|(_, at)| at.elapsed() < COMPLAIN);
        let due = complained.len() < COMPLAINTS && complained.iter().all(|(known, _)| &**known != about);
        if due {
            complained.push((about.into(), Instant::now()));
        }
        due
    }

    /// The table of this moment.
    pub(crate) fn table(&self) -> arc_swap::Guard<Arc<Table>> {
        self.shared.table.load()
    }

    /// Wall time at `now`, read from the system at most once a second and carried on with the monotonic clock.
    pub(crate) fn wall(&self, now: Instant) -> UnixMillis {
        let (base, at) = self.wall.get();
        let since = at.map(|at| now.saturating_duration_since(at).as_millis());
        match since.and_then(|since| i64::try_from(since).ok()).filter(|since| *since < 1_000) {
            Some(since) => UnixMillis(base.0 + since),
            None => {
                let wall = self.shared.clock.wall();
                self.wall.set((wall, Some(now)));
                wall
            }
        }
    }
}
