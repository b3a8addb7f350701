//! What functions print: lines to the `function` target, the last lines of every function, the tail of every invocation.
//! Bounded everywhere, because a function may print without end.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinSet;

use super::follow::{Follower, Followers};

/// Bytes that a caller gets of what one invocation printed.
const TAIL_BYTES: usize = 4096;
/// Longest line; a longer one is cut in pieces.
const LINE_BYTES: usize = 16 * 1024;
/// Lines kept of a function.
const KEPT_LINES: usize = 500;
/// Lines that one environment may log per second; further ones are counted.
const LINES_PER_SECOND: u32 = 1000;
/// How long an answer waits for what was printed before it.
const SETTLE: Duration = Duration::from_millis(50);

/// Locks; a panic elsewhere does not spoil a log.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The last lines of every function, and who reads them as they come.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Printed>);

#[derive(Debug, Default)]
struct Printed {
    kept: HashMap<String, VecDeque<String>>,
    followers: Followers,
}

impl Printed {
    fn of(&self, name: &str) -> Vec<String> {
        self.kept.get(name).map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }
}

impl Lines {
    /// The last lines of the function `name`, oldest first.
    pub(super) fn of(&self, name: &str) -> Vec<String> {
        locked(&self.0).of(name)
    }

    /// The same, and the lines that follow.
    pub(super) fn follow(&self, name: &str) -> Follower {
        let mut printed = locked(&self.0);
        Follower { earlier: printed.of(name), lines: printed.followers.add(name) }
    }

    /// Forgets a function.
    pub(super) fn forget(&self, name: &str) {
        let mut printed = locked(&self.0);
        printed.kept.remove(name);
        printed.followers.end(name);
    }

    /// Tells every follower that no more will come.
    pub(super) fn close(&self) {
        locked(&self.0).followers.end_all();
    }

    fn push(&self, name: &str, line: String) {
        let mut printed = locked(&self.0);
        printed.followers.tell(name, &line);
        let lines = printed.kept.entry(name.to_owned()).or_default();
        if lines.len() == KEPT_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// The log of one environment.
#[derive(Debug)]
pub(super) struct Log {
    name: String,
    lines: Arc<Lines>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tail: VecDeque<u8>,
    /// Invocations that print into the tail now.
    running: u32,
    /// The second of the budget, and what was logged and dropped in it.
    second: u64,
    logged: u32,
    dropped: u64,
}

impl Log {
    /// An empty log of the function `name`.
    pub(super) fn new(name: &str, lines: Arc<Lines>) -> Self {
        Self { name: name.to_owned(), lines, state: Mutex::default() }
    }

    /// An invocation begins that this log's environment has failed to start for: what it printed is in the tail.
    pub(super) fn begin_late(&self) {
        locked(&self.state).running += 1;
    }

    /// A new invocation begins: its tail is empty, unless another one runs beside it, for they share what their environment
    /// prints.
    pub(super) fn begin(&self) {
        let mut state = locked(&self.state);
        if state.running == 0 {
            state.tail.clear();
        }
        state.running += 1;
    }

    /// A line of the host's own, as AWS's START, END and REPORT.
    pub(super) fn note(&self, line: &str) {
        self.print(line.as_bytes());
        self.print(b"\n");
        self.lines.push(&self.name, line.to_owned());
    }

    /// An invocation ends; its last [`TAIL_BYTES`].
    pub(super) fn end(&self) -> Vec<u8> {
        let mut state = locked(&self.state);
        state.running = state.running.saturating_sub(1);
        state.tail.iter().copied().collect()
    }

    fn print(&self, bytes: &[u8]) {
        let tail = &mut locked(&self.state).tail;
        tail.extend(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        let excess = tail.len().saturating_sub(TAIL_BYTES);
        tail.drain(..excess);
    }

    fn line(&self, line: &[u8], second: u64) {
        let Some(dropped) = self.admit(second) else { return };
        if dropped > 0 {
            tracing::warn!(target: "function", function = self.name, dropped, "lines dropped: the function prints too fast");
        }
        let text = String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned();
        tracing::info!(target: "function", function = self.name, "{text}");
        self.lines.push(&self.name, text);
    }

    /// Whether this second's budget has room, and how many lines were dropped before.
    fn admit(&self, second: u64) -> Option<u64> {
        let mut state = locked(&self.state);
        if state.second != second {
            state.second = second;
            state.logged = 0;
        }
        if state.logged >= LINES_PER_SECOND {
            state.dropped += 1;
            return None;
        }
        state.logged += 1;
        Some(std::mem::take(&mut state.dropped))
    }
}

/// The tasks that read an environment's output; they end when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Readers {
    tasks: JoinSet<()>,
    pipes: Vec<OwnedFd>,
}

impl Readers {
    /// Reads `pipe` into `log` until it closes.
    pub(super) fn read(&mut self, pipe: Option<impl AsyncRead + AsFd + Unpin + Send + 'static>, log: Arc<Log>) {
        let Some(pipe) = pipe else { return };
        self.pipes.extend(pipe.as_fd().try_clone_to_owned());
        self.tasks.spawn(pump(pipe, log));
    }

    /// Waits, shortly, until what was printed so far has been read.
    pub(super) async fn settle(&self) {
        let until = tokio::time::Instant::now() + SETTLE;
        let unread = || self.pipes.iter().any(|pipe| rustix::io::ioctl_fionread(pipe).is_ok_and(|bytes| bytes > 0));
        while unread() && tokio::time::Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::task::yield_now().await;
    }
}

/// Reads without pause, so that the function never blocks on a full pipe.
async fn pump(mut pipe: impl AsyncRead + Unpin, log: Arc<Log>) {
    let began = tokio::time::Instant::now();
    let mut buffer = vec![0; 8 * 1024];
    let mut line: Vec<u8> = Vec::new();
    while let Ok(count) = pipe.read(&mut buffer).await
        && count > 0
    {
        let second = began.elapsed().as_secs();
        log.print(&buffer[..count]);
        for piece in buffer[..count].split_inclusive(|&byte| byte == b'\n') {
            line.extend_from_slice(piece);
            if line.ends_with(b"\n") || line.len() > LINE_BYTES {
                log.line(&line, second);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        log.line(&line, began.elapsed().as_secs());
    }
}
