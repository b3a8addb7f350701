//! One child process and everything it forks: started in a process group of its own, ended as a group.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

/// Most files a function may have open, as on AWS.
const OPEN_FILES: u64 = 1024;

/// What to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    /// Absolute path.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Working folder.
    pub(super) folder: PathBuf,
    /// Most private memory, bytes; `None` where the runtime reserves far more than it uses.
    pub(super) memory: Option<u64>,
}

/// A running process group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
}

impl Process {
    /// Starts `launch` with exactly `variables` as its environment.
    pub(super) fn start(launch: &Launch, variables: &BTreeMap<String, String>) -> io::Result<Self> {
        let child = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        limit(group, launch.memory);
        Ok(Self { child, group })
    }

    /// What it writes; `None` the second time.
    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until it ends; what it forked ends with it. May be dropped and called again.
    pub(super) async fn exited(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.kill();
        status
    }

    /// Whether it still runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Kills it and everything in its group. Once: later the number may be somebody else's.
    pub(super) fn kill(&mut self) {
        if let Some(group) = self.group.take()
            && let Err(error) = kill_process_group(group, Signal::KILL)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, group = group.as_raw_nonzero(), "cannot end a function's processes");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sets the limits of a process that was just started. A limit that the host may not set is not worth failing for.
fn limit(process: Option<Pid>, memory: Option<u64>) {
    let mut limits = vec![(Resource::Core, 0), (Resource::Nofile, OPEN_FILES)];
    limits.extend(memory.map(|bytes| (Resource::Data, bytes)));
    for (resource, value) in limits {
        let both = Rlimit { current: Some(value), maximum: Some(value) };
        if let Err(error) = prlimit(process, resource, both) {
            tracing::debug!(%error, ?resource, "limit not set");
        }
    }
}
