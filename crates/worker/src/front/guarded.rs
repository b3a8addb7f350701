//! A connection between socket and parser: scanned on the way in, watched while it waits.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::Activity;
use super::scan::{Phase, Scanner};

/// How often a waiting connection is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Looks at the same incomplete head before the connection is closed: 10 to 15 s.
const HEAD_LOOKS: u32 = 3;
/// Looks at an idle connection before it is closed: 60 s.
const IDLE_LOOKS: u32 = 12;
/// Bytes per look that a body must bring, or a client take of an answer: 240 per second.
const BODY_BYTES: u64 = 240 * 5;
/// Slow looks at a body before the connection is closed: ten seconds of grace, then 15 more.
const BODY_LOOKS: u32 = 5;
/// How long a refused client may go on sending.
const LINGER: Duration = Duration::from_secs(1);

/// No header name begins like this, and the parser looks only once a head seems complete.
const POISON: &[u8] = b"\0\r\n\r\n";

/// A guarded stream.
pub(crate) struct Guarded<T> {
    inner: T,
    /// Bytes read while the protocol was found out.
    prefix: Bytes,
    /// `None` for HTTP/2, which frames itself.
    scanner: Option<Scanner>,
    refused: bool,
    /// Set while a refused client's bytes are read away, so that it can read the answer before the connection resets.
    linger: Option<Pin<Box<Sleep>>>,
    watch: Watch,
}

struct Watch {
    activity: Rc<Activity>,
    sleep: Pin<Box<Sleep>>,
    armed: bool,
    looks: u32,
    bytes: u64,
    /// Bytes the client took.
    taken: u64,
    seen: (Phase, u64, u64),
    bytes_seen: u64,
    taken_seen: u64,
}

impl<T> Guarded<T> {
    pub(crate) fn new(inner: T, prefix: Bytes, http2: bool, activity: Rc<Activity>) -> Self {
        let watch = Watch {
            activity,
            sleep: Box::pin(tokio::time::sleep(LOOK)),
            armed: false,
            looks: 0,
            bytes: 0,
            taken: 0,
            seen: (Phase::Idle, 0, 0),
            bytes_seen: 0,
            taken_seen: 0,
        };
        Self { inner, prefix, scanner: (!http2).then(Scanner::default), refused: false, linger: None, watch }
    }

    /// Gives out what was kept.
    fn pour(&mut self, buffer: &mut ReadBuf<'_>) {
        let length = self.prefix.len().min(buffer.remaining());
        buffer.put_slice(self.prefix.get(..length).unwrap_or_default());
        self.prefix.advance(length);
    }

    /// Scans what was read. At a violation the rest of the read becomes what no request may hold: the parser answers 400
    /// in its turn, after whatever it is still answering, and closes.
    fn inspect(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        let fresh = buffer.filled().get(before..).unwrap_or_default();
        self.watch.bytes += fresh.len() as u64;
        let Some(scanner) = &mut self.scanner else { return Ok(()) };
        let scanned = scanner.scan(fresh);
        scanner.hand_over(|heads| self.watch.activity.names.add(heads));
        let Err((at, violation)) = scanned else { return Ok(()) };
        tracing::debug!(violation = ?violation, "a connection was refused");
        self.refused = true;
        if scanner.in_body() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "malformed body framing"));
        }
        buffer.set_filled(before + at);
        self.prefix = Bytes::from_static(POISON);
        self.pour(buffer);
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> Guarded<T> {
    /// Reads away what a refused client still sends, until it stops or [`LINGER`] is over.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut scratch = [0; 4096];
        while linger.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => break,
            }
        }
        Poll::Ready(())
    }
}

impl Watch {
    /// Ready with an error once the connection has waited too long for what it waits for.
    fn poll(&mut self, scanner: Option<&Scanner>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Once it is registered, a timer that has not fired need not be polled for every read.
        if self.armed && !self.sleep.is_elapsed() {
            return Poll::Pending;
        }
        self.armed = true;
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            self.sleep.as_mut().reset(Instant::now() + LOOK);
            if let Some(what) = self.overdue(scanner) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)));
            }
        }
    }

    fn took(&mut self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.taken += *bytes as u64;
        }
    }

    fn overdue(&mut self, scanner: Option<&Scanner>) -> Option<&'static str> {
        let phase = scanner.map_or(Phase::Idle, Scanner::phase);
        let now = (phase, scanner.map_or(0, Scanner::heads), self.activity.served.get());
        let brought = self.bytes - self.bytes_seen;
        let taken = self.taken - self.taken_seen;
        (self.bytes_seen, self.taken_seen) = (self.bytes, self.taken);
        let busy = match phase {
            Phase::Idle => self.activity.active.get() > 0 || taken >= BODY_BYTES,
            Phase::Head => false,
            Phase::Body => brought >= BODY_BYTES,
        };
        if busy || now != self.seen {
            (self.seen, self.looks) = (now, 0);
            return None;
        }
        self.looks += 1;
        match phase {
            Phase::Idle if self.looks >= IDLE_LOOKS => Some("idle for too long"),
            Phase::Head if self.looks >= HEAD_LOOKS => Some("the head came too slowly"),
            Phase::Body if self.looks >= BODY_LOOKS => Some("the body came too slowly"),
            _ => None,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.refused {
            this.pour(buffer);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        if !this.prefix.is_empty() {
            this.pour(buffer);
            return Poll::Ready(this.inspect(buffer, before));
        }
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(this.inspect(buffer, before)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => this.watch.poll(this.scanner.as_ref(), cx),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch.took(&written);
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
        if self.refused {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.watch.took(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at a connection without a request, which has `active` answers that wait for a back end and whose client takes
    /// `taken` bytes between two looks.
    fn looks_until_closed(active: u32, taken: u64) -> Option<u32> {
        let activity = Rc::new(Activity::default());
        activity.active.set(active);
        let mut guarded = Guarded::new(tokio::io::empty(), Bytes::new(), false, activity);
        let idle = Scanner::default();
        (1..100).find(|_| {
            guarded.watch.took(&Poll::Ready(Ok(usize::try_from(taken).unwrap())));
            guarded.watch.overdue(Some(&idle)).is_some()
        })
    }

    #[tokio::test]
    async fn an_answer_may_take_long_while_its_back_end_or_its_client_is_at_work() {
        let (waits, taken, idle, stalled) = (
            looks_until_closed(1, 0),
            looks_until_closed(0, BODY_BYTES),
            looks_until_closed(0, 0),
            looks_until_closed(0, BODY_BYTES - 1),
        );

        assert_eq!((waits, taken), (None, None));
        assert_eq!((idle, stalled), (Some(IDLE_LOOKS), Some(IDLE_LOOKS)));
    }
}
