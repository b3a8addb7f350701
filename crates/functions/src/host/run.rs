//! The course of one invocation: an environment, the answer, the environment's return.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Shared;
use super::environment::{Environment, NoEnvironment, Outcome, job};
use super::exchange::{Piece, Reply};
use super::payloads::{self, ANSWER_BYTES};
use super::pool::Permit;
use crate::{Answer, FunctionError, Invocation, InvokeError, Invoked, Runnable};

/// Where an invocation's answer goes.
type Caller = oneshot::Sender<Result<Invoked, InvokeError>>;

/// How long the end of a broken stream waits for its reader.
const LAST_WORD: Duration = Duration::from_secs(5);

/// One admitted invocation.
pub(super) struct Run {
    pub(super) shared: Arc<Shared>,
    pub(super) runnable: Arc<Runnable>,
    pub(super) invocation: Invocation,
    pub(super) permit: Permit,
}

impl Run {
    /// Runs it and answers `caller`; the leave to run is given back before the caller hears.
    pub(super) async fn run(self, waiting: Option<Environment>, caller: Caller) {
        let result = match self.replied(waiting).await {
            Ok((environment, Reply::Stream(pieces), began)) if self.invocation.streaming => {
                let (sender, receiver) = mpsc::channel(16);
                send(caller, Ok(Invoked { answer: Answer::Stream(receiver), log_tail: Vec::new() }));
                self.stream(environment, pieces, began, sender).await;
                return;
            }
            Ok((environment, Reply::Stream(pieces), began)) => {
                let (sender, receiver) = mpsc::channel(16);
                let (log_tail, answer) =
                    tokio::join!(self.stream(environment, pieces, began, sender), collected(receiver));
                Ok(Invoked { answer, log_tail })
            }
            Ok((environment, reply, began)) => {
                let log_tail = self.finished(&environment, began).await;
                self.shared.park(environment);
                let answer = match reply {
                    Reply::Whole(body) => Answer::Whole(body),
                    Reply::Error(body) => Answer::Failed(body),
                    Reply::TooLarge | Reply::Stream(_) => Answer::Failed(payloads::too_large()),
                };
                Ok(Invoked { answer, log_tail })
            }
            Err(result) => result,
        };
        drop(self.permit);
        send(caller, result);
    }

    /// Finds an environment and has it answer; else what the caller is told.
    async fn replied(
        &self,
        mut waiting: Option<Environment>,
    ) -> Result<(Environment, Reply, Instant), Result<Invoked, InvokeError>> {
        loop {
            let fresh = waiting.is_none();
            let mut environment = match waiting.take() {
                Some(environment) => environment,
                None => self.fresh().await?,
            };
            let began = self.begin(&environment);
            let job = job(&self.invocation, self.shared.options.clock.wall(), self.runnable.timeout);
            let outcome = environment.invoke(job, began + self.runnable.timeout, &self.shared.stopping).await;
            let result = match outcome {
                Outcome::Replied(reply) => return Ok((environment, reply, began)),
                Outcome::Failed(payload) => {
                    let log_tail = self.finished(&environment, began).await;
                    Err(Ok(Invoked { answer: Answer::Failed(payload), log_tail }))
                }
                Outcome::Stopping => Err(Err(InvokeError::Stopping)),
                Outcome::Died(payload) if fresh => {
                    Err(Ok(Invoked { answer: Answer::Failed(payload), log_tail: Vec::new() }))
                }
                // It died while it waited, before it knew of this invocation: another one serves it.
                Outcome::Died(_) => Ok(()),
            };
            environment.end().await;
            result?;
        }
    }

    /// A new environment that is ready. An init beyond its limit is done once more within the invocation's own time, as on
    /// AWS.
    async fn fresh(&self) -> Result<Environment, Result<Invoked, InvokeError>> {
        let id = &self.invocation.request_id;
        let mut result = self.shared.ready(&self.runnable, id, self.shared.options.init, false).await;
        if matches!(result, Err(NoEnvironment::Late)) {
            result = self.shared.ready(&self.runnable, id, self.runnable.timeout, false).await;
        }
        let payload = match result {
            Ok(mut environment) => {
                environment.generation = self.permit.generation;
                return Ok(environment);
            }
            Err(NoEnvironment::Failed(payload)) => payload,
            Err(NoEnvironment::Late) => payloads::timed_out(id, self.runnable.timeout),
            Err(NoEnvironment::Refused(error)) => return Err(Err(error)),
        };
        Err(Ok(Invoked { answer: Answer::Failed(payload), log_tail: Vec::new() }))
    }

    /// AWS's opening line.
    fn begin(&self, environment: &Environment) -> Instant {
        let Self { invocation: Invocation { request_id, .. }, runnable, .. } = self;
        environment.log.begin();
        environment.log.note(&format!("START RequestId: {request_id} Version: {}", runnable.version));
        Instant::now()
    }

    /// AWS's closing lines; the tail of the log.
    async fn finished(&self, environment: &Environment, began: Instant) -> Vec<u8> {
        let took = began.elapsed().as_secs_f64() * 1000.0;
        environment.readers.settle().await;
        let Self { invocation: Invocation { request_id, .. }, runnable, .. } = self;
        environment.log.note(&format!("END RequestId: {request_id}"));
        environment.log.note(&format!(
            "REPORT RequestId: {request_id}\tDuration: {took:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB",
            took.ceil(),
            runnable.memory_mib
        ));
        environment.log.tail()
    }

    /// Passes a streamed answer on, and its environment back to the pool; the tail of the log.
    async fn stream(
        &self,
        mut environment: Environment,
        pieces: mpsc::Receiver<Piece>,
        began: Instant,
        to: mpsc::Sender<Result<Bytes, FunctionError>>,
    ) -> Vec<u8> {
        let deadline = began + self.runnable.timeout;
        let id = &self.invocation.request_id;
        let failure = tokio::select! {
            whole = relay(pieces, &to) => match whole {
                true => None,
                false => Some(match environment.ended(id).await {
                    NoEnvironment::Failed(payload) => error("Runtime.ExitError", &payload),
                    NoEnvironment::Refused(_) | NoEnvironment::Late => error("Runtime.ExitError", b""),
                }),
            },
            () = tokio::time::sleep_until(deadline) => Some(error("Sandbox.Timedout", &environment.timed_out(id))),
            () = self.shared.stopping.cancelled() => Some(error("Sandbox.Failure", b"the function host is shutting down")),
        };
        let log_tail = self.finished(&environment, began).await;
        let Some(failure) = failure else {
            self.shared.park(environment);
            return log_tail;
        };
        environment.end().await;
        if !matches!(tokio::time::timeout(LAST_WORD, to.send(Err(failure))).await, Ok(Ok(()))) {
            tracing::debug!("nobody hears how a stream ended");
        }
        log_tail
    }
}

/// Passes pieces on until the end; whether there was one. A reader that left does not end the function.
async fn relay(mut pieces: mpsc::Receiver<Piece>, to: &mpsc::Sender<Result<Bytes, FunctionError>>) -> bool {
    while let Some(piece) = pieces.recv().await {
        let (item, last) = match piece {
            Piece::Chunk(bytes) => (Ok(bytes), false),
            Piece::Failed(error) => (Err(error), true),
            Piece::End => return true,
        };
        if to.send(item).await.is_err() {
            tracing::trace!("a stream's reader left");
        }
        if last {
            return true;
        }
    }
    false
}

/// A streamed answer for a caller that wants it whole.
async fn collected(mut pieces: mpsc::Receiver<Result<Bytes, FunctionError>>) -> Answer {
    let mut body = BytesMut::new();
    let mut answer = None;
    while let Some(piece) = pieces.recv().await {
        match piece {
            Ok(bytes) if body.len() + bytes.len() <= ANSWER_BYTES => body.extend_from_slice(&bytes),
            Ok(_) => answer = answer.or_else(|| Some(Answer::Failed(payloads::too_large()))),
            Err(error) => answer = answer.or_else(|| Some(Answer::Failed(Bytes::from(error.details)))),
        }
    }
    answer.unwrap_or_else(|| Answer::Whole(body.freeze()))
}

fn error(code: &str, details: &[u8]) -> FunctionError {
    FunctionError { code: code.to_owned(), details: String::from_utf8_lossy(details).into_owned() }
}

/// A caller that left misses its answer, nothing else.
fn send(caller: Caller, result: Result<Invoked, InvokeError>) {
    if caller.send(result).is_err() {
        tracing::debug!("an invocation's caller has left");
    }
}
