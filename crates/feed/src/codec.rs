//! Pointers as protocol messages and back. Decoding takes hostile bytes: it checks everything and never panics.

use bytes::Bytes;
use prost::Message;
use stagecoach_base::Digest;

use crate::{BlobRef, Kind, Pointer, PointerKey, Role, SignedPointer, wire};

/// Longest name a pointer may have, in bytes.
pub const MAX_NAME: usize = 1024;
/// Most blobs (and most fallbacks) a pointer may name.
pub const MAX_BLOBS: usize = 1024;
/// Longest settings, in bytes. Publishers use a SHARD blob beyond 16 KiB (architecture §4.3); this is the hard stop.
pub const MAX_SETTINGS: usize = 256 * 1024;
/// Longest encoded pointer, in bytes; also the size of an update's chunk.
pub const MAX_POINTER: usize = 1024 * 1024;

/// Why bytes are not a signed pointer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not protobuf of the right shape.
    #[error("not a pointer message: {0}")]
    Malformed(String),
    /// A field that must be there is not.
    #[error("a pointer without its {0}")]
    Missing(&'static str),
    /// A number outside its enum.
    #[error("unknown {what} {value}")]
    Unknown {
        /// Which enum.
        what: &'static str,
        /// The number.
        value: i32,
    },
    /// A field of the wrong length.
    #[error("{0} has the wrong length")]
    Length(&'static str),
}

impl SignedPointer {
    /// The bytes that the store keeps: the protocol's `Pointer`, signature included.
    pub fn encode(&self) -> Vec<u8> {
        wire::Pointer::from(self).encode_to_vec()
    }

    /// Reads what [`Self::encode`] wrote. Does not check the signature.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > MAX_POINTER {
            return Err(DecodeError::Length("pointer"));
        }
        let message = wire::Pointer::decode(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))?;
        Self::try_from(message)
    }
}

/// Feeds any bytes to the decoder and, if they decode, checks that encoding is stable. For fuzz targets.
pub fn fuzz_decode(bytes: &[u8]) {
    let Ok(pointer) = SignedPointer::decode(bytes) else { return };
    assert_eq!(SignedPointer::decode(&pointer.encode()), Ok(pointer), "encoding must round-trip");
}

impl From<&SignedPointer> for wire::Pointer {
    fn from(signed: &SignedPointer) -> Self {
        let pointer = &signed.pointer;
        Self {
            key: Some(wire::PointerKey::from(&pointer.key)),
            revision: pointer.revision,
            blobs: pointer.blobs.iter().map(wire::BlobRef::from).collect(),
            settings: pointer.settings.clone(),
            fallback: pointer.fallback.iter().map(wire::BlobRef::from).collect(),
            signature: Some(wire::Signature { key_id: signed.key_id.clone(), ed25519: signed.signature.to_vec() }),
        }
    }
}

impl TryFrom<wire::Pointer> for SignedPointer {
    type Error = DecodeError;

    fn try_from(message: wire::Pointer) -> Result<Self, DecodeError> {
        let signature = message.signature.ok_or(DecodeError::Missing("signature"))?;
        if signature.key_id.len() > 64 {
            return Err(DecodeError::Length("key id"));
        }
        if message.settings.len() > MAX_SETTINGS {
            return Err(DecodeError::Length("settings"));
        }
        if message.revision == 0 {
            return Err(DecodeError::Missing("revision"));
        }
        let pointer = Pointer {
            key: message.key.ok_or(DecodeError::Missing("key"))?.try_into()?,
            revision: message.revision,
            blobs: blobs(&message.blobs)?,
            // Copied, so that a pointer kept for hours does not keep a megabyte of the stream's buffer alive.
            settings: Bytes::copy_from_slice(&message.settings),
            fallback: blobs(&message.fallback)?,
        };
        let bytes = signature.ed25519.as_slice().try_into().map_err(|_| DecodeError::Length("signature"))?;
        Ok(Self { pointer, key_id: signature.key_id, signature: bytes })
    }
}

fn blobs(messages: &[wire::BlobRef]) -> Result<Vec<BlobRef>, DecodeError> {
    if messages.len() > MAX_BLOBS {
        return Err(DecodeError::Length("list of blobs"));
    }
    messages.iter().map(BlobRef::try_from).collect()
}

impl From<&PointerKey> for wire::PointerKey {
    fn from(key: &PointerKey) -> Self {
        Self { kind: key.kind as i32, name: key.name.clone() }
    }
}

impl TryFrom<wire::PointerKey> for PointerKey {
    type Error = DecodeError;

    fn try_from(message: wire::PointerKey) -> Result<Self, DecodeError> {
        if message.name.is_empty() || message.name.len() > MAX_NAME {
            return Err(DecodeError::Length("name"));
        }
        Ok(Self { kind: kind(message.kind)?, name: message.name })
    }
}

fn kind(value: i32) -> Result<Kind, DecodeError> {
    match wire::Kind::try_from(value) {
        Ok(wire::Kind::Stage) => Ok(Kind::Stage),
        Ok(wire::Kind::Domain) => Ok(Kind::Domain),
        Ok(wire::Kind::Keyring) => Ok(Kind::Keyring),
        Ok(wire::Kind::Certificate) => Ok(Kind::Certificate),
        Ok(wire::Kind::VpcLink) => Ok(Kind::VpcLink),
        Ok(wire::Kind::Account) => Ok(Kind::Account),
        Ok(wire::Kind::Unspecified) | Err(_) => Err(DecodeError::Unknown { what: "kind", value }),
    }
}

impl From<&BlobRef> for wire::BlobRef {
    fn from(blob: &BlobRef) -> Self {
        Self { role: blob.role as i32, sha256: blob.digest.as_bytes().to_vec(), size: blob.size, format: blob.format }
    }
}

impl TryFrom<&wire::BlobRef> for BlobRef {
    type Error = DecodeError;

    fn try_from(message: &wire::BlobRef) -> Result<Self, DecodeError> {
        let role = match wire::Role::try_from(message.role) {
            Ok(wire::Role::Base) => Role::Base,
            Ok(wire::Role::Canary) => Role::Canary,
            Ok(wire::Role::Shard) => Role::Shard,
            Ok(wire::Role::Unspecified) | Err(_) => {
                return Err(DecodeError::Unknown { what: "role", value: message.role });
            }
        };
        let digest = Digest::from_bytes(&message.sha256).map_err(|_| DecodeError::Length("digest"))?;
        Ok(Self { role, digest, size: message.size, format: message.format })
    }
}

#[cfg(test)]
mod tests;
