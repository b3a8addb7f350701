//! One environment: a process group, its Runtime API, its log and its scratch folder. Owned by whoever uses it.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::UnixMillis;
use bytes::Bytes;
use stagecoach_base as base;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::exchange::{Event, Job, Reply};
use super::launch::{NoLaunch, Tools, launch};
use super::log::{Lines, Log, Readers};
use super::payloads;
use super::process::Process;
use super::runtime_api::RuntimeApi;
use super::variables::{Own, variables};
use crate::{Invocation, InvokeError, Runnable, Runtime};

/// How long a process may live after it broke off its answer.
const HANGING: Duration = Duration::from_secs(1);

/// What an environment is started with.
#[derive(Debug)]
pub(super) struct Start<'a> {
    /// Interpreters and bootstraps.
    pub(super) tools: &'a Tools,
    /// Where every function's last lines go.
    pub(super) lines: Arc<Lines>,
    /// Its own folder; removed with it.
    pub(super) scratch: PathBuf,
    /// Its log stream.
    pub(super) log_stream: String,
    /// Ahead of invocations.
    pub(super) provisioned: bool,
    /// Id for messages.
    pub(super) request_id: &'a str,
}

/// Why an environment did not come to be.
#[derive(Debug)]
pub(super) enum NoEnvironment {
    /// Not the function's fault.
    Refused(InvokeError),
    /// The function's fault, as it is told.
    Failed(Bytes),
    /// It did not start in time.
    Late,
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The runtime answered; the environment goes on.
    Replied(Reply),
    /// The environment is done for; this is what the caller is told.
    Failed(Bytes),
    /// As [`Self::Failed`], before it took the invocation.
    Died(Bytes),
    /// The host is stopping.
    Stopping,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Environment {
    /// What it runs.
    pub(super) runnable: Arc<Runnable>,
    /// The function's generation when it started: see the pool.
    pub(super) generation: u64,
    /// What it prints.
    pub(super) log: Arc<Log>,
    /// The task reading its output.
    pub(super) readers: Readers,
    process: Process,
    api: RuntimeApi,
    scratch: PathBuf,
}

impl Environment {
    /// Starts the process; it initialises on its own.
    pub(super) async fn start(runnable: Arc<Runnable>, start: Start<'_>) -> Result<Self, NoEnvironment> {
        let launch = launch(&runnable, start.tools).map_err(|reason| match reason {
            NoLaunch::Missing(text) => refused(text),
            NoLaunch::NoBootstrap => NoEnvironment::Failed(payloads::no_bootstrap(start.request_id)),
        })?;
        let folder = |error: io::Error| refused(format!("{}: {error}", start.scratch.display()));
        tokio::fs::create_dir_all(&start.scratch).await.map_err(folder)?;
        let api =
            RuntimeApi::start().await.map_err(|error| refused(format!("no port for the Runtime API: {error}")))?;
        let own = Own {
            api: api.address.to_string(),
            scratch: &start.scratch,
            log_stream: &start.log_stream,
            provisioned: start.provisioned,
        };
        let mut process = Process::start(&launch, &variables(&runnable, start.tools, &own)).map_err(|error| {
            let text = format!("cannot execute {}: {error}", launch.program.display());
            match runnable.runtime {
                Runtime::Provided => NoEnvironment::Failed(payloads::not_executable(start.request_id, &text)),
                Runtime::Python | Runtime::Node => refused(text),
            }
        })?;
        let log = Arc::new(Log::new(&runnable.name, start.lines));
        let mut readers = Readers::default();
        let (out, err) = process.output();
        readers.read(out, log.clone());
        readers.read(err, log.clone());
        Ok(Self { runnable, generation: 0, log, readers, process, api, scratch: start.scratch })
    }

    /// Waits until the runtime asks for its first invocation.
    pub(super) async fn initialised(
        &mut self,
        limit: Duration,
        request_id: &str,
        stopping: &CancellationToken,
    ) -> Result<(), NoEnvironment> {
        tokio::select! {
            biased;
            event = self.api.events.recv() => match event {
                Some(Event::InitError(body)) if !body.is_empty() => Err(NoEnvironment::Failed(body)),
                Some(Event::Ready) => Ok(()),
                Some(Event::InitError(_) | Event::Reply(_)) | None => Err(self.ended(request_id).await),
            },
            status = self.process.exited() => Err(exit(status, request_id)),
            () = tokio::time::sleep(limit) => Err(NoEnvironment::Late),
            () = stopping.cancelled() => Err(NoEnvironment::Refused(InvokeError::Stopping)),
        }
    }

    /// Gives the runtime an invocation and waits for its answer, or the first piece of one, until `deadline`.
    pub(super) async fn invoke(&mut self, job: Job, deadline: Instant, stopping: &CancellationToken) -> Outcome {
        let id = job.id.clone();
        self.api.offer(job);
        loop {
            tokio::select! {
                biased;
                event = self.api.events.recv() => match event {
                    Some(Event::Reply(reply)) => return Outcome::Replied(reply),
                    Some(Event::InitError(body)) => return Outcome::Failed(body),
                    // A runtime that says it again, or an event of an invocation before.
                    Some(Event::Ready) => {}
                    None => return Outcome::Stopping,
                },
                status = self.process.exited() => {
                    let payload = match status {
                        Ok(status) => payloads::exited(&id, status),
                        Err(error) => payloads::lost(&id, &error),
                    };
                    return if self.api.withdraw() { Outcome::Died(payload) } else { Outcome::Failed(payload) };
                }
                () = tokio::time::sleep_until(deadline) => return Outcome::Failed(self.timed_out(&id)),
                () = stopping.cancelled() => return Outcome::Stopping,
            }
        }
    }

    /// Waits until a process that hung up ends, shortly, and says how.
    pub(super) async fn ended(&mut self, request_id: &str) -> NoEnvironment {
        if let Ok(status) = tokio::time::timeout(HANGING, self.process.exited()).await {
            return exit(status, request_id);
        }
        self.process.kill();
        exit(self.process.exited().await, request_id)
    }

    /// Whether it can take another invocation.
    pub(super) fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// The payload of an invocation that ran out of time.
    pub(super) fn timed_out(&self, request_id: &str) -> Bytes {
        payloads::timed_out(request_id, self.runnable.timeout)
    }

    /// Ends everything of it.
    pub(super) async fn end(mut self) {
        self.process.kill();
        if let Err(error) = self.process.exited().await {
            tracing::warn!(%error, "a function's process cannot be waited for");
        }
        if let Err(error) = tokio::fs::remove_dir_all(&self.scratch).await
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %self.scratch.display(), "a function's scratch folder stays");
        }
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

fn refused(text: String) -> NoEnvironment {
    NoEnvironment::Refused(InvokeError::NotRunnable(text))
}

fn exit(status: io::Result<std::process::ExitStatus>, request_id: &str) -> NoEnvironment {
    match status {
        Ok(status) => NoEnvironment::Failed(payloads::exited(request_id, status)),
        Err(error) => NoEnvironment::Failed(payloads::lost(request_id, &error)),
    }
}
