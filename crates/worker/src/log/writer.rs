//! The background writer: cores hand it filled buffers and never wait for it (reliability F28, F36).
//!
//! A queue has a limit in bytes and in buffers. What does not fit, and what the destination refuses (a full disk, a pipe
//! that nobody reads), is dropped and counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::output::Output;
use crate::options::LogTarget;

/// Buffers that may wait; a buffer holds at most [`super::MOST_LINES`] lines.
const WAITING: usize = 256;

/// Lines that belong together on their way to the writer.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) lines: u64,
}

enum Job {
    Write(Batch),
    /// Answered once everything before it is written.
    Flush(oneshot::Sender<()>),
}

/// What a writer did, for the metrics.
#[derive(Default)]
pub(crate) struct Counters {
    /// Bytes that wait.
    queued: AtomicU64,
    written: AtomicU64,
    dropped: AtomicU64,
    reopen: AtomicBool,
}

impl Counters {
    /// Lines written.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Lines lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The cores' side of a writer. Its thread ends when the last handle is gone.
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    /// Bytes that may wait.
    limit: u64,
    pub(crate) counters: Arc<Counters>,
}

impl Writer {
    /// Opens the destination and starts the thread. `limit` is the bytes that may wait.
    ///
    /// # Errors
    /// A destination that cannot be opened, a thread that cannot be started.
    pub(crate) fn start(target: &LogTarget, limit: usize) -> io::Result<Self> {
        let output = Output::open(target.clone())?;
        let (jobs, waiting) = mpsc::channel(WAITING);
        let counters = Arc::new(Counters::default());
        let theirs = Arc::clone(&counters);
        std::thread::Builder::new().name("log-writer".into()).spawn(move || run(output, waiting, &theirs))?;
        Ok(Self { jobs, limit: limit as u64, counters })
    }

    /// Hands lines over, or drops them. Never waits.
    pub(crate) fn send(&self, batch: Batch) {
        let (size, lines) = (batch.bytes.len() as u64, batch.lines);
        let queued = self.counters.queued.fetch_add(size, Ordering::Relaxed);
        if queued + size > self.limit || self.jobs.try_send(Job::Write(batch)).is_err() {
            self.counters.queued.fetch_sub(size, Ordering::Relaxed);
            self.counters.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }

    /// Opens the file again before the next line.
    pub(crate) fn reopen(&self) {
        self.counters.reopen.store(true, Ordering::Relaxed);
    }

    /// Waits until everything handed over is written, at most `within`.
    pub(crate) async fn flush(&self, within: Duration) {
        let flushed = async {
            let (done, written) = oneshot::channel();
            if self.jobs.send(Job::Flush(done)).await.is_ok() {
                drop(written.await);
            }
        };
        if tokio::time::timeout(within, flushed).await.is_err() {
            let lost = self.counters.queued.load(Ordering::Relaxed);
            tracing::warn!(lost.bytes = lost, "a log's destination did not take its last lines");
        }
    }
}

fn run(mut output: Output, mut waiting: mpsc::Receiver<Job>, counters: &Counters) {
    while let Some(job) = waiting.blocking_recv() {
        match job {
            Job::Write(batch) => {
                let lost = output.write(&batch.bytes, counters.reopen.swap(false, Ordering::Relaxed));
                counters.dropped.fetch_add(lost, Ordering::Relaxed);
                counters.written.fetch_add(batch.lines.saturating_sub(lost), Ordering::Relaxed);
                counters.queued.fetch_sub(batch.bytes.len() as u64, Ordering::Relaxed);
            }
            Job::Flush(done) => drop(done.send(())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Batch {
        Batch { bytes: text.as_bytes().to_vec(), lines: text.lines().count() as u64 }
    }

    #[tokio::test]
    async fn lines_are_written_in_the_order_they_were_handed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let writer = Writer::start(&LogTarget::File(path.clone()), 1024).unwrap();

        writer.send(batch("one\ntwo\n"));
        writer.send(batch("three\n"));
        writer.flush(Duration::from_secs(10)).await;

        assert_eq!(std::fs::read_to_string(path).unwrap(), "one\ntwo\nthree\n");
        assert_eq!((writer.counters.written(), writer.counters.dropped()), (3, 0));
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::start(&LogTarget::File(dir.path().join("log")), 8).unwrap();

        writer.send(batch("far too long\nfor the queue\n"));
        writer.send(batch("short\n"));
        writer.flush(Duration::from_secs(10)).await;

        assert_eq!((writer.counters.written(), writer.counters.dropped()), (1, 2));
    }

    /// reliability F28
    #[tokio::test]
    async fn a_full_disk_loses_lines_and_nothing_else() {
        let writer = Writer::start(&LogTarget::File("/dev/full".into()), 1024).unwrap();

        writer.send(batch("one\ntwo\n"));
        writer.flush(Duration::from_secs(10)).await;
        writer.send(batch("three\n"));
        writer.flush(Duration::from_secs(10)).await;

        assert_eq!((writer.counters.written(), writer.counters.dropped()), (0, 3));
    }

    #[test]
    fn a_destination_that_cannot_be_opened_is_an_error_at_once() {
        let missing = LogTarget::File("/nowhere/at/all/log".into());

        let started = Writer::start(&missing, 1024);

        assert!(started.err().unwrap().to_string().contains("/nowhere/at/all/log"));
    }
}
