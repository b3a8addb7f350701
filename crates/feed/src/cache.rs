//! A worker's disk cache: the last good state and the blobs it names, verified whenever they are read.
//!
//! `feed.pb` is replaced atomically; blobs lie under `blobs/sha256/ab/<hex>` as zstd. What fails verification is set
//! aside (`….corrupt`), never deleted, so that somebody can look at it (architecture §4.5).

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;
use stagecoach_base::Digest;

use crate::wire;

const STATE: &str = "feed.pb";
/// Largest blob unpacked from disk, bytes: a guard against a decompression bomb in a damaged file.
const MAX_BLOB: u64 = 1 << 30;

/// The folder `--state-dir` names.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Makes the folders, owner-only.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(dir.join("blobs/sha256"))?;
        Ok(Self { dir: dir.to_path_buf() })
    }

    /// The saved state. `None` when there is none, or when it is damaged (then it was set aside).
    pub(crate) fn state(&self) -> Option<wire::CacheState> {
        let path = self.dir.join(STATE);
        let bytes = fs::read(&path).ok()?;
        let state = bytes.split_at_checked(32).and_then(|(sum, body)| {
            let whole = Digest::of(body).as_bytes() == sum;
            whole.then(|| wire::CacheState::decode(body).ok()).flatten()
        });
        if state.is_none() {
            set_aside(&path);
        }
        state
    }

    /// Replaces the saved state: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn save(&self, state: &wire::CacheState) -> io::Result<()> {
        let body = state.encode_to_vec();
        let mut bytes = Digest::of(&body).as_bytes().to_vec();
        bytes.extend_from_slice(&body);
        replace(&self.dir.join(STATE), &bytes)
    }

    /// The blob's bytes, if they are here and are what the digest names. A damaged file is set aside.
    pub(crate) fn blob(&self, digest: &Digest) -> Option<Bytes> {
        let path = self.path(digest);
        let packed = fs::read(&path).ok()?;
        let bytes = unpack(&packed).filter(|bytes| Digest::of(bytes) == *digest);
        if bytes.is_none() {
            set_aside(&path);
        }
        bytes.map(Bytes::from)
    }

    /// Keeps a verified blob.
    pub(crate) fn put(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        if let Some(folder) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        replace(&path, &zstd::bulk::compress(bytes, 3)?)
    }

    /// Removes every blob that `keep` does not name.
    pub(crate) fn sweep(&self, keep: &HashSet<Digest>) {
        let Ok(folders) = fs::read_dir(self.dir.join("blobs/sha256")) else { return };
        let files = folders.flatten().filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten();
        for file in files {
            let digest = file.file_name().to_str().and_then(|name| name.parse::<Digest>().ok());
            if digest.is_some_and(|digest| !keep.contains(&digest)) {
                drop(fs::remove_file(file.path()));
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.dir.join("blobs/sha256").join(hex.get(..2).unwrap_or_default()).join(hex)
    }
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut out = Vec::new();
    zstd::stream::read::Decoder::new(packed).ok()?.take(MAX_BLOB).read_to_end(&mut out).ok()?;
    Some(out)
}

fn set_aside(path: &Path) {
    let mut name = path.as_os_str().to_owned();
    name.push(".corrupt");
    tracing::warn!(file = %path.display(), "a cached file is damaged and was set aside");
    drop(fs::rename(path, PathBuf::from(name)));
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_read_back_and_damaged_ones_are_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let digest = Digest::of(b"plan");
        cache.put(&digest, b"plan").unwrap();
        assert_eq!(cache.blob(&digest).as_deref(), Some(&b"plan"[..]));

        fs::write(cache.path(&digest), b"garbage").unwrap();

        assert_eq!(cache.blob(&digest), None);
        assert!(cache.path(&digest).with_extension("corrupt").exists());
    }

    #[test]
    fn a_damaged_state_is_no_state() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let state = wire::CacheState { epoch: "e".into(), watermark: 7, ..Default::default() };
        cache.save(&state).unwrap();
        assert_eq!(cache.state(), Some(state));

        let path = folder.path().join(STATE);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();

        assert_eq!(cache.state(), None);
    }

    #[test]
    fn a_sweep_keeps_what_it_is_told_to_keep() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let (kept, gone) = (Digest::of(b"a"), Digest::of(b"b"));
        cache.put(&kept, b"a").unwrap();
        cache.put(&gone, b"b").unwrap();

        cache.sweep(&HashSet::from([kept]));

        assert!(cache.blob(&kept).is_some() && cache.blob(&gone).is_none());
    }
}
