//! What one side signs the other side accepts, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use http::request::Parts;
use http::{HeaderMap, Method, Request};
use proptest::prelude::*;
use stagecoach_base::{ErrorCode, UnixMillis};
use stagecoach_sigv4::{Credentials, Signer, claimed_access_key, verify};

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn signed(path: &str, query: &str, body: &[u8]) -> Parts {
    let credentials = Credentials { access_key: "AKIDEXAMPLE".into(), secret: "secret".into(), token: None };
    let signer = Signer { credentials, region: "us-east-1".into(), service: "apigateway".into() };
    let mut headers = HeaderMap::new();
    headers.insert("host", "127.0.0.1:8081".parse().unwrap());
    signer.sign(&Method::GET, path, query, &mut headers, body, NOW);
    let mut request = Request::builder().uri(format!("{path}?{query}")).body(()).unwrap();
    *request.headers_mut() = headers;
    request.into_parts().0
}

fn refusal(parts: &Parts, body: &[u8], secret: Option<&str>, now: UnixMillis) -> ErrorCode {
    verify(parts, body, secret, now).unwrap_err().code()
}

#[test]
fn a_signed_request_is_accepted_and_names_its_key() {
    let parts = signed("/restapis", "limit=2", b"");

    let verified = verify(&parts, b"", Some("secret"), NOW).unwrap();

    assert_eq!(verified.access_key, "AKIDEXAMPLE");
    assert_eq!(claimed_access_key(&parts), Some("AKIDEXAMPLE"));
    assert_eq!((verified.region.as_str(), verified.service.as_str()), ("us-east-1", "apigateway"));
}

#[test]
fn s3_signs_the_path_as_it_is_sent() {
    let credentials = Credentials { access_key: "AKIDEXAMPLE".into(), secret: "secret".into(), token: None };
    let signer = Signer { credentials, region: "us-east-1".into(), service: "s3".into() };
    let request = |path: &str| Request::builder().uri(path).header("host", "s3.test").body(()).unwrap().into_parts().0;
    let mut parts = request("/bucket/a//b/../c%20d");
    signer.sign(&Method::GET, parts.uri.path(), "", &mut parts.headers, b"", NOW);

    let verified = verify(&parts, b"", Some("secret"), NOW).unwrap();
    let mut normalised = request("/bucket/a/c%20d");
    normalised.headers = parts.headers;

    assert_eq!(verified.service, "s3");
    assert_eq!(refusal(&normalised, b"", Some("secret"), NOW), ErrorCode::InvalidSignature);
}

#[test]
fn anything_changed_or_unknown_is_refused() {
    let parts = signed("/restapis", "limit=2", b"body");
    let mut moved = parts.clone();
    moved.uri = "/account?limit=2".parse().unwrap();

    assert_eq!(refusal(&parts, b"Body", Some("secret"), NOW), ErrorCode::InvalidSignature);
    assert_eq!(refusal(&moved, b"body", Some("secret"), NOW), ErrorCode::InvalidSignature);
    assert_eq!(refusal(&parts, b"body", Some("other"), NOW), ErrorCode::InvalidSignature);
    assert_eq!(refusal(&parts, b"body", None, NOW), ErrorCode::UnrecognizedClient);
}

#[test]
fn a_clock_may_be_five_minutes_off_and_no_more() {
    let parts = signed("/", "", b"");
    let at = |offset: i64| verify(&parts, b"", Some("secret"), UnixMillis(NOW.0 + offset * 1000));

    assert!(at(299).is_ok() && at(-299).is_ok());
    assert!(at(301).unwrap_err().message().starts_with("Signature expired: "));
    assert!(at(-301).unwrap_err().message().starts_with("Signature not yet current: "));
}

#[test]
fn a_header_that_is_missing_or_half_there_is_named() {
    let bare = Request::builder().uri("/").body(()).unwrap().into_parts().0;
    let mut half = signed("/", "", b"");
    half.headers.insert("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request".parse().unwrap());

    assert_eq!(refusal(&bare, b"", None, NOW), ErrorCode::MissingAuthenticationToken);
    assert_eq!(refusal(&half, b"", None, NOW), ErrorCode::IncompleteSignature);
}

proptest! {
    #[test]
    fn every_path_and_query_reads_back(path in "(/[a-zA-Z0-9%25._~()-]{0,8}){1,4}", query in "([a-z]{1,3}=[a-zA-Z0-9%20+_]{0,5}&?){0,3}") {
        let path = path.replace('%', "%25");
        let query = query.replace('%', "%25");
        let parts = signed(&path, &query, b"x");

        prop_assert!(verify(&parts, b"x", Some("secret"), NOW).is_ok());
    }

    #[test]
    fn no_authorization_header_panics(text in "[ -~]{0,80}") {
        let mut parts = signed("/", "", b"");
        parts.headers.insert("authorization", text.parse().unwrap());

        prop_assert!(verify(&parts, b"", Some("secret"), NOW).is_err());
    }
}
