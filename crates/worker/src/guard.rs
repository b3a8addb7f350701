//! What a request must be before anything else looks at it (reliability §3.2), and the guards of the pipeline.

use http::request::Parts;
use http::{Method, StatusCode, Version};
use stagecoach_base::limits;
use stagecoach_plan::ir::Guard;

use crate::failure::Failure;
use crate::headers;

/// A request that is refused for its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: &'static str,
}

fn refuse<T>(status: StatusCode, message: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, message })
}

/// What one pass over a head saw, so that later steps look up only what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Headers that no integration sees.
    pub(crate) dropped: bool,
    pub(crate) request_id: bool,
    pub(crate) method_override: bool,
    pub(crate) trace: bool,
    /// Somebody asks for an explanation.
    pub(crate) explain: bool,
    pub(crate) content_encoding: bool,
    hosts: u8,
    encodings: u8,
}

/// Checks what hyper's parser lets through. What is gone after parsing (bare line feeds, doubled or conflicting lengths,
/// fragments) is the scanner's business.
pub(crate) fn check(parts: &Parts) -> Result<Seen, Refusal> {
    if parts.method == Method::CONNECT {
        return refuse(StatusCode::METHOD_NOT_ALLOWED, "CONNECT is not supported");
    }
    if parts.method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return refuse(StatusCode::BAD_REQUEST, "The method must be upper case");
    }
    if parts.uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return refuse(StatusCode::BAD_REQUEST, "User information in the target is not allowed");
    }
    let target = parts.uri.path().len() + parts.uri.query().map_or(0, str::len);
    if target > limits::URL_BYTES {
        return refuse(StatusCode::URI_TOO_LONG, "The URL is too long");
    }
    let (mut seen, mut bytes) = (Seen::default(), 0);
    for (name, value) in &parts.headers {
        bytes += value.len();
        seen.header(name.as_str(), value.as_bytes())?;
    }
    if bytes > limits::HEADER_VALUE_BYTES {
        // AWS has one answer for whatever is too large, 413 (rest-data-plane §1.1, step 2; §2.1), and this text for it.
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long");
    }
    if seen.hosts == 0 && parts.version == Version::HTTP_11 {
        return refuse(StatusCode::BAD_REQUEST, "The Host header is missing");
    }
    Ok(seen)
}

impl Seen {
    fn header(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        match name {
            "host" => {
                self.hosts = self.hosts.saturating_add(1);
                check_host(self.hosts, value)?;
            }
            "transfer-encoding" => {
                self.dropped = true;
                self.encodings = self.encodings.saturating_add(1);
                if self.encodings > 1 || !value.eq_ignore_ascii_case(b"chunked") {
                    return refuse(StatusCode::BAD_REQUEST, "Transfer-Encoding must be chunked, once");
                }
            }
            "expect" => {
                self.dropped = true;
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return refuse(StatusCode::EXPECTATION_FAILED, "Unknown expectation");
                }
            }
            // Look-alikes that an upstream may normalise into the real thing.
            "transfer_encoding" | "content_length" => {
                return refuse(StatusCode::BAD_REQUEST, "A header looks like a framing header");
            }
            "x-amzn-requestid" => self.request_id = true,
            "x-http-method-override" => self.method_override = true,
            "x-amzn-trace-id" => self.trace = true,
            "x-stagecoach-explain" => self.explain = true,
            "content-encoding" => self.content_encoding = true,
            name => self.dropped |= headers::is_dropped(name),
        }
        Ok(())
    }
}

fn check_host(count: u8, value: &[u8]) -> Result<(), Refusal> {
    if count > 1 {
        return refuse(StatusCode::BAD_REQUEST, "More than one Host header");
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]%~!$&'()*+,;=".contains(&byte);
    match value.iter().copied().all(allowed) {
        true => Ok(()),
        false => refuse(StatusCode::BAD_REQUEST, "The Host header is malformed"),
    }
}

/// Runs a method's guards in order. A guard that is not built yet refuses: what it protects stays protected.
pub(crate) fn run(guards: &[Guard]) -> Result<(), Failure> {
    guards.iter().try_for_each(|guard| match guard {
        // The limits are the stage's; the limiter comes later and there is none to exceed till then.
        Guard::Throttle => Ok(()),
        Guard::Policy => Err(Failure::not_built("resource policies")),
        Guard::Authorize { authorization_type, .. } => {
            Err(Failure::not_built(format_args!("authorization type {authorization_type}")))
        }
        Guard::ApiKey => Err(Failure::not_built("API keys")),
        // Behind the method cache, where a body can be awaited: `validate`.
        Guard::Validate { .. } => Ok(()),
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn status(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Option<u16> {
        let builder = Request::builder().uri("/x").header("host", "a.test");
        let parts = build(builder).body(()).unwrap().into_parts().0;
        check(&parts).err().map(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn an_ordinary_request_passes_and_odd_ones_do_not() {
        assert_eq!(status(|b| b), None);
        assert_eq!(status(|b| b.method("CONNECT")), Some(405));
        assert_eq!(status(|b| b.method("get")), Some(400));
        assert_eq!(status(|b| b.header("host", "b.test")), Some(400));
        assert_eq!(status(|b| b.header("transfer-encoding", "gzip, chunked")), Some(400));
        assert_eq!(status(|b| b.header("transfer-encoding", "chunked").header("transfer-encoding", "x")), Some(400));
        assert_eq!(status(|b| b.header("expect", "magic")), Some(417));
        assert_eq!(status(|b| b.header("transfer_encoding", "chunked")), Some(400));
        assert_eq!(status(|b| b.uri("http://user@a.test/")), Some(400));
        assert_eq!(status(|b| b.uri(format!("/{}", "x".repeat(11_000)))), Some(414));
        assert_eq!(status(|b| b.header("x", "y".repeat(11_000))), Some(413));
    }

    #[test]
    fn host_must_be_there_and_well_formed() {
        for host in ["a/b", "a?b", "a#b", "a@b"] {
            let parts = Request::builder().uri("/").header("host", host).body(()).unwrap().into_parts().0;
            assert!(check(&parts).is_err(), "{host}");
        }
        let parts = Request::builder().uri("/").body(()).unwrap().into_parts().0;
        assert!(check(&parts).is_err());
    }
}
