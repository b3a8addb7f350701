//! Deadlines of calls, coarse and cheap: a call leaves its waker, one ticker per core looks for those that are due. A timer
//! of its own for every request costs several times as much (tests/bench).

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How often deadlines are looked at, and so how late one may be noticed.
pub(crate) const TICK: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Slots {
    slots: Vec<Option<(Instant, Waker)>>,
    free: Vec<usize>,
}

/// This core's deadlines.
#[derive(Clone, Default)]
pub(crate) struct Deadlines(Rc<RefCell<Slots>>);

impl Deadlines {
    /// A deadline at `at`.
    pub(crate) fn at(&self, at: Instant) -> Deadline {
        Deadline { all: self.clone(), at, slot: None }
    }

    /// Wakes whoever is due at `now`.
    pub(crate) fn wake(&self, now: Instant) {
        for slot in self.0.borrow().slots.iter().flatten() {
            if slot.0 <= now {
                slot.1.wake_by_ref();
            }
        }
    }
}

/// Ready once its time has come; noticed at the next tick.
pub(crate) struct Deadline {
    all: Deadlines,
    at: Instant,
    slot: Option<usize>,
}

impl Deadline {
    /// Another one of the same core.
    pub(crate) fn another(&self, at: Instant) -> Self {
        self.all.at(at)
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut slots = this.all.0.borrow_mut();
        if let Some((_, waker)) = this.slot.and_then(|slot| slots.slots.get_mut(slot)?.as_mut()) {
            // Polled again: the time may have come, or the task moved.
            waker.clone_from(cx.waker());
            return if Instant::now() >= this.at { Poll::Ready(()) } else { Poll::Pending };
        }
        let entry = Some((this.at, cx.waker().clone()));
        let slot = slots.free.pop();
        match slot.and_then(|slot| slots.slots.get_mut(slot)) {
            Some(place) => *place = entry,
            None => slots.slots.push(entry),
        }
        this.slot = Some(slot.unwrap_or(slots.slots.len() - 1));
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut slots = self.all.0.borrow_mut();
        if let Some(place) = slots.slots.get_mut(slot) {
            *place = None;
        }
        slots.free.push(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_deadline_is_noticed_at_the_tick_after_it() {
        let deadlines = Deadlines::default();
        let (soon, late) =
            (deadlines.at(Instant::now() + TICK), deadlines.at(Instant::now() + Duration::from_secs(60)));
        let ticks = deadlines.clone();
        let ticker = async {
            loop {
                tokio::time::sleep(TICK).await;
                ticks.wake(Instant::now());
            }
        };

        let first = tokio::select! {
            () = soon => "soon",
            () = late => "late",
            () = ticker => "ticker",
        };

        assert_eq!(first, "soon");
        assert_eq!(deadlines.0.borrow().free.len(), 2, "both slots are free again");
    }
}
