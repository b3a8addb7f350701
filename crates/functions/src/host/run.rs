//! The course of one invocation: an environment, the answer, the environment's return.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::Shared;
use super::environment::{Environment, NoEnvironment, Outcome, job};
use super::exchange::{Piece, Reply};
use super::log::Log;
use super::meter::Busy;
use super::payloads::{self, ANSWER_BYTES, Failure};
use super::pool::{Found, Permit, Seat};
use super::report::Report;
use super::shelf::{NotStarted, Place};
use super::starts::end;
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

/// An invocation at work.
struct Working {
    environment: Arc<Environment>,
    seat: Seat,
    began: Instant,
    _busy: Busy,
}

impl Run {
    /// Runs it and answers `caller`; the leave to run is given back before the caller hears.
    pub(super) async fn run(self, found: Found, caller: Caller) {
        let result = match self.replied(found).await {
            Ok((working, Reply::Stream(pieces))) if self.invocation.streaming => {
                let (sender, receiver) = mpsc::channel(16);
                send(caller, Ok(Invoked { answer: Answer::Stream(receiver), log_tail: Vec::new() }));
                if self.stream(working, pieces, sender).await.is_err() {
                    tracing::debug!("a stream was broken off: the host is stopping");
                }
                return;
            }
            Ok((working, Reply::Stream(pieces))) => {
                let (sender, receiver) = mpsc::channel(16);
                let (ended, answer) = tokio::join!(self.stream(working, pieces, sender), collected(receiver));
                ended.map(|log_tail| Invoked { answer, log_tail })
            }
            Ok((working, reply)) => {
                let log_tail = self.finished(&working, None).await;
                self.shared.release(&working.seat);
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
    async fn replied(&self, mut found: Found) -> Result<(Working, Reply), Result<Invoked, InvokeError>> {
        loop {
            end(std::mem::take(&mut found.ending));
            let (environment, fresh) = self.environment(&found.seat, found.place).await?;
            let began = self.begin(&environment);
            let working = Working { _busy: environment.vitals.work(), environment, seat: found.seat, began };
            let job = job(&self.invocation, self.shared.options.clock.wall(), self.runnable.timeout);
            let deadline = began + self.runnable.timeout;
            let outcome = working.environment.invoke(job, deadline, &self.shared.stopping).await;
            let result = match outcome {
                Outcome::Replied(reply) => return Ok((working, reply)),
                Outcome::Failed(failure) => {
                    let log_tail = self.finished(&working, Some(&failure)).await;
                    Err(Ok(self.failed(&failure, log_tail)))
                }
                Outcome::Repeated => {
                    self.finished(&working, None).await;
                    self.shared.release(&working.seat);
                    let id = &self.invocation.request_id;
                    return Err(Err(InvokeError::NotRunnable(format!("the request id {id} is in use"))));
                }
                Outcome::Stopping => Err(Err(InvokeError::Stopping)),
                Outcome::Died(failure) if fresh => {
                    let log_tail = self.finished(&working, Some(&failure)).await;
                    Err(Ok(self.failed(&failure, log_tail)))
                }
                // It died while it waited, before it knew of this invocation: another one serves it.
                Outcome::Died(_) => Ok(()),
            };
            working.environment.end();
            self.shared.release(&working.seat);
            result?;
            found = self.shared.pool.again(&self.runnable, self.shared.options.clock.now());
        }
    }

    /// The environment of a seat, and whether it has just started. An init beyond its limit is done once more within the
    /// invocation's own time, as on AWS.
    async fn environment(
        &self,
        seat: &Seat,
        place: Place,
    ) -> Result<(Arc<Environment>, bool), Result<Invoked, InvokeError>> {
        let began = Instant::now();
        let started = match place {
            Place::Ready(environment) => return Ok((environment, false)),
            Place::New(waiting) => {
                let limits = [self.shared.options.init, self.runnable.timeout];
                self.shared.open(&self.runnable, seat, &waiting, &limits, false).await
            }
            Place::Starting(mut started) => {
                let started = started.wait_for(Option::is_some).await.ok().and_then(|started| started.clone());
                started.ok_or(Err(InvokeError::Stopping))?
            }
        };
        let NotStarted { why, log } = match started {
            Ok(environment) => return Ok((environment, true)),
            Err(not) => not,
        };
        let failure = match why {
            NoEnvironment::Failed(failure) => failure,
            NoEnvironment::Late => Failure::TimedOut(self.runnable.timeout),
            NoEnvironment::Refused(error) => return Err(Err(error)),
        };
        log.begin_late();
        self.note_start(&log);
        let report = self.report(began.elapsed(), None, Some(&failure));
        Err(Ok(self.failed(&failure, self.close(&log, &report))))
    }

    fn failed(&self, failure: &Failure, log_tail: Vec<u8>) -> Invoked {
        Invoked { answer: Answer::Failed(failure.payload(&self.invocation.request_id)), log_tail }
    }

    /// AWS's opening line.
    fn begin(&self, environment: &Environment) -> Instant {
        environment.log.begin();
        self.note_start(&environment.log);
        Instant::now()
    }

    fn note_start(&self, log: &Log) {
        let Self { invocation: Invocation { request_id, .. }, runnable, .. } = self;
        log.note(&format!("START RequestId: {request_id} Version: {}", runnable.version));
    }

    /// AWS's closing lines; the tail of the log.
    async fn finished(&self, working: &Working, failure: Option<&Failure>) -> Vec<u8> {
        let Working { environment, began, .. } = working;
        let took = began.elapsed();
        environment.readers.settle().await;
        let used = Some(environment.vitals.used_mib());
        let report = Report { init: environment.init(), ..self.report(took, used, failure) };
        self.close(&environment.log, &report)
    }

    fn report<'a>(&'a self, took: Duration, used_mib: Option<u64>, failure: Option<&'a Failure>) -> Report<'a> {
        let (id, memory_mib) = (self.invocation.request_id.as_str(), self.runnable.memory_mib);
        Report { id, took, memory_mib, used_mib, init: None, failure }
    }

    fn close(&self, log: &Log, report: &Report<'_>) -> Vec<u8> {
        for line in report.lines(self.shared.options.clock.wall()) {
            log.note(&line);
        }
        log.end()
    }

    /// Passes a streamed answer on, and gives its seat back; the tail of the log, or that the host stopped before its end.
    async fn stream(
        &self,
        working: Working,
        pieces: mpsc::Receiver<Piece>,
        to: mpsc::Sender<Result<Bytes, FunctionError>>,
    ) -> Result<Vec<u8>, InvokeError> {
        let deadline = working.began + self.runnable.timeout;
        let mut stopped = false;
        let failure = tokio::select! {
            // First: a stop ends the process too, which is not the function's failure then.
            biased;
            () = self.shared.stopping.cancelled() => {
                stopped = true;
                Some(("Sandbox.Failure", Failure::Told(Bytes::from_static(b"the function host is shutting down"))))
            }
            whole = relay(pieces, &to) => match whole {
                true => None,
                false => Some(("Runtime.ExitError", working.environment.ended().await)),
            },
            () = tokio::time::sleep_until(deadline) => {
                Some(("Sandbox.Timedout", Failure::TimedOut(self.runnable.timeout)))
            }
        };
        let log_tail = self.finished(&working, failure.as_ref().map(|(_, failure)| failure)).await;
        if failure.is_some() {
            working.environment.end();
        }
        self.shared.release(&working.seat);
        let failure = failure.map(|(code, failure)| error(code, &failure.payload(&self.invocation.request_id)));
        if let Some(failure) = failure
            && !matches!(tokio::time::timeout(LAST_WORD, to.send(Err(failure))).await, Ok(Ok(())))
        {
            tracing::debug!("nobody hears how a stream ended");
        }
        if stopped { Err(InvokeError::Stopping) } else { Ok(log_tail) }
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
