//! Who is calling: SigV4 with keys of the store, or anyone at all (`dev`, on loopback).

use http::request::Parts;
use stagecoach_base::{AwsError, ErrorCode};

use crate::{Control, failure};

/// How admin calls are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Anyone; for `dev`, which listens on loopback only.
    Open,
    /// AWS Signature Version 4 with keys made by `stagecoach key create`.
    SigV4,
}

impl Auth {
    /// Names the caller for the change log.
    ///
    /// # Errors
    /// AWS's 403s for a missing, malformed, expired or wrong signature.
    pub(crate) async fn authenticate(self, control: &Control, parts: &Parts, body: &[u8]) -> Result<String, AwsError> {
        match self {
            Self::Open => {
                refuse_other_sites(parts)?;
                Ok(claimed(parts).unwrap_or_else(|| "anonymous".to_owned()))
            }
            Self::SigV4 => verified(control, parts, body).await,
        }
    }
}

/// A surface that asks for no credentials must not answer to a web page of another site in a developer's browser.
fn refuse_other_sites(parts: &Parts) -> Result<(), AwsError> {
    let site = parts.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    match site {
        Some(b"cross-site" | b"same-site") => Err(AwsError::new(
            ErrorCode::MissingAuthenticationToken,
            "This admin API takes no calls from web pages of other sites.",
        )),
        _ => Ok(()),
    }
}

/// The access key a request names, unverified.
fn claimed(parts: &Parts) -> Option<String> {
    stagecoach_sigv4::claimed_access_key(parts).map(str::to_owned)
}

async fn verified(control: &Control, parts: &Parts, body: &[u8]) -> Result<String, AwsError> {
    let id = stagecoach_sigv4::claimed_access_key(parts);
    let secret = match id {
        Some(id) => control.store.access_key(id).await.map_err(failure::store)?.filter(|key| !key.revoked),
        None => None,
    };
    let secret = secret.as_ref().map(|key| key.secret.as_str());
    let verified = stagecoach_sigv4::verify(parts, body, secret, control.clock.wall())?;
    Ok(verified.access_key)
}
