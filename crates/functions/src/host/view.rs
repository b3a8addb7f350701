//! Where things are as a function sees them: under their own paths, or in a sandbox under AWS's.

use std::path::{Path, PathBuf};

use crate::Runnable;

/// AWS's places.
pub(super) const TASK: &str = "/var/task";
pub(super) const OPT: &str = "/opt";

/// Paths of this machine that a function sees under another name.
#[derive(Clone, Debug, Default)]
pub(super) struct View(pub(super) Vec<(PathBuf, PathBuf)>);

impl View {
    /// A path of this machine as the function has to write it. Functions with paths that are not UTF-8 are not made.
    pub(super) fn there(&self, here: &Path) -> String {
        let inside = |(from, to): &(PathBuf, PathBuf)| here.strip_prefix(from).ok().map(|rest| join(to, rest));
        self.0.iter().find_map(inside).unwrap_or_else(|| here.to_path_buf()).to_string_lossy().into_owned()
    }

    /// The path, if something is there.
    pub(super) fn existing(&self, here: &Path) -> Option<String> {
        here.exists().then(|| self.there(here))
    }

    /// `part` of every layer that has it; a later layer overrides an earlier one, as when AWS unpacks them over each other.
    pub(super) fn layered(&self, runnable: &Runnable, part: &str) -> Vec<String> {
        runnable.layers.iter().rev().filter_map(|layer| self.existing(&layer.join(part))).collect()
    }
}

/// A file by the path it has on AWS, if it is there: below the task root or in a layer; else by its own path.
pub(super) fn here(runnable: &Runnable, path: &Path) -> Option<PathBuf> {
    let candidates: Vec<PathBuf> = match (path.strip_prefix(TASK), path.strip_prefix(OPT)) {
        (Ok(rest), _) => vec![runnable.code.join(rest)],
        (_, Ok(rest)) => runnable.layers.iter().rev().map(|layer| layer.join(rest)).collect(),
        _ => Vec::new(),
    };
    candidates.into_iter().chain([path.to_path_buf()]).find(|file| file.is_file())
}

/// Without a slash at its end when `rest` is empty.
fn join(to: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { to.to_path_buf() } else { to.join(rest) }
}
