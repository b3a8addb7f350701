//! Documents to a snapshot: lower, compile exactly as a worker will, encode, pack (invariant 4).

use stagecoach_base::AwsError;
use stagecoach_lower as lower;
use stagecoach_plan::{CompileLimits, Plan, Release, codec};
use stagecoach_resources::ApiTree;
use stagecoach_store::{Blob, Write};

use crate::failure;

/// A compiled and checked snapshot, not yet stored.
pub(crate) struct Snapshot {
    /// Canonical plan JSON.
    pub(crate) plan: Blob,
    /// The documents it came from, for exports.
    pub(crate) definition: Blob,
}

impl Snapshot {
    /// Stores both blobs, in the transaction that writes the deployment: one that is not kept leaves nothing behind.
    pub(crate) async fn keep(&self, write: &mut Write) -> Result<(), AwsError> {
        for blob in [&self.plan, &self.definition] {
            write.put_blob(blob).await.map_err(failure::store)?;
        }
        Ok(())
    }
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
    let definition = serde_json::to_vec(tree).map_err(failure::unexpected)?;
    let pack = |bytes: &[u8]| Blob::pack(bytes).map_err(failure::store);
    Ok(Snapshot { plan: pack(&codec::encode(&plan))?, definition: pack(&definition)? })
}

/// AWS answers with the first problem; ours lists all of them, so that one round trip fixes them.
fn refuse(messages: impl Iterator<Item = String>) -> AwsError {
    let mut messages: Vec<String> = messages.collect();
    messages.dedup();
    AwsError::bad_request(messages.join("; "))
}
