//! Who is calling: SigV4 with keys of the store, or anyone at all (`dev`, on loopback).

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::request::Parts;
use stagecoach_base::{AwsError, Clock, ErrorCode, UnixMillis};
use stagecoach_store::Store;

use crate::failure;

/// How calls are authenticated.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Anyone; for `dev`, which listens on loopback only.
    Open,
    /// AWS Signature Version 4 with keys made by `stagecoach key create`.
    SigV4(Keys),
}

impl Auth {
    /// Names the caller for the change log.
    ///
    /// # Errors
    /// AWS's 403s for a missing, malformed, expired or wrong signature.
    pub(crate) async fn authenticate(&self, now: UnixMillis, parts: &Parts, body: &[u8]) -> Result<String, AwsError> {
        match self {
            Self::Open => {
                refuse_other_sites(parts)?;
                Ok(claimed(parts).unwrap_or_else(|| "anonymous".to_owned()))
            }
            Self::SigV4(keys) => keys.verified(now, parts, body).await,
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

/// The access keys of a database.
#[derive(Clone)]
pub struct Keys {
    store: Store,
    kept: Option<Arc<Kept>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// Secrets read before, with the time they were read.
struct Kept {
    clock: Arc<dyn Clock>,
    fresh: Duration,
    secrets: Mutex<HashMap<String, (String, Instant)>>,
}

impl Keys {
    /// Reads the database for every call: a revoked key is refused at once.
    pub fn new(store: Store) -> Self {
        Self { store, kept: None }
    }

    /// Reads a key again only once it is older than `fresh`, and goes on with what it has while the database does not answer:
    /// for the calls of traffic. A revoked key is refused after `fresh` at the latest.
    pub fn kept(store: Store, clock: Arc<dyn Clock>, fresh: Duration) -> Self {
        Self { store, kept: Some(Arc::new(Kept { clock, fresh, secrets: Mutex::default() })) }
    }

    async fn verified(&self, now: UnixMillis, parts: &Parts, body: &[u8]) -> Result<String, AwsError> {
        let secret = match stagecoach_sigv4::claimed_access_key(parts) {
            Some(id) => self.secret(id).await?,
            None => None,
        };
        Ok(stagecoach_sigv4::verify(parts, body, secret.as_deref(), now)?.access_key)
    }

    /// The secret of a key that is not revoked.
    async fn secret(&self, id: &str) -> Result<Option<String>, AwsError> {
        let known = self.kept.as_ref().and_then(|kept| kept.get(id));
        if let Some((secret, true)) = known {
            return Ok(Some(secret));
        }
        match self.store.access_key(id).await {
            Ok(found) => {
                let secret = found.filter(|key| !key.revoked).map(|key| key.secret);
                if let Some(kept) = &self.kept {
                    kept.put(id, secret.as_deref());
                }
                Ok(secret)
            }
            Err(error) => match known {
                Some((secret, _)) => Ok(Some(secret)),
                None => Err(failure::store(error)),
            },
        }
    }
}

impl Kept {
    /// A secret, and whether it is fresh.
    fn get(&self, id: &str) -> Option<(String, bool)> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let (secret, read) = secrets.get(id)?;
        Some((secret.clone(), self.clock.now().saturating_duration_since(*read) < self.fresh))
    }

    /// Only keys that exist are kept, so a caller cannot fill this with names.
    fn put(&self, id: &str, secret: Option<&str>) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        match secret {
            Some(secret) => secrets.insert(id.to_owned(), (secret.to_owned(), self.clock.now())),
            None => secrets.remove(id),
        };
    }
}
