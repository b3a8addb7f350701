//! One try of one event, and writing down what follows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use stagecoach_base::{Scope, UnixMillis, id};
use stagecoach_store::{Claimed, NewEvent, StoreError};

use super::Place;
use super::record::Record;
use super::schedule::{Condition, Next, Outcome, Policy};
use crate::api::Functions;
use crate::api::invoke::gather;
use crate::api::routes::Route;
use crate::errors::{Code, LambdaError};
use crate::model::Target;
use crate::model::event_config::EventConfig;
use crate::{Answer, Invocation, InvokeError, ThrottleReason};

/// Seconds that events are kept unless their function says otherwise [D: six hours].
const AGE: u32 = 21_600;
/// Retries of an event whose function fails, likewise [D].
const RETRIES: u32 = 2;
/// How long a throttled function's events are left in the queue, ms.
const PAUSE: i64 = 1000;
/// How often a result is written before it is left to the end of the claim.
const WRITES: u32 = 6;

impl Functions {
    /// Tries an event once and writes down what follows; again if this host claimed it anew before its place was free.
    pub(super) async fn run_event(self: Arc<Self>, claimed: Claimed, mut place: Place) {
        let (mut next, mut more) = (Some(claimed), false);
        while let Some(claimed) = next {
            more |= self.try_event(&claimed).await;
            next = place.again();
        }
        drop(place);
        if more {
            self.events.wake.notify_one();
        }
    }

    /// Whether something is left in the queue: the event, or one that follows from it.
    async fn try_event(&self, claimed: &Claimed) -> bool {
        let target = target(&claimed.event);
        let route = self.routes.find(self, &target).await;
        let config = route.as_ref().map(|route| route.events.clone()).unwrap_or_default();
        let policy = policy(&config, self.events.options.retry_delays);
        let attempt = match route {
            Ok(route) => self.attempt(&claimed.event, &target, &route, &policy).await,
            Err(error) => Attempt::refused(&error),
        };
        let now = self.parts.clock.wall();
        let (event, draw) = (&claimed.event, self.parts.entropy.next_u64());
        let next = policy.next(attempt.outcome, claimed.tried, event.accepted, now.0, draw);
        let mut follows = None;
        if let Next::Done(condition) = next {
            if condition != Condition::Success {
                self.events.given_up.fetch_add(1, Ordering::Relaxed);
                let (function, request, condition) = (&event.function, &event.id, condition.as_str());
                tracing::warn!(%function, %request, condition, why = attempt.why, "an event was given up");
            }
            follows = self.follows(claimed, &attempt, condition, &config, now);
        }
        self.write_down(claimed, next, follows.as_ref()).await;
        matches!(next, Next::Again(..)) || follows.is_some()
    }

    async fn attempt(&self, event: &NewEvent, target: &Target, route: &Route, policy: &Policy) -> Attempt {
        if self.parts.clock.wall().0 >= policy.deadline(event.accepted) {
            return Attempt::new(Outcome::Expired, "too old");
        }
        let runnable = match self.runnable(route, &event.id).await {
            Ok(runnable) => runnable,
            Err(error) => return Attempt::refused(&error),
        };
        let (reserved, version) = (runnable.reserved, runnable.version.clone());
        match self.parts.invoker.invoke(runnable, invocation(event, target, &self.parts.scope)).await {
            Ok(invoked) => Attempt::answered(invoked.answer, version).await,
            Err(InvokeError::Throttled(ThrottleReason::Reserved)) if reserved == Some(0) => {
                Attempt::new(Outcome::Blocked, "its reserved concurrency is zero")
            }
            Err(InvokeError::Throttled(reason)) => {
                self.events.pause(&event.function, self.parts.clock.wall().0.saturating_add(PAUSE));
                Attempt::new(Outcome::Refused, reason.as_str())
            }
            Err(error @ InvokeError::NotRunnable(_)) => Attempt::new(Outcome::Refused, error.to_string()),
            Err(InvokeError::Stopping) => Attempt::new(Outcome::Stopping, ""),
        }
    }

    /// The event that tells a destination how this one ended.
    fn follows(
        &self,
        claimed: &Claimed,
        attempt: &Attempt,
        condition: Condition,
        config: &EventConfig,
        now: UnixMillis,
    ) -> Option<NewEvent> {
        let arn = if condition == Condition::Success { &config.on_success } else { &config.on_failure };
        let to = Target::parse(arn.as_deref()?, None, &self.parts.scope).ok()?;
        let (event, of) = (&claimed.event, target(&claimed.event));
        let record = Record {
            event,
            arn: format!("{}:{}", of.function_arn(&self.parts.scope), of.qualifier.as_deref().unwrap_or("$LATEST")),
            condition,
            invoked: claimed.tried.failures.saturating_add(u32::from(attempt.answer.is_some())),
            answer: attempt.answer.as_ref().map(|(version, payload)| (version.as_str(), &payload[..])),
            failed: attempt.outcome == Outcome::Failed,
            now,
        };
        Some(NewEvent {
            id: id::uuid(self.parts.entropy.as_ref()),
            function: to.name,
            qualifier: to.qualifier.unwrap_or_default(),
            payload: record.text().into_bytes(),
            client_context: String::new(),
            trace_id: event.trace_id.clone(),
            accepted: now.0,
        })
    }

    /// Writes down what follows a try. Tries again while the store fails: an event that is not written down runs once more.
    async fn write_down(&self, claimed: &Claimed, next: Next, follows: Option<&NewEvent>) {
        let id = &claimed.event.id;
        let (mut wait, mut claims) = (Duration::from_millis(200), claimed.claims);
        for _ in 0..WRITES {
            match self.written(id, claims, next, follows).await {
                Ok(true) => {
                    if matches!(next, Next::Done(_)) {
                        self.events.leave(&claimed.event.function);
                    }
                    if let Some(follows) = follows {
                        self.events.count(&follows.function);
                    }
                    return;
                }
                Ok(false) => {
                    let Some(newer) = self.events.superseding(id) else {
                        tracing::warn!(request = %id, "an event ended without its claim: it may run twice, or its function is gone");
                        return;
                    };
                    claims = newer;
                    continue;
                }
                Err(error) => tracing::warn!(request = %id, %error, "how an event ended could not be stored"),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// False when the claim had run out.
    async fn written(&self, id: &str, claims: i64, next: Next, follows: Option<&NewEvent>) -> Result<bool, StoreError> {
        let (store, holder) = (&self.parts.store, &self.events.holder);
        match (next, follows) {
            (Next::Again(due, tried), _) => store.return_event(holder, id, claims, due, tried).await,
            (Next::Done(_), None) => store.finish_event(holder, id, claims).await,
            (Next::Done(_), Some(follows)) => store.replace_event(holder, id, claims, follows).await,
        }
    }
}

/// What a try came to.
struct Attempt {
    outcome: Outcome,
    why: String,
    /// The version that ran, and its payload.
    answer: Option<(String, Bytes)>,
}

impl Attempt {
    fn new(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, why: why.into(), answer: None }
    }

    fn refused(error: &LambdaError) -> Self {
        let outcome = if error.code == Code::ResourceNotFound { Outcome::Gone } else { Outcome::Refused };
        Self::new(outcome, error.to_string())
    }

    async fn answered(answer: Answer, version: String) -> Self {
        let (payload, failed) = match answer {
            Answer::Whole(payload) => (payload, false),
            Answer::Failed(payload) => (payload, true),
            Answer::Stream(chunks) => gather(chunks).await,
        };
        let (outcome, why) = if failed { (Outcome::Failed, "the function failed") } else { (Outcome::Succeeded, "") };
        Self { answer: Some((version, payload)), ..Self::new(outcome, why) }
    }
}

fn target(event: &NewEvent) -> Target {
    let qualifier = Some(event.qualifier.clone()).filter(|qualifier| !qualifier.is_empty());
    Target { name: event.function.clone(), qualifier }
}

fn policy(config: &EventConfig, delays: [Duration; 2]) -> Policy {
    let age = Duration::from_secs(u64::from(config.age.unwrap_or(AGE)));
    Policy { retries: config.retries.unwrap_or(RETRIES), age, delays }
}

fn invocation(event: &NewEvent, target: &Target, scope: &Scope) -> Invocation {
    Invocation {
        request_id: event.id.clone(),
        invoked_arn: target.arn(scope),
        payload: Bytes::copy_from_slice(&event.payload),
        client_context: Some(event.client_context.clone()).filter(|context| !context.is_empty()),
        trace_id: Some(event.trace_id.clone()).filter(|id| !id.is_empty()),
        streaming: false,
    }
}
