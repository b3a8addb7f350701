//! `explain`: a caller with the operator's key gets, beside the answer, every step the gateway took.
//!
//! The answer carries `x-stagecoach-explain-id`; `GET /explain/{id}` on the status listener tells the whole story, for as
//! long as the ring keeps it. A trace that is small enough also travels in `x-stagecoach-explain-trace`, as base64 of the
//! same JSON, for callers that reach a worker through a load balancer only.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::body::ReplyBody;
use crate::core::Core;
use crate::exchange::{Exchange, Ids, Wire};
use crate::execution::event::{Draw, Event};
use crate::execution::lines::Logging;
use crate::execution::{ExecutionLog, Step};
use crate::options::ExplainKey;
use crate::shared::Shared;

/// Carries the key. It never reaches an integration or a log.
pub(crate) const KEY: HeaderName = HeaderName::from_static("x-stagecoach-explain");
pub(crate) const ID: HeaderName = HeaderName::from_static("x-stagecoach-explain-id");
pub(crate) const TRACE: HeaderName = HeaderName::from_static("x-stagecoach-explain-trace");
/// Bytes of a trace that fit into a header: with their base64 well below what proxies take.
const IN_BAND: usize = 4 * 1024;
/// Traces and their bytes that a worker keeps.
const MOST: usize = 256;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The key, and the newest traces. Only requests that bring the key touch the lock.
pub(crate) struct Explain {
    key: ExplainKey,
    ring: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    traces: VecDeque<(String, Bytes)>,
    bytes: usize,
}

impl Explain {
    pub(crate) fn new(key: ExplainKey) -> Self {
        Self { key, ring: Mutex::default() }
    }

    /// A trace, for somebody with the key.
    pub(crate) fn find(&self, headers: &HeaderMap, id: &str) -> Option<Bytes> {
        if !headers.get(KEY).is_some_and(|given| self.key.is(given.as_bytes())) {
            return None;
        }
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.traces.iter().rev().find(|(known, _)| known == id).map(|(_, trace)| trace.clone())
    }

    fn keep(&self, id: &str, trace: Bytes) {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).push(id.to_owned(), trace);
    }
}

impl Ring {
    fn push(&mut self, id: String, trace: Bytes) {
        self.bytes += trace.len();
        self.traces.push_back((id, trace));
        while self.traces.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, oldest)) = self.traces.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }
}

/// Takes the header away, whoever sent it; answers a recorder when it holds the key.
#[cold]
pub(crate) fn begin(core: &Core, parts: &mut Parts, started: Instant) -> Option<Box<ExecutionLog>> {
    let given = parts.headers.remove(KEY)?;
    let explain = core.shared.explain.as_ref()?;
    if !explain.key.is(given.as_bytes()) {
        return None;
    }
    let log = Box::new(ExecutionLog::new(started, core.wall(started), Logging::default(), true));
    let host = parts.uri.host().map(str::to_owned);
    let header = || parts.headers.get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    log.event(Event::Asked {
        method: parts.method.to_string(),
        target: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: host.or_else(header).unwrap_or_default(),
        protocol: Wire::of(parts.version, None).protocol(),
    });
    Some(log)
}

/// The stage, and what a canary's draw (of 2^32) decided.
pub(crate) fn located(log: &ExecutionLog, exchange: &Exchange, draw: Option<u32>) {
    let settings = &exchange.view.settings;
    let percent = |draw: u32| f64::from(draw) / 4_294_967_296.0 * 100.0;
    let canary = exchange.canary.zip(draw).zip(settings.canary.as_ref());
    log.event(Event::Located {
        api: settings.api_id.clone(),
        stage: settings.stage.clone(),
        deployment: exchange.deployment_id().to_owned(),
        canary: canary.map(|((is_canary, draw), canary)| Draw {
            is_canary,
            drawn_percent: percent(draw),
            share_percent: canary.percent,
        }),
    });
}

/// A request that names no stage.
#[cold]
pub(crate) fn not_located(shared: &Shared, ids: &Ids, log: &ExecutionLog, response: &mut Response<ReplyBody>) {
    let status = response.status();
    log.event(Event::NotLocated {});
    log.completed(status.as_u16());
    let trace = in_band(&keep(shared, ids, status, log));
    let id = HeaderValue::from_str(ids.request.as_str()).ok();
    response
        .headers_mut()
        .extend([(TRACE, trace), (ID, id)].into_iter().filter_map(|(name, value)| Some((name, value?))));
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace<'a> {
    request_id: &'a str,
    extended_request_id: &'a str,
    started_at: i64,
    status: u16,
    total_microseconds: u128,
    steps: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    at_microseconds: u128,
    #[serde(flatten)]
    event: &'a Event,
}

/// Puts a finished trace into the ring; answers its JSON.
pub(crate) fn keep(shared: &Shared, ids: &Ids, status: StatusCode, log: &ExecutionLog) -> String {
    let steps = log.steps();
    let shown = steps.iter().map(|Step { at, event }| Shown { at_microseconds: at.as_micros(), event });
    let trace = Trace {
        request_id: ids.request.as_str(),
        extended_request_id: ids.extended(),
        started_at: log.began().0,
        status: status.as_u16(),
        total_microseconds: steps.last().map_or(0, |step| step.at.as_micros()),
        steps: shown.collect(),
    };
    let text = serde_json::to_string(&trace).unwrap_or_default();
    if let Some(explain) = &shared.explain {
        explain.keep(ids.request.as_str(), Bytes::from(text.clone()));
    }
    text
}

/// A trace as a header, if it is small.
pub(crate) fn in_band(trace: &str) -> Option<HeaderValue> {
    (trace.len() <= IN_BAND).then(|| HeaderValue::from_str(&STANDARD.encode(trace)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_within_its_bounds() {
        let explain = Explain::new(ExplainKey::new("a key of some length").unwrap());
        let mut asked = HeaderMap::new();
        asked.insert(KEY, HeaderValue::from_static("a key of some length"));

        (0..300).for_each(|index| explain.keep(&index.to_string(), Bytes::from_static(b"{}")));
        explain.keep("large", Bytes::from(vec![b'x'; MOST_BYTES - 2]));

        assert!(explain.find(&asked, "large").is_some() && explain.find(&asked, "299").is_some());
        assert!(explain.find(&asked, "298").is_none() && explain.find(&asked, "0").is_none());
        asked.insert(KEY, HeaderValue::from_static("another key altogether"));
        assert!(explain.find(&asked, "large").is_none());
    }

    #[test]
    fn only_a_small_trace_travels_in_a_header() {
        assert!(in_band(&"x".repeat(IN_BAND)).is_some());
        assert!(in_band(&"x".repeat(IN_BAND + 1)).is_none());
    }
}
