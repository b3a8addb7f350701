//! A core's thread: its runtime, its listeners, its connections.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use socket2::{Domain, Protocol as SocketProtocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::connection::{Protocol, Serving, serve};
use super::{Peer, tls};
use crate::core::Core;
use crate::deadline;
use crate::shared::Shared;

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often buffers are flushed and idle upstream connections looked at.
const TICK: Duration = Duration::from_secs(1);

/// A socket that shares its port with those of the other cores.
///
/// # Errors
/// When the address cannot be bound.
pub(crate) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(SocketProtocol::TCP)).map_err(named)?;
    socket.set_reuse_address(true).map_err(named)?;
    socket.set_reuse_port(true).map_err(named)?;
    socket.set_nonblocking(true).map_err(named)?;
    socket.bind(&address.into()).map_err(named)?;
    socket.listen(4096).map_err(named)?;
    Ok(socket.into())
}

/// What a core listens on.
pub(crate) struct Sockets {
    pub(crate) plain: std::net::TcpListener,
    pub(crate) tls: Option<(std::net::TcpListener, Arc<ServerConfig>)>,
}

/// When a core is to stop.
#[derive(Clone)]
pub(crate) struct Stop {
    /// No new connections, idle ones are closed.
    pub(crate) close: CancellationToken,
    /// Whatever is left is dropped.
    pub(crate) abort: CancellationToken,
}

/// Runs a core on the calling thread until all its connections have ended after `stop.close`, or `stop.abort`.
///
/// # Errors
/// When the runtime cannot be made or a socket not be registered.
pub(crate) fn run(shared: Arc<Shared>, index: usize, sockets: Sockets, stop: Stop) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async move {
        let core = Rc::new(Core::new(shared, index));
        tokio::task::spawn_local(tick(core.clone()));
        tokio::task::spawn_local(watch_deadlines(core.clone()));
        let plain = TcpListener::from_std(sockets.plain)?;
        let tasks = Tasks::default();
        let accepting = accept_all(&core, plain, sockets.tls, &stop, &tasks);
        tokio::select! {
            done = accepting => done?,
            () = stop.abort.cancelled() => {}
        }
        tokio::select! {
            () = tasks.wait() => {}
            () = stop.abort.cancelled() => {}
        }
        core.flush_logs();
        Ok(())
    }))
}

/// Connections that have not ended.
#[derive(Default, Clone)]
struct Tasks(tokio_util::task::TaskTracker);

impl Tasks {
    fn spawn(&self, connection: impl Future<Output = ()> + 'static) {
        tokio::task::spawn_local(self.0.track_future(connection));
    }

    async fn wait(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

async fn accept_all(
    core: &Rc<Core>,
    plain: TcpListener,
    tls: Option<(std::net::TcpListener, Arc<ServerConfig>)>,
    stop: &Stop,
    tasks: &Tasks,
) -> io::Result<()> {
    let secured = async {
        match tls {
            Some((listener, config)) => accept_tls(core, TcpListener::from_std(listener)?, config, stop, tasks).await,
            None => {
                stop.close.cancelled().await;
                Ok(())
            }
        }
    };
    tokio::try_join!(accept(core, plain, stop, tasks), secured)?;
    Ok(())
}

/// The next connection; `None` once the listener closes. Errors such as too many open files are waited out.
async fn next(listener: &TcpListener, stop: &Stop) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.close.cancelled() => return None,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) => {
                tracing::warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn serving(core: &Rc<Core>, stream: &TcpStream, remote: SocketAddr, tls: bool, stop: &Stop) -> Serving {
    // Without it answers wait for acknowledgements; a failure here only costs latency.
    drop(stream.set_nodelay(true));
    let local_port = stream.local_addr().map_or(0, |address| address.port());
    let peer = Rc::new(Peer::new(remote, tls, local_port));
    Serving { core: core.clone(), peer, close: stop.close.clone() }
}

async fn accept(core: &Rc<Core>, listener: TcpListener, stop: &Stop, tasks: &Tasks) -> io::Result<()> {
    while let Some((stream, remote)) = next(&listener, stop).await {
        let serving = serving(core, &stream, remote, false, stop);
        tasks.spawn(serve(stream, Protocol::Unknown, serving));
    }
    Ok(())
}

async fn accept_tls(
    core: &Rc<Core>,
    listener: TcpListener,
    config: Arc<ServerConfig>,
    stop: &Stop,
    tasks: &Tasks,
) -> io::Result<()> {
    let acceptor = TlsAcceptor::from(config);
    while let Some((stream, remote)) = next(&listener, stop).await {
        let mut serving = serving(core, &stream, remote, true, stop);
        let handshake = acceptor.accept(stream);
        tasks.spawn(async move {
            let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, handshake).await else { return };
            if let Some(peer) = Rc::get_mut(&mut serving.peer) {
                peer.agreed = tls::agreed(stream.get_ref().1);
            }
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            serve(stream, if http2 { Protocol::Http2 } else { Protocol::Http1 }, serving).await;
        });
    }
    Ok(())
}

pub(crate) async fn watch_deadlines(core: Rc<Core>) {
    let mut ticks = tokio::time::interval(deadline::TICK);
    loop {
        ticks.tick().await;
        core.deadlines.wake(Instant::now());
    }
}

pub(crate) async fn tick(core: Rc<Core>) {
    let mut ticks = tokio::time::interval(TICK);
    loop {
        ticks.tick().await;
        core.flush_logs();
        core.pool.sweep(Instant::now());
    }
}
