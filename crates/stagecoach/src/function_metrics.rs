//! What a function host counts, in front of whatever runs functions: outcomes, durations, environments.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use stagecoach_functions::{Answer, EventStatus, Host, Invocation, InvokeError, Invoked, Invoker, Pending, Runnable};

/// Upper bounds of the duration's buckets, seconds: a function may take 15 minutes.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 900.0];

/// Answered; the function failed; a limit was reached; the host could not run it.
const OUTCOMES: [&str; 4] = ["ok", "error", "throttled", "refused"];

/// Metrics of a host; clones are the same ones.
#[derive(Clone)]
pub(crate) struct FunctionMetrics {
    host: Host,
    invocations: Family<Labels, Counter>,
    running: Gauge,
    duration: Histogram,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    function: String,
    /// One of [`OUTCOMES`].
    outcome: &'static str,
}

impl FunctionMetrics {
    /// In front of `host`.
    pub(crate) fn new(host: Host) -> Self {
        Self { host, invocations: Family::default(), running: Gauge::default(), duration: Histogram::new(BOUNDS) }
    }

    /// Prometheus' text; `events` is left out when the queue cannot be counted.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub(crate) fn text(&self, events: Option<EventStatus>) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("stagecoach_function");
        registry.register("invocations", "Invocations, by function and outcome", self.invocations.clone());
        registry.register("invocations_running", "Invocations at work", self.running.clone());
        let duration = "Time to the answer, or to the head of a streamed one";
        registry.register_with_unit("duration", duration, Unit::Seconds, self.duration.clone());
        let environments = i64::try_from(self.host.environments()).unwrap_or(i64::MAX);
        registry.register("environments", "Environments, busy and waiting", ConstGauge::new(environments));
        if let Some(events) = events {
            queue(&mut registry, events);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }

    async fn counted(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Result<Invoked, InvokeError> {
        let (function, began) = (runnable.name.clone(), Instant::now());
        let running = Running::new(self.running.clone());
        let invoked = self.host.invoke(runnable, invocation).await;
        drop(running);
        if let Err(InvokeError::NotRunnable(why)) = &invoked {
            tracing::error!(function, why, "the function cannot be run on this host");
        }
        self.duration.observe(began.elapsed().as_secs_f64());
        self.invocations.get_or_create(&Labels { function, outcome: outcome(&invoked) }).inc();
        invoked
    }
}

/// Asynchronous invocations.
fn queue(registry: &mut Registry, events: EventStatus) {
    let queued = "Events in the queue of all hosts on the database, running ones included";
    registry.register("events_queued", queued, ConstGauge::new(events.queued));
    let oldest = ConstGauge::new(events.oldest.as_secs_f64());
    registry.register_with_unit("events_oldest_age", "Age of the oldest event in the queue", Unit::Seconds, oldest);
    let running = u64::try_from(events.running).unwrap_or(u64::MAX);
    registry.register("events_running", "Events at work on this host", ConstGauge::new(running));
    let given_up = "Events that this host gave up: retries used up, too old, nothing to invoke";
    registry.register("events_given_up", given_up, ConstCounter::new(events.given_up));
}

fn outcome(invoked: &Result<Invoked, InvokeError>) -> &'static str {
    match invoked {
        Ok(Invoked { answer: Answer::Failed(_), .. }) => "error",
        Ok(_) => "ok",
        Err(InvokeError::Throttled(_)) => "throttled",
        Err(InvokeError::NotRunnable(_) | InvokeError::Stopping) => "refused",
    }
}

/// One more, as long as it lives: callers leave.
struct Running(Gauge);

impl Running {
    fn new(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Invoker for FunctionMetrics {
    fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Pending<'_, Result<Invoked, InvokeError>> {
        // As the invocation itself, the count goes on when the caller leaves.
        let counted = self.clone();
        let work = tokio::spawn(async move { counted.counted(runnable, invocation).await });
        Box::pin(async move { work.await.unwrap_or(Err(InvokeError::Stopping)) })
    }

    fn provision(&self, runnable: Arc<Runnable>, count: usize) -> Pending<'_, Result<(), InvokeError>> {
        Box::pin(self.host.provision(runnable, count))
    }

    fn retire<'a>(&'a self, arn: &'a str) -> Pending<'a, ()> {
        let function = arn.rsplit(':').next().unwrap_or(arn);
        for outcome in OUTCOMES {
            self.invocations.remove(&Labels { function: function.to_owned(), outcome });
        }
        Box::pin(self.host.retire(arn))
    }
}
