//! `/opt` of a sandbox: a function's layers, unpacked over each other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stagecoach_base::Digest;

/// The folder under `home` that holds `layers` over each other, made when it is not there. Files are links to the layers' own
/// where the disk allows that. Blocks.
pub(super) fn merged(home: &Path, layers: &[PathBuf]) -> io::Result<Option<PathBuf>> {
    let [first, rest @ ..] = layers else { return Ok(None) };
    if rest.is_empty() {
        return Ok(Some(first.clone()));
    }
    let names: Vec<u8> =
        layers.iter().flat_map(|layer| [layer.as_os_str().as_encoded_bytes(), b"\0"].concat()).collect();
    let place = home.join("opt").join(Digest::of(&names).to_string());
    if place.exists() {
        return Ok(Some(place));
    }
    let partial = place.with_extension("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    for layer in layers {
        lay(layer, &partial)?;
    }
    fs::rename(&partial, &place)?;
    Ok(Some(place))
}

/// Puts what is in `from` over what is in `to`.
fn lay(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        let before = fs::symlink_metadata(&target).ok();
        match before {
            Some(before) if before.is_dir() && !kind.is_dir() => fs::remove_dir_all(&target)?,
            Some(before) if !before.is_dir() => fs::remove_file(&target)?,
            _ => {}
        }
        if kind.is_dir() {
            lay(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_lie_over_earlier_ones() {
        let place = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let file = place.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("a/python/x.py", "first");
        write("a/python/y.py", "only");
        write("a/bin", "a file");
        write("b/python/x.py", "second");
        write("b/bin/tool", "a folder");
        std::os::unix::fs::symlink("tool", place.path().join("b/bin/link")).unwrap();

        let layers = ["a", "b"].map(|name| place.path().join(name));
        let opt = merged(place.path(), &layers).unwrap().unwrap();

        let read = |name: &str| fs::read_to_string(opt.join(name)).unwrap();
        assert_eq!((read("python/x.py"), read("python/y.py")), ("second".to_owned(), "only".to_owned()));
        assert_eq!((read("bin/tool"), read("bin/link")), ("a folder".to_owned(), "a folder".to_owned()));
        assert_eq!(fs::read_to_string(layers[0].join("python/x.py")).unwrap(), "first");
        assert_eq!(merged(place.path(), &layers).unwrap(), Some(opt));
        assert_eq!(merged(place.path(), &layers[..1]).unwrap(), Some(layers[0].clone()));
        assert_eq!(merged(place.path(), &[]).unwrap(), None);
    }
}
