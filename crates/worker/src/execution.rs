//! What one request went through (rest-data-plane §10.2): what TestInvokeMethod answers with, what a stage's execution log
//! is made of, and what `explain` shows. A request without a recorder pays for a null check; only a recorder formats.

pub(crate) mod event;
pub(crate) mod lines;
mod print;
pub(crate) mod traffic;

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, Response};
use stagecoach_base::UnixMillis;
use stagecoach_plan::target::Endpoint;
use stagecoach_plan::templates::Choice;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::body::UpstreamBody;
use crate::exchange::Exchange;
use crate::failure::Failure;
use event::{Event, Pairs};
use lines::Logging;

pub(crate) use print::{map, mask};

/// Bytes of a body that are kept; a log shows fewer.
const KEPT: usize = 16 * 1024;

/// A step and when it happened.
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

/// Records the steps of one request. Interior mutability, because most steps of the pipeline only read the exchange.
pub(crate) struct ExecutionLog {
    started: Instant,
    wall: UnixMillis,
    /// What of it the method's log shows.
    logging: Cell<Logging>,
    /// Somebody asked for the whole trace.
    pub(crate) explains: bool,
    steps: RefCell<Vec<Step>>,
    /// Header names as somebody wrote them, by their lower-case form.
    spellings: RefCell<BTreeMap<String, String>>,
    /// An authorizer is called: its endpoint's answer has one line of its own.
    authorizing: Cell<bool>,
    /// The gateway answers by itself.
    gave_up: Cell<bool>,
    /// Where the steps of the endpoint's request begin.
    mark: Cell<usize>,
}

impl ExecutionLog {
    pub(crate) fn new(started: Instant, wall: UnixMillis, logging: Logging, explains: bool) -> Self {
        Self {
            started,
            wall,
            logging: Cell::new(logging),
            explains,
            steps: RefCell::default(),
            spellings: RefCell::default(),
            authorizing: Cell::new(false),
            gave_up: Cell::new(false),
            mark: Cell::new(0),
        }
    }

    /// Adds a step.
    pub(crate) fn event(&self, event: Event) {
        self.steps.borrow_mut().push(Step { at: self.started.elapsed(), event });
    }

    /// Which template a body is mapped with.
    pub(crate) fn template(&self, side: &'static str, choice: Choice<'_>) {
        let (choice, media_type) = match choice {
            Choice::Pass => ("pass", None),
            Choice::Render(_, media_type) => ("render", Some(media_type.to_owned())),
            Choice::Refuse => ("refuse", None),
        };
        self.event(Event::Template { side, choice, media_type });
    }

    /// Adds a line.
    pub(crate) fn line(&self, text: impl Into<String>) {
        self.event(Event::Note { text: text.into(), error: false });
    }

    /// Adds a line that says what went wrong.
    pub(crate) fn error(&self, text: impl Into<String>) {
        self.event(Event::Note { text: text.into(), error: true });
    }

    /// Adds a line with a value that is cut when it is long.
    pub(crate) fn value(&self, label: &str, value: &str) {
        self.line(format!("{label}: {}", print::cut(value)));
    }

    /// Whether bodies are wanted, so that they are read before they move on.
    pub(crate) fn wants_bodies(&self) -> bool {
        self.explains || (self.logging.get().data && self.logging.get().level == lines::Level::Info)
    }

    /// Keeps a header name's spelling, which header maps lose.
    pub(crate) fn spell(&self, name: &str) {
        self.spellings.borrow_mut().insert(name.to_ascii_lowercase(), name.to_owned());
    }

    /// A header name as it was written, or as AWS writes it.
    pub(crate) fn spelled(&self, name: &str) -> String {
        self.spellings.borrow().get(name).cloned().unwrap_or_else(|| print::spelling(name))
    }

    /// An authorizer starts.
    pub(crate) fn authorizer(&self, id: &str, exchange: &Exchange) {
        self.authorizing.set(true);
        self.line(format!("Starting authorizer: {id} for request: {}", exchange.ids.request.as_str()));
    }

    /// The method's request, as it came.
    pub(crate) fn method_request(&self, exchange: &Exchange, body: &Bytes) {
        self.authorizing.set(false);
        let query = exchange.query();
        let query: BTreeMap<&str, &str> = query.pairs().collect();
        self.event(Event::Request {
            id: exchange.ids.request.as_str().to_owned(),
            method: exchange.verb_text().to_owned(),
            path: exchange.path().to_owned(),
            variables: print::ordered(exchange.variables()),
            query: print::ordered(query),
            headers: self.headers(&exchange.headers),
            body: print::body(body, KEPT),
        });
    }

    /// What the endpoint is about to be sent.
    pub(crate) fn endpoint_request(&self, endpoint: &Endpoint, request: &Request<UpstreamBody>) {
        self.mark.set(self.steps.borrow().len());
        let scheme = if endpoint.tls { "https" } else { "http" };
        let mut headers = request.headers().clone();
        headers.remove(http::header::HOST);
        self.event(Event::EndpointRequest {
            method: request.method().to_string(),
            uri: format!("{scheme}://{}{}", endpoint.authority, request.uri()),
            headers: self.headers(&headers),
            body: request.body().at_hand().map(|body| print::body(body, KEPT)).unwrap_or_default(),
        });
    }

    /// The endpoint has no address that may be called: AWS then says nothing of the request [V
    /// api/test_failed_invoke_test_method].
    pub(crate) fn withdraw_endpoint_request(&self) {
        self.steps.borrow_mut().truncate(self.mark.get());
    }

    /// The head of the endpoint's answer.
    pub(crate) fn endpoint_response<B>(&self, response: &Response<B>, took: Duration, reused_connection: bool) {
        if self.authorizing.get() {
            return;
        }
        let headers = response.headers().iter();
        // In the order of the wire, unlike every other map.
        let headers = headers
            .map(|(name, value)| (self.spelled(name.as_str()), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        self.event(Event::EndpointResponse {
            status: response.status().as_u16(),
            latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            headers: headers.collect(),
            reused_connection,
        });
    }

    /// The body of the endpoint's answer.
    pub(crate) fn endpoint_body(&self, body: &[u8]) {
        if !self.authorizing.get() {
            self.event(Event::EndpointBody { body: print::body(body, KEPT) });
        }
    }

    /// The client's answer.
    pub(crate) fn method_response(&self, head: &Parts, body: &[u8]) {
        self.response(&head.headers, body);
        self.completed(head.status.as_u16());
    }

    fn response(&self, headers: &HeaderMap, body: &[u8]) {
        self.event(Event::Response { headers: self.headers(headers), body: print::body(body, KEPT) });
    }

    /// Why there is no answer but the gateway's own.
    pub(crate) fn failed(&self, failure: &Failure) {
        self.gave_up.set(true);
        self.event(Event::Failed {
            response_type: failure.kind.facts().name,
            cause: failure.cause.clone().into_owned(),
            line: failure.log_line().map(Into::into),
        });
    }

    /// The last line.
    pub(crate) fn completed(&self, status: u16) {
        self.event(Event::Completed { status, failed: self.gave_up.get() });
    }

    fn headers(&self, headers: &HeaderMap) -> Pairs {
        let last = |name: &http::HeaderName| headers.get_all(name).iter().next_back();
        let pairs = headers.keys().filter_map(|name| {
            let value = String::from_utf8_lossy(last(name)?.as_bytes()).into_owned();
            Some((self.spelled(name.as_str()), if print::is_secret(name) { mask(&value) } else { value }))
        });
        print::ordered(pairs)
    }

    /// The text of a test's `log` (rest-admin-api §7).
    pub(crate) fn text(&self, request_id: &str) -> String {
        let mut text = format!("Execution log for request {request_id}\n");
        for step in self.steps.borrow().iter() {
            for line in lines::lines(&step.event, self.logging.get()) {
                text.extend([&date(self.moment(step.at)), " : ", &line.text, "\n"]);
            }
        }
        text
    }

    /// What was recorded.
    pub(crate) fn steps(&self) -> Ref<'_, Vec<Step>> {
        self.steps.borrow()
    }

    /// When the request came.
    pub(crate) fn began(&self) -> UnixMillis {
        self.wall
    }

    fn moment(&self, at: Duration) -> UnixMillis {
        UnixMillis(self.wall.0 + i64::try_from(at.as_millis()).unwrap_or_default())
    }
}

/// `EEE MMM dd HH:mm:ss 'UTC' yyyy`.
fn date(at: UnixMillis) -> String {
    let format =
        format_description!("[weekday repr:short] [month repr:short] [day] [hour]:[minute]:[second] UTC [year]");
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> ExecutionLog {
        ExecutionLog::new(Instant::now(), UnixMillis(1_759_174_130_000), Logging::WHOLE, false)
    }

    #[test]
    fn every_line_but_the_first_is_dated_and_the_last_ends_too() {
        let log = log();
        log.line("one");

        let text = log.text("id");

        assert_eq!(text, "Execution log for request id\nMon Sep 29 19:28:50 UTC 2025 : one\n");
    }

    #[test]
    fn names_keep_the_spelling_they_were_given_and_secrets_only_their_tails() {
        let log = log();
        log.spell("x-MiNe");
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-mine", "1"), ("content-type", "a/b"), ("authorization", "Bearer abcdef")] {
            headers.insert(name, value.parse().unwrap());
        }

        let printed = print::listed(log.headers(&headers));

        assert!(printed.contains("x-MiNe=1") && printed.contains("Content-Type=a/b"), "{printed}");
        assert!(printed.contains("Authorization=*******abcdef"), "{printed}");
    }
}
