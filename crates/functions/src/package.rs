//! Packages on disk: each digest is unpacked once, and appears under its name only when it is whole.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use stagecoach_base::Digest;
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::errors::{self, LambdaError};

/// Largest package as sent, bytes [D: Lambda quotas, 50 MB].
pub const LARGEST_ZIPPED: usize = 52_428_800;
/// Largest package unpacked, bytes [D: Lambda quotas, 250 MB].
pub const LARGEST_UNZIPPED: u64 = 262_144_000;
/// Most entries of a package: ours, so that empty files cannot use up a disk's inodes.
const MOST_ENTRIES: usize = 200_000;

/// Where packages are unpacked.
#[derive(Clone, Debug)]
pub(crate) struct Packages {
    folder: PathBuf,
}

impl Packages {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.join("code") }
    }

    /// Where the package `digest` is, once unpacked.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// Unpacks `zip` unless that was done before; answers the folder. `nonce` makes the temporary name unique.
    ///
    /// # Errors
    /// 400 for a package that is none, leaves its folder or is too large; 500 when the disk fails.
    pub(crate) async fn unpack(&self, digest: &Digest, zip: Bytes, nonce: u64) -> Result<PathBuf, LambdaError> {
        let place = self.path(digest);
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

fn unzip(zip: &[u8], into: &Path, largest: u64) -> Result<(), LambdaError> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|_| LambdaError::invalid(errors::NOT_A_ZIP))?;
    if archive.is_empty() {
        return Err(LambdaError::invalid(errors::EMPTY_ZIP));
    }
    if archive.len() > MOST_ENTRIES {
        return Err(LambdaError::invalid(format!("The package has more than {MOST_ENTRIES} entries.")));
    }
    std::fs::create_dir_all(into).map_err(|error| disk(&error))?;
    let mut left = largest;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| LambdaError::invalid(errors::NOT_A_ZIP))?;
        left -= unzip_entry(&mut entry, into, left)?;
    }
    Ok(())
}

/// Writes one entry; answers the bytes it took. Sizes are counted as they come out, whatever the archive claims.
fn unzip_entry(entry: &mut ZipFile<'_, Cursor<&[u8]>>, into: &Path, left: u64) -> Result<u64, LambdaError> {
    let inside = entry.enclosed_name().filter(|_| !entry.is_symlink());
    let Some(inside) = inside else {
        let name = entry.name().to_owned();
        return Err(LambdaError::invalid(format!("The package entry {name:?} is a link or leaves the package.")));
    };
    let place = into.join(inside);
    if entry.is_dir() {
        return std::fs::create_dir_all(&place).map(|()| 0).map_err(|error| disk(&error));
    }
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(|error| disk(&error))?;
    }
    let mut file = std::fs::File::create(&place).map_err(|error| disk(&error))?;
    let mode = entry.unix_mode();
    let written = std::io::copy(&mut entry.take(left + 1), &mut file);
    let written = written.map_err(|_| LambdaError::invalid(errors::NOT_A_ZIP))?;
    if written > left {
        return Err(LambdaError::invalid(errors::UNZIPPED_SIZE));
    }
    permit(&file, mode).map_err(|error| disk(&error))?;
    Ok(written)
}

/// The archive's permission bits, readable by all: without set-id bits, which are not for packages to give.
#[cfg(unix)]
fn permit(file: &std::fs::File, mode: Option<u32>) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode((mode.unwrap_or(0o644) & 0o777) | 0o444))
}

#[cfg(not(unix))]
fn permit(_: &std::fs::File, _: Option<u32>) -> std::io::Result<()> {
    Ok(())
}

fn disk(error: &std::io::Error) -> LambdaError {
    tracing::error!(%error, "a package could not be written to disk");
    LambdaError::new(errors::Code::Service, "The package could not be written to this host's disk.")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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

    #[test]
    fn what_leaves_its_folder_is_too_large_or_no_zip_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let refused = |bytes: &[u8], largest| unzip(bytes, &home.path().join("in"), largest).unwrap_err().message;

        assert!(refused(&zip(&[("../out", b"x")]), 9).contains("leaves the package"));
        assert_eq!(refused(&zip(&[("a", b"12345"), ("b", b"12345")]), 9), errors::UNZIPPED_SIZE);
        assert_eq!(refused(b"no zip", 9), errors::NOT_A_ZIP);
        assert_eq!(refused(&zip(&[]), 9), errors::EMPTY_ZIP);
        assert!(!home.path().join("out").exists());
    }

    #[test]
    fn an_absolute_name_lands_inside_the_package() {
        let home = tempfile::tempdir().unwrap();

        unzip(&zip(&[("/stagecoach-test/out", b"x")]), home.path(), 9).unwrap();

        assert!(home.path().join("stagecoach-test/out").exists());
        assert!(!Path::new("/stagecoach-test").exists());
    }
}
