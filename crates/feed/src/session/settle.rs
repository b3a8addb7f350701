//! Making one pointer ready: find its blobs (disk, then the control plane), verify them, let the sink prepare them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stagecoach_base::Digest;
use tonic::transport::Channel;

use super::Shared;
use crate::wire::config_feed_client::ConfigFeedClient;
use crate::{BlobRef, Blobs, Outcome, OutcomeKind, Pointer, Prepared, wire};

/// A connection to fetch from.
pub(crate) type Client = ConfigFeedClient<Channel>;

/// Silence after which a transfer is given up.
const STALL: Duration = Duration::from_secs(10);
/// Attempts per blob and settlement; each resumes where the last one ended.
const ATTEMPTS: u32 = 3;

/// Prepares the pointer's head. Without a client only the disk is asked.
pub(crate) async fn settle(
    shared: &Arc<Shared>,
    client: Option<Client>,
    pointer: &Pointer,
) -> Result<Prepared, Outcome> {
    let blobs = gather(shared, client, pointer, &pointer.blobs).await?;
    let prepared = shared.sink.prepare(pointer, blobs).await;
    prepared.map_err(|refusal| outcome(pointer, refusal.kind.into(), refusal.message))
}

/// Prepares what the pointer names as its fallback.
pub(crate) async fn settle_fallback(
    shared: &Arc<Shared>,
    client: Option<Client>,
    pointer: &Pointer,
) -> Option<Prepared> {
    if pointer.fallback.is_empty() {
        return None;
    }
    let instead = Pointer { blobs: pointer.fallback.clone(), ..pointer.clone() };
    settle(shared, client, &instead).await.ok()
}

/// An outcome of `pointer`'s own revision.
pub(crate) fn outcome(pointer: &Pointer, result: OutcomeKind, message: impl Into<String>) -> Outcome {
    let (key, revision) = (pointer.key.clone(), pointer.revision);
    Outcome { key, revision, result, message: message.into(), serving_revision: 0 }
}

async fn gather(
    shared: &Arc<Shared>,
    client: Option<Client>,
    pointer: &Pointer,
    wanted: &[BlobRef],
) -> Result<Blobs, Outcome> {
    let mut blobs = Blobs::new();
    for blob in wanted {
        if !shared.config.plan_formats.contains(&blob.format) {
            let known = &shared.config.plan_formats;
            let message = format!("snapshot {} has format {}; this worker loads {known:?}", blob.digest, blob.format);
            return Err(outcome(pointer, OutcomeKind::UnknownFormat, message));
        }
        if blobs.contains_key(&blob.digest) {
            continue;
        }
        let bytes = match cached(shared, blob.digest).await {
            Some(bytes) => bytes,
            None => fetch(shared, client.clone(), pointer, blob).await?,
        };
        blobs.insert(blob.digest, bytes);
    }
    Ok(blobs)
}

async fn cached(shared: &Arc<Shared>, digest: Digest) -> Option<Bytes> {
    let cache = shared.cache.clone();
    tokio::task::spawn_blocking(move || cache.blob(&digest)).await.ok().flatten()
}

async fn fetch(
    shared: &Arc<Shared>,
    client: Option<Client>,
    pointer: &Pointer,
    blob: &BlobRef,
) -> Result<Bytes, Outcome> {
    let unavailable = |why: String| outcome(pointer, OutcomeKind::BlobUnavailable, why);
    let mut client = client.ok_or_else(|| unavailable(format!("snapshot {} is not on disk", blob.digest)))?;
    let mut got = Vec::new();
    let mut failure = String::new();
    for _ in 0..ATTEMPTS {
        match transfer(shared, &mut client, blob, &mut got).await {
            Ok(()) => break,
            Err(why) => failure = why,
        }
    }
    if got.len() as u64 != blob.size {
        return Err(unavailable(format!("snapshot {}: {failure}", blob.digest)));
    }
    if Digest::of(&got) != blob.digest {
        let message = format!("the bytes received are not snapshot {}", blob.digest);
        return Err(outcome(pointer, OutcomeKind::BadDigest, message));
    }
    let bytes = Bytes::from(got);
    keep(shared, blob.digest, bytes.clone()).await;
    Ok(bytes)
}

/// Keeps a blob on disk; a full disk costs a transfer after the next restart, not a release now.
async fn keep(shared: &Arc<Shared>, digest: Digest, bytes: Bytes) {
    let cache = shared.cache.clone();
    let kept = tokio::task::spawn_blocking(move || cache.put(&digest, &bytes)).await;
    if let Ok(Err(error)) = kept {
        tracing::warn!(%digest, %error, "cannot keep a snapshot on disk");
    }
}

async fn transfer(shared: &Shared, client: &mut Client, blob: &BlobRef, got: &mut Vec<u8>) -> Result<(), String> {
    let request =
        wire::FetchRequest { sha256: blob.digest.as_bytes().to_vec(), offset: got.len() as u64, accept_zstd: true };
    let opened = tokio::time::timeout(STALL, client.fetch(request)).await.map_err(|_| "no answer".to_owned())?;
    let mut chunks = opened.map_err(|status| status.message().to_owned())?.into_inner();
    while (got.len() as u64) < blob.size {
        let next =
            tokio::time::timeout(STALL, chunks.message()).await.map_err(|_| "the transfer stalled".to_owned())?;
        let chunk = next.map_err(|status| status.message().to_owned())?.ok_or("the transfer ended early")?;
        let room = usize::try_from(blob.size).unwrap_or(usize::MAX) - got.len();
        let data = if chunk.zstd { zstd::bulk::decompress(&chunk.data, room).ok() } else { Some(chunk.data.to_vec()) };
        let data = data.filter(|data| chunk.offset == got.len() as u64 && data.len() <= room && !data.is_empty());
        let data = data.ok_or("a chunk is not what was asked for")?;
        shared.counters.fetched(data.len() as u64);
        got.extend_from_slice(&data);
    }
    Ok(())
}
