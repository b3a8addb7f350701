//! Pointers: (kind, name) → digests and small settings, at a revision.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use stagecoach_base::{Digest, Revision};

/// What a pointer points for. Numbers are the protocol's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A stage: BASE and perhaps CANARY snapshots, settings are a `StageSettings` JSON.
    Stage = 1,
    /// A custom domain.
    Domain = 2,
    /// API keys and usage plans.
    Keyring = 3,
    /// A sealed certificate.
    Certificate = 4,
    /// Targets of a VPC link.
    VpcLink = 5,
    /// Account-wide limits.
    Account = 6,
}

/// Names a pointer. A stage's name is `account/region/api/stage`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PointerKey {
    /// What it is for.
    pub kind: Kind,
    /// Unique within the kind.
    pub name: String,
}

impl PointerKey {
    /// The key of a stage's pointer.
    pub fn stage(account: &str, region: &str, api: &str, stage: &str) -> Self {
        Self { kind: Kind::Stage, name: format!("{account}/{region}/{api}/{stage}") }
    }
}

impl fmt::Display for PointerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}", self.kind, self.name)
    }
}

/// What a blob is to its pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The snapshot of the stage's deployment.
    Base = 1,
    /// The snapshot of its canary.
    Canary = 2,
    /// A piece of something too big for settings.
    Shard = 3,
}

/// A reference to immutable bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobRef {
    /// Base, canary or shard.
    pub role: Role,
    /// SHA-256 of the uncompressed bytes.
    pub digest: Digest,
    /// Uncompressed bytes.
    pub size: u64,
    /// Snapshot format (`plan::ir::FORMAT`).
    pub format: u32,
}

/// A pointer as a worker installs it, signature already verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// Its name.
    pub key: PointerKey,
    /// When it was derived; the only order there is.
    pub revision: Revision,
    /// What it names.
    pub blobs: Vec<BlobRef>,
    /// Signed as bytes.
    pub settings: Bytes,
    /// What to serve when the head cannot be loaded.
    pub fallback: Vec<BlobRef>,
}
