//! One child process and everything it forks: started in a process group of its own, ended as a group, and by its mark what left
//! the group.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::isolation::User;
use super::payloads::Failure;
use super::sandbox;
use super::sweeper::Sweeper;
use super::view::View;

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
    /// The interpreter among program and arguments.
    pub(super) interpreter: Option<PathBuf>,
    /// Most private memory, bytes; `None` where the runtime reserves far more than it uses.
    pub(super) memory: Option<u64>,
    /// The user to run as, and his group.
    pub(super) user: Option<u32>,
    /// Most processes of that user.
    pub(super) processes: Option<u32>,
    /// The program is a sandbox, which tells of signals by exit codes.
    pub(super) sandboxed: bool,
}

/// What is left of an environment when its processes have ended, daemons excepted.
#[derive(Debug)]
pub(super) struct Remains {
    /// Ends daemons.
    pub(super) sweeper: Sweeper,
    /// Its scratch folder; the mark of its processes too.
    pub(super) scratch: PathBuf,
    /// Its user.
    pub(super) user: Option<User>,
}

impl Remains {
    /// Removes them.
    async fn remove(self) {
        let user = self.user.as_ref().filter(|user| user.exclusive).map(|user| user.id);
        self.sweeper.swept(self.scratch.to_string_lossy().into_owned(), user).await;
        if let Err(error) = tokio::fs::remove_dir_all(&self.scratch).await
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.scratch.display(), "a function's scratch folder stays");
        }
    }
}

/// Sets limits, then becomes another program. `$1`: files, `$2`: KiB of memory, `$3`: processes (shells differ in its letter).
const LIMITED: &str = r#"ulimit -c 0; ulimit -n "$1"
[ "$2" = - ] || ulimit -d "$2"
[ "$3" = - ] || ulimit -u "$3" 2>/dev/null || ulimit -p "$3"
shift 3; exec "$@""#;

impl Launch {
    /// The same by way of a shell that sets the limits: the host may not be let set those of another user's process, and a
    /// sandbox starts others before they are set. `view`: how the program is called where the shell runs.
    pub(super) fn limiting_itself(self, view: &View) -> Self {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let memory = number(self.memory.map(|bytes| bytes / 1024));
        let processes = number(self.processes.map(u64::from));
        let script = ["-c".to_owned(), LIMITED.to_owned(), "sh".to_owned(), OPEN_FILES.to_string(), memory, processes];
        let command = std::iter::once(view.there(&self.program)).chain(self.arguments);
        Self { program: PathBuf::from("/bin/sh"), arguments: script.into_iter().chain(command).collect(), ..self }
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
    sandboxed: bool,
    remains: Remains,
    kill: CancellationToken,
    ended: watch::Sender<Option<Failure>>,
    _gone: DropGuard,
}

impl Process {
    /// Starts `launch` with exactly `variables` as its environment; a sandbox itself gets fewer. `remains` go after it. The keeper has to be run.
    pub(super) fn start(
        launch: &Launch,
        variables: &BTreeMap<String, String>,
        remains: Remains,
    ) -> io::Result<(Self, Keeper)> {
        let mut command = Command::new(&launch.program);
        command.env_clear();
        if let Some(user) = launch.user {
            command.uid(user).gid(user);
        }
        if launch.sandboxed {
            command.args(sandbox::set(variables)).envs(sandbox::own(variables));
        } else {
            command.envs(variables);
        }
        let child = command
            .args(&launch.arguments)
            .current_dir(&launch.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        limit(group, launch);
        let (kill, gone) = (CancellationToken::new(), CancellationToken::new());
        let (sender, ended) = watch::channel(None);
        let process = Self { group, kill: kill.clone(), ended, gone: gone.clone() };
        let (group, sandboxed, gone) = (Group(group), launch.sandboxed, gone.drop_guard());
        let keeper = Keeper { child, group, sandboxed, remains, kill, ended: sender, _gone: gone };
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
        let status = status.map(|status| if self.sandboxed { inner(status) } else { status });
        let how = status.map_or_else(|error| Failure::Lost(error.to_string()), Failure::Exited);
        self.ended.send_replace(Some(how));
        self.remains.remove().await;
    }
}

/// How the program in a sandbox ended, by how the sandbox did.
fn inner(status: ExitStatus) -> ExitStatus {
    use std::os::unix::process::ExitStatusExt;
    match status.code() {
        Some(code @ 129..=159) => ExitStatus::from_raw(code - 128),
        _ => status,
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
fn limit(process: Option<Pid>, launch: &Launch) {
    let mut limits = vec![(Resource::Core, 0), (Resource::Nofile, OPEN_FILES)];
    limits.extend(launch.memory.map(|bytes| (Resource::Data, bytes)));
    limits.extend(launch.processes.map(|count| (Resource::Nproc, count.into())));
    for (resource, value) in limits {
        let both = Rlimit { current: Some(value), maximum: Some(value) };
        if let Err(error) = prlimit(process, resource, both) {
            tracing::debug!(%error, ?resource, "limit not set");
        }
    }
}
