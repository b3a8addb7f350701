//! Reading a function's log while it grows: a bounded channel per followed function, so that a slow reader holds up nobody.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};

/// Lines that wait for one reader; what is older is lost to it.
const WAITING_LINES: usize = 1024;

/// What a follower of a log sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The next line.
    Line(Arc<str>),
    /// So many lines were lost, because this reader was too slow.
    Missed(u64),
}

/// The log of one function from the moment on at which [`crate::Host::follow`] was called.
#[derive(Debug)]
pub struct Follower {
    /// The lines kept from before, oldest first; [`Follower::next`] goes on after the last of them, without a gap.
    pub earlier: Vec<String>,
    pub(super) lines: Receiver<Arc<str>>,
}

impl Follower {
    /// Waits for the next line. `None`: no more will come, the function was deleted or the host stops.
    pub async fn next(&mut self) -> Option<Followed> {
        match self.lines.recv().await {
            Ok(line) => Some(Followed::Line(line)),
            Err(RecvError::Lagged(lines)) => Some(Followed::Missed(lines)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Who follows what, by the function's name.
#[derive(Debug, Default)]
pub(super) struct Followers(HashMap<String, Sender<Arc<str>>>);

impl Followers {
    /// One more follower; channels that nobody reads any more go.
    pub(super) fn add(&mut self, name: &str) -> Receiver<Arc<str>> {
        self.0.retain(|_, lines| lines.receiver_count() > 0);
        self.0.entry(name.to_owned()).or_insert_with(|| channel(WAITING_LINES).0).subscribe()
    }

    /// Passes a line on.
    pub(super) fn tell(&mut self, name: &str, line: &str) {
        if let Some(lines) = self.0.get(name)
            && lines.send(line.into()).is_err()
        {
            self.0.remove(name);
        }
    }

    /// Ends the followers of a function.
    pub(super) fn end(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Ends all followers.
    pub(super) fn end_all(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_reader_is_told_how_many_lines_it_lost_and_goes_on() {
        let mut followers = Followers::default();
        let mut slow = Follower { earlier: Vec::new(), lines: followers.add("f") };

        for number in 0..WAITING_LINES + 7 {
            followers.tell("f", &number.to_string());
        }
        followers.end("f");

        assert_eq!(slow.next().await, Some(Followed::Missed(7)));
        assert_eq!(slow.next().await, Some(Followed::Line("7".into())));
        for _ in 1..WAITING_LINES {
            assert!(matches!(slow.next().await, Some(Followed::Line(_))));
        }
        assert_eq!(slow.next().await, None);
    }

    #[test]
    fn channels_that_nobody_reads_are_not_kept() {
        let mut followers = Followers::default();

        drop(followers.add("a"));
        drop(followers.add("b"));
        let kept = followers.add("c");
        followers.tell("a", "line");

        assert_eq!(followers.0.keys().collect::<Vec<_>>(), ["c"]);
        drop(kept);
    }
}
