//! The signing side, for calls to Lambda and other AWS-shaped services.

use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use stagecoach_base::{Digest, UnixMillis};
use time::OffsetDateTime;
use time::macros::format_description;

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

impl Signer {
    /// Adds `x-amz-date`, `x-amz-security-token`, for S3 `x-amz-content-sha256`, and `authorization`. `host` must already be
    /// among the headers; it is signed with the date, the content type and every `x-amz-…` header.
    pub fn sign(
        &self,
        method: &http::Method,
        path: &str,
        query: &str,
        headers: &mut HeaderMap,
        body: &[u8],
        at: UnixMillis,
    ) {
        let date = stamp(at);
        put(headers, HeaderName::from_static("x-amz-date"), &date);
        if let Some(token) = &self.credentials.token {
            put(headers, HeaderName::from_static("x-amz-security-token"), token);
        }
        let body_hash = Digest::of(body).to_string();
        let raw_path = self.service == S3;
        if raw_path {
            put(headers, HeaderName::from_static("x-amz-content-sha256"), &body_hash);
        }
        let mut names: Vec<String> = headers.keys().map(|name| name.as_str().to_owned()).collect();
        names.retain(|name| name == HOST.as_str() || name == "content-type" || name.starts_with("x-amz-"));
        names.sort();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let scope = format!("{}/{}/{}/aws4_request", date.get(..8).unwrap_or_default(), self.region, self.service);
        let request = Request { method: method.as_str(), path, query, authority: None, headers, raw_path };
        let hash = request.hash(&names, &body_hash);
        let signature = canonical::signature(&self.credentials.secret, &date, &scope, &hash);
        let text = format!(
            "{} Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            crate::ALGORITHM,
            self.credentials.access_key,
            names.join(";"),
        );
        put(headers, AUTHORIZATION, &text);
    }
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// `YYYYMMDDThhmmssZ`.
pub(crate) fn stamp(at: UnixMillis) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(format).unwrap_or_default()
}
