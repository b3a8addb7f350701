//! Where the feed meets the table: compile off the traffic path, swap in one step.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use stagecoach_base::Digest;
use stagecoach_feed::{
    BlobRef, Blobs, BoxFuture, Kind, Pointer, PointerKey, Prepared, Refusal, RefusalKind, Role, Sink,
};
use stagecoach_plan::{CompileLimits, DecodeError, Release, StageSettings, codec};

use crate::shared::Shared;
use crate::table::StageView;

/// Prepares pointers into stage views and installs them. Runs on the configuration runtime.
pub struct TableSink {
    shared: Arc<Shared>,
    /// Releases in use, so that stages on the same snapshot share one, and a rollback compiles nothing.
    releases: Mutex<HashMap<Digest, Weak<Release>>>,
    /// Serialises installs; readers never take it.
    installing: Mutex<()>,
}

impl TableSink {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, releases: Mutex::default(), installing: Mutex::default() }
    }

    fn known(&self, digest: &Digest) -> Option<Arc<Release>> {
        self.releases.lock().unwrap_or_else(PoisonError::into_inner).get(digest)?.upgrade()
    }

    async fn release(&self, blob: &BlobRef, blobs: &Blobs) -> Result<Arc<Release>, Refusal> {
        if let Some(release) = self.known(&blob.digest) {
            return Ok(release);
        }
        let bytes = blobs.get(&blob.digest).cloned();
        let bytes = bytes.ok_or_else(|| failed("the snapshot's bytes are missing"))?;
        let compiled = tokio::task::spawn_blocking(move || compile(&bytes)).await;
        let release = Arc::new(compiled.map_err(failed)??);
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        releases.retain(|_, release| release.strong_count() > 0);
        releases.insert(blob.digest, Arc::downgrade(&release));
        Ok(release)
    }

    async fn view(&self, pointer: &Pointer, blobs: &Blobs) -> Result<StageView, Refusal> {
        let settings: StageSettings = serde_json::from_slice(&pointer.settings)
            .map_err(|error| failed(format!("the stage's settings do not parse: {error}")))?;
        let named = |role| pointer.blobs.iter().find(|blob| blob.role == role);
        let base = named(Role::Base).ok_or_else(|| failed("the pointer names no base snapshot"))?;
        let canary = named(Role::Canary);
        let served = self.release(base, blobs).await?;
        let trial = match canary {
            Some(blob) => Some(self.release(blob, blobs).await?),
            None => None,
        };
        let view = StageView::new(settings, served, trial);
        Ok(match self.shared.cache {
            Some(_) => view.with_cache(&base.digest, canary.map(|blob| &blob.digest)),
            None => view,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(failed)`")]
fn failed(message: impl ToString) -> Refusal {
    Refusal { kind: RefusalKind::CompileFailed, message: message.to_string() }
}

/// The same decode and compile that the control plane ran before it accepted the deployment (invariant 4).
fn compile(bytes: &Bytes) -> Result<Release, Refusal> {
    let plan = codec::decode(bytes).map_err(|error| match error {
        DecodeError::UnknownFormat { .. } => Refusal { kind: RefusalKind::UnknownFormat, message: error.to_string() },
        DecodeError::Malformed(_) => failed(error),
    })?;
    Release::compile(&plan, &CompileLimits::default())
        .map_err(|problems| failed(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

impl Sink for TableSink {
    fn prepare<'a>(&'a self, pointer: &'a Pointer, blobs: Blobs) -> BoxFuture<'a, Result<Prepared, Refusal>> {
        Box::pin(async move {
            let value: Box<dyn std::any::Any + Send + Sync> = match pointer.key.kind {
                Kind::Stage => Box::new(Mutex::new(Some(self.view(pointer, &blobs).await?))),
                // Kinds of later versions: followed and acknowledged, so that the watermark moves, and not used.
                _ => Box::new(()),
            };
            Ok(Prepared { pointer: pointer.clone(), value })
        })
    }

    fn install(&self, batch: Vec<Prepared>, removed: &[PointerKey]) {
        let _turn = self.installing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = (**self.shared.table.load()).clone();
        for prepared in batch {
            let view = prepared.value.downcast_ref::<Mutex<Option<StageView>>>();
            let view = view.and_then(|view| view.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let Some(view) = view {
                table.insert(view);
            }
        }
        for key in removed.iter().filter(|key| key.kind == Kind::Stage) {
            if let [_, _, api, stage] = key.name.split('/').collect::<Vec<_>>().as_slice() {
                table.remove(api, stage);
            }
        }
        self.shared.table.store(Arc::new(table));
    }

    fn in_flight(&self) -> u64 {
        self.shared.metrics.in_flight()
    }
}
