//! A sandbox by `bwrap` (bubblewrap): what of the machine is in it, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::process::Launch;
use super::view::{OPT, TASK};

/// Folders of the system that hold programs and libraries; links among them are links inside.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"];
/// What programs need of `/etc`; passwords and the machine's own configuration are not among it.
const ETC: [&str; 23] = [
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
    // Certificates and settings; next to them are private keys.
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];
/// Of what an interpreter was installed to: whatever else is there, a home perhaps, is nobody's business.
const PREFIX: [&str; 5] = ["include", "lib", "lib64", "libexec", "pyvenv.cfg"];
/// Variables that make programs load code, beside `LD_*`: `bwrap` itself, which is outside, must not have a function's.
const LOADING: [&str; 3] = ["GCONV_PATH", "GLIBC_TUNABLES", "LOCPATH"];
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

/// Whether a variable is for the inside only.
fn loads(name: &str) -> bool {
    name.starts_with("LD_") || LOADING.contains(&name)
}

/// Arguments of `bwrap` that set what it may not have itself.
pub(super) fn set(variables: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    let inside = variables.iter().filter(|(name, _)| loads(name));
    inside.flat_map(|(name, value)| ["--setenv", name, value])
}

/// What `bwrap` has itself, and hands on.
pub(super) fn own(variables: &BTreeMap<String, String>) -> impl Iterator<Item = (&String, &String)> {
    variables.iter().filter(|(name, _)| !loads(name))
}

/// Where an interpreter is that does not belong to the system: its folder, and what it needs of where it was installed.
fn elsewhere(program: &Path) -> Vec<PathBuf> {
    let system = |path: &Path| SYSTEM.iter().any(|place| path.starts_with(place));
    let real = program.canonicalize().unwrap_or_else(|_| program.to_path_buf());
    let mut places = BTreeSet::new();
    for file in [program, &real] {
        let Some(folder) = file.parent().filter(|folder| !system(folder)) else { continue };
        if !folder.ends_with("bin") {
            places.insert(file.to_path_buf());
            continue;
        }
        places.insert(folder.to_path_buf());
        let prefix = folder.parent().filter(|prefix| file == real || prefix.join("pyvenv.cfg").is_file());
        let parts = prefix.into_iter().flat_map(|prefix| PREFIX.map(|part| prefix.join(part)));
        places.extend(parts.filter(|part| part.exists()));
    }
    places.into_iter().collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_code_reaches_the_inside_only() {
        let all = [("GCONV_PATH", "/g"), ("LD_LIBRARY_PATH", "/l"), ("LD_PRELOAD", "/p"), ("PATH", "/bin")];
        let variables = all.map(|(name, value)| (name.to_owned(), value.to_owned())).into();

        let inside: Vec<&str> = set(&variables).collect();
        let outside: Vec<&str> = own(&variables).map(|(name, _)| name.as_str()).collect();

        let expected =
            ["--setenv", "GCONV_PATH", "/g", "--setenv", "LD_LIBRARY_PATH", "/l", "--setenv", "LD_PRELOAD", "/p"];
        assert_eq!(inside, expected);
        assert_eq!(outside, ["PATH"]);
    }

    #[test]
    fn of_a_home_with_an_interpreter_only_what_that_needs_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for folder in ["bin", "lib", ".ssh", "venv/bin", "venv/src"] {
            std::fs::create_dir_all(home.join(folder)).unwrap();
        }
        for file in ["bin/python3", "node", "venv/pyvenv.cfg"] {
            std::fs::write(home.join(file), "").unwrap();
        }
        std::os::unix::fs::symlink(home.join("bin/python3"), home.join("venv/bin/python")).unwrap();

        let seen = |program: &str| elsewhere(&home.join(program));

        let these = |names: &[&str]| names.iter().map(|name| home.join(name)).collect::<Vec<_>>();
        assert_eq!(seen("bin/python3"), these(&["bin", "lib"]));
        assert_eq!(seen("node"), these(&["node"]));
        assert_eq!(seen("venv/bin/python"), these(&["bin", "lib", "venv/bin", "venv/pyvenv.cfg"]));
        assert_eq!(elsewhere(Path::new("/usr/bin/env")), Vec::<PathBuf>::new());
    }
}
