//! A zip archive onto disk. Sizes are counted as they come out, whatever the archive claims.

use std::io::{Cursor, Read, Write};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::disk;
use super::links::{LONGEST_TARGET, Links};
use crate::errors::{self, LambdaError};

/// Most entries of a package, and most folders: ours, so that neither empty files nor long paths can use up a disk's inodes.
const MOST_ENTRIES: usize = 200_000;

/// What a package may still take of the disk.
struct Room {
    bytes: u64,
    folders: usize,
}

impl Room {
    /// Makes a folder and those above it that are not there.
    fn folder(&mut self, place: &Path) -> Result<(), LambdaError> {
        let missing: Vec<&Path> = place.ancestors().take_while(|folder| !folder.exists()).collect();
        let left = self.folders.checked_sub(missing.len());
        self.folders = left.ok_or_else(|| too_many("folders"))?;
        if missing.is_empty() { Ok(()) } else { std::fs::create_dir_all(place).map_err(|error| disk(&error)) }
    }

    /// Makes the folder that `place` is in.
    fn folder_of(&mut self, place: &Path) -> Result<(), LambdaError> {
        place.parent().map_or(Ok(()), |folder| self.folder(folder))
    }
}

fn too_many(what: &str) -> LambdaError {
    LambdaError::invalid(format!("The package has more than {MOST_ENTRIES} {what}."))
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;
type Entry<'a, 'b> = ZipFile<'a, Cursor<&'b [u8]>>;

/// Unpacks `zip` into the folder `into`, at most `largest` bytes.
///
/// # Errors
/// 400 for a package that is none, leaves its folder or is too large; 500 when the disk fails.
pub(super) fn unzip(zip: &[u8], into: &Path, largest: u64) -> Result<(), LambdaError> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|_| broken())?;
    if archive.is_empty() {
        return Err(LambdaError::invalid(errors::EMPTY_ZIP));
    }
    if archive.len() > MOST_ENTRIES {
        return Err(too_many("entries"));
    }
    let links = links(&mut archive)?;
    std::fs::create_dir_all(into).map_err(|error| disk(&error))?;
    let mut room = Room { bytes: largest, folders: MOST_ENTRIES };
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| broken())?;
        if !entry.is_symlink() {
            write(&mut entry, into, &links, &mut room)?;
        }
    }
    // Last, so that nothing is written through them.
    links.iter().try_for_each(|(at, target)| link(target, &into.join(at), &mut room))
}

fn broken() -> LambdaError {
    LambdaError::invalid(errors::NOT_A_ZIP)
}

/// As the archive has it, for messages.
fn name(entry: &Entry<'_, '_>) -> String {
    entry.name().map_or_else(|_| String::from_utf8_lossy(entry.name_raw()).into_owned(), |name| name.into_owned())
}

fn leaves(name: &str) -> LambdaError {
    LambdaError::invalid(format!("The package entry {name:?} leaves the package."))
}

/// Where an entry belongs, relative to the package's root.
fn place(entry: &Entry<'_, '_>) -> Result<PathBuf, LambdaError> {
    let mut place = PathBuf::new();
    for part in entry.enclosed_name().ok_or_else(|| leaves(&name(entry)))?.components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::ParentDir if place.pop() => {}
            Component::ParentDir => return Err(leaves(&name(entry))),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Ok(place)
}

/// Every link of the archive, none of which leads out of it.
fn links(archive: &mut Archive<'_>) -> Result<Links, LambdaError> {
    let mut links = Links::default();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|_| broken())?;
        if !entry.is_symlink() {
            continue;
        }
        let at = place(&entry)?;
        let mut target = Vec::new();
        entry.by_ref().take(LONGEST_TARGET).read_to_end(&mut target).map_err(|_| broken())?;
        let whole = !target.is_empty() && target.len() < usize::try_from(LONGEST_TARGET).unwrap_or(usize::MAX);
        let target = String::from_utf8(target).ok().filter(|target| whole && !target.contains('\0'));
        let target = target.filter(|_| at.file_name().is_some()).ok_or_else(|| stray(&name(&entry)))?;
        links.insert(at, PathBuf::from(target));
    }
    match links.stray() {
        Some(at) => Err(stray(&at.display().to_string())),
        None => Ok(links),
    }
}

fn stray(name: &str) -> LambdaError {
    LambdaError::invalid(format!("The package entry {name:?} is a link that leaves the package."))
}

/// Writes a file or makes a folder.
fn write(entry: &mut Entry<'_, '_>, into: &Path, links: &Links, room: &mut Room) -> Result<(), LambdaError> {
    let inside = place(entry)?;
    if links.cover(&inside) {
        let name = name(entry);
        return Err(LambdaError::invalid(format!(
            "The package entry {name:?} is a link, or lies behind one, as well."
        )));
    }
    let place = into.join(inside);
    if entry.is_dir() {
        return room.folder(&place);
    }
    room.folder_of(&place)?;
    let mut file = std::fs::File::create(&place).map_err(|error| disk(&error))?;
    let mode = entry.unix_mode();
    let written = copy(entry.take(room.bytes.saturating_add(1)), &mut file)?;
    room.bytes = room.bytes.checked_sub(written).ok_or_else(|| LambdaError::invalid(errors::UNZIPPED_SIZE))?;
    permit(&file, mode).map_err(|error| disk(&error))
}

/// As [`std::io::copy`], but what cannot be read is the package's fault, and what cannot be written the disk's.
fn copy(mut from: impl Read, to: &mut impl Write) -> Result<u64, LambdaError> {
    let (mut buffer, mut written) = (vec![0; 64 * 1024], 0);
    loop {
        let read = from.read(&mut buffer).map_err(|_| broken())?;
        if read == 0 {
            return Ok(written);
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).map_err(|error| disk(&error))?;
        written += read as u64;
    }
}

/// The archive's permission bits, readable by all: without set-id bits, which are not for packages to give.
#[cfg(unix)]
fn permit(file: &std::fs::File, mode: Option<u32>) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode((mode.unwrap_or(0o644) & 0o777) | 0o444))
}

#[cfg(unix)]
fn link(target: &Path, at: &Path, room: &mut Room) -> Result<(), LambdaError> {
    room.folder_of(at)?;
    std::os::unix::fs::symlink(target, at).map_err(|error| match error.kind() {
        // A folder that other entries lie in.
        std::io::ErrorKind::AlreadyExists => stray(&at.display().to_string()),
        _ => disk(&error),
    })
}

#[cfg(not(unix))]
fn permit(_: &std::fs::File, _: Option<u32>) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn link(_: &Path, at: &Path, _: &mut Room) -> Result<(), LambdaError> {
    Err(stray(&at.display().to_string()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// Entries; a link where the text begins with `->`.
    fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in entries {
            let options = SimpleFileOptions::default().unix_permissions(0o755);
            match text.strip_prefix("->") {
                Some(target) => writer.add_symlink(*name, target, options).unwrap(),
                None => {
                    writer.start_file(*name, options).unwrap();
                    writer.write_all(text.as_bytes()).unwrap();
                }
            }
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_leaves_its_folder_is_too_large_or_no_zip_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let refused = |bytes: &[u8], largest| unzip(bytes, &home.path().join("in"), largest).unwrap_err().message;

        assert!(refused(&zip(&[("../out", "x")]), 9).contains("leaves the package"));
        assert_eq!(refused(&zip(&[("a", "12345"), ("b", "12345")]), 9), errors::UNZIPPED_SIZE);
        assert_eq!(refused(b"no zip", 9), errors::NOT_A_ZIP);
        assert_eq!(refused(&zip(&[]), 9), errors::EMPTY_ZIP);
        assert!(!home.path().join("out").exists());
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_package() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::InvalidData.into())
            }
        }
        let mut full: &mut [u8] = &mut [0; 2];

        let unread = copy(Fails, &mut Vec::new()).unwrap_err();
        let unwritten = copy(&b"text"[..], &mut full).unwrap_err();

        assert_eq!((unread.code.status(), unread.message.as_ref()), (400, errors::NOT_A_ZIP));
        assert_eq!(unwritten.code.status(), 500);
    }

    #[test]
    fn folders_are_counted_as_they_are_made() {
        let home = tempfile::tempdir().unwrap();
        let mut room = Room { bytes: 0, folders: 3 };

        room.folder(&home.path().join("a/b")).unwrap();
        room.folder_of(&home.path().join("a/b/c")).unwrap();
        let refused = room.folder(&home.path().join("a/c/d")).unwrap_err();

        assert_eq!((refused.code.status(), room.folders), (400, 1));
        assert!(!home.path().join("a/c").exists());
    }

    #[test]
    fn an_absolute_name_lands_inside_the_package() {
        let home = tempfile::tempdir().unwrap();

        unzip(&zip(&[("/stagecoach-test/out", "x")]), home.path(), 9).unwrap();

        assert!(home.path().join("stagecoach-test/out").exists());
        assert!(!Path::new("/stagecoach-test").exists());
    }

    #[cfg(unix)]
    #[test]
    fn links_inside_the_package_are_made() {
        let home = tempfile::tempdir().unwrap();
        let tool = ("node_modules/.bin/tool", "->../tool/bin/tool.js");

        unzip(&zip(&[tool, ("node_modules/tool/bin/tool.js", "#!"), ("old", "->node_modules/tool")]), home.path(), 9)
            .unwrap();

        assert_eq!(std::fs::read(home.path().join("node_modules/.bin/tool")).unwrap(), b"#!");
        assert_eq!(std::fs::read(home.path().join("old/bin/tool.js")).unwrap(), b"#!");
        assert!(home.path().join("old").is_symlink());
    }

    #[test]
    fn links_that_leave_the_package_and_files_behind_links_are_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        let refused =
            |entries: &[(&str, &str)]| unzip(&zip(entries), &home.path().join("a/b/in"), 99).unwrap_err().message;

        assert!(refused(&[("passwd", "->/etc/passwd")]).contains("\"passwd\" is a link that leaves the package"));
        assert!(refused(&[("up", "->../.."), ("up/out", "x")]).contains("\"up\" is a link that leaves the package"));
        assert!(
            refused(&[("x/up", "->.."), ("far", "->x/up/../../out"), ("far/y", "z")]).contains("\"far\" is a link")
        );
        assert!(refused(&[("in", "->x"), ("in/file", "y")]).contains("\"in/file\" is a link, or lies behind one"));
        assert!(refused(&[("in/file", "y"), ("in", "->x")]).contains("\"in/file\" is a link, or lies behind one"));
        assert!(refused(&[("loop", "->loop")]).contains("\"loop\" is a link that leaves the package"));
        assert!(["out", "a/out", "a/b/out"].iter().all(|outside| !home.path().join(outside).exists()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn damaged_archives_are_answered_and_stay_inside(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let home = tempfile::tempdir().unwrap();
            let mut bytes = zip(&[("a/b.txt", "text"), ("a/link", "->../c/d"), ("c/d", "more"), ("e", "->a")]);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }

            drop(unzip(&bytes, &home.path().join("in"), 99));

            let outside: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            prop_assert!(outside.iter().all(|name| name == "in"), "{outside:?}");
        }
    }
}
