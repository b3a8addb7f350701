//! Packages on disk: each digest is unpacked once, and appears under its name only when it is whole.

mod held;
mod links;
mod sweep;
mod unzip;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use stagecoach_base::Digest;

pub(crate) use self::held::Held;
use self::unzip::unzip;
use crate::errors::{self, LambdaError};

/// Largest package as sent, bytes [D: Lambda quotas, 50 MB].
pub const LARGEST_ZIPPED: usize = 52_428_800;
/// Largest package unpacked, bytes [D: Lambda quotas, 250 MB].
pub const LARGEST_UNZIPPED: u64 = 262_144_000;

/// What a version runs with.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) package: PathBuf,
    /// Layers in their order.
    pub(crate) layers: Vec<PathBuf>,
}

/// Where packages are unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Packages {
    folder: PathBuf,
    doomed: sweep::Doomed,
    turns: Turns,
}

/// Packages that are being unpacked.
type Turns = Arc<Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>>;

impl Packages {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.join("code"), doomed: sweep::Doomed::default(), turns: Turns::default() }
    }

    /// Where the package `digest` is, once unpacked. If it is there, it is not removed for a while.
    pub(crate) fn wanted(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.doomed.spare(&name);
        self.folder.join(name)
    }

    /// What whoever unpacks the package `digest` locks meanwhile, so that it is read and unpacked once. Forgotten when nobody has it.
    pub(crate) fn turn(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let known = turns.get(digest).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let turn = Arc::default();
            turns.insert(*digest, Arc::downgrade(&turn));
            turn
        })
    }

    /// Unpacks `zip` unless that was done before; answers the folder. `nonce` makes the temporary name unique.
    ///
    /// # Errors
    /// 400 for a package that is none, leaves its folder or is too large; 500 when the disk fails.
    pub(crate) async fn unpack(&self, digest: &Digest, zip: Bytes, nonce: u64) -> Result<PathBuf, LambdaError> {
        let place = self.wanted(digest);
        if is_there(&place).await {
            return Ok(place);
        }
        let (partial, whole) = (self.folder.join(format!(".{digest}-{nonce:016x}")), place.clone());
        let work = tokio::task::spawn_blocking(move || {
            let done = unzip(&zip, &partial, LARGEST_UNZIPPED).and_then(|()| settle(&partial, &whole));
            if done.is_err() && partial.exists() {
                std::fs::remove_dir_all(&partial).unwrap_or_else(|error| tracing::warn!(%error, "a part stays"));
            }
            done
        });
        work.await.map_err(|error| LambdaError::new(errors::Code::Service, error.to_string()))??;
        Ok(place)
    }
}

impl Packages {
    /// Bytes of the files of an unpacked package.
    ///
    /// # Errors
    /// 500 when the disk fails.
    pub(crate) async fn size(&self, digest: &Digest) -> Result<u64, LambdaError> {
        let place = self.wanted(digest);
        let work = tokio::task::spawn_blocking(move || size(&place).map_err(|error| disk(&error)));
        work.await.map_err(|error| LambdaError::new(errors::Code::Service, error.to_string()))?
    }
}

/// Unpacks any bytes into `into`, a folder that is removed afterwards, and checks that nothing in it leads out of it and that no
/// more than `largest` bytes are there. For fuzz targets.
///
/// # Panics
/// When something does, or more is.
#[doc(hidden)]
pub fn fuzz_unzip(bytes: &[u8], into: &Path, largest: u64) {
    let unpacked = unzip(bytes, into, largest);
    if into.exists() {
        let root = std::fs::canonicalize(into).unwrap_or_else(|_| into.to_owned());
        assert!(unpacked.is_err() || size(into).is_ok_and(|size| size <= largest + LINKS), "larger than allowed");
        assert_inside(into, &root);
        std::fs::remove_dir_all(into).unwrap_or_else(|error| panic!("{}: {error}", into.display()));
    }
}

/// Bytes that the links of a fuzzed package may have beside its files.
const LINKS: u64 = 1 << 20;

fn assert_inside(folder: &Path, root: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if let Ok(target) = std::fs::canonicalize(&path) {
            assert!(target.starts_with(root), "{} leads to {}", path.display(), target.display());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            assert_inside(&path, root);
        }
    }
}

fn size(folder: &Path) -> std::io::Result<u64> {
    let mut all = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // Of a link itself, never of what it leads to.
        let about = entry.metadata()?;
        all += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(all)
}

/// Whether a folder is there.
pub(crate) async fn is_there(place: &Path) -> bool {
    tokio::fs::try_exists(place).await.unwrap_or(false)
}

/// Moves a whole package to its name; someone else may have been faster with the same bytes.
fn settle(partial: &Path, whole: &Path) -> Result<(), LambdaError> {
    match std::fs::rename(partial, whole) {
        Err(_) if whole.exists() => std::fs::remove_dir_all(partial).map_err(|error| disk(&error)),
        other => other.map_err(|error| disk(&error)),
    }
}

fn disk(error: &std::io::Error) -> LambdaError {
    tracing::error!(%error, "a package could not be written to disk");
    LambdaError::new(errors::Code::Service, "The package could not be written to this host's disk.")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o755)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn packages_are_unpacked_one_by_one_each_by_itself() {
        let packages = Packages::new(Path::new("unused"));
        let (one, other) = (Digest::of(b"1"), Digest::of(b"2"));

        let turn = packages.turn(&one);
        let held = turn.try_lock().unwrap();
        let (same, free) = (packages.turn(&one).try_lock().is_err(), packages.turn(&other).try_lock().is_ok());
        drop(held);
        drop(turn);
        let again = packages.turn(&one);

        assert!(same && free && again.try_lock().is_ok());
        assert_eq!(packages.turns.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_package_is_unpacked_once_under_its_digest() {
        let home = tempfile::tempdir().unwrap();
        let packages = Packages::new(home.path());
        let bytes = Bytes::from(zip(&[("bootstrap", b"#!/bin/sh"), ("a/b.txt", b"x")]));
        let digest = Digest::of(&bytes);

        let first = packages.unpack(&digest, bytes.clone(), 1).await.unwrap();
        let again = packages.unpack(&digest, Bytes::from_static(b"not read again"), 2).await.unwrap();

        assert_eq!((&first, std::fs::read(first.join("a/b.txt")).unwrap()), (&again, b"x".to_vec()));
        assert_eq!(std::fs::read_dir(home.path().join("code")).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(first.join("bootstrap")).unwrap().permissions().mode() & 0o777, 0o755);
        }
    }
}
