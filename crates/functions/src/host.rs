//! The processes that run functions. One environment is one process group with a Runtime API of its own; it serves one
//! invocation at a time, or as many as its function asks for by `AWS_LAMBDA_MAX_CONCURRENCY`. Invocations find a free slot or
//! start another environment, within the reserved and the account's limit, which count invocations.

mod environment;
mod exchange;
mod follow;
mod ground;
mod home;
mod isolation;
mod launch;
mod log;
mod meter;
mod opt;
mod payloads;
mod peer;
mod pool;
mod process;
mod processes;
mod report;
mod run;
mod runtime_api;
mod sandbox;
mod shelf;
mod starts;
mod sweeper;
mod variables;
mod view;
mod watchdog;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Entropy};
use stagecoach_base as base;
use stagecoach_sigv4::Credentials;
use tokio::sync::{OnceCell, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::follow::{Followed, Follower};
use self::home::Home;
use self::isolation::Register;
pub use self::isolation::{Isolation, UnknownIsolation, UnknownUsers, Users};
use self::log::Lines;
use self::meter::Meter;
use self::pool::Pool;
use self::run::Run;
use self::sweeper::Sweeper;
use crate::{Invocation, InvokeError, Invoked, Invoker, Pending, Runnable};

/// The embedded bootstraps, by file name.
const BOOTSTRAPS: [(&str, &str); 2] =
    [("python.py", include_str!("host/bootstrap/python.py")), ("node.mjs", include_str!("host/bootstrap/node.mjs"))];

/// How a [`Host`] works.
#[derive(Clone)]
pub struct HostOptions {
    /// Most invocations at once over all functions; AWS's default is 1000.
    pub account_concurrency: u32,
    /// How long an environment waits for work before it ends.
    pub idle: Duration,
    /// How long a runtime may take to ask for its first invocation; 10 s on AWS.
    pub init: Duration,
    /// What separates environments from the machine.
    pub isolation: Isolation,
    /// Users that functions run as; `None`: the host's.
    pub users: Option<Users>,
    /// What functions sign calls to AWS with, among their variables: as on AWS they may not set these themselves then.
    pub credentials: Option<Credentials>,
    /// Most processes of one environment; AWS's is 1024. One that has more is ended.
    pub processes: u32,
    /// Folder for bootstraps and the functions' temporary files; made when needed. Hosts may share one.
    pub scratch: PathBuf,
    /// Python 3: a name to find in `path`, or a path.
    pub python: String,
    /// Node.js, likewise.
    pub node: String,
    /// `PATH` of the functions.
    pub path: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for names.
    pub entropy: Arc<dyn Entropy>,
}

impl HostOptions {
    /// The defaults.
    pub fn new(scratch: PathBuf, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            account_concurrency: 1000,
            idle: Duration::from_secs(600),
            init: Duration::from_secs(10),
            isolation: Isolation::default(),
            users: None,
            credentials: None,
            processes: 1024,
            scratch,
            python: "python3".to_owned(),
            node: "node".to_owned(),
            path: "/usr/local/bin:/usr/bin:/bin:/opt/bin".to_owned(),
            clock,
            entropy,
        }
    }
}

/// Runs functions. Clones are the same host. Made and used inside a tokio runtime.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

impl fmt::Debug for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Host").field("scratch", &self.0.options.scratch).finish_non_exhaustive()
    }
}

/// What all tasks of a host share.
struct Shared {
    options: HostOptions,
    pool: Arc<Pool>,
    lines: Arc<Lines>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    sweeper: Sweeper,
    meter: Arc<Meter>,
    home: OnceCell<Home>,
    users: Register,
    /// Where `bwrap` is, once it was seen to work.
    bwrap: OnceCell<PathBuf>,
}

impl Drop for Shared {
    /// A host that nobody has any more measures nothing.
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

impl Host {
    /// A host without environments; from now on tasks reclaim idle ones, measure busy ones and remove what a host on the same
    /// scratch folder left that was killed.
    pub fn new(options: HostOptions) -> Self {
        let shared = Arc::new(Shared {
            pool: Arc::new(Pool::new(options.account_concurrency)),
            lines: Arc::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            sweeper: Sweeper::start(),
            meter: Arc::default(),
            home: OnceCell::new(),
            users: Register::new(options.users),
            bwrap: OnceCell::new(),
            options,
        });
        let every = (shared.options.idle / 4).clamp(Duration::from_millis(50), Duration::from_secs(10));
        shared.tasks.spawn(starts::reclaim(Arc::downgrade(&shared), every, shared.stopping.clone()));
        shared.tasks.spawn(shared.meter.clone().run(shared.stopping.clone()));
        let scratch = shared.options.scratch.clone();
        shared.tasks.spawn_blocking(move || home::clear_dead(&scratch));
        Self(shared)
    }

    /// Invokes `runnable`. The invocation goes on when this future is dropped, as on AWS.
    pub async fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Result<Invoked, InvokeError> {
        if self.0.stopping.is_cancelled() {
            return Err(InvokeError::Stopping);
        }
        let now = self.0.options.clock.now();
        let (permit, found) = self.0.pool.admit(&runnable, now).map_err(InvokeError::Throttled)?;
        let (answer, answered) = oneshot::channel();
        let run = Run { shared: self.0.clone(), runnable, invocation, permit };
        self.0.tasks.spawn(Box::pin(run.run(found, answer)));
        answered.await.unwrap_or(Err(InvokeError::Stopping))
    }

    /// Keeps `count` environments of `runnable` ready (provisioned concurrency); 0 ends that. One that starts goes on to when
    /// this future is dropped.
    pub async fn provision(&self, runnable: Arc<Runnable>, count: usize) -> Result<(), InvokeError> {
        for _ in 0..self.0.pool.keep(&runnable, count) {
            if self.0.stopping.is_cancelled() {
                return Err(InvokeError::Stopping);
            }
            let (shared, runnable) = (self.0.clone(), runnable.clone());
            let prepared = self.0.tasks.spawn(Box::pin(async move { shared.prepare(&runnable).await }));
            prepared.await.unwrap_or(Err(InvokeError::Stopping))?;
        }
        Ok(())
    }

    /// Ends every environment of the function `arn`: the idle ones now, the busy ones after their invocation.
    pub async fn retire(&self, arn: &str) {
        let ending = self.0.pool.retire(arn);
        starts::end(ending.iter().cloned());
        for environment in ending {
            environment.gone().await;
        }
        // Now: what they printed while they ended goes too.
        self.0.lines.forget(arn.rsplit(':').next().unwrap_or(arn));
    }

    /// How many environments there are, busy and waiting.
    pub fn environments(&self) -> usize {
        self.0.pool.environments()
    }

    /// The last lines that the function `name` printed, oldest first.
    pub fn logs(&self, name: &str) -> Vec<String> {
        self.0.lines.of(name)
    }

    /// The log of the function `name` as it grows, with the last lines before. A function that nobody made yet can be
    /// followed too. A reader may be slow: it loses lines then and is told how many.
    pub fn follow(&self, name: &str) -> Follower {
        let follower = self.0.lines.follow(name);
        if self.0.stopping.is_cancelled() {
            self.0.lines.close();
        }
        follower
    }

    /// Ends every environment, running invocations too, and waits until all are gone.
    pub async fn shutdown(&self) {
        self.0.stopping.cancel();
        starts::end(self.0.pool.drain());
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.lines.close();
        if let Some(home) = self.0.home.get() {
            home.leave().await;
        }
    }
}

impl Invoker for Host {
    fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Pending<'_, Result<Invoked, InvokeError>> {
        Box::pin(Self::invoke(self, runnable, invocation))
    }

    fn provision(&self, runnable: Arc<Runnable>, count: usize) -> Pending<'_, Result<(), InvokeError>> {
        Box::pin(Self::provision(self, runnable, count))
    }

    fn retire<'a>(&'a self, arn: &'a str) -> Pending<'a, ()> {
        Box::pin(Self::retire(self, arn))
    }
}
