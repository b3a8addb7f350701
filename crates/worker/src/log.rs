//! Access log lines, buffered per core: never one write per request (performance §5).

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde_json::json;

use crate::exchange::Exchange;

/// Bytes after which a buffer is written.
const FLUSH: usize = 32 * 1024;

/// A core's buffer and its handle on the log.
pub(crate) struct Writer {
    buffer: RefCell<Vec<u8>>,
    file: RefCell<File>,
}

impl Writer {
    /// Opens the log for appending; every core has its own handle.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { buffer: RefCell::new(Vec::with_capacity(FLUSH + 1024)), file: RefCell::new(file) })
    }

    /// Adds a request's line: the stage's format, or a JSON line.
    pub(crate) fn line(&self, exchange: &Exchange) {
        let line = match &exchange.view.log {
            Some(format) => format.render(exchange, "-").replace(['\n', '\r'], " "),
            None => default_line(exchange),
        };
        let mut buffer = self.buffer.borrow_mut();
        buffer.extend_from_slice(line.as_bytes());
        buffer.push(b'\n');
        if buffer.len() >= FLUSH {
            self.write(&mut buffer);
        }
    }

    /// Writes what is buffered.
    pub(crate) fn flush(&self) {
        self.write(&mut self.buffer.borrow_mut());
    }

    fn write(&self, buffer: &mut Vec<u8>) {
        if buffer.is_empty() {
            return;
        }
        if let Err(error) = self.file.borrow_mut().write_all(buffer) {
            tracing::warn!(error = %error, lost.bytes = buffer.len(), "the access log cannot be written");
        }
        buffer.clear();
    }
}

fn default_line(exchange: &Exchange) -> String {
    let context = |name: &str| exchange.context(name);
    let line = json!({
        "requestId": exchange.ids.request.as_str(),
        "extendedRequestId": exchange.ids.extended(),
        "ip": context("identity.sourceIp"),
        "requestTime": exchange.request_time(),
        "requestTimeEpoch": exchange.wall.0,
        "httpMethod": exchange.verb_text(),
        "apiId": exchange.view.settings.api_id,
        "stage": exchange.view.settings.stage,
        "deploymentId": exchange.deployment_id(),
        "canary": exchange.canary,
        "resourcePath": context("resourcePath"),
        "path": exchange.full_path(),
        "status": exchange.notes.status,
        "protocol": "HTTP/1.1",
        "responseLength": exchange.notes.length,
        "latencyMs": u64::try_from(exchange.notes.latency_ms).unwrap_or(u64::MAX),
        "integrationLatencyMs": exchange.notes.integration_latency_ms.and_then(|ms| u64::try_from(ms).ok()),
        "integrationStatus": exchange.notes.integration_status,
        "errorType": exchange.notes.error_type,
        "userAgent": context("identity.userAgent"),
    });
    line.to_string()
}

/// A text with `$context.x` and `$stageVariables.x` in it: access log formats and gateway response templates.
pub(crate) struct Format(Vec<Segment>);

enum Segment {
    Text(Box<str>),
    Context(Box<str>),
    StageVariable(Box<str>),
}

impl Format {
    pub(crate) fn parse(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, tail) = rest.split_at(at);
            let known = [("$context.", true), ("$stageVariables.", false)];
            let found = known.into_iter().find_map(|(prefix, context)| Some((tail.strip_prefix(prefix)?, context)));
            let Some((after, context)) = found else {
                segments.push(Segment::Text(format!("{before}$").into()));
                rest = tail.get(1..).unwrap_or_default();
                continue;
            };
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_').unwrap_or(after.len());
            let name = after.get(..end).unwrap_or_default().trim_end_matches('.');
            segments.push(Segment::Text(before.into()));
            segments.push(if context { Segment::Context(name.into()) } else { Segment::StageVariable(name.into()) });
            rest = after.get(name.len()..).unwrap_or_default();
        }
        segments.push(Segment::Text(rest.into()));
        Self(segments)
    }

    /// The text; `missing` stands for values that are not there.
    pub(crate) fn render(&self, exchange: &Exchange, missing: &str) -> String {
        let mut text = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Text(literal) => text.push_str(literal),
                Segment::Context(name) => text.push_str(exchange.context(name).as_deref().unwrap_or(missing)),
                Segment::StageVariable(name) => text.push_str(exchange.stage_variable(name).unwrap_or(missing)),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_cut_at_their_variables() {
        let Format(segments) = Format::parse("a $context.identity.sourceIp. $5 $stageVariables.x");

        let names: Vec<String> = segments
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => format!("'{text}'"),
                Segment::Context(name) => format!("c:{name}"),
                Segment::StageVariable(name) => format!("v:{name}"),
            })
            .collect();
        assert_eq!(names, ["'a '", "c:identity.sourceIp", "'. $'", "'5 '", "v:x", "''"]);
    }
}
