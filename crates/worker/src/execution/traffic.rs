//! The recorder on traffic: it begins where a method's settings or a caller ask for it, and concludes with the answer.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;
use stagecoach_plan::ir::Guard;
use stagecoach_plan::{GatewayResponseType, Method};

use super::event::Event;
use super::lines::{self, Level};
use super::{ExecutionLog, KEPT};
use crate::body::{BodyError, ReplyBody, RequestBody};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::explain;
use crate::failure::Failure;
use crate::handle::{EXTENDED_ID, REQUEST_ID};
use crate::integrate::unreadable;
use crate::log::Buffer;

/// Bytes of a line, which may hold an error message of any size.
const LONGEST_LINE: usize = 4096;

/// Opens the record of a request behind the router, where its method's settings ask for one.
#[cold]
pub(crate) fn open(core: &Core, exchange: &mut Exchange) {
    let logging = exchange.view.logging(exchange.canary, exchange.method).filter(|_| core.execution.is_some());
    match (&exchange.execution, logging) {
        (Some(log), Some(logging)) => log.logging.set(logging),
        (None, Some(logging)) => {
            let log = ExecutionLog::new(exchange.started, exchange.wall, logging, false);
            exchange.execution = Some(Box::new(log));
        }
        (_, None) => {}
    }
    if let Some(log) = exchange.log() {
        exchange.names.current().iter().for_each(|name| log.spell(name));
    }
    if let (Some(log), Some(method)) = (exchange.log(), exchange.method()) {
        routed(log, exchange, method);
    }
}

/// Records the request. Answers the body, which is read first where it is to be shown.
pub(crate) async fn request(core: &Core, exchange: &Exchange, body: RequestBody) -> Result<RequestBody, Failure> {
    let Some(log) = exchange.log() else { return Ok(body) };
    let (bytes, body) = match log.wants_bodies() {
        true => {
            let bytes = body.collect().await.map_err(|error| unreadable(&error))?;
            (bytes.clone(), RequestBody::whole(bytes, core.shared.options.max_payload))
        }
        false => (Bytes::new(), body),
    };
    log.method_request(exchange, &bytes);
    let guards = exchange.method().map_or(&[][..], |method| &method.guards);
    log.event(Event::Guarded { passed: guards.iter().filter_map(guard).collect() });
    Ok(body)
}

/// Validation comes later; when it fails it says so.
fn guard(guard: &Guard) -> Option<&'static str> {
    match guard {
        Guard::Policy => Some("policy"),
        Guard::Authorize { .. } => Some("authorize"),
        Guard::ApiKey => Some("apiKey"),
        Guard::Throttle => Some("throttle"),
        Guard::Validate { .. } => None,
    }
}

/// What routing found, and AWS's lines before a method runs.
fn routed(log: &ExecutionLog, exchange: &Exchange, method: &Method) {
    log.event(Event::Matched {
        method: method.verb.as_str().to_owned(),
        resource: method.path.to_string(),
        variables: exchange.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    });
    log.line(format!("Extended Request Id: {}", exchange.ids.extended()));
    if method.guards.iter().any(|guard| matches!(guard, Guard::ApiKey)) {
        return;
    }
    let (id, settings) = (exchange.ids.request.as_str(), &exchange.view.settings);
    let stage = format!("{}/{}", settings.api_id, settings.stage);
    log.line(format!("Verifying Usage Plan for request: {id}. API Key:  API Stage: {stage}"));
    log.line(format!(
        "API Key  authorized because method '{} {}' does not require API Key. Request will not contribute to throttle or \
         quota limits",
        exchange.verb_text(),
        method.path
    ));
    log.line(format!("Usage Plan check succeeded for API Key  and API Stage {stage}"));
}

/// The gateway answers by itself.
pub(crate) fn gave_up(exchange: &Exchange, failure: &Failure, response: &Response<ReplyBody>) {
    let Some(log) = exchange.log() else { return };
    if exchange.method.is_none() && failure.kind == GatewayResponseType::MissingAuthenticationToken {
        let (method, path) = (exchange.verb_text().to_owned(), exchange.path().to_owned());
        log.event(Event::NotMatched { method, path });
    }
    log.failed(failure);
    let body = match response.body() {
        ReplyBody::Full(bytes) => super::print::body(bytes, KEPT),
        _ => String::new(),
    };
    let (response_type, status) = (failure.kind.facts().name, response.status().as_u16());
    log.event(Event::GatewayResponse { response_type, status, headers: log.headers(response.headers()), body });
}

/// Ends the record of an answered request: at once when the answer is at hand, with its body otherwise.
pub(crate) fn conclude(core: &Rc<Core>, exchange: Box<Exchange>, response: Response<ReplyBody>) -> Response<ReplyBody> {
    let length = response.body().length();
    let (mut head, body) = response.into_parts();
    let mut headers = exchange.log().map(|_| head.headers.clone()).unwrap_or_default();
    // AWS's lines do not show them.
    [REQUEST_ID, EXTENDED_ID].iter().for_each(|id| drop(headers.remove(id)));
    if let Some(id) = explain_id(&exchange) {
        head.headers.insert(explain::ID, id);
    }
    let mut ending = Ending { core: core.clone(), exchange, status: head.status, headers };
    match body {
        ReplyBody::Full(bytes) => {
            let trace = ending.end(&bytes, length, false);
            if let Some(value) = trace.as_deref().and_then(explain::in_band) {
                head.headers.insert(explain::TRACE, value);
            }
            Response::from_parts(head, ReplyBody::Full(bytes))
        }
        inner => {
            let streamed = matches!(inner, ReplyBody::Upstream(_) | ReplyBody::Events(_));
            let watched = Watched { inner, streamed, seen: 0, kept: Vec::new(), ending: Some(ending) };
            Response::from_parts(head, ReplyBody::Watched(Box::new(watched)))
        }
    }
}

fn explain_id(exchange: &Exchange) -> Option<HeaderValue> {
    let explains = exchange.log().is_some_and(|log| log.explains);
    explains.then(|| HeaderValue::from_str(exchange.ids.request.as_str()).ok()).flatten()
}

/// What is to be done once an answer is complete.
struct Ending {
    core: Rc<Core>,
    exchange: Box<Exchange>,
    status: StatusCode,
    headers: HeaderMap,
}

impl Ending {
    /// Writes the logs; answers the trace if somebody asked for it. `body` is as much of it as was kept.
    fn end(&mut self, body: &[u8], length: u64, streamed: bool) -> Option<String> {
        let (core, exchange) = (&self.core, &mut self.exchange);
        exchange.notes.status = self.status.as_u16();
        exchange.notes.length = length;
        exchange.notes.latency_ms = exchange.started.elapsed().as_millis();
        if let Some(log) = &core.log {
            log.access(exchange);
        }
        let log = exchange.log()?;
        if streamed {
            log.endpoint_body(body);
        }
        if !log.gave_up.get() {
            log.response(&self.headers, body);
        }
        if let Some(id) = &exchange.notes.endpoint_request_id {
            log.line(format!("AWS Integration Endpoint RequestId : {id}"));
        }
        if let Some(trace) = exchange.notes.trace.as_deref().filter(|_| exchange.view.settings.tracing) {
            log.line(format!("X-ray Tracing ID : {}", trace.split(';').next().unwrap_or(trace)));
        }
        log.completed(self.status.as_u16());
        if let Some(buffer) = &core.execution {
            write(buffer, exchange, log);
        }
        log.explains.then(|| explain::keep(&core.shared, &exchange.ids, self.status, log))
    }
}

/// A line of an execution log as one JSON record, named as CloudWatch names its parts.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    timestamp: i64,
    level: &'static str,
    log_group: &'a str,
    request_id: &'a str,
    message: String,
}

/// Writes what the method's settings ask for; a canary's lines go to the stage's group and to its own
/// (rest-data-plane §11).
fn write(buffer: &Buffer, exchange: &Exchange, log: &ExecutionLog) {
    let settings = &exchange.view.settings;
    let mut groups = vec![format!("API-Gateway-Execution-Logs_{}/{}", settings.api_id, settings.stage)];
    if exchange.canary == Some(true) {
        groups.extend(groups.first().map(|group| format!("{group}/Canary")));
    }
    let request_id = exchange.ids.request.as_str();
    for step in log.steps.borrow().iter() {
        for line in lines::lines(&step.event, log.logging.get()) {
            let message = format!("({request_id}) {}", super::print::cut_to(&line.text, LONGEST_LINE));
            let level = if line.level == Level::Error { "ERROR" } else { "INFO" };
            let timestamp = log.moment(step.at).0;
            for log_group in &groups {
                let record = Record { timestamp, level, log_group, request_id, message: message.clone() };
                // Writing to a buffer cannot fail.
                buffer.line(|out| drop(serde_json::to_writer(out, &record)));
            }
        }
    }
}

/// The line of an answer that broke in the middle, as near to AWS's words for one that broke before as can be.
fn trouble(error: &BodyError) -> String {
    match error {
        BodyError::TimedOut | BodyError::Idle(_) => "Execution failed due to a timeout error".to_owned(),
        BodyError::Transport(_) => "Execution failed due to a network error communicating with endpoint".to_owned(),
        BodyError::Function(text) => {
            format!("Lambda execution failed with status 200 due to customer function error: {text}")
        }
        BodyError::TooLarge(_) | BodyError::Events(_) => {
            format!("Execution failed due to configuration error: {error}")
        }
    }
}

/// An answer's body on its way to the client: counted, its beginning kept, its end noticed.
pub(crate) struct Watched {
    inner: ReplyBody,
    /// Nothing stands between the integration's body and the client.
    streamed: bool,
    seen: u64,
    kept: Vec<u8>,
    ending: Option<Ending>,
}

impl Watched {
    fn end(&mut self) {
        if let Some(mut ending) = self.ending.take() {
            ending.end(&self.kept, self.seen, self.streamed);
        }
    }

    /// The client did not get all of it: no success, whatever the status said.
    fn broke(&mut self, error: &BodyError) {
        if let Some(ending) = &mut self.ending {
            ending.exchange.notes.integration_error = Some(error.to_string().into());
            if let Some(log) = ending.exchange.log() {
                log.gave_up.set(true);
                log.error(trouble(error));
            }
        }
        self.end();
    }

    fn note(&mut self, data: &[u8]) {
        self.seen += data.len() as u64;
        let wants =
            self.ending.as_ref().and_then(|ending| ending.exchange.log()).is_some_and(ExecutionLog::wants_bodies);
        if wants {
            let room = KEPT.saturating_sub(self.kept.len()).min(data.len());
            self.kept.extend_from_slice(data.get(..room).unwrap_or_default());
        }
    }
}

impl Drop for Watched {
    /// A client that went away ends a request too.
    fn drop(&mut self) {
        self.end();
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.note(data);
                }
            }
            Some(Err(error)) => self.broke(error),
            None => self.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
