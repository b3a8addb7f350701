//! AWS Signature Version 4: both sides. Signs calls to AWS-shaped services, verifies calls to the admin API.
//!
//! Must not know: tokio, the clock (times are arguments), where secrets live.

mod canonical;
mod credential;
mod sign;
mod verify;

pub use credential::claimed_access_key;
pub use sign::{Credentials, DayKey, Signer, Target};
pub use verify::{Verified, verify};

/// How far the caller's clock may be off, ms (rest-admin-api: SigV4 ±5 min).
pub const SKEW_MS: i64 = 5 * 60 * 1000;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
