//! The front door: one runtime and one listener per core, guarded connections (reliability §3.2).

pub(crate) mod connection;
pub(crate) mod guarded;
pub(crate) mod listen;
pub(crate) mod scan;
mod served;
pub(crate) mod tls;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use http::HeaderValue;

use crate::exchange::TlsFacts;
use crate::names::Waiting;

/// What the requests of a connection share.
pub(crate) struct Peer {
    pub(crate) tls: bool,
    /// What the handshake agreed on.
    pub(crate) agreed: Option<TlsFacts>,
    /// The client's address and the port it called: `X-Forwarded-For` and `X-Forwarded-Port` of a request that brings none.
    pub(crate) forwarded: [HeaderValue; 2],
    pub(crate) activity: Rc<Activity>,
}

impl Peer {
    pub(crate) fn new(remote: SocketAddr, tls: bool, local_port: u16) -> Self {
        let address = HeaderValue::from_str(&remote.ip().to_string());
        let address = address.unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        let forwarded = [address, HeaderValue::from(local_port)];
        Self { tls, agreed: None, forwarded, activity: Rc::default() }
    }
}

/// What a connection is doing, for its watchdog.
#[derive(Default)]
pub(crate) struct Activity {
    /// Requests being answered, and answers that wait for a back end.
    pub(crate) active: Cell<u32>,
    /// Requests answered.
    pub(crate) served: Cell<u64>,
    /// Header names of requests that are to be answered.
    pub(crate) names: Rc<Waiting>,
}
