//! Ed25519 signatures over pointers: what a control plane signs and what a worker trusts.
//!
//! What is signed is a byte layout of its own (architecture §4.6), never a re-encoded message.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use stagecoach_base::{Digest, Entropy};

use crate::{BlobRef, Pointer};

const DOMAIN: &[u8] = b"stagecoach feed pointer v1\0";

/// A key or key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// Not a PKCS#8 Ed25519 private key.
    #[error("not an Ed25519 private key in PKCS#8")]
    Private,
    /// Not 32 bytes of base64.
    #[error("not an Ed25519 public key: expected 32 bytes in base64")]
    Public,
    /// The file names no key.
    #[error("{0} names no public key")]
    Empty(String),
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a pointer's signature was not accepted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Signed by a key this worker does not trust.
    #[error("signed by key {0}, which is not trusted here")]
    UnknownKey(String),
    /// The signature does not belong to these bytes.
    #[error("the signature by key {0} does not match")]
    Mismatch(String),
}

/// An Ed25519 public key; prints as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Wraps 32 bytes.
    ///
    /// # Errors
    /// [`InvalidKey::Public`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidKey::Public)
    }

    /// Reads base64.
    ///
    /// # Errors
    /// [`InvalidKey::Public`].
    pub fn from_base64(text: &str) -> Result<Self, InvalidKey> {
        Self::from_bytes(&STANDARD.decode(text.trim()).map_err(|_| InvalidKey::Public)?)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 hex digits of the key's SHA-256; what `Signature.key_id` carries.
    pub fn key_id(&self) -> String {
        let mut id = Digest::of(&self.0).to_string();
        id.truncate(16);
        id
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// The key that control-plane replicas sign pointers with.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
    key_id: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key from 32 random bytes; keep it with [`Self::to_pkcs8`].
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut seed = [0u8; 32];
        entropy.fill(&mut seed);
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("any 32 bytes are an Ed25519 seed");
        Self::new(pair).expect("an Ed25519 public key has 32 bytes")
    }

    /// Reads a PKCS#8 (version 1 or 2) DER document.
    ///
    /// # Errors
    /// [`InvalidKey::Private`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidKey> {
        Self::new(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| InvalidKey::Private)?)
    }

    fn new(pair: Ed25519KeyPair) -> Result<Self, InvalidKey> {
        let public = PublicKey::from_bytes(pair.public_key().as_ref())?;
        Ok(Self { pair, public, key_id: public.key_id() })
    }

    /// The PKCS#8 DER document to keep.
    pub fn to_pkcs8(&self) -> Vec<u8> {
        self.pair.to_pkcs8().expect("an Ed25519 pair in memory always encodes").as_ref().to_vec()
    }

    /// What workers are told to trust.
    pub fn public_key(&self) -> PublicKey {
        self.public
    }

    /// Names the key in signatures.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs `pointer` as of `epoch`.
    pub fn sign(&self, epoch: &str, pointer: Pointer) -> SignedPointer {
        let mut signature = [0u8; 64];
        signature.copy_from_slice(self.pair.sign(&signed_bytes(epoch, &pointer)).as_ref());
        SignedPointer { pointer, key_id: self.key_id.clone(), signature }
    }
}

/// A pointer with its signature: what the store keeps (`codec`: [`SignedPointer::encode`]) and the feed carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPointer {
    /// The pointer.
    pub pointer: Pointer,
    /// Which key signed it.
    pub key_id: String,
    /// Ed25519 over [`signed_bytes`].
    pub signature: [u8; 64],
}

impl SignedPointer {
    /// Checks the signature for `epoch`.
    ///
    /// # Errors
    /// [`VerifyError`] when the key is not among `trusted` or the signature does not match.
    pub fn verify(&self, epoch: &str, trusted: &TrustedKeys) -> Result<(), VerifyError> {
        if trusted.anyone {
            return Ok(());
        }
        let key = trusted.by_id.get(&self.key_id).ok_or_else(|| VerifyError::UnknownKey(self.key_id.clone()))?;
        UnparsedPublicKey::new(&ED25519, key.as_bytes())
            .verify(&signed_bytes(epoch, &self.pointer), &self.signature)
            .map_err(|_| VerifyError::Mismatch(self.key_id.clone()))
    }
}

/// The public keys a worker accepts, by id. Two at a time during a rotation.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys {
    by_id: BTreeMap<String, PublicKey>,
    anyone: bool,
}

impl TrustedKeys {
    /// Trusts these.
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { by_id: keys.into_iter().map(|key| (key.key_id(), key)).collect(), anyone: false }
    }

    /// Trusts whoever signed, and checks no signature: for a feed that the operator declared insecure.
    pub fn anyone() -> Self {
        Self { by_id: BTreeMap::new(), anyone: true }
    }

    /// Reads one base64 key per line; blank lines and `#` comments are skipped.
    ///
    /// # Errors
    /// [`InvalidKey::Public`].
    pub fn from_text(text: &str) -> Result<Self, InvalidKey> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self::new(lines.map(PublicKey::from_base64).collect::<Result<Vec<_>, _>>()?))
    }

    /// Reads a `signing.pub` file.
    ///
    /// # Errors
    /// [`InvalidKey`] when it cannot be read, is malformed, or names no key.
    pub fn from_file(path: &Path) -> Result<Self, InvalidKey> {
        let shown = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| InvalidKey::Io { path: shown(), source })?;
        let keys = Self::from_text(&text)?;
        if keys.by_id.is_empty() { Err(InvalidKey::Empty(shown())) } else { Ok(keys) }
    }

    /// Ids, sorted, as `Hello.trusted_keys` carries them.
    pub fn ids(&self) -> Vec<String> {
        self.by_id.keys().cloned().collect()
    }
}

/// The exact bytes under a signature: domain, epoch, key, revision, ordered blobs and fallback, SHA-256 of settings.
/// Every variable part is preceded by its length, so no two pointers share bytes.
pub fn signed_bytes(epoch: &str, pointer: &Pointer) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(DOMAIN);
    put_text(&mut out, epoch);
    out.extend_from_slice(&(pointer.key.kind as u32).to_be_bytes());
    put_text(&mut out, &pointer.key.name);
    out.extend_from_slice(&pointer.revision.to_be_bytes());
    put_blobs(&mut out, &pointer.blobs);
    put_blobs(&mut out, &pointer.fallback);
    out.extend_from_slice(Digest::of(&pointer.settings).as_bytes());
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u64).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_blobs(out: &mut Vec<u8>, blobs: &[BlobRef]) {
    out.extend_from_slice(&(blobs.len() as u64).to_be_bytes());
    for blob in blobs {
        out.extend_from_slice(&(blob.role as u32).to_be_bytes());
        out.extend_from_slice(blob.digest.as_bytes());
        out.extend_from_slice(&blob.size.to_be_bytes());
        out.extend_from_slice(&blob.format.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
