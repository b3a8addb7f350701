//! Bodies in both directions: enums, so that nothing is boxed on the way.

mod events;
mod reply;
mod request;

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pub(crate) use events::EventsReply;
pub use events::fuzz as fuzz_events;
pub(crate) use reply::{FirstContent, UpstreamReply};
pub(crate) use request::RequestBody;

use crate::coding::Deflating;
use crate::execution::traffic::Watched;

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
    /// A stream from which nothing came.
    #[error("nothing came for {} s", .0.as_secs())]
    Idle(Duration),
    /// A function's stream is no event stream, or was cut.
    #[error("the function's stream cannot be read: {0}")]
    Events(String),
    /// A function failed while it streamed.
    #[error("the function failed: {0}")]
    Function(String),
}

/// What is sent upstream.
pub(crate) enum UpstreamBody {
    /// Bytes at hand, or nothing.
    Full(Bytes),
    /// The client's body as it comes.
    Stream(RequestBody),
}

impl UpstreamBody {
    /// When the last bytes of a body came that is sent as it comes, `now` until the first do.
    pub(crate) fn arrival(&mut self, now: Instant) -> Option<Rc<Cell<Instant>>> {
        match self {
            Self::Full(_) => None,
            Self::Stream(body) => body.arrival(now),
        }
    }

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

/// What a client is sent.
pub(crate) enum ReplyBody {
    /// Bytes at hand, or nothing.
    Full(Bytes),
    /// An upstream's body.
    Upstream(UpstreamReply),
    /// An upstream's body whose beginning is at hand.
    Begun(Box<(Bytes, UpstreamReply)>),
    /// What a function streams.
    Events(Box<EventsReply>),
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
            Self::Begun(_) | Self::Events(_) | Self::Deflating(_) | Self::Broken(_) | Self::Watched(_) => 0,
        }
    }

    /// The bytes, where they are at hand.
    pub(crate) fn at_hand(&self) -> Option<&Bytes> {
        match self {
            Self::Full(bytes) => Some(bytes),
            Self::Upstream(_)
            | Self::Begun(_)
            | Self::Events(_)
            | Self::Deflating(_)
            | Self::Broken(_)
            | Self::Watched(_) => None,
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
            Self::Events(events) => events.poll(cx),
            Self::Deflating(body) => body.poll(cx),
            Self::Broken(error) => Poll::Ready(error.take().map(Err)),
            Self::Watched(body) => Pin::new(body.as_mut()).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_empty(),
            Self::Upstream(reply) => reply.is_end_stream(),
            Self::Begun(begun) => begun.0.is_empty() && begun.1.is_end_stream(),
            Self::Events(_) => false,
            Self::Deflating(body) => body.is_end_stream(),
            Self::Broken(error) => error.is_none(),
            Self::Watched(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Upstream(reply) => reply.size_hint(),
            Self::Begun(_) | Self::Events(_) | Self::Deflating(_) | Self::Broken(_) => SizeHint::default(),
            Self::Watched(body) => body.size_hint(),
        }
    }
}
