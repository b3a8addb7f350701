//! Starting and stopping a worker.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use stagecoach_base::{Clock, Entropy};
use stagecoach_feed::Handle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::front::listen::{self, Sockets, Stop};
use crate::front::tls;
use crate::log::Logs;
use crate::options::Options;
use crate::shared::Shared;
use crate::sink::TableSink;
use crate::status;

/// How long a leaving worker still answers on open connections, saying `connection: close`, before idle ones are closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// A worker that is about to start.
pub struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    /// Prepares a worker. The sink is what the feed installs into.
    ///
    /// # Errors
    /// A log that cannot be opened.
    pub fn new(
        mut options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> io::Result<(Self, Arc<TableSink>)> {
        options.cores = options.cores.max(1);
        let logs = Logs::start(&options)?;
        let shared = Arc::new(Shared::new(options, logs, clock, entropy));
        let sink = Arc::new(TableSink::new(Arc::clone(&shared)));
        Ok((Self { shared }, sink))
    }

    /// Binds all listeners and starts a thread per core. `feed` is asked for readiness and metrics.
    ///
    /// # Errors
    /// An address that cannot be bound, a certificate that cannot be read.
    pub async fn start(self, feed: Handle) -> io::Result<Running> {
        let options = &self.shared.options;
        let first = listen::bind(options.traffic)?;
        let traffic = first.local_addr()?;
        let tls = match &options.tls {
            Some((address, certificate, key)) => {
                let listener = listen::bind(*address)?;
                Some((listener.local_addr()?, listener, tls::server_config(certificate, key)?))
            }
            None => None,
        };
        let status = TcpListener::bind(options.status)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {}: {error}", options.status)))?;
        let addresses =
            Addresses { traffic, tls: tls.as_ref().map(|(address, ..)| *address), status: status.local_addr()? };
        let stop = Stop { close: CancellationToken::new(), abort: CancellationToken::new() };
        let mut first = Some(Sockets { plain: first, tls: tls.map(|(_, listener, config)| (listener, config)) });
        let configs = first.as_ref().and_then(|sockets| sockets.tls.as_ref().map(|(_, config)| config.clone()));
        let mut threads = Vec::new();
        for index in 0..options.cores {
            let sockets = match first.take() {
                Some(sockets) => sockets,
                None => another(&addresses, configs.clone())?,
            };
            threads.push(spawn(Arc::clone(&self.shared), index, sockets, stop.clone())?);
        }
        let probe_stop = CancellationToken::new();
        tokio::spawn(status::serve(status, Arc::clone(&self.shared), feed.clone(), probe_stop.clone()));
        Ok(Running { addresses, shared: self.shared, feed, threads, stop, probe_stop })
    }
}

/// Sockets on the addresses that the first core got.
fn another(addresses: &Addresses, config: Option<Arc<rustls::ServerConfig>>) -> io::Result<Sockets> {
    let tls = match (addresses.tls, config) {
        (Some(address), Some(config)) => Some((listen::bind(address)?, config)),
        _ => None,
    };
    Ok(Sockets { plain: listen::bind(addresses.traffic)?, tls })
}

fn spawn(shared: Arc<Shared>, index: usize, sockets: Sockets, stop: Stop) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("traffic-{index}")).spawn(move || {
        if let Err(error) = listen::run(shared, index, sockets, stop) {
            tracing::error!(error = %error, core = index, "a traffic core stopped");
        }
    })
}

/// Where a worker listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Clear-text traffic.
    pub traffic: SocketAddr,
    /// TLS traffic.
    pub tls: Option<SocketAddr>,
    /// Health and metrics.
    pub status: SocketAddr,
}

/// A worker that serves.
pub struct Running {
    /// Where it listens.
    pub addresses: Addresses,
    shared: Arc<Shared>,
    feed: Handle,
    threads: Vec<JoinHandle<()>>,
    stop: Stop,
    probe_stop: CancellationToken,
}

impl Running {
    /// Opens log files again: they were rotated.
    pub fn reopen_logs(&self) {
        self.shared.logs.reopen();
    }

    /// Leaves without losing a request: says so on `/readyz`, to the control plane and on every answer, then closes idle
    /// connections and listeners, then waits for what is in flight, at most the drain time.
    pub async fn drain(self) {
        self.shared.start_draining();
        self.feed.drain();
        tokio::time::sleep(FAREWELL.min(self.shared.options.drain)).await;
        self.stop.close.cancel();
        let abort = self.stop.abort.clone();
        let drain = self.shared.options.drain;
        let overdue = tokio::spawn(async move {
            tokio::time::sleep(drain).await;
            abort.cancel();
        });
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // A core that panicked has nothing left to wait for.
                drop(thread.join());
            }
        });
        drop(joined.await);
        overdue.abort();
        self.shared.logs.close().await;
        self.probe_stop.cancel();
    }
}
