//! The front door: one runtime and one listener per core, guarded connections (reliability §3.2).

pub(crate) mod connection;
pub(crate) mod guarded;
pub(crate) mod listen;
pub(crate) mod scan;
pub(crate) mod tls;

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

/// What the requests of a connection share.
pub(crate) struct Peer {
    pub(crate) remote: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) local_port: u16,
    pub(crate) activity: Rc<Activity>,
}

/// What a connection is doing, for its watchdog.
#[derive(Default)]
pub(crate) struct Activity {
    /// Requests being answered.
    pub(crate) active: Cell<u32>,
    /// Requests answered.
    pub(crate) served: Cell<u64>,
}
