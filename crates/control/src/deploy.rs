//! Documents to a snapshot: lower, compile exactly as a worker will, encode, store (invariant 4).

use bytes::Bytes;
use stagecoach_base::{AwsError, Digest, UnixMillis};
use stagecoach_lower as lower;
use stagecoach_plan::{CompileLimits, Plan, Release, codec};
use stagecoach_resources::ApiTree;
use stagecoach_store::Store;

use crate::failure;

/// A compiled and checked snapshot, not yet stored.
pub(crate) struct Snapshot {
    /// Name of `bytes`.
    pub(crate) digest: Digest,
    /// Canonical plan JSON.
    pub(crate) bytes: Bytes,
    /// Name of `definition`.
    pub(crate) definition_digest: Digest,
    /// The documents it came from, for exports.
    pub(crate) definition: Bytes,
}

/// Lowers and compiles `tree` on the blocking pool.
pub(crate) async fn build(tree: ApiTree, format: u32) -> Result<Snapshot, AwsError> {
    tokio::task::spawn_blocking(move || compile(&tree, format)).await.map_err(failure::unexpected)?
}

fn compile(tree: &ApiTree, format: u32) -> Result<Snapshot, AwsError> {
    lower::check(tree).map_err(|problems| refuse(problems.iter().map(|problem| problem.message.clone())))?;
    let plan = Plan { format, ..lower::lower(tree) };
    Release::compile(&plan, &CompileLimits::default())
        .map_err(|problems| refuse(problems.iter().map(ToString::to_string)))?;
    let bytes = Bytes::from(codec::encode(&plan));
    let definition = Bytes::from(serde_json::to_vec(tree).map_err(failure::unexpected)?);
    Ok(Snapshot { digest: Digest::of(&bytes), bytes, definition_digest: Digest::of(&definition), definition })
}

/// AWS answers with the first problem; ours lists all of them, so that one round trip fixes them.
fn refuse(messages: impl Iterator<Item = String>) -> AwsError {
    let mut messages: Vec<String> = messages.collect();
    messages.dedup();
    AwsError::bad_request(messages.join("; "))
}

/// Stores both blobs. Outside any transaction: blobs are immutable and an unreferenced one is only garbage.
pub(crate) async fn store_blobs(store: &Store, snapshot: &Snapshot, at: UnixMillis) -> Result<(), AwsError> {
    store.put_blob(&snapshot.digest, &snapshot.bytes, at.0).await.map_err(failure::store)?;
    store.put_blob(&snapshot.definition_digest, &snapshot.definition, at.0).await.map_err(failure::store)
}
