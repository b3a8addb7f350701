//! A host with real processes, and functions written into temporary folders.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stagecoach_base::{Clock, Entropy, UnixMillis};
use stagecoach_functions::{Answer, Host, HostOptions, Invocation, InvokeError, Invoked, Runnable, Runtime};

struct System;

impl Clock for System {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64)
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Entropy for Counted {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

/// The options of a host whose files are in `folder`.
pub fn options(folder: &Path) -> HostOptions {
    let mut options = HostOptions::new(folder.join("scratch"), Arc::new(System), Arc::<Counted>::default());
    options.path = std::env::var("PATH").unwrap();
    options
}

/// A host and the folder of its functions.
pub struct World {
    pub host: Host,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut HostOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = options(folder.path());
        change(&mut options);
        Self { host: Host::new(options), folder }
    }

    /// A function of one file.
    pub fn function(&self, name: &str, runtime: Runtime, file: &str, text: &str) -> Runnable {
        use std::os::unix::fs::PermissionsExt;
        let code: PathBuf = self.folder.path().join(name);
        std::fs::create_dir_all(code.join(file).parent().unwrap()).unwrap();
        std::fs::write(code.join(file), text).unwrap();
        std::fs::set_permissions(code.join(file), std::fs::Permissions::from_mode(0o755)).unwrap();
        let runtime_name = match runtime {
            Runtime::Provided => "provided.al2023",
            Runtime::Python => "python3.12",
            Runtime::Node => "nodejs22.x",
        };
        Runnable {
            arn: format!("arn:aws:lambda:us-east-1:000000000000:function:{name}"),
            name: name.to_owned(),
            version: "$LATEST".to_owned(),
            revision: "1".to_owned(),
            runtime,
            runtime_name: runtime_name.to_owned(),
            handler: "index.handler".to_owned(),
            code,
            layers: Vec::new(),
            timeout: Duration::from_secs(20),
            memory_mib: 128,
            variables: BTreeMap::new(),
            region: "us-east-1".to_owned(),
            reserved: None,
        }
    }

    pub fn python(&self, name: &str, text: &str) -> Runnable {
        self.function(name, Runtime::Python, "index.py", text)
    }

    pub fn node(&self, name: &str, text: &str) -> Runnable {
        self.function(name, Runtime::Node, "index.js", text)
    }

    pub async fn invoke(&self, runnable: &Runnable, payload: &str) -> Result<Invoked, InvokeError> {
        self.host.invoke(Arc::new(runnable.clone()), invocation(payload)).await
    }

    /// The whole answer, `!` before it if it failed.
    pub async fn call(&self, runnable: &Runnable, payload: &str) -> String {
        match self.invoke(runnable, payload).await.unwrap().answer {
            Answer::Whole(body) => String::from_utf8(body.to_vec()).unwrap(),
            Answer::Failed(body) => format!("!{}", String::from_utf8(body.to_vec()).unwrap()),
            Answer::Stream(_) => panic!("nobody asked for a stream"),
        }
    }
}

pub fn invocation(payload: &str) -> Invocation {
    Invocation {
        request_id: "8f5e0000-0000-4000-8000-000000000001".to_owned(),
        invoked_arn: "arn:aws:lambda:us-east-1:000000000000:function:f:live".to_owned(),
        payload: payload.to_owned().into(),
        ..Invocation::default()
    }
}

/// A value for the variable `MARK` that no other run of these tests has.
pub fn mark(name: &str) -> String {
    format!("{name}-of-{}", std::process::id())
}

/// How many processes carry the mark `name` in their environment.
pub fn running(name: &str) -> usize {
    let wanted = format!("MARK={}\0", mark(name));
    let carries = |bytes: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes());
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter(|process| std::fs::read(process.path().join("environ")).is_ok_and(|bytes| carries(&bytes))).count()
}

/// The processes with `name` and `place` among their arguments.
pub fn called(name: &str, place: &Path) -> Vec<i32> {
    let place = place.to_str().unwrap();
    let pids = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let arguments = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.filter(|pid| arguments(pid).contains(name) && arguments(pid).contains(place)).collect()
}

/// The folders in a folder.
pub fn folders(place: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

/// Waits until `condition` holds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
