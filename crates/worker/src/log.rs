//! Logs of traffic: lines are gathered per core and written in the background (performance §5).

pub(crate) mod access;
mod output;
pub(crate) mod writer;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::exchange::Exchange;
use crate::options::Options;
use writer::{Batch, Writer};

/// Bytes and lines after which a buffer is handed over.
const FLUSH: usize = 32 * 1024;
pub(crate) const MOST_LINES: u64 = 256;
/// How long a worker that leaves waits for the last lines to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The writers of a worker, by the name their metrics carry.
#[derive(Default)]
pub(crate) struct Logs {
    pub(crate) access: Option<Arc<Writer>>,
    pub(crate) execution: Option<Arc<Writer>>,
}

impl Logs {
    /// Starts the writers; logs with one destination share one.
    ///
    /// # Errors
    /// A destination that cannot be opened.
    pub(crate) fn start(options: &Options) -> io::Result<Self> {
        let start = |target| Writer::start(target, options.log_buffer).map(Arc::new);
        let access = options.access_log.as_ref().map(start).transpose()?;
        let shared = access.clone().filter(|_| options.access_log == options.execution_log);
        let execution = match shared {
            Some(writer) => Some(writer),
            None => options.execution_log.as_ref().map(start).transpose()?,
        };
        Ok(Self { access, execution })
    }

    /// Every writer once, with its log's name.
    pub(crate) fn writers(&self) -> impl Iterator<Item = (&'static str, &Arc<Writer>)> {
        let same = self.access.as_ref().zip(self.execution.as_ref()).is_some_and(|(a, b)| Arc::ptr_eq(a, b));
        let access = self.access.iter().map(move |writer| (if same { "all" } else { "access" }, writer));
        access.chain(self.execution.iter().filter(move |_| !same).map(|writer| ("execution", writer)))
    }

    /// Opens files again: they were rotated.
    pub(crate) fn reopen(&self) {
        self.writers().for_each(|(_, writer)| writer.reopen());
    }

    /// Waits until everything is written, but not for ever.
    pub(crate) async fn close(&self) {
        for (_, writer) in self.writers() {
            writer.flush(LAST_WORDS).await;
        }
    }
}

/// A core's buffer of one log.
pub(crate) struct Buffer {
    writer: Arc<Writer>,
    batch: RefCell<Batch>,
}

impl Buffer {
    pub(crate) fn new(writer: &Arc<Writer>) -> Self {
        Self { writer: Arc::clone(writer), batch: RefCell::default() }
    }

    /// Adds what `fill` appends and ends the line.
    pub(crate) fn line(&self, fill: impl FnOnce(&mut Vec<u8>)) {
        let mut batch = self.batch.borrow_mut();
        if batch.bytes.capacity() == 0 {
            batch.bytes.reserve(FLUSH + 1024);
        }
        fill(&mut batch.bytes);
        batch.bytes.push(b'\n');
        batch.lines += 1;
        if batch.bytes.len() >= FLUSH || batch.lines >= MOST_LINES {
            self.writer.send(std::mem::take(&mut batch));
        }
    }

    /// Adds a request's access log line: the stage's format, or a JSON line.
    pub(crate) fn access(&self, exchange: &Exchange) {
        self.line(|line| match &exchange.view.log {
            Some(format) => format.write(exchange, line),
            None => line.extend_from_slice(default_line(exchange).as_bytes()),
        });
    }

    /// Hands over what is there.
    pub(crate) fn flush(&self) {
        let mut batch = self.batch.borrow_mut();
        if batch.lines > 0 {
            self.writer.send(std::mem::take(&mut batch));
        }
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
        "protocol": exchange.wire.protocol(),
        "responseLength": exchange.notes.length,
        "latencyMs": u64::try_from(exchange.notes.latency_ms).unwrap_or(u64::MAX),
        "integrationLatencyMs": exchange.notes.integration_latency_ms.and_then(|ms| u64::try_from(ms).ok()),
        "integrationStatus": exchange.notes.integration_status,
        "errorType": exchange.notes.error_type,
        "userAgent": context("identity.userAgent"),
    });
    line.to_string()
}
