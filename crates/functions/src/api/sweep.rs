//! Packages that no function and no layer refers to any more: their folders on this host's disk, and their blobs in the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use stagecoach_base::Digest;
use stagecoach_store::{Author, StoreError};
use tokio_util::sync::CancellationToken;

use super::Functions;
use super::documents::ALL;
use crate::errors::LambdaError;
use crate::model::function::{Function, Version};
use crate::model::kinds;
use crate::model::layer::{Layer, LayerVersion};

/// How long what nobody refers to is kept: longer than the URL of a download holds, than an invocation takes, and than another
/// host needs to hear of a change.
const GRACE: Duration = Duration::from_secs(3600);
/// How long after its start a host removes what an earlier process left on its disk: longer than a package that is being taken in
/// is on disk before the store knows of it.
const SETTLING: Duration = Duration::from_secs(10);
/// How often is looked.
const EVERY: Duration = Duration::from_secs(600);
/// Blobs that go in one write.
const AT_ONCE: usize = 500;
/// How often a removal is tried that another write gets in the way of.
const TRIES: usize = 3;

/// Since when blobs are without anybody who refers to them.
pub(crate) type Doomed = Mutex<HashMap<Digest, Instant>>;

impl Functions {
    /// Removes what nobody refers to, until `stop`. What an earlier process left on this host's disk goes soon: it is unpacked again
    /// if it is wanted again.
    pub async fn keep_tidy(self: Arc<Self>, stop: CancellationToken) {
        // The first pass marks what is there, and the second one removes what still is nobody's.
        let left_behind = [(SETTLING, SETTLING), (SETTLING, EVERY)];
        for (grace, pause) in left_behind.into_iter().chain(std::iter::repeat((GRACE, EVERY))) {
            for swept in [self.sweep_disk(grace).await, self.sweep_store(GRACE).await] {
                match swept {
                    Ok(0) => {}
                    Ok(packages) => tracing::info!(packages, "removed packages that nothing refers to"),
                    Err(error) => tracing::warn!(%error, "packages that nothing refers to stay"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Removes folders of packages that no function, layer or environment has had for `grace`; answers how many.
    ///
    /// # Errors
    /// When the store or the disk fails.
    pub async fn sweep_disk(&self, grace: Duration) -> Result<usize, LambdaError> {
        let mut keep: BTreeSet<String> = self.referenced().await?.iter().map(ToString::to_string).collect();
        let used = self.held.folders();
        keep.extend(used.iter().filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned())));
        self.packages.sweep(keep, self.parts.clock.now(), grace).await
    }

    /// Removes blobs of packages that no function and no layer has had for `grace`; answers how many. Only blobs that a function or
    /// layer brought into the store are looked at: one that was there before is somebody else's, too.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep_store(&self, grace: Duration) -> Result<usize, LambdaError> {
        for _ in 0..TRIES {
            let head = self.parts.store.revision().await?;
            let gone = self.unreferenced(grace).await?;
            if gone.is_empty() {
                break;
            }
            let author = Author { actor: "functions".into(), operation: "SweepPackages".into(), ..Author::default() };
            let mut write = self.parts.store.write(author, self.parts.clock.wall().0).await?;
            // Somebody wrote after the documents were read, perhaps a function with one of these packages.
            if write.revision() != head + 1 {
                continue;
            }
            for package in &gone {
                write.delete_blob(package).await?;
                write.delete(&kinds::package(package)).await?;
            }
            write.commit().await?;
            return Ok(gone.len());
        }
        Ok(0)
    }

    /// Packages of the store that nobody has referred to for `grace`.
    async fn unreferenced(&self, grace: Duration) -> Result<Vec<Digest>, LambdaError> {
        let mut owned = BTreeSet::new();
        self.each(kinds::PACKAGE, "", |package: kinds::Package| owned.insert(package.digest)).await?;
        let referenced = self.referenced().await?;
        let now = self.parts.clock.now();
        let mut doomed = self.doomed.lock().unwrap_or_else(PoisonError::into_inner);
        doomed.retain(|package, _| owned.contains(package) && !referenced.contains(package));
        for package in owned.difference(&referenced) {
            doomed.entry(*package).or_insert(now);
        }
        let old = doomed.iter().filter(|(_, since)| now.saturating_duration_since(**since) >= grace);
        Ok(old.map(|(package, _)| *package).take(AT_ONCE).collect())
    }

    /// Packages of every version of every function, and of every layer version. A layer version that was deleted is among them as
    /// long as a function has it.
    async fn referenced(&self) -> Result<BTreeSet<Digest>, StoreError> {
        let (mut functions, mut layers, mut packages) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut add = |version: &Version| {
            packages.insert(version.code);
            packages.extend(version.settings.layers.iter().map(|layer| layer.code));
        };
        self.each(kinds::FUNCTION, "", |function: Function| {
            add(&function.latest);
            functions.push(function.name);
        })
        .await?;
        for name in &functions {
            self.each(kinds::VERSION, name, |version: Version| add(&version)).await?;
        }
        self.each(kinds::LAYER, "", |layer: Layer| layers.push(layer.name)).await?;
        for name in &layers {
            self.each(kinds::LAYER_VERSION, name, |version: LayerVersion| packages.insert(version.code)).await?;
        }
        Ok(packages)
    }

    /// Every document of a kind under `parent`.
    async fn each<T: DeserializeOwned, R>(
        &self,
        kind: &str,
        parent: &str,
        mut take: impl FnMut(T) -> R,
    ) -> Result<(), StoreError> {
        let mut after: Option<String> = None;
        loop {
            let docs = self.parts.store.list(kind, parent, after.as_deref(), ALL).await?;
            for doc in &docs {
                take(kinds::body(doc)?);
            }
            match docs.last() {
                Some(last) => after = Some(last.key.id.clone()),
                None => return Ok(()),
            }
        }
    }
}
