//! What an upstream answers.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{BodyError, ReplyBody};
use crate::deadline::Deadline;
use crate::upstream::Lease;

/// An upstream's body on its way to the client; the connection goes back to the pool at its end.
pub(crate) struct UpstreamReply {
    incoming: Incoming,
    lease: Lease,
    deadline: Deadline,
    /// Most bytes that may come, and how many have; `None`: any number.
    limit: Option<u64>,
    seen: u64,
    /// How long nothing may come; `None`: as long as the deadline allows.
    idle: Option<Box<Idle>>,
    /// Notes when the first byte comes, for whoever logs it.
    first: Option<FirstContent>,
}

/// When the first byte of an answer's body came, ms after its call began. One word, for answers are moved a lot.
#[derive(Clone, Debug)]
pub(crate) struct FirstContent(Rc<(Instant, Cell<Option<u128>>)>);

impl FirstContent {
    pub(crate) fn since(started: Instant) -> Self {
        Self(Rc::new((started, Cell::default())))
    }

    pub(crate) fn get(&self) -> Option<u128> {
        self.0.1.get()
    }

    fn came(&self) {
        self.0.1.set(Some(self.0.0.elapsed().as_millis()));
    }
}

/// A limit on how long nothing comes.
struct Idle {
    within: Duration,
    /// There is one while somebody waits; a client that takes what came before has all the time it needs.
    due: Option<Deadline>,
}

impl UpstreamReply {
    pub(crate) fn new(incoming: Incoming, lease: Lease, deadline: Deadline) -> Self {
        let mut reply = Self { incoming, lease, deadline, limit: None, seen: 0, idle: None, first: None };
        reply.settle();
        reply
    }

    fn settle(&mut self) {
        if self.incoming.is_end_stream() {
            self.lease.finish();
        }
    }

    /// Limits what may come. A body whose length is unknown is broken off at the limit: its head may be gone by then.
    ///
    /// # Errors
    /// A body that announces more.
    pub(crate) fn limited(mut self, bytes: usize) -> Result<Self, BodyError> {
        let limit = bytes as u64;
        if self.announced().is_some_and(|length| length > limit) {
            return Err(BodyError::TooLarge(limit));
        }
        self.limit = Some(limit);
        Ok(self)
    }

    /// Breaks the body off once nothing has come for `within`.
    pub(crate) fn streamed(mut self, within: Duration) -> Self {
        self.idle = Some(Box::new(Idle { within, due: None }));
        self
    }

    /// Notes when the first byte comes.
    pub(crate) fn timed(mut self, first: Option<FirstContent>) -> Self {
        self.first = first;
        self
    }

    /// Whether nothing comes, or nothing more.
    pub(crate) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    /// The whole body, at most `limit` bytes.
    pub(crate) async fn collect(self, limit: usize) -> Result<Bytes, BodyError> {
        let mut body = self.limited(limit)?;
        let mut whole = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|cx| body.poll(cx)).await {
            if let Ok(data) = frame?.into_data() {
                whole.extend_from_slice(&data);
            }
        }
        Ok(whole.freeze())
    }

    /// The body if it ends within `limit` bytes; else what came so far, and the rest.
    pub(super) async fn gather(mut self, limit: usize) -> Result<ReplyBody, BodyError> {
        let mut begun = BytesMut::new();
        while let Some(frame) = std::future::poll_fn(|cx| self.poll(cx)).await {
            if let Ok(data) = frame?.into_data() {
                begun.extend_from_slice(&data);
            }
            if begun.len() > limit {
                return Ok(ReplyBody::Begun(Box::new((begun.freeze(), self))));
            }
        }
        Ok(ReplyBody::Full(begun.freeze()))
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }

    /// Bytes, where known.
    pub(super) fn announced(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
    }

    /// Something came.
    fn came(&mut self) {
        if let Some(first) = self.first.take() {
            first.came();
        }
        if let Some(idle) = &mut self.idle {
            idle.due = None;
        }
    }

    fn counted(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        let Some(limit) = self.limit else { return Ok(frame) };
        self.seen += frame.data_ref().map_or(0, |data| data.len() as u64);
        if self.seen > limit {
            tracing::warn!(limit, "an integration's answer is larger than --max-payload");
            return Err(BodyError::TooLarge(limit));
        }
        Ok(frame)
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(None) => {
                self.lease.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                self.settle();
                self.came();
                Poll::Ready(Some(frame.map_err(BodyError::Transport).and_then(|frame| self.counted(frame))))
            }
            Poll::Pending => {
                if let Some(idle) = &mut self.idle {
                    let within = idle.within;
                    let due = idle.due.get_or_insert_with(|| self.deadline.another(Instant::now() + within));
                    if Pin::new(due).poll(cx).is_ready() {
                        tracing::warn!(
                            seconds = within.as_secs(),
                            "a stream was broken off: nothing came for too long"
                        );
                        return Poll::Ready(Some(Err(BodyError::Idle(within))));
                    }
                }
                ready!(Pin::new(&mut self.deadline).poll(cx));
                Poll::Ready(Some(Err(BodyError::TimedOut)))
            }
        }
    }
}
