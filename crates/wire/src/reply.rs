//! Answers of the admin surface.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::{Value, json};
use stagecoach_base::{AwsError, ErrorCode};

/// Seconds a throttled client should wait.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A whole answer; the server adds request ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Payload.
    pub body: Bytes,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, value: &Value) -> Self {
        Self::bytes(status, "application/json", Bytes::from(value.to_string()))
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// An answer of raw bytes.
    pub fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self { status, headers: HeaderMap::new(), body: body.into() };
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        reply
    }

    /// `{"message": …}` with the type in `x-amzn-ErrorType` (rest-admin-api §2.4).
    pub fn error(error: &AwsError) -> Self {
        let mut reply = Self::json(error.code().status(), &json!({ "message": error.message() }));
        reply.headers.insert("x-amzn-errortype", HeaderValue::from_static(error.code().name()));
        if matches!(error.code(), ErrorCode::LimitExceeded | ErrorCode::TooManyRequests) {
            reply.headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        reply
    }

    /// Adds a header; a value that is no header text is left out.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_carry_their_type_in_a_header_and_their_text_in_the_body() {
        let reply = Reply::error(&AwsError::not_found("gone"));

        assert_eq!((reply.status, &reply.body[..]), (404, &b"{\"message\":\"gone\"}"[..]));
        assert_eq!(reply.headers["x-amzn-errortype"], "NotFoundException");
        assert_eq!(Reply::error(&AwsError::new(ErrorCode::LimitExceeded, "x")).headers["retry-after"], "1");
    }
}
