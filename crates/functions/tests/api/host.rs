//! A Lambda API over SQLite in a temporary folder, with an invoker that counts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_base::{Clock, Entropy, Scope, UnixMillis};
use stagecoach_functions::{
    Answer, Answered, Caller, EventOptions, Functions, Invocation, InvokeError, Invoked, Invoker, Parts, Pending,
    Runnable,
};
use stagecoach_store::{Store, StoreOptions};
use stagecoach_wire::Reply;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

struct Tick;

impl Clock for Tick {
    fn now(&self) -> Instant {
        Instant::now() + Duration::from_millis(LATER.get().unsigned_abs())
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(1_700_000_000_000 + LATER.get())
    }
}

thread_local! {
    static LATER: Cell<i64> = const { Cell::new(0) };
}

/// Moves both clocks of this test, which runs on one thread, forward.
pub(crate) fn later(ms: i64) {
    LATER.set(LATER.get() + ms);
}

struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let number = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }
}

/// Answers what it is told to, and keeps what it was asked.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) calls: Mutex<Vec<(Arc<Runnable>, Invocation)>>,
    pub(crate) retired: Mutex<Vec<String>>,
    pub(crate) provisioned: Mutex<Vec<(String, usize)>>,
    pub(crate) answers: Mutex<Vec<Result<Answer, InvokeError>>>,
}

impl Invoker for Fake {
    fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Pending<'_, Result<Invoked, InvokeError>> {
        Box::pin(async move {
            let echo = invocation.payload.clone();
            self.calls.lock().unwrap().push((runnable, invocation));
            let answer = self.answers.lock().unwrap().pop().unwrap_or(Ok(Answer::Whole(echo)));
            answer.map(|answer| Invoked { answer, log_tail: b"a log line".to_vec() })
        })
    }

    fn provision(&self, runnable: Arc<Runnable>, count: usize) -> Pending<'_, Result<(), InvokeError>> {
        Box::pin(async move {
            self.provisioned.lock().unwrap().push((runnable.version.clone(), count));
            Ok(())
        })
    }

    fn retire<'a>(&'a self, arn: &'a str) -> Pending<'a, ()> {
        Box::pin(async move { self.retired.lock().unwrap().push(arn.to_owned()) })
    }
}

/// The API under test.
pub(crate) struct Host {
    pub(crate) functions: Functions,
    pub(crate) fake: Arc<Fake>,
    pub(crate) store: Store,
    pub(crate) home: tempfile::TempDir,
}

impl Host {
    pub(crate) async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = opened(&format!("sqlite://{}", home.path().join("db").display())).await;
        let fake = Arc::new(Fake::default());
        let functions = over(&store, fake.clone(), home.path()).following_the_head();
        Self { functions, fake, store, home }
    }

    /// Sends a request; answers status, error type (or empty) and body.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let sent = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let reply = self.send(method, path, &[], sent).await;
        let kind = reply.headers.get("x-amzn-errortype").map_or("", |value| value.to_str().unwrap());
        (reply.status, kind.to_owned(), serde_json::from_slice(&reply.body).unwrap_or_default())
    }

    pub(crate) async fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, kind, answer) = self.call(method, path, body).await;
        assert!(status < 300, "{method} {path}: {status} {kind} {answer}");
        answer
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        send(&self.functions, method, path, headers, body).await
    }

    pub(crate) async fn answer(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answered {
        answer(&self.functions, method, path, headers, body).await
    }

    pub(crate) async fn create(&self, name: &str) -> Value {
        self.ok("POST", "/2015-03-31/functions", &function(name)).await
    }
}

async fn answer(to: &Functions, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Answered {
    let request = http::Request::builder().method(method).uri(path).extension(Caller("AKIATEST".into()));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    to.handle(&parts, body).await
}

/// Sends a request to a host.
pub(crate) async fn send(to: &Functions, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
    match answer(to, method, path, headers, body).await {
        Answered::Whole(reply) => reply,
        Answered::Stream(..) => panic!("a stream was not asked for"),
    }
}

pub(crate) async fn opened(url: &str) -> Store {
    let store = Store::open(url, &StoreOptions::default()).await.unwrap();
    store.migrate("test").await.unwrap();
    store
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(Tick)
}

/// A generator of its own for every host: two that drew alike would give the same ids.
pub(crate) fn entropy() -> Arc<dyn Entropy> {
    static HOSTS: AtomicU64 = AtomicU64::new(0);
    Arc::new(Counting(AtomicU64::new(7 + (HOSTS.fetch_add(1, Ordering::Relaxed) << 40))))
}

/// Another host over the same store.
pub(crate) fn over(store: &Store, invoker: Arc<dyn Invoker>, home: &std::path::Path) -> Functions {
    let parts = Parts {
        store: store.clone(),
        scope: Scope::default(),
        clock: clock(),
        entropy: entropy(),
        invoker,
        concurrency: 1000,
    };
    let events = EventOptions { retry_delays: [Duration::ZERO; 2], ..EventOptions::default() };
    Functions::new(parts, home).with_events(events)
}

pub(crate) fn function(name: &str) -> Value {
    json!({
        "FunctionName": name, "Runtime": "python3.12", "Handler": "app.handler", "Role": "arn:aws:iam::000000000000:role/r",
        "Code": { "ZipFile": zip(&[("app.py", "def handler(event, context): return event")]) },
        "Environment": { "Variables": { "COLOUR": "red" } }, "Timeout": 7,
    })
}

/// A package, base64.
pub(crate) fn zip(entries: &[(&str, &str)]) -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    STANDARD.encode(writer.finish().unwrap().into_inner())
}

/// The variables of the last invocation.
pub(crate) fn variables(fake: &Fake) -> BTreeMap<String, String> {
    fake.calls.lock().unwrap().last().unwrap().0.variables.clone()
}

pub(crate) async fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    for _ in 0..500 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}
