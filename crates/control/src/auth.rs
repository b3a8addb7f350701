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
    /// Looks at the head of a call, so that a body is read only of callers who have a key.
    ///
    /// # Errors
    /// As [`Auth::authenticate`].
    pub(crate) async fn admit(&self, now: UnixMillis, parts: &Parts) -> Result<(), AwsError> {
        match self {
            Self::Open => refuse_other_sites(parts),
            Self::SigV4(keys) => keys.admit(now, parts).await,
        }
    }

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

/// A surface that asks for no credentials must not answer to a web page of another site in a developer's browser: neither one that
/// says so, nor one whose name was made to mean this machine (browsers then send an `Origin` with what changes anything).
fn refuse_other_sites(parts: &Parts) -> Result<(), AwsError> {
    let site = parts.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    let foreign = parts.headers.get(http::header::ORIGIN).is_some_and(|origin| !is_local(origin.as_bytes()));
    match site {
        Some(b"cross-site" | b"same-site") => Err(other_site()),
        _ if foreign => Err(other_site()),
        _ => Ok(()),
    }
}

/// Whether an origin is a page of this machine.
fn is_local(origin: &[u8]) -> bool {
    let uri = http::Uri::try_from(origin).ok();
    uri.as_ref().and_then(http::Uri::host).is_some_and(|host| {
        let bare = host.trim_matches(['[', ']']);
        bare == "localhost"
            || bare.ends_with(".localhost")
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn other_site() -> AwsError {
    let why = "This admin API takes no calls from web pages of other sites.";
    AwsError::new(ErrorCode::MissingAuthenticationToken, why)
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

/// How long a call of traffic waits to hear whether a key that it knows is still good.
const IMPATIENT: Duration = Duration::from_secs(1);

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

    async fn admit(&self, now: UnixMillis, parts: &Parts) -> Result<(), AwsError> {
        let known = match stagecoach_sigv4::claimed_access_key(parts) {
            Some(id) => self.secret(id).await?.is_some(),
            None => false,
        };
        // Nothing verifies without a secret; the verifier knows AWS's words for why.
        if known { Ok(()) } else { stagecoach_sigv4::verify(parts, b"", None, now).map(drop) }
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
        if let (Some(kept), Some((secret, _))) = (&self.kept, &known) {
            // One caller asks the database, the others go on.
            kept.put(id, Some(secret));
        }
        let read = self.read(id, known.is_some()).await;
        let (secret, error) = match read {
            Ok(secret) => (secret, None),
            Err(error) => (known.map(|(secret, _)| secret), Some(error)),
        };
        if let (None, Some(error)) = (&secret, error) {
            return Err(error);
        }
        if let Some(kept) = &self.kept {
            kept.put(id, secret.as_deref());
        }
        Ok(secret)
    }

    /// The database's word; not waited for long where an older one will do.
    async fn read(&self, id: &str, known: bool) -> Result<Option<String>, AwsError> {
        let limit = if known { IMPATIENT } else { Duration::MAX };
        let found = match tokio::time::timeout(limit, self.store.access_key(id)).await {
            Ok(found) => found.map_err(failure::store)?,
            Err(_) => return Err(AwsError::new(ErrorCode::ServiceUnavailable, "The database does not answer.")),
        };
        Ok(found.filter(|key| !key.revoked).map(|key| key.secret))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&str, &str)]) -> Result<(), AwsError> {
        let mut request = http::Request::builder().uri("/restapis");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        refuse_other_sites(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn pages_of_other_sites_are_refused_and_clients_and_pages_of_this_machine_are_not() {
        for mine in [
            vec![],
            vec![("origin", "http://localhost:3000")],
            vec![("origin", "http://[::1]:8081")],
            vec![("origin", "http://app.localhost")],
        ] {
            assert!(asked(&mine).is_ok(), "{mine:?}");
        }
        for other in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://evil.example:8081"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1.evil.example"),
        ] {
            assert!(asked(&[other]).is_err(), "{other:?}");
        }
    }
}
