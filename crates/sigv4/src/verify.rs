//! The verifying side: constant time, ±5 minutes, AWS's error shapes.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::header::AUTHORIZATION;
use http::request::Parts;
use stagecoach_base::{AwsError, Digest, ErrorCode, UnixMillis};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::canonical::{self, Request};
use crate::credential::Authorization;
use crate::sign::{S3, stamp};

/// A caller whose signature was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Access key id.
    pub access_key: String,
    /// Region the request was signed for.
    pub region: String,
    /// Service the request was signed for.
    pub service: String,
}

/// Checks a request's signature. `secret` is that of [`crate::claimed_access_key`], `None` when there is no such key:
/// the work is then done all the same, so that timing does not tell known keys from unknown ones.
///
/// # Errors
/// `MissingAuthenticationTokenException`, `IncompleteSignatureException`, `UnrecognizedClientException` or
/// `InvalidSignatureException`, all 403.
pub fn verify(parts: &Parts, body: &[u8], secret: Option<&str>, now: UnixMillis) -> Result<Verified, AwsError> {
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let authorization = Authorization::parse(header.to_str().map_err(|_| missing())?)?;
    let date = date(parts)?;
    check_scope(&authorization, date)?;
    check_signed_headers(&authorization)?;
    let request = Request {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        authority: parts.uri.authority().map(http::uri::Authority::as_str),
        headers: &parts.headers,
        raw_path: authorization.scope.split('/').nth(2) == Some(S3),
    };
    let hash = request.hash(&authorization.signed_headers, &Digest::of(body).to_string());
    let key = canonical::derive(secret.unwrap_or("-"), authorization.scope);
    let expected = canonical::signature(&key, date, authorization.scope, &hash);
    let equal = verify_slices_are_equal(expected.as_bytes(), authorization.signature.as_bytes()).is_ok();
    if secret.is_none() {
        return Err(error(ErrorCode::UnrecognizedClient, "The security token included in the request is invalid."));
    }
    check_time(date, now)?;
    if !equal {
        return Err(error(ErrorCode::InvalidSignature, MISMATCH));
    }
    let mut scope = authorization.scope.split('/').skip(1).map(str::to_owned);
    let (region, service) = (scope.next().unwrap_or_default(), scope.next().unwrap_or_default());
    Ok(Verified { access_key: authorization.access_key.to_owned(), region, service })
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
     Secret Access Key and signing method. Consult the service documentation for details.";

fn error(code: ErrorCode, message: impl Into<String>) -> AwsError {
    AwsError::new(code, message)
}

fn missing() -> AwsError {
    error(ErrorCode::MissingAuthenticationToken, "Missing Authentication Token")
}

fn date(parts: &Parts) -> Result<&str, AwsError> {
    let value = parts.headers.get("x-amz-date").and_then(|value| value.to_str().ok());
    value.ok_or_else(|| {
        error(
            ErrorCode::IncompleteSignature,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })
}

fn check_scope(authorization: &Authorization<'_>, date: &str) -> Result<(), AwsError> {
    let day = authorization.scope.split('/').next().unwrap_or_default();
    if date.get(..8) == Some(day) {
        return Ok(());
    }
    let text = format!(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{day}' != '{date}'"
    );
    Err(error(ErrorCode::InvalidSignature, text))
}

/// A signature that leaves out the host or the date could be replayed elsewhere or for ever.
fn check_signed_headers(authorization: &Authorization<'_>) -> Result<(), AwsError> {
    for name in ["host", "x-amz-date"] {
        if !authorization.signed_headers.contains(&name) {
            let text = format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.");
            return Err(error(ErrorCode::InvalidSignature, text));
        }
    }
    Ok(())
}

fn check_time(date: &str, now: UnixMillis) -> Result<(), AwsError> {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let signed = time::PrimitiveDateTime::parse(date, format).map_err(|_| {
        error(ErrorCode::IncompleteSignature, format!("Date must be in ISO-8601 'basic format'. Got '{date}'."))
    })?;
    let signed_ms = OffsetDateTime::unix_timestamp(signed.assume_utc()) * 1000;
    let (earliest, latest) = (UnixMillis(now.0 - crate::SKEW_MS), UnixMillis(now.0 + crate::SKEW_MS));
    let text = if signed_ms < earliest.0 {
        format!("Signature expired: {date} is now earlier than {} ({} - 5 min.)", stamp(earliest), stamp(now))
    } else if signed_ms > latest.0 {
        format!("Signature not yet current: {date} is still later than {} ({} + 5 min.)", stamp(latest), stamp(now))
    } else {
        return Ok(());
    };
    Err(error(ErrorCode::InvalidSignature, text))
}
