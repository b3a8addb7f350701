//! Environments from their start to their end: made ready, parked, reclaimed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::environment::{Environment, NoEnvironment, Start};
use super::{BOOTSTRAPS, Shared};
use crate::{InvokeError, Runnable};

impl Shared {
    /// A new environment that has initialised.
    pub(super) async fn ready(
        &self,
        runnable: &Arc<Runnable>,
        request_id: &str,
        limit: Duration,
        provisioned: bool,
    ) -> Result<Environment, NoEnvironment> {
        self.written.get_or_try_init(|| self.write()).await?;
        let name = format!("{:016x}{:016x}", self.options.entropy.next_u64(), self.options.entropy.next_u64());
        let start = Start {
            tools: &self.tools,
            lines: self.lines.clone(),
            scratch: self.options.scratch.join("tmp").join(&name),
            log_stream: self.log_stream(runnable, &name),
            provisioned,
            request_id,
        };
        let mut environment = Environment::start(runnable.clone(), start).await?;
        match environment.initialised(limit, request_id, &self.stopping).await {
            Ok(()) => Ok(environment),
            Err(reason) => {
                environment.end().await;
                Err(reason)
            }
        }
    }

    /// Starts an environment ahead of its first invocation.
    pub(super) async fn prepare(&self, runnable: &Arc<Runnable>) -> Result<(), InvokeError> {
        let generation = self.pool.generation(&runnable.arn);
        match self.ready(runnable, "", self.options.init, true).await {
            Ok(mut environment) => {
                environment.generation = generation;
                self.park(environment);
                Ok(())
            }
            Err(NoEnvironment::Refused(error)) => Err(error),
            Err(NoEnvironment::Failed(payload)) => {
                Err(InvokeError::NotRunnable(String::from_utf8_lossy(&payload).into_owned()))
            }
            Err(NoEnvironment::Late) => Err(InvokeError::NotRunnable("the function does not start in time".to_owned())),
        }
    }

    /// Gives an environment to the pool, or ends it.
    pub(super) fn park(&self, environment: Environment) {
        let parked = self.pool.park(environment, self.options.clock.now());
        self.end(parked);
        // Whoever parks after the shutdown emptied the pool empties it again.
        if self.stopping.is_cancelled() {
            self.end(self.pool.drain());
        }
    }

    /// Ends environments in the background; a shutdown waits for that.
    pub(super) fn end(&self, environments: impl IntoIterator<Item = Environment>) {
        for environment in environments {
            self.tasks.spawn(environment.end());
        }
    }

    /// Writes the embedded bootstraps.
    async fn write(&self) -> Result<(), NoEnvironment> {
        let refused = |error: std::io::Error| {
            let text = format!("cannot write the runtimes to {}: {error}", self.tools.runtime.display());
            NoEnvironment::Refused(InvokeError::NotRunnable(text))
        };
        tokio::fs::create_dir_all(&self.tools.runtime).await.map_err(refused)?;
        for (name, text) in BOOTSTRAPS {
            tokio::fs::write(self.tools.runtime.join(name), text).await.map_err(refused)?;
        }
        Ok(())
    }

    /// `2026/11/28/[$LATEST]0123…`.
    fn log_stream(&self, runnable: &Runnable, name: &str) -> String {
        let now = OffsetDateTime::from_unix_timestamp(self.options.clock.wall().seconds());
        let date = now.unwrap_or(OffsetDateTime::UNIX_EPOCH).date();
        format!("{}/{:02}/{:02}/[{}]{name}", date.year(), u8::from(date.month()), date.day(), runnable.version)
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
        shared.end(shared.pool.reclaim(shared.options.clock.now(), shared.options.idle));
    }
}
