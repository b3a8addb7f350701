//! What a client sends.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::BodyError;

/// A client's body with its limit.
pub(crate) struct RequestBody {
    inner: Given,
    limit: usize,
    seen: usize,
    /// When its last bytes came, for whoever asked.
    arrival: Option<Rc<Cell<Instant>>>,
}

/// Where a request's body comes from.
enum Given {
    /// The wire.
    Wire(Incoming),
    /// A test's request, or what validation read already.
    Whole(Bytes),
}

impl RequestBody {
    pub(crate) fn new(inner: Incoming, limit: usize) -> Self {
        Self { inner: Given::Wire(inner), limit, seen: 0, arrival: None }
    }

    /// A body that is at hand.
    pub(crate) fn whole(bytes: Bytes, limit: usize) -> Self {
        Self { inner: Given::Whole(bytes), limit, seen: 0, arrival: None }
    }

    /// The bytes of a body that is at hand.
    pub(crate) fn at_hand(&self) -> Option<&Bytes> {
        match &self.inner {
            Given::Wire(_) => None,
            Given::Whole(bytes) => Some(bytes),
        }
    }

    /// Whether the announced length is over the limit already.
    pub(crate) fn announces_too_much(&self) -> bool {
        self.size_hint().lower() > self.limit as u64
    }

    /// Notes from now on when bytes come; `None` for a body that is at hand, or empty.
    pub(super) fn arrival(&mut self, now: Instant) -> Option<Rc<Cell<Instant>>> {
        if matches!(self.inner, Given::Whole(_)) || self.is_end_stream() {
            return None;
        }
        self.arrival = Some(Rc::new(Cell::new(now)));
        self.arrival.clone()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.is_end_stream()
    }

    /// Reads it whole; the bytes are shared, and the body can be read again.
    pub(crate) async fn hold(self) -> Result<(Self, Bytes), BodyError> {
        let limit = self.limit;
        let bytes = self.collect().await?;
        Ok((Self::whole(bytes.clone(), limit), bytes))
    }

    /// The whole body.
    pub(crate) async fn collect(mut self) -> Result<Bytes, BodyError> {
        let mut whole: Option<Bytes> = None;
        let mut more = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            match whole.take() {
                None if more.is_empty() => whole = Some(data),
                first => {
                    more.extend_from_slice(&first.unwrap_or_default());
                    more.extend_from_slice(&data);
                }
            }
        }
        Ok(whole.unwrap_or_else(|| more.freeze()))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match &mut self.inner {
            Given::Wire(incoming) => ready!(Pin::new(incoming).poll_frame(cx)),
            Given::Whole(bytes) if bytes.is_empty() => None,
            Given::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
        };
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            self.seen += data.len();
            if let Some(arrival) = &self.arrival {
                arrival.set(Instant::now());
            }
            if self.seen > self.limit {
                return Poll::Ready(Some(Err(BodyError::TooLarge(self.limit as u64))));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Transport)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Given::Wire(incoming) => incoming.is_end_stream(),
            Given::Whole(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Given::Wire(incoming) => incoming.size_hint(),
            Given::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}
