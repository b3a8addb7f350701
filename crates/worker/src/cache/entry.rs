//! One kept answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::body::ReplyBody;

/// Largest body that is kept, bytes; a larger one is simply not (rest-data-plane §9).
pub(crate) const LARGEST_BODY: usize = 1_048_576;
/// What an entry costs beside its texts, bytes: the store's nodes and our own, rounded up.
const OVERHEAD: usize = 512;
/// What a header costs beside its texts, bytes.
const PER_HEADER: usize = 96;

/// A final answer. Its texts are copies of their own, for what came off the wire keeps whole read buffers alive.
pub(crate) struct Entry {
    status: StatusCode,
    headers: Box<[(HeaderName, HeaderValue)]>,
    body: Bytes,
    made: Instant,
    /// How long it counts.
    pub(crate) ttl: Duration,
}

impl Entry {
    /// Keeps an answer made at `made`.
    pub(crate) fn new(status: StatusCode, headers: &HeaderMap, body: &Bytes, made: Instant, ttl: Duration) -> Self {
        let copy = |(name, value): (&HeaderName, &HeaderValue)| {
            let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
            Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
        };
        let headers = headers.iter().filter_map(copy).collect();
        Self { status, headers, body: Bytes::copy_from_slice(body), made, ttl }
    }

    /// Whether it counts at `now`.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.made) < self.ttl
    }

    /// Bytes it takes together with a key of `key` bytes.
    pub(crate) fn weight(&self, key: usize) -> u32 {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + PER_HEADER);
        let whole = OVERHEAD + key + self.body.len() + headers.sum::<usize>();
        u32::try_from(whole).unwrap_or(u32::MAX)
    }

    /// The answer again.
    pub(crate) fn response(&self) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::Full(self.body.clone()));
        *response.status_mut() = self.status;
        // With room for what the gateway adds.
        let mut headers = HeaderMap::with_capacity(self.headers.len() + 4);
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        *response.headers_mut() = headers;
        response
    }
}

/// Whether an answer of this status and with these headers is kept. AWS does not say which are; ours are 2xx and 3xx
/// (rest-data-plane §9 [I]), except those that answer a condition or a range of one client's (206, 304) and those that are
/// encoded for one: none of that is in the key.
pub(crate) fn is_kept(status: StatusCode, headers: &HeaderMap) -> bool {
    let plain =
        headers.get_all(CONTENT_ENCODING).iter().all(|value| value.as_bytes().eq_ignore_ascii_case(b"identity"));
    let partial = matches!(status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
    (status.is_success() || status.is_redirection()) && !partial && plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_answers_for_everybody_are_kept() {
        let (none, mut encoded) = (HeaderMap::new(), HeaderMap::new());
        encoded.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let kept = |status: u16| is_kept(StatusCode::from_u16(status).unwrap(), &none);

        assert!([200, 201, 204, 301, 302].into_iter().all(kept));
        assert!(![206, 304, 400, 404, 429, 500, 504].into_iter().any(kept));
        assert!(!is_kept(StatusCode::OK, &encoded));
    }

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        let (body, ttl) = (Bytes::from_static(b"x"), Duration::from_secs(1));

        let entry = Entry::new(StatusCode::CREATED, &headers, &body, Instant::now(), ttl);

        let answer = entry.response();
        assert_eq!((answer.status(), answer.headers()), (StatusCode::CREATED, &headers));
        assert!(matches!(answer.body(), ReplyBody::Full(kept) if *kept == body));
        assert!(entry.weight(10) > 1 + 10 + 2 * 13);
    }
}
