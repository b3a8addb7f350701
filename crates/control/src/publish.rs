//! Stage documents to pointers: derived, signed and written in the transaction that writes the documents (invariant 3).

use bytes::Bytes;
use stagecoach_base::{AwsError, Scope};
use stagecoach_feed::{BlobRef, Pointer, PointerKey, Role, SignedPointer, SigningKey};
use stagecoach_resources::errors;
use stagecoach_resources::v1::{Deployment, RestApi, Stage};

use crate::documents::{self, ApiWrite};
use crate::failure;

/// Signs pointers for one history of the control plane.
pub struct Publisher {
    scope: Scope,
    epoch: String,
    key: SigningKey,
}

impl Publisher {
    /// A publisher that signs with `key` for `epoch`.
    pub fn new(scope: Scope, epoch: String, key: SigningKey) -> Self {
        Self { scope, epoch, key }
    }

    /// The name of a stage's pointer.
    pub(crate) fn stage_key(&self, api_id: &str, stage: &str) -> PointerKey {
        PointerKey::stage(&self.scope.account, &self.scope.region, &documents::clean(api_id), &documents::clean(stage))
    }

    /// Writes the stage document and the pointer that follows from it. Revisions never come again, not even for a stage
    /// that is deleted and made anew, so they number the generations of its caches.
    pub(crate) async fn put_stage(&self, tx: &mut ApiWrite, stage: &Stage) -> Result<(), AwsError> {
        let stage = &mut stage.clone();
        stage.start_generations(tx.write.revision());
        tx.put(&stage.stage_name, stage).await?;
        let base = deployment(tx, &stage.deployment_id).await?;
        let mut blobs = vec![blob(Role::Base, &base)];
        if let Some(id) = canary_deployment(stage) {
            blobs.push(blob(Role::Canary, &deployment(tx, id).await?));
        }
        let settings = stagecoach_lower::stage_settings(&tx.api, stage, &self.scope);
        let settings = serde_json::to_vec(&settings).map_err(failure::unexpected)?;
        let key = self.stage_key(&tx.api.id, &stage.stage_name);
        let fallback = self.fallback(tx, &key).await?;
        let pointer = Pointer { key, revision: tx.write.revision(), blobs, settings: Bytes::from(settings), fallback };
        self.point(tx, pointer).await
    }

    /// Writes the pointers of stages whose settings follow from what changed in the API itself: its name, its endpoint type.
    pub(crate) async fn refresh_stages(&self, tx: &mut ApiWrite, before: &RestApi) -> Result<(), AwsError> {
        for stage in tx.all::<Stage>().await? {
            let settings = |api| stagecoach_lower::stage_settings(api, &stage, &self.scope);
            if settings(before) != settings(&tx.api) {
                self.put_stage(tx, &stage).await?;
            }
        }
        Ok(())
    }

    /// Removes a stage and its pointer; false when there was no such stage.
    pub(crate) async fn delete_stage(&self, tx: &mut ApiWrite, stage: &str) -> Result<bool, AwsError> {
        let existed = tx.delete::<Stage>(stage).await?;
        if existed {
            self.unpoint(tx, stage).await?;
        }
        Ok(existed)
    }

    /// Leaves a tombstone, so that workers drop the stage.
    pub(crate) async fn unpoint(&self, tx: &mut ApiWrite, stage: &str) -> Result<(), AwsError> {
        let key = self.stage_key(&tx.api.id, stage);
        tx.write.unpoint(key.kind as i64, &key.name).await.map_err(failure::store)
    }

    async fn point(&self, tx: &mut ApiWrite, pointer: Pointer) -> Result<(), AwsError> {
        let (kind, name) = (pointer.key.kind as i64, pointer.key.name.clone());
        let signed = self.key.sign(&self.epoch, pointer);
        tx.write.point(kind, &name, &signed.encode()).await.map_err(failure::store)
    }

    /// What a worker serves when it cannot load the new head: the snapshots of the pointer before it.
    async fn fallback(&self, tx: &mut ApiWrite, key: &PointerKey) -> Result<Vec<BlobRef>, AwsError> {
        let row = tx.write.pointer(key.kind as i64, &key.name).await.map_err(failure::store)?;
        let Some(row) = row.filter(|row| !row.removed) else { return Ok(Vec::new()) };
        let previous = SignedPointer::decode(&row.body).map_err(failure::unexpected)?;
        Ok(previous.pointer.blobs)
    }
}

/// The canary's deployment, when the stage has a canary that names one.
pub(crate) fn canary_deployment(stage: &Stage) -> Option<&str> {
    stage.canary_settings.as_ref().and_then(|canary| canary.deployment_id.as_deref())
}

async fn deployment(tx: &mut ApiWrite, id: &str) -> Result<Deployment, AwsError> {
    tx.get::<Deployment>(id).await?.ok_or_else(errors::missing_deployment)
}

fn blob(role: Role, deployment: &Deployment) -> BlobRef {
    BlobRef { role, digest: deployment.digest, size: deployment.size, format: deployment.format }
}
