//! A host's own folder: locked while the host lives, so that the next host on the same scratch folder knows what is left of a
//! dead one and removes it, processes and files.

use std::fs::{DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use super::BOOTSTRAPS;
use super::opt;
use super::processes::{self, end_all};
use super::watchdog::Watchdog;

/// See the module.
#[derive(Debug)]
pub(super) struct Home {
    /// Absolute.
    folder: PathBuf,
    _lock: File,
    watchdog: Mutex<Option<Watchdog>>,
    /// Held while layers are merged.
    merging: Mutex<()>,
}

impl Home {
    /// Makes a folder under `scratch` with the embedded bootstraps, after what dead hosts left there is gone. Blocks.
    pub(super) fn make(scratch: &Path, mut name: impl FnMut() -> String) -> io::Result<Self> {
        let hosts = std::path::absolute(hosts(scratch))?;
        std::fs::create_dir_all(&hosts)?;
        let _gate = gate(&hosts)?;
        clear(&hosts);
        let folder = loop {
            let folder = hosts.join(name());
            // Functions under other users find their own in it, and do not see the others'.
            match DirBuilder::new().mode(0o711).create(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        };
        let lock = lockable(&folder.join("lock"))?;
        if let Err(error) = lock.lock() {
            tracing::warn!(%error, folder = %folder.display(), "this folder cannot be locked: what a killed host leaves stays");
        }
        let runtime = runtime(&folder);
        std::fs::create_dir(&runtime)?;
        for (name, text) in BOOTSTRAPS {
            std::fs::write(runtime.join(name), text)?;
        }
        let watchdog = Watchdog::start(&folder);
        Ok(Self { folder, _lock: lock, watchdog: Mutex::new(watchdog), merging: Mutex::default() })
    }

    /// Where the bootstraps are.
    pub(super) fn runtime(&self) -> PathBuf {
        runtime(&self.folder)
    }

    /// The scratch folder of the environment `name`.
    pub(super) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `layers` over each other, for a sandbox.
    pub(super) async fn opt(&self, layers: Vec<PathBuf>) -> io::Result<Option<PathBuf>> {
        let _merging = self.merging.lock().await;
        let folder = self.folder.clone();
        let merged = tokio::task::spawn_blocking(move || opt::merged(&folder, &layers)).await;
        merged.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Removes it: every environment has ended.
    pub(super) async fn leave(&self) {
        if let Some(watchdog) = self.watchdog.lock().await.take() {
            watchdog.dismiss().await;
        }
        if let Err(error) = tokio::fs::remove_dir_all(&self.folder).await
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.folder.display(), "the host's folder stays");
        }
    }
}

/// Removes what dead hosts left under `scratch`. Blocks.
pub(super) fn clear_dead(scratch: &Path) {
    let hosts = hosts(scratch);
    if !hosts.exists() {
        return;
    }
    match std::path::absolute(hosts).and_then(|hosts| Ok((gate(&hosts)?, hosts))) {
        Ok((_gate, hosts)) => clear(&hosts),
        Err(error) => tracing::warn!(%error, "what earlier hosts left cannot be looked for"),
    }
}

fn hosts(scratch: &Path) -> PathBuf {
    scratch.join("hosts")
}

fn runtime(folder: &Path) -> PathBuf {
    folder.join("runtime")
}

/// Makes hosts come and clear one after the other; a disk without locks has no such order.
fn gate(hosts: &Path) -> io::Result<File> {
    let gate = lockable(&hosts.join("gate"))?;
    if let Err(error) = gate.lock() {
        tracing::debug!(%error, "no lock");
    }
    Ok(gate)
}

/// A file that only the host's user can open, and so lock.
fn lockable(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if let Err(error) = file.set_permissions(Permissions::from_mode(0o600)) {
        tracing::debug!(%error, file = %path.display(), "others may open this file");
    }
    Ok(file)
}

/// Under the gate: every folder here belongs to a host that lives and locks it, or to a dead one.
fn clear(hosts: &Path) {
    let Ok(entries) = std::fs::read_dir(hosts) else { return };
    let folders = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir());
    for folder in folders.filter(|folder| is_dead(folder)) {
        let mark = format!("{}/", folder.display());
        tracing::info!(folder = %folder.display(), "an earlier host was killed: removing what it left");
        end_all(|pid| processes::mark(pid).is_some_and(|other| other.starts_with(&mark)));
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "what an earlier host left stays");
        }
    }
}

fn is_dead(folder: &Path) -> bool {
    match File::open(folder.join("lock")).map(|lock| lock.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) => false,
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}
