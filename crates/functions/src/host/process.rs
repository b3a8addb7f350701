//! One child process and everything it forks: started in a process group of its own, ended as a group, and by its mark what left
//! the group.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::payloads::Failure;
use super::sweeper::Sweeper;

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

/// What is left of an environment when its processes have ended, daemons excepted.
#[derive(Debug)]
pub(super) struct Remains {
    /// Ends daemons.
    pub(super) sweeper: Sweeper,
    /// Its scratch folder; the mark of its processes too.
    pub(super) scratch: PathBuf,
}

impl Remains {
    /// Removes them.
    async fn remove(self) {
        self.sweeper.swept(self.scratch.to_string_lossy().into_owned()).await;
        if let Err(error) = tokio::fs::remove_dir_all(&self.scratch).await
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.scratch.display(), "a function's scratch folder stays");
        }
    }
}

/// A running process group. Dropping it has the group killed.
#[derive(Debug)]
pub(super) struct Process {
    group: Option<Pid>,
    kill: CancellationToken,
    ended: watch::Receiver<Option<Failure>>,
    gone: CancellationToken,
}

/// What waits for a process and tidies up after it: a task of its own, because several invocations may watch one process.
#[derive(Debug)]
pub(super) struct Keeper {
    child: Child,
    group: Group,
    remains: Remains,
    kill: CancellationToken,
    ended: watch::Sender<Option<Failure>>,
    _gone: DropGuard,
}

impl Process {
    /// Starts `launch` with exactly `variables` as its environment. `remains` go after it. The keeper has to be run.
    pub(super) fn start(
        launch: &Launch,
        variables: &BTreeMap<String, String>,
        remains: Remains,
    ) -> io::Result<(Self, Keeper)> {
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
        let (kill, gone) = (CancellationToken::new(), CancellationToken::new());
        let (sender, ended) = watch::channel(None);
        let process = Self { group, kill: kill.clone(), ended, gone: gone.clone() };
        let keeper = Keeper { child, group: Group(group), remains, kill, ended: sender, _gone: gone.drop_guard() };
        Ok((process, keeper))
    }

    /// Waits until it has ended; says how.
    pub(super) async fn ended(&self) -> Failure {
        let mut ended = self.ended.clone();
        let how = ended.wait_for(Option::is_some).await.ok().and_then(|how| how.clone());
        how.unwrap_or_else(|| Failure::Lost("nobody watches its process any more".to_owned()))
    }

    /// Whether it runs, and goes on to.
    pub(super) fn is_running(&self) -> bool {
        !self.kill.is_cancelled() && self.ended.borrow().is_none()
    }

    /// The number of its group, and what ends it, for whoever watches what it uses.
    pub(super) fn watched(&self) -> (i32, CancellationToken) {
        (self.group.map_or(-1, |group| group.as_raw_nonzero().get()), self.kill.clone())
    }

    /// Has it and everything in its group killed, soon.
    pub(super) fn kill(&self) {
        self.kill.cancel();
    }

    /// Waits until nothing of it is left.
    pub(super) async fn gone(&self) {
        self.gone.cancelled().await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Keeper {
    /// What it writes; `None` the second time.
    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until the process ends or has to; what it forked ends with it.
    pub(super) async fn run(mut self) {
        let status = tokio::select! {
            status = self.child.wait() => status,
            () = self.kill.cancelled() => {
                self.group.kill();
                self.child.wait().await
            }
        };
        self.group.kill();
        let how = status.map_or_else(|error| Failure::Lost(error.to_string()), Failure::Exited);
        self.ended.send_replace(Some(how));
        self.remains.remove().await;
    }
}

/// A process group by its number.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    /// Kills everything in it. Once: later the number may be somebody else's.
    fn kill(&mut self) {
        if let Some(group) = self.0.take()
            && let Err(error) = kill_process_group(group, Signal::KILL)
            && error != rustix::io::Errno::SRCH
        {
            tracing::warn!(%error, group = group.as_raw_nonzero(), "cannot end a function's processes");
        }
    }
}

impl Drop for Group {
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
