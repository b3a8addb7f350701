//! One request with everything that was decided about it. It only moves forward (invariant 5).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use http::uri::Uri;
use stagecoach_base::{UnixMillis, Verb};
use stagecoach_plan::{Method, Release};
use time::OffsetDateTime;

use crate::body::FirstContent;
use crate::execution::ExecutionLog;
use crate::guard::Seen;
use crate::ids::RequestId;
use crate::names::Waiting;
use crate::query::Query;
use crate::table::StageView;

/// A value that is at hand.
#[expect(clippy::unnecessary_wraps, reason = "an arm like the others")]
fn text(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A number below 100 in two digits.
fn push_two(text: &mut String, number: u8) {
    text.extend([char::from(b'0' + number / 10), char::from(b'0' + number % 10)]);
}

/// `dd/MMM/yyyy:HH:mm:ss +0000`. By hand: it is part of every event.
fn clf_time(at: UnixMillis) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, time) = (moment.date(), moment.time());
    let month = MONTHS.get(usize::from(u8::from(date.month())).saturating_sub(1)).copied().unwrap_or_default();
    let mut text = String::with_capacity(26);
    push_two(&mut text, date.day());
    text.extend(["/", month, "/"]);
    let year = date.year().unsigned_abs();
    [year / 100, year % 100].into_iter().for_each(|part| push_two(&mut text, u8::try_from(part).unwrap_or_default()));
    for part in [time.hour(), time.minute(), time.second()] {
        text.push(':');
        push_two(&mut text, part);
    }
    text.push_str(" +0000");
    text
}

/// A located and routed request.
pub(crate) struct Exchange {
    pub(crate) view: Arc<StageView>,
    pub(crate) release: Arc<Release>,
    /// Whether the canary serves; `None` while the stage has no canary settings.
    pub(crate) canary: Option<bool>,
    pub(crate) method: Option<u32>,
    pub(crate) verb: Option<Verb>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    /// Their names as the client wrote them.
    pub(crate) names: Rc<Waiting>,
    pub(crate) user_agent: Option<HeaderValue>,
    /// Where the calling page is from, on stages that answer preflights.
    pub(crate) origin: Option<HeaderValue>,
    pub(crate) host: HeaderValue,
    pub(crate) seen: Seen,
    pub(crate) forwarded: [HeaderValue; 2],
    /// Where the path behind the stage begins.
    pub(crate) rest: usize,
    pub(crate) variables: Vec<Range<usize>>,
    pub(crate) tls: bool,
    /// What the client speaks.
    pub(crate) wire: Wire,
    pub(crate) ids: Ids,
    pub(crate) started: Instant,
    pub(crate) wall: UnixMillis,
    pub(crate) notes: Notes,
    /// Records what happens; `None` for a request whose log nobody reads.
    pub(crate) execution: Option<Box<ExecutionLog>>,
    /// A test's request: it comes from nowhere and its path has no stage (rest-admin-api §7).
    pub(crate) test: bool,
}

/// Ids of a request.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) request: RequestId,
    pub(crate) extended: [u8; 16],
}

impl Ids {
    pub(crate) fn extended(&self) -> &str {
        std::str::from_utf8(&self.extended).unwrap_or_default()
    }
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wire {
    pub(crate) http2: bool,
    pub(crate) tls: Option<TlsFacts>,
}

impl Wire {
    pub(crate) fn of(version: http::Version, tls: Option<TlsFacts>) -> Self {
        Self { http2: version == http::Version::HTTP_2, tls }
    }

    /// As access logs name it.
    pub(crate) fn protocol(self) -> &'static str {
        if self.http2 { "HTTP/2.0" } else { "HTTP/1.1" }
    }
}

/// What a TLS handshake agreed on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsFacts {
    pub(crate) version: &'static str,
    pub(crate) cipher: &'static str,
}

/// What became of the request, for the access log.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) status: u16,
    pub(crate) length: u64,
    pub(crate) latency_ms: u128,
    /// Of the integration; a proxy function's own `statusCode`.
    pub(crate) integration_status: Option<u16>,
    /// Of the service that ran a function.
    pub(crate) service_status: Option<u16>,
    /// Why the integration failed.
    pub(crate) integration_error: Option<Cow<'static, str>>,
    pub(crate) integration_latency_ms: Option<u128>,
    /// When the first byte of the integration's body came.
    pub(crate) first_content: Option<FirstContent>,
    pub(crate) endpoint_request_id: Option<String>,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) error_message: Option<Cow<'static, str>>,
    pub(crate) validation_error: Option<String>,
    pub(crate) trace: Option<String>,
}

impl Exchange {
    /// The execution log, where there is one.
    pub(crate) fn log(&self) -> Option<&ExecutionLog> {
        self.execution.as_deref()
    }

    /// The routed method. Set before anything that asks for it runs.
    pub(crate) fn method(&self) -> Option<&Method> {
        self.release.method(self.method?)
    }

    /// The raw path behind the stage.
    pub(crate) fn path(&self) -> &str {
        self.uri.path().get(self.rest..).unwrap_or_default()
    }

    /// The path as the client sees it under its stage, `/{stage}/…`.
    pub(crate) fn full_path(&self) -> String {
        let path = self.path();
        if self.test {
            return path.to_owned();
        }
        format!("/{}{}{path}", self.view.settings.stage, if path.is_empty() { "/" } else { "" })
    }

    /// The path behind the stage with one leading slash (`path` of a Lambda event).
    pub(crate) fn event_path(&self) -> String {
        format!("/{}", self.path().trim_start_matches('/'))
    }

    /// A raw path variable.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let index = self.method()?.variables.iter().position(|known| &**known == name)?;
        self.path().get(self.variables.get(index)?.clone())
    }

    /// All path variables.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.method().map_or(&[][..], |method| &method.variables);
        names.iter().zip(&self.variables).filter_map(|(name, range)| Some((&**name, self.path().get(range.clone())?)))
    }

    /// Stage variables, the canary's overrides laid over for canary requests.
    pub(crate) fn stage_variables(&self) -> &BTreeMap<String, String> {
        match (self.canary, &self.view.canary) {
            (Some(true), Some(canary)) => &canary.variables,
            _ => &self.view.settings.variables,
        }
    }

    pub(crate) fn stage_variable(&self, name: &str) -> Option<&str> {
        self.stage_variables().get(name).map(String::as_str)
    }

    /// The deployment that serves.
    pub(crate) fn deployment_id(&self) -> &str {
        match (self.canary, &self.view.settings.canary) {
            (Some(true), Some(canary)) => &canary.deployment_id,
            _ => &self.view.settings.deployment_id,
        }
    }

    pub(crate) fn query(&self) -> Query<'_> {
        Query::parse(self.uri.query().unwrap_or_default())
    }

    pub(crate) fn resource_id(&self) -> &str {
        let own = self.method().and_then(|method| method.resource_id.as_deref());
        own.unwrap_or(&self.view.settings.root_resource_id)
    }

    pub(crate) fn verb_text(&self) -> &'static str {
        self.verb.map_or("", Verb::as_str)
    }

    /// `dd/MMM/yyyy:HH:mm:ss +0000`.
    pub(crate) fn request_time(&self) -> String {
        clf_time(self.wall)
    }

    pub(crate) fn host(&self) -> &str {
        self.host.to_str().unwrap_or_default()
    }

    /// The caller's address as text; a test has AWS's stand-in.
    pub(crate) fn source_ip(&self) -> &str {
        let [address, _] = &self.forwarded;
        if self.test { "test-invoke-source-ip" } else { address.to_str().unwrap_or_default() }
    }

    /// The client's headers to send on. What the API's gateway responses read stays here.
    pub(crate) fn take_headers(&mut self) -> HeaderMap {
        let mut kept = HeaderMap::new();
        for name in &self.release.kept_headers {
            for value in self.headers.get_all(name) {
                kept.append(name, value.clone());
            }
        }
        std::mem::replace(&mut self.headers, kept)
    }

    /// Notes the client's agent before its headers move on.
    pub(crate) fn note_user_agent(&mut self) {
        self.user_agent = self.headers.get(USER_AGENT).cloned();
    }

    /// A `$context` variable (rest-data-plane §5.4); `None` prints as missing. What only access logs have is in
    /// `log::access`.
    pub(crate) fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        let settings = &self.view.settings;
        match name {
            "accountId" => text(&settings.account),
            "apiId" => text(&settings.api_id),
            "stage" => text(&settings.stage),
            "deploymentId" => text(self.deployment_id()),
            "resourceId" => text(self.resource_id()),
            "resourcePath" => self.method().and_then(|method| text(&method.path)),
            "operationName" => self.method()?.operation_name.as_deref().and_then(text),
            "httpMethod" => text(self.verb_text()),
            "path" => Some(Cow::Owned(self.full_path())),
            "protocol" => text("HTTP/1.1"),
            "requestId" => text(self.ids.request.as_str()),
            "extendedRequestId" => text(self.ids.extended()),
            "requestTime" => Some(Cow::Owned(self.request_time())),
            "requestTimeEpoch" => Some(Cow::Owned(self.wall.0.to_string())),
            "domainName" => text(self.host()),
            "domainPrefix" => self.host().split('.').next().and_then(text),
            "identity.sourceIp" => text(self.source_ip()),
            // A test has AWS's stand-ins for a key.
            "identity.apiKey" if self.test => text("test-invoke-api-key"),
            "identity.apiKeyId" if self.test => text("test-invoke-api-key-id"),
            "identity.userAgent" => {
                let agent = self.user_agent.as_ref().or_else(|| self.headers.get(USER_AGENT));
                agent.and_then(|agent| agent.to_str().ok()).and_then(text)
            }
            "isCanaryRequest" => self.canary.and_then(|canary| text(if canary { "true" } else { "false" })),
            "awsEndpointRequestId" => self.notes.endpoint_request_id.as_deref().and_then(text),
            "error.responseType" => self.notes.error_type.and_then(text),
            "error.message" => self.notes.error_message.as_deref().and_then(text),
            "error.messageString" => {
                // An error without a text is `null` (rest-data-plane §2.2, rule 4).
                let message = self.notes.error_type.map(|_| self.notes.error_message.as_deref())?;
                Some(message.map_or(Cow::Borrowed("null"), |text| serde_json::Value::from(text).to_string().into()))
            }
            "error.validationErrorString" => self.notes.validation_error.as_deref().and_then(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::format_description;

    use super::*;

    #[test]
    fn times_are_written_as_the_common_log_format_writes_them() {
        let format = format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");

        for seconds in (0..400).map(|step| step * 10_123_457) {
            let written = OffsetDateTime::from_unix_timestamp(seconds).unwrap().format(format).unwrap();
            assert_eq!(clf_time(UnixMillis(seconds * 1000)), written);
        }
    }
}
