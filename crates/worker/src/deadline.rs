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

    /// Moves it; whoever waits goes on waiting.
    pub(crate) fn postpone(&mut self, at: Instant) {
        self.at = at;
        let mut slots = self.all.0.borrow_mut();
        if let Some((due, _)) = self.slot.and_then(|slot| slots.slots.get_mut(slot)?.as_mut()) {
            *due = at;
        }
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
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[test]
    fn a_postponed_deadline_wakes_nobody_at_its_old_time() {
        let (deadlines, now) = (Deadlines::default(), Instant::now());
        let mut deadline = deadlines.at(now);
        let (waker, woken) = counting_waker();

        let pending = Pin::new(&mut deadline).poll(&mut Context::from_waker(&waker)).is_pending();
        deadline.postpone(now + Duration::from_secs(60));
        deadlines.wake(now + Duration::from_secs(59));
        let before = woken.load(Ordering::Relaxed);
        deadlines.wake(now + Duration::from_secs(60));

        assert!(pending);
        assert_eq!((before, woken.load(Ordering::Relaxed)), (0, 1));
    }

    fn counting_waker() -> (Waker, Arc<AtomicUsize>) {
        struct Count(Arc<AtomicUsize>);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::default();
        (Waker::from(Arc::new(Count(Arc::clone(&count)))), count)
    }

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
