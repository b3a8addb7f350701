//! The answer of InvokeWithResponseStream: event messages taken apart, what they carry goes on as it comes.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Frame;
use serde_json::Value;
use stagecoach_base::eventstream::{Decoder, Message};

use super::{BodyError, UpstreamReply};

/// A function's stream.
pub(crate) struct EventsReply {
    reply: UpstreamReply,
    decoder: Decoder,
    /// Bytes that were read and not passed on.
    begun: Bytes,
    /// InvokeComplete came.
    complete: bool,
}

impl EventsReply {
    pub(crate) fn new(reply: UpstreamReply) -> Self {
        Self { reply, decoder: Decoder::default(), begun: Bytes::new(), complete: false }
    }

    /// Puts bytes back in front.
    pub(crate) fn resume(mut self, begun: Bytes) -> Self {
        self.begun = begun;
        self
    }

    /// The next bytes that the function wrote.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        let frame = std::future::poll_fn(|cx| self.poll(cx)).await?;
        Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
    }

    /// All of it, at most `limit` bytes.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let mut whole = BytesMut::new();
        while let Some(chunk) = self.next().await {
            whole.extend_from_slice(&chunk?);
            if whole.len() > limit {
                return Err(BodyError::TooLarge(limit as u64));
            }
        }
        Ok(whole.freeze())
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if !self.begun.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.begun)))));
            }
            let message = self.decoder.next_message().map_err(|error| BodyError::Events(error.to_string()));
            match message.and_then(|message| message.map(carried).transpose()) {
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok(Some(Carried::Payload(bytes))) => self.begun = bytes,
                Ok(Some(Carried::Complete)) => self.complete = true,
                Ok(Some(Carried::Nothing)) => {}
                // Read to its end, so that the connection can serve again.
                Ok(None) => match ready!(self.reply.poll(cx)) {
                    Some(Ok(frame)) => self.decoder.push(frame.data_ref().map_or(&[], |data| data)),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None if self.complete && self.decoder.is_between_messages() => return Poll::Ready(None),
                    None => return Poll::Ready(Some(Err(BodyError::Events("it ended without InvokeComplete".into())))),
                },
            }
        }
    }
}

/// What one message means.
enum Carried {
    Payload(Bytes),
    Complete,
    Nothing,
}

/// Reads a message; events that are not known are stepped over, as AWS's clients do.
fn carried(message: Message) -> Result<Carried, BodyError> {
    if message.header(":message-type") != Some("event") {
        let kind = message.header(":exception-type").or(message.header(":error-code")).unwrap_or("an exception");
        return Err(BodyError::Function(format!("{kind}: {}", String::from_utf8_lossy(&message.payload))));
    }
    match message.header(":event-type") {
        Some("PayloadChunk") => Ok(Carried::Payload(message.payload)),
        Some("InvokeComplete") => {
            let told: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
            let text = |name: &str| told.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            match text("ErrorCode") {
                Some(code) => Err(BodyError::Function(text("ErrorDetails").unwrap_or(code).to_owned())),
                None => Ok(Carried::Complete),
            }
        }
        _ => Ok(Carried::Nothing),
    }
}

/// For the fuzz target: whatever an endpoint sends is answered.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let mut decoder = Decoder::default();
    for piece in bytes.chunks(61) {
        decoder.push(piece);
        while let Ok(Some(message)) = decoder.next_message() {
            drop(carried(message));
        }
    }
}
