//! Bodies in both directions: enums, so that nothing is boxed on the way.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::coding::Deflating;
use crate::deadline::Deadline;
use crate::execution::traffic::Watched;
use crate::upstream::Lease;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// More than the operator allows.
    #[error("the payload exceeds {0} bytes")]
    TooLarge(u64),
    /// The peer went away or sent something wrong.
    #[error(transparent)]
    Transport(#[from] hyper::Error),
    /// The integration's time ran out.
    #[error("the integration's time ran out")]
    TimedOut,
}

/// A client's body with its limit.
pub(crate) struct RequestBody {
    inner: Given,
    limit: usize,
    seen: usize,
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
        Self { inner: Given::Wire(inner), limit, seen: 0 }
    }

    /// A body that is at hand.
    pub(crate) fn whole(bytes: Bytes, limit: usize) -> Self {
        Self { inner: Given::Whole(bytes), limit, seen: 0 }
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

/// What is sent upstream.
pub(crate) enum UpstreamBody {
    /// Bytes at hand, or nothing.
    Full(Bytes),
    /// The client's body as it comes.
    Stream(RequestBody),
}

impl UpstreamBody {
    /// The bytes, where they are at hand.
    pub(crate) fn at_hand(&self) -> Option<&Bytes> {
        match self {
            Self::Full(bytes) => Some(bytes),
            Self::Stream(body) => body.at_hand(),
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(body) => body.size_hint(),
        }
    }
}

/// An upstream's body on its way to the client; the connection goes back to the pool at its end.
pub(crate) struct UpstreamReply {
    incoming: Incoming,
    lease: Lease,
    deadline: Deadline,
    /// Most bytes that may come, and how many have; `None`: any number.
    limit: Option<u64>,
    seen: u64,
}

impl UpstreamReply {
    pub(crate) fn new(incoming: Incoming, lease: Lease, deadline: Deadline) -> Self {
        let mut reply = Self { incoming, lease, deadline, limit: None, seen: 0 };
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
    async fn gather(mut self, limit: usize) -> Result<ReplyBody, BodyError> {
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

    /// Bytes, where known.
    fn announced(&self) -> Option<u64> {
        self.incoming.size_hint().exact()
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

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(None) => {
                self.lease.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                self.settle();
                Poll::Ready(Some(frame.map_err(BodyError::Transport).and_then(|frame| self.counted(frame))))
            }
            Poll::Pending => {
                ready!(Pin::new(&mut self.deadline).poll(cx));
                Poll::Ready(Some(Err(BodyError::TimedOut)))
            }
        }
    }
}

/// What a client is sent.
pub(crate) enum ReplyBody {
    /// Bytes at hand, or nothing.
    Full(Bytes),
    /// An upstream's body.
    Upstream(UpstreamReply),
    /// An upstream's body whose beginning is at hand.
    Begun(Box<(Bytes, UpstreamReply)>),
    /// Compressed on its way.
    Deflating(Box<Deflating>),
    /// Broke before its first byte was sent.
    Broken(Option<BodyError>),
    /// Any of these, for whoever logs its end.
    Watched(Box<Watched>),
}

impl ReplyBody {
    /// Bytes, where known.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Full(bytes) => bytes.len() as u64,
            Self::Upstream(reply) => reply.announced().unwrap_or_default(),
            Self::Begun(_) | Self::Deflating(_) | Self::Broken(_) | Self::Watched(_) => 0,
        }
    }

    /// The bytes, where they are at hand.
    pub(crate) fn at_hand(&self) -> Option<&Bytes> {
        match self {
            Self::Full(bytes) => Some(bytes),
            Self::Upstream(_) | Self::Begun(_) | Self::Deflating(_) | Self::Broken(_) | Self::Watched(_) => None,
        }
    }

    /// Waits for a body of at most `limit` bytes; a longer one goes on as it comes.
    pub(crate) async fn gather(self, limit: usize) -> Result<Self, BodyError> {
        match self {
            Self::Upstream(reply) if reply.announced().is_none_or(|length| length <= limit as u64) => {
                reply.gather(limit).await
            }
            other => Ok(other),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Full(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Upstream(reply) => reply.poll(cx),
            Self::Begun(begun) if begun.0.is_empty() => begun.1.poll(cx),
            Self::Begun(begun) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut begun.0))))),
            Self::Deflating(body) => body.poll(cx),
            Self::Broken(error) => Poll::Ready(error.take().map(Err)),
            Self::Watched(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Upstream(reply) => reply.incoming.is_end_stream(),
            Self::Begun(begun) => begun.0.is_empty() && begun.1.incoming.is_end_stream(),
            Self::Deflating(body) => body.is_end_stream(),
            Self::Broken(error) => error.is_none(),
            Self::Watched(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Upstream(reply) => reply.incoming.size_hint(),
            Self::Begun(_) | Self::Deflating(_) | Self::Broken(_) => SizeHint::default(),
            Self::Watched(body) => body.size_hint(),
        }
    }
}
