//! The execution log of one request (rest-data-plane §10.2): what TestInvokeMethod answers with, and what a stage's log is
//! made of. A request without one pays for a null check; only its recorder formats anything.

mod print;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::response::Parts;
use http::{HeaderMap, Request, Response};
use stagecoach_base::UnixMillis;
use stagecoach_plan::target::Endpoint;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::body::UpstreamBody;
use crate::exchange::Exchange;
use crate::failure::Failure;

pub(crate) use print::{map, mask};

/// A line and when it was written.
struct Line {
    at: UnixMillis,
    text: String,
}

/// Records the lines of one request. Interior mutability, because most steps of the pipeline only read the exchange.
pub(crate) struct ExecutionLog {
    started: Instant,
    wall: UnixMillis,
    lines: RefCell<Vec<Line>>,
    /// Header names as somebody wrote them, by their lower-case form.
    spellings: RefCell<BTreeMap<String, String>>,
    /// An authorizer is called: its endpoint's answer has one line of its own.
    authorizing: Cell<bool>,
    /// Where the lines of the endpoint's request begin.
    mark: Cell<usize>,
}

impl ExecutionLog {
    pub(crate) fn new(started: Instant, wall: UnixMillis) -> Self {
        Self {
            started,
            wall,
            lines: RefCell::default(),
            spellings: RefCell::default(),
            authorizing: Cell::new(false),
            mark: Cell::new(0),
        }
    }

    /// Adds a line.
    pub(crate) fn line(&self, text: impl Into<String>) {
        let since = i64::try_from(self.started.elapsed().as_millis()).unwrap_or_default();
        self.lines.borrow_mut().push(Line { at: UnixMillis(self.wall.0 + since), text: text.into() });
    }

    /// Adds a line with a value that is cut when it is long.
    pub(crate) fn value(&self, label: &str, value: &str) {
        self.line(format!("{label}: {}", print::cut(value)));
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
        self.line(format!("Starting execution for request: {}", exchange.ids.request.as_str()));
        self.line(format!("HTTP Method: {}, Resource Path: {}", exchange.verb_text(), exchange.path()));
        self.value("Method request path", &map(exchange.variables()));
        let query = exchange.query();
        let query: BTreeMap<&str, &str> = query.pairs().collect();
        self.value("Method request query string", &map(query));
        self.value("Method request headers", &self.headers(&exchange.headers));
        self.value("Method request body before transformations", &print::body(body));
    }

    /// What the endpoint is about to be sent.
    pub(crate) fn endpoint_request(&self, endpoint: &Endpoint, request: &Request<UpstreamBody>) {
        self.mark.set(self.lines.borrow().len());
        let scheme = if endpoint.tls { "https" } else { "http" };
        let uri = format!("{scheme}://{}{}", endpoint.authority, request.uri());
        self.value("Endpoint request URI", &uri);
        let mut headers = request.headers().clone();
        headers.remove(http::header::HOST);
        self.value("Endpoint request headers", &self.headers(&headers));
        let body = request.body().at_hand().map(|body| print::body(body)).unwrap_or_default();
        self.value("Endpoint request body after transformations", &body);
        self.line(format!("Sending request to {uri}"));
    }

    /// The endpoint has no address that may be called: AWS then says nothing of the request [V
    /// api/test_failed_invoke_test_method].
    pub(crate) fn withdraw_endpoint_request(&self) {
        self.lines.borrow_mut().truncate(self.mark.get());
    }

    /// The head of the endpoint's answer.
    pub(crate) fn endpoint_response<B>(&self, response: &Response<B>, took: Duration) {
        if self.authorizing.get() {
            return;
        }
        let (status, took) = (response.status().as_u16(), took.as_millis());
        self.line(format!("Received response. Status: {status}, Integration latency: {took} ms"));
        let headers = response.headers().iter();
        // In the order of the wire, unlike every other map.
        let headers =
            headers.map(|(name, value)| (self.spelled(name.as_str()), String::from_utf8_lossy(value.as_bytes())));
        self.value("Endpoint response headers", &print::listed(headers));
    }

    /// The body of the endpoint's answer.
    pub(crate) fn endpoint_body(&self, body: &Bytes) {
        if !self.authorizing.get() {
            self.value("Endpoint response body before transformations", &print::body(body));
        }
    }

    /// The client's answer.
    pub(crate) fn method_response(&self, head: &Parts, body: &Bytes) {
        self.value("Method response body after transformations", &print::body(body));
        self.value("Method response headers", &self.headers(&head.headers));
        self.line("Successfully completed execution");
        self.completed(head.status.as_u16());
    }

    /// Why there is no answer but the gateway's own.
    pub(crate) fn failed(&self, failure: &Failure) {
        if let Some(text) = failure.log_line() {
            self.line(text);
        }
    }

    /// The last line.
    pub(crate) fn completed(&self, status: u16) {
        self.line(format!("Method completed with status: {status}"));
    }

    fn headers(&self, headers: &HeaderMap) -> String {
        let last = |name: &http::HeaderName| headers.get_all(name).iter().next_back();
        let pairs = headers.keys().filter_map(|name| {
            let value = String::from_utf8_lossy(last(name)?.as_bytes()).into_owned();
            Some((self.spelled(name.as_str()), if print::is_secret(name) { mask(&value) } else { value }))
        });
        map(pairs)
    }

    /// The text of a test's `log` (rest-admin-api §7).
    pub(crate) fn text(&self, request_id: &str) -> String {
        let mut text = format!("Execution log for request {request_id}\n");
        for line in self.lines.borrow().iter() {
            text.extend([&date(line.at), " : ", &line.text, "\n"]);
        }
        text
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
        ExecutionLog::new(Instant::now(), UnixMillis(1_759_174_130_000))
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

        let printed = log.headers(&headers);

        assert!(printed.contains("x-MiNe=1") && printed.contains("Content-Type=a/b"), "{printed}");
        assert!(printed.contains("Authorization=*******abcdef"), "{printed}");
    }
}
