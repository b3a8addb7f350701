//! One environment: a process group, its Runtime API, its log and its scratch folder. Shared by the invocations it serves.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::UnixMillis;
use stagecoach_base as base;
use stagecoach_sigv4::Credentials;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exchange::{First, Job, Reply};
use super::ground::Ground;
use super::log::{Log, Readers};
use super::meter::{Meter, Vitals, Watched};
use super::payloads::Failure;
use super::process::{Launch, Process, Remains};
use super::runtime_api::RuntimeApi;
use super::sweeper::Sweeper;
use super::variables::{Own, variables};
use crate::{Invocation, InvokeError, Runnable, Runtime};

/// How long a process may live after it broke off its answer.
const HANGING: Duration = Duration::from_secs(1);

/// What an environment is started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Where its output goes.
    pub(super) log: Arc<Log>,
    /// Who waits for what is left of environments.
    pub(super) tasks: &'a TaskTracker,
    /// What ends daemons.
    pub(super) sweeper: &'a Sweeper,
    /// What measures it.
    pub(super) meter: &'a Meter,
    /// Most processes.
    pub(super) processes: u32,
    /// Its log stream.
    pub(super) log_stream: String,
    /// What functions sign calls to AWS with.
    pub(super) credentials: Option<&'a Credentials>,
    /// Ahead of invocations.
    pub(super) provisioned: bool,
}

/// Why an environment did not come to be.
#[derive(Clone, Debug)]
pub(super) enum NoEnvironment {
    /// Not the function's fault.
    Refused(InvokeError),
    /// The function's fault.
    Failed(Failure),
    /// It did not start in time.
    Late,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The runtime answered; the environment goes on.
    Replied(Reply),
    /// The environment is done for; this is what the caller is told.
    Failed(Failure),
    /// As [`Self::Failed`], before it took the invocation.
    Died(Failure),
    /// The host is stopping.
    Stopping,
    /// The environment works on an invocation with the same id.
    Repeated,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Environment {
    /// What it runs.
    pub(super) runnable: Arc<Runnable>,
    /// What it prints.
    pub(super) log: Arc<Log>,
    /// The task reading its output.
    pub(super) readers: Readers,
    /// What it uses.
    pub(super) vitals: Arc<Vitals>,
    /// How long it took to start, until an invocation reports it.
    init: Mutex<Option<Duration>>,
    process: Process,
    api: RuntimeApi,
}

impl Environment {
    /// Starts the process; it initialises on its own.
    pub(super) async fn start(ground: Ground, start: Start<'_>) -> Result<(Self, First), NoEnvironment> {
        let Ground { runnable, tools, launch, user, scratch } = ground;
        let (api, first) = match RuntimeApi::start(user.as_ref().map(|user| user.id)).await {
            Ok(started) => started,
            Err(error) => return Err(left(&scratch, refused(format!("no port for the Runtime API: {error}"))).await),
        };
        let own = Own {
            api: api.address.to_string(),
            scratch: &scratch,
            log_stream: &start.log_stream,
            credentials: start.credentials,
            provisioned: start.provisioned,
        };
        let variables = variables(&runnable, &tools, &own);
        let remains = Remains { sweeper: start.sweeper.clone(), scratch: scratch.clone(), user };
        let (process, mut keeper) = match Process::start(&launch, &variables, remains) {
            Ok(started) => started,
            Err(error) => return Err(left(&scratch, not_started(&launch, &runnable, &error)).await),
        };
        let log = start.log;
        let mut readers = Readers::default();
        let (out, err) = keeper.output();
        readers.read(out, log.clone());
        readers.read(err, log.clone());
        start.tasks.spawn(keeper.run());
        let mark = scratch.to_string_lossy().into_owned();
        let (group, kill) = process.watched();
        let (memory_mib, processes, sandboxed) = (runnable.memory_mib, start.processes, launch.sandboxed);
        let own = Watched { mark, group, memory_mib, processes, sandboxed, kill };
        let vitals = Arc::new(Vitals::new(own, log.clone()));
        start.meter.watch(&vitals);
        Ok((Self { runnable, log, readers, vitals, init: Mutex::default(), process, api }, first))
    }

    /// Waits until the runtime asks for its first invocation.
    pub(super) async fn initialised(
        &self,
        first: First,
        limit: Duration,
        stopping: &CancellationToken,
    ) -> Result<(), NoEnvironment> {
        let _busy = self.vitals.work();
        tokio::select! {
            biased;
            first = first => match first {
                Ok(Ok(())) => Ok(()),
                Ok(Err(body)) if !body.is_empty() => Err(NoEnvironment::Failed(Failure::Told(body))),
                Ok(Err(_)) | Err(_) => Err(NoEnvironment::Failed(self.ended().await)),
            },
            // Before the process' end: a stop ends it.
            () = stopping.cancelled() => Err(NoEnvironment::Refused(InvokeError::Stopping)),
            failure = self.process.ended() => Err(NoEnvironment::Failed(failure)),
            () = tokio::time::sleep(limit) => Err(NoEnvironment::Late),
        }
    }

    /// It has started for an invocation, and took so long.
    pub(super) fn started(&self, took: Duration) {
        *self.init.lock().unwrap_or_else(PoisonError::into_inner) = Some(took);
    }

    /// How long it took to start; once.
    pub(super) fn init(&self) -> Option<Duration> {
        self.init.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Gives the runtime an invocation and waits for its answer, or the first piece of one, until `deadline`.
    pub(super) async fn invoke(&self, job: Job, deadline: Instant, stopping: &CancellationToken) -> Outcome {
        let id = job.id.clone();
        let Some(answered) = self.api.exchange.offer(job) else { return Outcome::Repeated };
        tokio::select! {
            biased;
            reply = answered => reply.map_or(Outcome::Stopping, Outcome::Replied),
            // Before the process' end: a stop ends it.
            () = stopping.cancelled() => Outcome::Stopping,
            failure = self.process.ended() => {
                let told = self.api.exchange.last_words().filter(|body| !body.is_empty());
                let failure = told.map_or(failure, Failure::Told);
                if self.api.exchange.withdraw(&id) { Outcome::Died(failure) } else { Outcome::Failed(failure) }
            }
            () = tokio::time::sleep_until(deadline) => Outcome::Failed(Failure::TimedOut(self.runnable.timeout)),
        }
    }

    /// Waits until a process that hung up ends, shortly, and says how.
    pub(super) async fn ended(&self) -> Failure {
        if let Ok(failure) = tokio::time::timeout(HANGING, self.process.ended()).await {
            return failure;
        }
        self.process.kill();
        self.process.ended().await
    }

    /// Whether it can take another invocation.
    pub(super) fn is_running(&self) -> bool {
        self.process.is_running()
    }

    /// Has everything of it ended.
    pub(super) fn end(&self) {
        self.process.kill();
    }

    /// Waits until nothing of it is left.
    pub(super) async fn gone(&self) {
        self.process.gone().await;
    }
}

/// An invocation as the runtime gets it.
pub(super) fn job(invocation: &Invocation, now: UnixMillis, timeout: Duration) -> Job {
    let deadline = now.0.saturating_add(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
    let mut headers = BTreeMap::from([
        ("lambda-runtime-aws-request-id", invocation.request_id.clone()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", invocation.invoked_arn.clone()),
    ]);
    headers.extend(invocation.trace_id.clone().map(|trace| ("lambda-runtime-trace-id", trace)));
    headers.extend(invocation.client_context.clone().map(|context| ("lambda-runtime-client-context", context)));
    Job { id: invocation.request_id.clone(), headers, event: invocation.payload.clone() }
}

/// `why` there is no environment, whose folder goes.
async fn left(scratch: &Path, why: NoEnvironment) -> NoEnvironment {
    if let Err(error) = tokio::fs::remove_dir_all(scratch).await {
        tracing::warn!(%error, folder = %scratch.display(), "a function's scratch folder stays");
    }
    why
}

/// Why a process did not come to be.
fn not_started(launch: &Launch, runnable: &Runnable, error: &io::Error) -> NoEnvironment {
    let text = format!("cannot execute {}: {error}", launch.program.display());
    match runnable.runtime {
        Runtime::Provided => NoEnvironment::Failed(Failure::NotExecutable(text)),
        Runtime::Python | Runtime::Node => refused(text),
    }
}

fn refused(text: String) -> NoEnvironment {
    NoEnvironment::Refused(InvokeError::NotRunnable(text))
}
