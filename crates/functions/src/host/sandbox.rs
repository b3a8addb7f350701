//! A sandbox by `bwrap` (bubblewrap): what of the machine is in it, and where.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::process::Launch;
use super::view::{OPT, TASK};

/// Folders of the system that hold programs and libraries; links among them are links inside.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"];
/// What programs need of `/etc`; passwords and the machine's own configuration are not among it.
const ETC: [&str; 18] = [
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
];
/// Before every sandbox.
const APART: [&str; 6] =
    ["--unshare-pid", "--unshare-ipc", "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop"];

/// What of one function is in its sandbox.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// The task root.
    pub(super) code: &'a Path,
    /// The merged layers.
    pub(super) opt: Option<&'a Path>,
    /// The bootstraps.
    pub(super) runtime: &'a Path,
    /// What is `/tmp`.
    pub(super) scratch: &'a Path,
}

/// Finds `bwrap` and sees whether it works for `user`; else what to do.
pub(super) async fn find(path: &str, user: Option<u32>) -> Result<PathBuf, String> {
    let found = path.split(':').map(|folder| Path::new(folder).join("bwrap")).find(|file| file.is_file());
    let found = found.ok_or_else(|| {
        format!(
            "isolation `bubblewrap` needs the program bwrap, which is not in {path}: install the package bubblewrap"
        )
    })?;
    let mut command = Command::new(&found);
    command.args(APART).args(["ALL", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]);
    command.stdin(Stdio::null()).current_dir("/");
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let tried = command.output().await.map_err(|error| format!("cannot execute {}: {error}", found.display()))?;
    if tried.status.success() {
        return Ok(found);
    }
    let said = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
    Err(format!(
        "bwrap cannot make a sandbox here ({said}): allow user namespaces, or run the host as root without users"
    ))
}

/// `launch`, whose paths are those inside, in a sandbox made by `bwrap`.
pub(super) fn sandboxed(bwrap: PathBuf, launch: Launch, parts: &Parts<'_>) -> Launch {
    let mut all: Vec<String> = APART.iter().map(|part| (*part).to_owned()).collect();
    let mut add = |parts: &[&str]| all.extend(parts.iter().map(|part| (*part).to_owned()));
    add(&["ALL", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]);
    for place in SYSTEM {
        match std::fs::read_link(place) {
            Ok(target) => add(&["--symlink", &target.to_string_lossy(), place]),
            Err(_) => add(&["--ro-bind-try", place, place]),
        }
    }
    for place in ETC {
        add(&["--ro-bind-try", place, place]);
    }
    add(&["--ro-bind", &text(parts.code), TASK, "--ro-bind", &text(parts.runtime), "/var/runtime"]);
    match parts.opt {
        Some(opt) => add(&["--ro-bind", &text(opt), OPT]),
        None => add(&["--dir", OPT]),
    }
    add(&["--bind", &text(parts.scratch), "/tmp", "--symlink", "/tmp", "/var/tmp"]);
    for place in launch.interpreter.as_deref().map(elsewhere).unwrap_or_default() {
        add(&["--ro-bind", &text(&place), &text(&place)]);
    }
    add(&["--remount-ro", "/"]);
    add(&["--chdir", TASK, "--"]);
    add(&[&text(&launch.program)]);
    all.extend(launch.arguments);
    Launch { program: bwrap, arguments: all, folder: PathBuf::from("/"), sandboxed: true, ..launch }
}

/// Where an interpreter is that does not belong to the system: its folder, and what it was installed to.
fn elsewhere(program: &Path) -> Vec<PathBuf> {
    let system = |path: &Path| SYSTEM.iter().any(|place| path.starts_with(place));
    let real = program.canonicalize().unwrap_or_else(|_| program.to_path_buf());
    let folders = [program.parent(), real.parent().and_then(Path::parent)];
    let outside = folders.into_iter().flatten().filter(|folder| !system(folder) && folder.parent().is_some());
    outside.map(Path::to_path_buf).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
