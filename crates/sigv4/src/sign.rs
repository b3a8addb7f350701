//! The signing side, for calls to Lambda and other AWS-shaped services.

use aws_lc_rs::hmac;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use stagecoach_base::{Digest, UnixMillis};
use time::OffsetDateTime;

use crate::canonical::{self, Request};

/// Signing name of S3, which has rules of its own.
pub(crate) const S3: &str = "s3";

/// An access key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key: String,
    /// Secret access key.
    pub secret: String,
    /// Session token of temporary credentials.
    pub token: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Signs requests to one service in one region.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who signs.
    pub credentials: Credentials,
    /// `us-east-1`, …
    pub region: String,
    /// Signing name, `lambda`.
    pub service: String,
}

/// What a signer needs of a day: derived once, it signs every request of that day.
pub struct DayKey {
    /// Days since 1970.
    day: i64,
    /// `YYYYMMDD/region/service/aws4_request`.
    scope: String,
    key: hmac::Key,
}

impl DayKey {
    /// Whether it is the key of `at`.
    pub fn is_of(&self, at: UnixMillis) -> bool {
        self.day == day(at)
    }
}

impl std::fmt::Debug for DayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DayKey").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl Signer {
    /// The key of the day of `at`.
    pub fn key(&self, at: UnixMillis) -> DayKey {
        let date = stamp(at);
        let scope = format!("{}/{}/{}/aws4_request", date.get(..8).unwrap_or_default(), self.region, self.service);
        DayKey { day: day(at), key: canonical::derive(&self.credentials.secret, &scope), scope }
    }

    /// As [`Signer::sign_with`], with a key derived for this one request.
    pub fn sign(
        &self,
        method: &http::Method,
        path: &str,
        query: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        at: UnixMillis,
    ) {
        self.sign_with(&self.key(at), Target { method, path, query }, headers, body, at);
    }

    /// Adds `x-amz-date`, `x-amz-security-token`, for S3 `x-amz-content-sha256`, and `authorization`. `host` must already be
    /// among the headers; it is signed with the date, the content type and every `x-amz-…` header. `key` is this signer's
    /// for the day of `at`.
    pub fn sign_with(&self, key: &DayKey, target: Target<'_>, headers: &mut HeaderMap, body: &[u8], at: UnixMillis) {
        let date = stamp(at);
        put(headers, HeaderName::from_static("x-amz-date"), &date);
        if let Some(token) = &self.credentials.token {
            put(headers, HeaderName::from_static("x-amz-security-token"), token);
        }
        let body_hash = canonical::hex(Digest::of(body).as_bytes());
        let raw_path = self.service == S3;
        if raw_path {
            put(headers, HeaderName::from_static("x-amz-content-sha256"), &body_hash);
        }
        let is_signed = |name: &&str| *name == HOST.as_str() || *name == "content-type" || name.starts_with("x-amz-");
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).filter(is_signed).collect();
        names.sort_unstable();
        let Target { method, path, query } = target;
        let request = Request { method: method.as_str(), path, query, authority: None, headers, raw_path };
        let hash = request.hash(&names, &body_hash);
        let signature = canonical::signature(&key.key, &date, &key.scope, &hash);
        let mut text = String::with_capacity(320);
        text.extend([
            crate::ALGORITHM,
            " Credential=",
            &self.credentials.access_key,
            "/",
            &key.scope,
            ", SignedHeaders=",
        ]);
        canonical::push_names(&mut text, &names);
        text.extend([", Signature=", &signature]);
        put(headers, AUTHORIZATION, &text);
    }
}

/// What is called.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Verb.
    pub method: &'a http::Method,
    /// Path as it is sent, percent-encoded once.
    pub path: &'a str,
    /// Query as it is sent; empty when there is none.
    pub query: &'a str,
}

/// Days since 1970.
fn day(at: UnixMillis) -> i64 {
    at.seconds().div_euclid(24 * 60 * 60)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `YYYYMMDDThhmmssZ`. By hand: it is part of every signature.
pub(crate) fn stamp(at: UnixMillis) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (moment.date(), moment.time());
    let mut text = String::with_capacity(16);
    push(&mut text, date.year().unsigned_abs(), 4);
    push(&mut text, u8::from(date.month()).into(), 2);
    push(&mut text, date.day().into(), 2);
    text.push('T');
    [time.hour(), time.minute(), time.second()].into_iter().for_each(|part| push(&mut text, part.into(), 2));
    text.push('Z');
    text
}

/// The last `digits` digits of a number.
fn push(text: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        text.extend(char::from_digit(number / 10_u32.pow(place) % 10, 10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_aws_reads_them() {
        let stamps = [0, 1_709_210_096_789, 4_102_444_799_000].map(|ms| stamp(UnixMillis(ms)));

        assert_eq!(stamps, ["19700101T000000Z", "20240229T123456Z", "20991231T235959Z"]);
    }

    #[test]
    fn a_key_is_of_one_day() {
        let credentials = Credentials { access_key: "a".into(), secret: "s".into(), token: None };
        let key =
            Signer { credentials, region: "r".into(), service: "lambda".into() }.key(UnixMillis(1_709_210_096_789));

        assert!(key.is_of(UnixMillis(1_709_251_199_999)) && !key.is_of(UnixMillis(1_709_251_200_000)));
        assert_eq!(format!("{key:?}"), "DayKey { scope: \"20240229/r/lambda/aws4_request\", .. }");
    }
}
