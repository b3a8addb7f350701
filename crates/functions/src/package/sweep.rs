//! Removes unpacked packages that nobody refers to. They are copies of what the store has: one that is wanted again is unpacked
//! again.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Packages;
use crate::errors::{self, LambdaError};

/// How long a folder that is being unpacked may take.
const UNPACKING: Duration = Duration::from_secs(3600);
/// Names of folders that are being removed begin so.
const GONE: &str = ".gone-";

/// Since when folders are without anybody who refers to them, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Doomed(Arc<Mutex<HashMap<String, Instant>>>);

impl Doomed {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody wants a folder. From then on it is either there and stays, or it is gone already.
    pub(super) fn spare(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Renames a folder that has been doomed for `grace`, so that it can be removed; `None` if it is not.
    fn take(&self, folder: &Path, name: &str, now: Instant, grace: Duration) -> std::io::Result<Option<PathBuf>> {
        // Held over the renaming: `spare` comes before it or after it.
        let mut doomed = self.lock();
        let since = *doomed.entry(name.to_owned()).or_insert(now);
        if now.saturating_duration_since(since) < grace {
            return Ok(None);
        }
        doomed.remove(name);
        let gone = folder.join(format!("{GONE}{}", name.trim_start_matches('.')));
        std::fs::rename(folder.join(name), &gone)?;
        Ok(Some(gone))
    }
}

impl Packages {
    /// Removes what is not among `keep` (names of folders) and has not been since `grace`; answers how many folders went.
    ///
    /// # Errors
    /// 500 when the disk fails.
    pub(crate) async fn sweep(
        &self,
        keep: BTreeSet<String>,
        now: Instant,
        grace: Duration,
    ) -> Result<usize, LambdaError> {
        let (folder, doomed) = (self.folder.clone(), self.doomed.clone());
        let work = tokio::task::spawn_blocking(move || sweep(&folder, &doomed, &keep, now, grace));
        let done = work.await.map_err(|error| LambdaError::new(errors::Code::Service, error.to_string()))?;
        done.map_err(|error| super::disk(&error))
    }
}

fn sweep(
    folder: &Path,
    doomed: &Doomed,
    keep: &BTreeSet<String>,
    now: Instant,
    grace: Duration,
) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut removed = 0;
    for entry in entries {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        if keep.contains(&name) {
            doomed.spare(&name);
            continue;
        }
        let gone = match name.strip_prefix('.') {
            Some(_) if name.starts_with(GONE) => Some(folder.join(&name)),
            Some(_) => doomed.take(folder, &name, now, grace.max(UNPACKING))?,
            None => doomed.take(folder, &name, now, grace)?,
        };
        if let Some(gone) = gone {
            std::fs::remove_dir_all(gone)?;
            removed += 1;
        }
    }
    Ok(removed)
}
