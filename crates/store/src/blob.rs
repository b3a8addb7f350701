//! Blobs: immutable bytes under their digest, compressed.

use bytes::Bytes;
use sqlx::Row;
use stagecoach_base::Digest;

use crate::rows::{self, bigint};
use crate::{Store, StoreError, Write, sql};

/// Largest blob read back, bytes: a damaged frame must not exhaust memory.
const LARGEST_BLOB: usize = 256 * 1024 * 1024;
/// zstd level: snapshots are written once and read by every worker.
const LEVEL: i32 = 3;

/// Bytes ready to be stored. Packing takes time, so it is done before a transaction is opened.
#[derive(Clone, Debug)]
pub struct Blob {
    digest: Digest,
    size: u64,
    packed: Vec<u8>,
}

impl Blob {
    /// Names and compresses `bytes`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the compressor fails.
    pub fn pack(bytes: &[u8]) -> Result<Self, StoreError> {
        let packed = zstd::bulk::compress(bytes, LEVEL).map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(Self { digest: Digest::of(bytes), size: bytes.len() as u64, packed })
    }

    /// The name: SHA-256 of the bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Length of the bytes before packing.
    pub fn size(&self) -> u64 {
        self.size
    }
}

impl Write {
    /// Keeps a blob; keeping it again does nothing. Whether it was not there before.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn put_blob(&mut self, blob: &Blob) -> Result<bool, StoreError> {
        let name = blob.digest.to_string();
        if sqlx::query(sql::HAS_BLOB).bind(name.clone()).fetch_optional(&mut *self.tx).await?.is_some() {
            return Ok(false);
        }
        let query = sqlx::query(sql::PUT_BLOB).bind(name).bind(bigint(blob.size));
        self.run(query.bind(blob.packed.clone()).bind(self.at)).await.map(|_| true)
    }

    /// Removes a blob. Blobs have no owners here: who removes one knows that nobody else refers to it.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn delete_blob(&mut self, digest: &Digest) -> Result<(), StoreError> {
        self.run(sqlx::query(sql::DELETE_BLOB).bind(digest.to_string())).await.map(drop)
    }
}

impl Store {
    /// Whether a blob is there.
    ///
    /// # Errors
    /// As [`Store::revision`].
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, StoreError> {
        Ok(sqlx::query(sql::HAS_BLOB).bind(digest.to_string()).fetch_optional(&self.pool).await?.is_some())
    }

    /// A blob's bytes, checked against their name.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when they are not what the name says.
    pub async fn blob(&self, digest: &Digest) -> Result<Option<Bytes>, StoreError> {
        let row = sqlx::query(sql::BLOB).bind(digest.to_string()).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(None) };
        let packed: Vec<u8> = row.try_get("bytes")?;
        let size = usize::try_from(rows::revision(&row, "size")?).unwrap_or(usize::MAX).min(LARGEST_BLOB);
        // A large one takes long enough to hold up whoever shares the thread.
        let name = *digest;
        let work = tokio::task::spawn_blocking(move || unpack(&packed, size, &name)).await;
        work.map_err(|error| StoreError::Damaged(error.to_string()))?.map(Some)
    }
}

fn unpack(packed: &[u8], size: usize, name: &Digest) -> Result<Bytes, StoreError> {
    let bytes = zstd::bulk::decompress(packed, size).map_err(|error| StoreError::Damaged(error.to_string()))?;
    if Digest::of(&bytes) != *name {
        return Err(StoreError::Damaged(format!("blob {name}")));
    }
    Ok(Bytes::from(bytes))
}
