//! What became of a pointer on a worker, as reported and as shown in the fleet endpoint.

use serde::{Deserialize, Serialize};
use stagecoach_base::Revision;

use crate::wire::outcome::Result as Wire;
use crate::{DecodeError, PointerKey, RefusalKind, wire};

/// The protocol's `Outcome.Result`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OutcomeKind {
    /// Installed.
    Applied,
    /// A blob's bytes are not what its digest names.
    BadDigest,
    /// Signed by nobody this worker trusts, or not at all.
    BadSignature,
    /// Lower than a revision already seen for the key.
    StaleRevision,
    /// A snapshot format this worker does not know.
    UnknownFormat,
    /// A blob or the settings do not compile.
    CompileFailed,
    /// No replica asked could give a blob; retried.
    BlobUnavailable,
    /// Over a limit of the worker.
    OverLimit,
    /// The head could not be loaded; the pointer's fallback serves.
    Fallback,
}

/// What became of one revision of one pointer on one worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Which pointer.
    pub key: PointerKey,
    /// Which revision of it.
    pub revision: Revision,
    /// What happened.
    pub result: OutcomeKind,
    /// For a human: why. Empty when applied.
    pub message: String,
    /// The revision that serves instead; 0 for none.
    pub serving_revision: Revision,
}

const NUMBERS: [(OutcomeKind, Wire); 9] = [
    (OutcomeKind::Applied, Wire::Applied),
    (OutcomeKind::BadDigest, Wire::BadDigest),
    (OutcomeKind::BadSignature, Wire::BadSignature),
    (OutcomeKind::StaleRevision, Wire::StaleRevision),
    (OutcomeKind::UnknownFormat, Wire::UnknownFormat),
    (OutcomeKind::CompileFailed, Wire::CompileFailed),
    (OutcomeKind::BlobUnavailable, Wire::BlobUnavailable),
    (OutcomeKind::OverLimit, Wire::OverLimit),
    (OutcomeKind::Fallback, Wire::Fallback),
];

impl From<RefusalKind> for OutcomeKind {
    fn from(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::UnknownFormat => Self::UnknownFormat,
            RefusalKind::CompileFailed => Self::CompileFailed,
            RefusalKind::OverLimit => Self::OverLimit,
        }
    }
}

impl From<&Outcome> for wire::Outcome {
    fn from(outcome: &Outcome) -> Self {
        let number = NUMBERS.iter().find(|(kind, _)| *kind == outcome.result).map_or(Wire::Unspecified, |(_, n)| *n);
        Self {
            key: Some(wire::PointerKey::from(&outcome.key)),
            revision: outcome.revision,
            result: number as i32,
            message: outcome.message.clone(),
            serving_revision: outcome.serving_revision,
        }
    }
}

impl TryFrom<wire::Outcome> for Outcome {
    type Error = DecodeError;

    fn try_from(message: wire::Outcome) -> Result<Self, DecodeError> {
        let unknown = DecodeError::Unknown { what: "outcome", value: message.result };
        let found = NUMBERS.iter().find(|(_, number)| *number as i32 == message.result);
        let (result, _) = *found.ok_or(unknown)?;
        let text = message.message.chars().take(MAX_MESSAGE).collect();
        Ok(Self {
            key: message.key.ok_or(DecodeError::Missing("key"))?.try_into()?,
            revision: message.revision,
            result,
            message: text,
            serving_revision: message.serving_revision,
        })
    }
}

/// Longest reason kept, in characters: a compiler's complaint, not its whole input.
pub const MAX_MESSAGE: usize = 2048;
