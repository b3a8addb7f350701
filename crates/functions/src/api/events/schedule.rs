//! When an event is tried again, and when it is given up [D: "How Lambda handles errors and retries with asynchronous invocation"].

use std::time::Duration;

use stagecoach_store::Tried;

/// What one try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The function answered.
    Succeeded,
    /// The function, its runtime or its environment failed.
    Failed,
    /// It was not invoked: a throttle, or an error of this host.
    Refused,
    /// Its reserved concurrency is zero: no retries then [D].
    Blocked,
    /// The function, version or alias is gone.
    Gone,
    /// The event is too old to be tried.
    Expired,
    /// This host is stopping.
    Stopping,
}

/// What is done with an event after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It waits until then, Unix ms.
    Again(i64, Tried),
    /// It leaves the queue.
    Done(Condition),
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Success,
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
    /// The function is gone, and with it whoever wanted to know: AWS has no word for it.
    FunctionGone,
}

impl Condition {
    /// AWS's word.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "Success",
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
            Self::FunctionGone => "FunctionGone",
        }
    }
}

/// How a function's events are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Retries after the function's own errors.
    pub(super) retries: u32,
    /// Age from which on an event is not tried.
    pub(super) age: Duration,
    /// Waits before the first and the second retry.
    pub(super) delays: [Duration; 2],
}

/// Longest wait after a throttle or an error of the host [D]; the first is a second, each is twice the one before.
const LONGEST: Duration = Duration::from_secs(300);

impl Policy {
    /// From when on an event accepted at `accepted` is not tried any more. Both Unix ms.
    pub(super) fn deadline(&self, accepted: i64) -> i64 {
        accepted.saturating_add(millis(self.age))
    }

    /// What follows a try of an event accepted at `accepted` that ended at `now` (Unix ms). `draw` is random: waits are
    /// shortened by up to a quarter, so that events that were throttled together do not come back together.
    pub(super) fn next(&self, outcome: Outcome, tried: Tried, accepted: i64, now: i64, draw: u64) -> Next {
        let deadline = self.deadline(accepted);
        match outcome {
            Outcome::Succeeded => Next::Done(Condition::Success),
            Outcome::Gone => Next::Done(Condition::FunctionGone),
            Outcome::Expired => Next::Done(Condition::EventAgeExceeded),
            Outcome::Blocked => Next::Done(Condition::ZeroReservedConcurrency),
            Outcome::Stopping => Next::Again(now, tried),
            Outcome::Failed if tried.failures >= self.retries => Next::Done(Condition::RetriesExhausted),
            Outcome::Failed => {
                let delay = self.delays[if tried.failures == 0 { 0 } else { 1 }];
                let due = now.saturating_add(millis(delay));
                let tried = Tried { failures: tried.failures + 1, refusals: 0 };
                // A retry that would come too late is not waited for.
                if due < deadline { Next::Again(due, tried) } else { Next::Done(Condition::EventAgeExceeded) }
            }
            Outcome::Refused if now >= deadline => Next::Done(Condition::EventAgeExceeded),
            Outcome::Refused => {
                let due = now.saturating_add(millis(backoff(tried.refusals, draw)));
                let refusals = tried.refusals.saturating_add(1);
                Next::Again(due.min(deadline), Tried { refusals, ..tried })
            }
        }
    }
}

fn backoff(refusals: u32, draw: u64) -> Duration {
    let whole = Duration::from_secs(1 << refusals.min(16)).min(LONGEST);
    let parts = u32::try_from(draw % 1024).unwrap_or_default();
    whole - whole / 4096 * parts
}

/// Milliseconds of a duration.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        retries: 2,
        age: Duration::from_secs(21_600),
        delays: [Duration::from_secs(60), Duration::from_secs(120)],
    };

    #[test]
    fn a_failing_function_is_tried_twice_more_after_one_and_two_minutes() {
        let after = |failures, now| POLICY.next(Outcome::Failed, Tried { failures, refusals: 7 }, 0, now, 9);

        assert_eq!(after(0, 5_000), Next::Again(65_000, Tried { failures: 1, refusals: 0 }));
        assert_eq!(after(1, 65_000), Next::Again(185_000, Tried { failures: 2, refusals: 0 }));
        assert_eq!(after(2, 185_000), Next::Done(Condition::RetriesExhausted));
        assert_eq!(
            Policy { retries: 0, ..POLICY }.next(Outcome::Failed, Tried::default(), 0, 1, 9),
            Next::Done(Condition::RetriesExhausted)
        );
        assert_eq!(after(0, 21_590_000), Next::Done(Condition::EventAgeExceeded), "the retry would come too late");
    }

    #[test]
    fn a_throttled_event_waits_from_one_second_to_five_minutes_until_it_is_too_old() {
        let mut waits = Vec::new();
        let mut tried = Tried::default();
        for _ in 0..12 {
            let Next::Again(due, next) = POLICY.next(Outcome::Refused, tried, 0, 0, 0) else { panic!("given up") };
            waits.push(due / 1000);
            tried = next;
        }

        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(tried, Tried { failures: 0, refusals: 12 });
        let late = |now| POLICY.next(Outcome::Refused, tried, 0, now, 0);
        assert_eq!(late(21_599_000), Next::Again(21_600_000, Tried { failures: 0, refusals: 13 }));
        assert_eq!(late(21_600_000), Next::Done(Condition::EventAgeExceeded));
    }

    proptest::proptest! {
        #[test]
        fn chance_shortens_a_wait_by_a_quarter_at_most(refusals in 0_u32..99, draw: u64) {
            let (whole, drawn) = (backoff(refusals, 0), backoff(refusals, draw));

            proptest::prop_assert!(drawn <= whole && drawn >= whole / 4 * 3);
        }
    }
}
