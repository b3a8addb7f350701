//! Snapshot bytes: canonical JSON (fixed member order, sorted maps), so that equal plans have equal digests.

use serde::Deserialize;

use crate::ir::{FORMAT, Plan};

/// Bytes that are no snapshot this program can load.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer (or much older) control plane.
    #[error("snapshot format {found} is unknown here; this program loads format {FORMAT}")]
    UnknownFormat {
        /// What the snapshot says.
        found: u32,
    },
    /// Not a plan.
    #[error("the snapshot does not parse: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The bytes whose SHA-256 names the snapshot.
pub fn encode(plan: &Plan) -> Vec<u8> {
    // String keys only: serialising cannot fail.
    serde_json::to_vec(plan).unwrap_or_default()
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

/// Reads snapshot bytes. The format is looked at first, so that a newer one is named and not called malformed.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Plan, DecodeError> {
    let head: Head = serde_json::from_slice(bytes)?;
    if head.format != FORMAT {
        return Err(DecodeError::UnknownFormat { found: head.format });
    }
    Ok(serde_json::from_slice(bytes)?)
}
