//! Compression of answers: whole ones as a whole, so that their length is known; others as they come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};
use http_body::{Body, Frame};
use http_body_util::BodyExt;

use super::Coding;
use crate::body::{BodyError, ReplyBody};

/// What is compressed in one step, bytes.
const STEP: usize = 32 * 1024;
/// Steps between two turns of other requests.
const STEPS: usize = 4;
/// Good for text at a small part of the cost of the best.
const LEVEL: Compression = Compression::new(4);
const WINDOW: u8 = 15;

/// A body that is compressed as it is sent.
pub(crate) struct Deflating {
    /// What was read before it was known to be enough.
    first: Bytes,
    inner: ReplyBody,
    state: Compress,
    ended: Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    No,
    /// The input has; the trailer is still to come.
    Input,
    Both,
}

/// The body, and whether it is compressed now. The length of an upstream's body may be unknown: it is then read until it
/// is long enough or over.
pub(super) async fn apply(mut body: ReplyBody, coding: Coding, minimum: usize) -> (ReplyBody, bool) {
    let known = body.size_hint().exact();
    if known.is_some_and(|length| length == 0 || length < minimum as u64) {
        return (body, false);
    }
    if let ReplyBody::Full(bytes) = body {
        return (ReplyBody::Full(whole(bytes, coding).await), true);
    }
    let mut first = BytesMut::new();
    while known.is_none() && first.len() < minimum.max(1) {
        match body.frame().await {
            Some(Ok(frame)) => first.extend_from_slice(&frame.into_data().unwrap_or_default()),
            // What breaks here breaks for the client as it would have without compression.
            Some(Err(error)) => return (ReplyBody::Broken(Some(error)), false),
            None => return (ReplyBody::Full(first.freeze()), false),
        }
    }
    let first = first.freeze();
    let deflating = Deflating { first, inner: body, state: state(coding), ended: Ended::No };
    (ReplyBody::Deflating(Box::new(deflating)), true)
}

fn state(coding: Coding) -> Compress {
    match coding {
        Coding::Gzip => Compress::new_gzip(LEVEL, WINDOW),
        Coding::Deflate => Compress::new(LEVEL, true),
    }
}

async fn whole(mut body: Bytes, coding: Coding) -> Bytes {
    let (mut state, mut output, mut steps) = (state(coding), Vec::with_capacity(body.len() / 4 + 64), 0);
    while !body.is_empty() {
        step(&mut state, &mut body, &mut output);
        steps += 1;
        if steps % STEPS == 0 {
            tokio::task::yield_now().await;
        }
    }
    finish(&mut state, &mut output);
    output.into()
}

/// Takes at most [`STEP`] bytes of the input.
fn step(state: &mut Compress, input: &mut Bytes, output: &mut Vec<u8>) {
    let slice = input.get(..STEP.min(input.len())).unwrap_or_default();
    let before = state.total_in();
    output.reserve(slice.len() / 2 + 64);
    // Only a state that was finished refuses input, and this one was not.
    drop(state.compress_vec(slice, output, FlushCompress::None));
    let taken = usize::try_from(state.total_in() - before).unwrap_or_default();
    input.advance(taken.min(input.len()));
}

fn finish(state: &mut Compress, output: &mut Vec<u8>) {
    loop {
        output.reserve(STEP);
        match state.compress_vec(&[], output, FlushCompress::Finish) {
            Ok(Status::Ok | Status::BufError) => {}
            Ok(Status::StreamEnd) | Err(_) => return,
        }
    }
}

impl Deflating {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut output = Vec::new();
        loop {
            if !self.first.is_empty() {
                step(&mut self.state, &mut self.first, &mut output);
            } else if self.ended == Ended::No {
                match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                    Some(Ok(frame)) => self.first = frame.into_data().unwrap_or_default(),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                    None => self.ended = Ended::Input,
                }
            } else if self.ended == Ended::Input {
                self.ended = Ended::Both;
                finish(&mut self.state, &mut output);
            } else {
                return Poll::Ready(None);
            }
            if !output.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(output.into()))));
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.ended == Ended::Both
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::{GzDecoder, ZlibDecoder};

    use super::*;

    async fn bytes(body: ReplyBody) -> Bytes {
        body.collect().await.unwrap().to_bytes()
    }

    fn unzipped(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        match coding {
            Coding::Gzip => GzDecoder::new(bytes).read_to_end(&mut text),
            Coding::Deflate => ZlibDecoder::new(bytes).read_to_end(&mut text),
        }
        .unwrap();
        text
    }

    /// rest-data-plane §3.7: the body is at least the minimum.
    #[tokio::test]
    async fn bodies_below_the_minimum_and_empty_ones_go_out_as_they_are() {
        let rows = [("", 0, false), ("abc", 4, false), ("abc", 3, true), ("abc", 0, true)];

        for (text, minimum, expected) in rows {
            let (body, done) = apply(ReplyBody::Full(text.into()), Coding::Gzip, minimum).await;
            let sent = bytes(body).await;
            assert_eq!(done, expected, "{text} at {minimum}");
            assert_eq!(if done { unzipped(Coding::Gzip, &sent) } else { sent.to_vec() }, text.as_bytes());
        }
    }

    #[tokio::test]
    async fn whole_and_streamed_bodies_decompress_to_what_they_were() {
        let text: String = (0..60_000).map(|number| format!("{number},")).collect();

        for coding in [Coding::Gzip, Coding::Deflate] {
            let full = whole(text.clone().into(), coding).await;
            let inner = ReplyBody::Full(text.clone().into());
            let first = Bytes::from_static(b"first,");
            let streamed = Deflating { first, inner, state: state(coding), ended: Ended::No };
            let streamed = bytes(ReplyBody::Deflating(Box::new(streamed))).await;

            assert!(full.len() < text.len() / 2);
            assert_eq!(unzipped(coding, &full), text.as_bytes());
            assert_eq!(unzipped(coding, &streamed), format!("first,{text}").as_bytes());
        }
    }
}
