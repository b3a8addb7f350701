//! Idle connections by endpoint. One pool per core: nothing is shared, nothing is locked (performance §4).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::SendRequest;

use super::{Call, SendError, connect};
use crate::body::UpstreamBody;
use crate::shared::Shared;

/// An idle connection older than this is closed; most servers wait longer.
const IDLE: Duration = Duration::from_secs(50);
/// Idle connections kept per endpoint.
const MOST_IDLE: usize = 512;

/// Clear text, TLS, TLS without certificate checks; each for endpoints of definitions and for those of the operator. A
/// definition must not come by a connection to an address that it may not reach.
const MODES: usize = 6;

type Sender = SendRequest<UpstreamBody>;

struct Idle {
    sender: Sender,
    since: Instant,
}

type ByAuthority = HashMap<Box<str>, Vec<Idle>, RandomState>;

struct Inner {
    shared: Arc<Shared>,
    idle: [RefCell<ByAuthority>; MODES],
    opened: Cell<u64>,
}

/// This core's connections.
#[derive(Clone)]
pub(crate) struct Pool(Rc<Inner>);

fn mode(call: Call<'_>) -> usize {
    let security = match (call.endpoint.tls, call.insecure) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    if call.trusted { security + MODES / 2 } else { security }
}

impl Pool {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Rc::new(Inner { shared, idle: Default::default(), opened: Cell::new(0) }))
    }

    /// The most recently used idle connection that is still open.
    pub(crate) async fn take(&self, call: Call<'_>) -> Option<Lease> {
        let mode = mode(call);
        loop {
            let mut idle = self.pop(mode, &call.endpoint.authority)?;
            // A connection whose last answer just ended is ready within its next turn; a closed one says so.
            if idle.sender.is_ready() || idle.sender.ready().await.is_ok() {
                return Some(self.lease(mode, call, idle.sender, true));
            }
        }
    }

    fn pop(&self, mode: usize, authority: &str) -> Option<Idle> {
        let mut endpoints = self.0.idle.get(mode)?.borrow_mut();
        let list = endpoints.get_mut(authority)?;
        while let Some(idle) = list.pop() {
            if !idle.sender.is_closed() {
                return Some(idle);
            }
        }
        None
    }

    /// A new connection.
    pub(crate) async fn connect(&self, call: Call<'_>) -> Result<Lease, SendError> {
        let sender = connect::connect(&self.0.shared, call).await?;
        self.0.opened.set(self.0.opened.get() + 1);
        Ok(self.lease(mode(call), call, sender, false))
    }

    fn lease(&self, mode: usize, call: Call<'_>, sender: Sender, reused: bool) -> Lease {
        Lease { pool: self.clone(), mode, host: call.endpoint.host.clone(), sender: Some(sender), reused }
    }

    fn put(&self, mode: usize, authority: &str, sender: Sender) {
        let Some(endpoints) = self.0.idle.get(mode) else { return };
        let (mut endpoints, idle) = (endpoints.borrow_mut(), Idle { sender, since: Instant::now() });
        match endpoints.get_mut(authority) {
            Some(list) if list.len() >= MOST_IDLE => {}
            Some(list) => list.push(idle),
            None => drop(endpoints.insert(authority.into(), vec![idle])),
        }
    }

    /// Closes what has been idle for long, and forgets endpoints without connections.
    pub(crate) fn sweep(&self, now: Instant) {
        for idle in &self.0.idle {
            idle.borrow_mut().retain(|_, list| {
                list.retain(|idle| !idle.sender.is_closed() && now.saturating_duration_since(idle.since) < IDLE);
                !list.is_empty()
            });
        }
    }
}

/// A connection in use. It goes back to the pool when its answer has been read to the end, and is closed otherwise.
pub(crate) struct Lease {
    pool: Pool,
    mode: usize,
    /// The endpoint's authority; shared with it, so that a lease allocates nothing.
    host: HeaderValue,
    sender: Option<Sender>,
    reused: bool,
}

impl Lease {
    /// Sends a request. It is on its way when this returns: the future is that of its answer, and does not carry it.
    pub(crate) fn send(
        &mut self,
        request: Request<UpstreamBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<UpstreamBody>>>> + use<> {
        let sending = self.sender.as_mut().map(|sender| sender.try_send_request(request));
        async move {
            match sending {
                Some(sending) => sending.await,
                // A lease is sent on once, before it is finished.
                None => std::future::pending().await,
            }
        }
    }

    /// Whether the connection was idle in the pool before.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    /// The answer was read to its end.
    pub(crate) fn finish(&mut self) {
        if let Some(sender) = self.sender.take() {
            self.pool.put(self.mode, self.host.to_str().unwrap_or_default(), sender);
        }
    }
}
