//! A client's answer as its connection sends it: the watchdog learns whether it waits for a back end or for the client.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::Activity;
use crate::body::{BodyError, ReplyBody};

/// A body on its connection.
pub(crate) struct Served {
    body: ReplyBody,
    activity: Rc<Activity>,
    /// The back end is to send the next byte; else the client is to take the last.
    waiting: bool,
}

impl Served {
    pub(crate) fn new(body: ReplyBody, activity: Rc<Activity>) -> Self {
        Self { body, activity, waiting: false }
    }

    fn wait(&mut self, waiting: bool) {
        let active = self.activity.active.get();
        match (self.waiting, waiting) {
            (false, true) => self.activity.active.set(active + 1),
            (true, false) => self.activity.active.set(active.saturating_sub(1)),
            _ => {}
        }
        self.waiting = waiting;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.wait(false);
    }
}

impl Body for Served {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.wait(frame.is_pending());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
