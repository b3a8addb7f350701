//! Symbolic links of a package: npm's packages have them (`node_modules/.bin`). One that leads out of the package, by
//! whatever chain of other links, makes the package unusable.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links followed to resolve one, as the kernel's limit.
const MOST_HOPS: usize = 40;
/// Bytes of a target at most, as the kernel's.
pub(super) const LONGEST_TARGET: u64 = 4096;

/// Links by where they are, relative to the package's root; every one that the package has.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<PathBuf, PathBuf>);

impl Links {
    pub(super) fn insert(&mut self, at: PathBuf, target: PathBuf) {
        self.0.insert(at, target);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&PathBuf, &PathBuf)> {
        self.0.iter()
    }

    /// Whether `path` is a link, or lies behind one: nothing else may be written there.
    pub(super) fn cover(&self, path: &Path) -> bool {
        path.ancestors().any(|ancestor| self.0.contains_key(ancestor))
    }

    /// The first link that cannot stay: one that lies behind another, leads out of the package, or leads in a circle.
    pub(super) fn stray(&self) -> Option<&Path> {
        let strays = |at: &Path| at.parent().is_some_and(|folder| self.cover(folder)) || !self.stays(at);
        self.0.keys().map(PathBuf::as_path).find(|at| strays(at))
    }

    /// Follows a link step by step, as the kernel would: `..` after a link is the parent of what it leads to.
    fn stays(&self, link: &Path) -> bool {
        let mut todo: VecDeque<OsString> = parts(link);
        let (mut at, mut hops) = (PathBuf::new(), 0);
        while let Some(part) = todo.pop_front() {
            if part == ".." {
                if !at.pop() {
                    return false;
                }
                continue;
            }
            at.push(part);
            let Some(target) = self.0.get(&at) else { continue };
            hops += 1;
            if hops > MOST_HOPS || !target.is_relative() {
                return false;
            }
            at.pop();
            let rest = std::mem::replace(&mut todo, parts(target));
            todo.extend(rest);
        }
        true
    }
}

/// The steps of a relative path.
fn parts(path: &Path) -> VecDeque<OsString> {
    let steps = path.components().filter(|part| !matches!(part, Component::CurDir));
    steps.map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stray(links: &[(&str, &str)]) -> Option<String> {
        let mut all = Links::default();
        for (at, target) in links {
            all.insert((*at).into(), (*target).into());
        }
        all.stray().map(|path| path.display().to_string())
    }

    #[test]
    fn links_within_the_package_stay() {
        assert_eq!(
            stray(&[("node_modules/.bin/tsc", "../typescript/bin/tsc"), ("lib/x.so", "x.so.1"), ("a", "./b/..")]),
            None
        );
        assert_eq!(stray(&[("current", "v/2"), ("v/2", "../v/3"), ("all", ".")]), None, "chains, and the root itself");
    }

    #[test]
    fn links_that_leave_or_run_in_circles_are_named() {
        for target in ["/etc", "..", "../x", "b/../../x", "../../../etc/passwd"] {
            assert_eq!(stray(&[("a", target)]).as_deref(), Some("a"), "{target}");
        }
        assert_eq!(stray(&[("a", "b"), ("b", "a")]).as_deref(), Some("a"));
        assert_eq!(stray(&[("x/a", "..")]), None);
        assert_eq!(
            stray(&[("x/y/up", "../.."), ("z", "x/y/up/../out")]).as_deref(),
            Some("z"),
            "its text stays inside"
        );
        assert_eq!(stray(&[("up", "x"), ("up/a", "b")]).as_deref(), Some("up/a"), "behind another link");
    }

    fn path() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "..", "."]), 1..5)
            .prop_map(|parts| parts.join("/"))
    }

    #[cfg(unix)]
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn what_stays_is_inside_for_the_kernel_too(sent in prop::collection::vec(("[abc](/[abc]){0,2}", path()), 1..6)) {
            let home = tempfile::tempdir().unwrap();
            let root = home.path().canonicalize().unwrap().join("out/package");
            let mut links = Links::default();
            for (at, target) in &sent {
                links.insert(at.into(), target.into());
            }
            if links.stray().is_none() {
                for (at, target) in links.iter() {
                    std::fs::create_dir_all(root.join(at).parent().unwrap()).unwrap();
                    // A folder of that name is what the package's other entries would be refused for.
                    drop(std::os::unix::fs::symlink(target, root.join(at)));
                }
                for (at, _) in links.iter() {
                    if let Ok(resolved) = root.join(at).canonicalize() {
                        prop_assert!(resolved.starts_with(&root), "{at:?} is {resolved:?}");
                    }
                }
            }
        }
    }
}
