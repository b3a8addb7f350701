//! Environments from their start to their end: made ready, parked, reclaimed.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::environment::{Environment, NoEnvironment, Start};
use super::home::Home;
use super::launch::Tools;
use super::log::Log;
use super::pool::{Found, Seat};
use super::report;
use super::shelf::{NotStarted, Place, Started};
use super::view::View;
use super::{HostOptions, Shared};
use crate::{InvokeError, Runnable};

impl Shared {
    /// Starts the environment of a new seat and tells whoever waits for it. `limits`: how long one try after another may take.
    pub(super) async fn open(
        &self,
        runnable: &Arc<Runnable>,
        seat: &Seat,
        waiting: &watch::Sender<Started>,
        limits: &[Duration],
        provisioned: bool,
    ) -> Result<Arc<Environment>, NotStarted> {
        let log = Arc::new(Log::new(&runnable.name, self.lines.clone()));
        let mut result = Err(NoEnvironment::Late);
        for (limit, phase) in limits.iter().zip(["init", "invoke"]) {
            let began = Instant::now();
            result = self.ready(runnable, *limit, provisioned, log.clone()).await;
            match &result {
                Ok(environment) if !provisioned => environment.started(began.elapsed()),
                Ok(_) | Err(NoEnvironment::Refused(_)) => {}
                Err(NoEnvironment::Failed(failure)) => {
                    log.note(&report::init(began.elapsed(), phase, Some(failure)));
                }
                Err(NoEnvironment::Late) => log.note(&report::init(began.elapsed(), phase, None)),
            }
            if !matches!(result, Err(NoEnvironment::Late)) {
                break;
            }
        }
        let result = result.map_err(|why| NotStarted { why, log });
        match &result {
            Ok(environment) => self.pool.started(seat, environment.clone()),
            Err(_) => self.pool.failed(seat),
        }
        waiting.send_replace(Some(result.clone()));
        result
    }

    /// A new environment that has initialised.
    async fn ready(
        &self,
        runnable: &Arc<Runnable>,
        limit: Duration,
        provisioned: bool,
        log: Arc<Log>,
    ) -> Result<Arc<Environment>, NoEnvironment> {
        let home = self.home().await?;
        let name = format!("{:016x}{:016x}", self.options.entropy.next_u64(), self.options.entropy.next_u64());
        let start = Start {
            log,
            tasks: &self.tasks,
            sweeper: &self.sweeper,
            meter: &self.meter,
            processes: self.options.processes,
            credentials: self.options.credentials.as_ref(),
            log_stream: self.log_stream(runnable, &name),
            provisioned,
        };
        let ground = self.ground(home, runnable, &name).await?;
        let (environment, first) = Environment::start(ground, start).await?;
        match environment.initialised(first, limit, &self.stopping).await {
            Ok(()) => {
                self.meter.now(&environment.vitals).await;
                Ok(Arc::new(environment))
            }
            Err(reason) => {
                environment.readers.settle().await;
                environment.end();
                environment.gone().await;
                Err(reason)
            }
        }
    }

    /// Starts an environment ahead of its first invocation.
    pub(super) async fn prepare(&self, runnable: &Arc<Runnable>) -> Result<(), InvokeError> {
        let Found { seat, place, .. } = self.pool.ahead(runnable, self.options.clock.now());
        let Place::New(waiting) = place else { return Ok(()) };
        let result = self.open(runnable, &seat, &waiting, &[self.options.init], true).await;
        self.release(&seat);
        match result.map_err(|not| not.why) {
            Ok(_) => Ok(()),
            Err(NoEnvironment::Refused(error)) => Err(error),
            Err(NoEnvironment::Failed(failure)) => {
                Err(InvokeError::NotRunnable(String::from_utf8_lossy(&failure.payload("")).into_owned()))
            }
            Err(NoEnvironment::Late) => Err(InvokeError::NotRunnable("the function does not start in time".to_owned())),
        }
    }

    /// Gives a seat back to the pool; an environment that is done for ends.
    pub(super) fn release(&self, seat: &Seat) {
        let ending = self.pool.release(seat, self.options.clock.now());
        end(ending);
        // Whoever comes back after the shutdown emptied the pool empties it again.
        if self.stopping.is_cancelled() {
            end(self.pool.drain());
        }
    }

    /// The host's folder, made when it is needed first.
    async fn home(&self) -> Result<&Home, NoEnvironment> {
        let make = || async {
            let (scratch, entropy) = (self.options.scratch.clone(), self.options.entropy.clone());
            let name = move || format!("{}-{:016x}", std::process::id(), entropy.next_u64());
            let made = tokio::task::spawn_blocking(move || Home::make(&scratch, name)).await;
            made.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(|error| {
                let text = format!("cannot make the host's folder in {}: {error}", self.options.scratch.display());
                NoEnvironment::Refused(InvokeError::NotRunnable(text))
            })
        };
        self.home.get_or_try_init(make).await
    }

    /// What there is for an environment that sees the machine as it is.
    pub(super) fn tools(&self, home: &Home) -> Tools {
        let HostOptions { python, node, path, .. } = self.options.clone();
        Tools { python, node, path, runtime: home.runtime(), view: View::default() }
    }

    /// `2026/11/28/[$LATEST]0123…`.
    fn log_stream(&self, runnable: &Runnable, name: &str) -> String {
        let now = OffsetDateTime::from_unix_timestamp(self.options.clock.wall().seconds());
        let date = now.unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
        format!("{}/{:02}/{:02}/[{}]{name}", date.year(), u8::from(date.month()), date.day(), runnable.version)
    }
}

/// Ends environments in the background; a shutdown waits for that.
pub(super) fn end(environments: impl IntoIterator<Item = Arc<Environment>>) {
    for environment in environments {
        environment.end();
    }
}

/// Ends idle environments until the host stops or is dropped.
pub(super) async fn reclaim(shared: Weak<Shared>, every: Duration, stopping: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stopping.cancelled() => return,
        }
        let Some(shared) = shared.upgrade() else { return };
        end(shared.pool.reclaim(shared.options.clock.now(), shared.options.idle));
    }
}
