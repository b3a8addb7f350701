//! Opening connections: resolve, check the address, connect, shake hands.

use std::net::SocketAddr;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Call, SendError, address};
use crate::body::UpstreamBody;
use crate::shared::Shared;

/// Opens a connection to the call's endpoint.
pub(crate) async fn connect(shared: &Shared, call: Call<'_>) -> Result<SendRequest<UpstreamBody>, SendError> {
    let bad_port = || SendError::Refused(call.endpoint.authority.to_string());
    let (host, port) = call.endpoint.host_port().ok_or_else(bad_port)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let stream = open(shared, host, port, call.trusted).await?;
    // A failure here only costs latency.
    drop(stream.set_nodelay(true));
    if !call.endpoint.tls {
        return shake(stream).await;
    }
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| SendError::Refused(host.to_owned()))?;
    let connector = TlsConnector::from(shared.tls.get(call.insecure));
    shake(connector.connect(name, stream).await.map_err(SendError::Connect)?).await
}

/// The first allowed address that accepts.
async fn open(shared: &Shared, host: &str, port: u16, trusted: bool) -> Result<TcpStream, SendError> {
    let mut last = None;
    for address in resolve(shared, host, port).await? {
        if !trusted && !shared.options.allow_private && address::is_private(address.ip()) {
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(|| SendError::Refused(host.to_owned()), SendError::Connect))
}

async fn resolve(shared: &Shared, host: &str, port: u16) -> Result<Vec<SocketAddr>, SendError> {
    if let Some(fixed) = shared.options.resolve.iter().find(|fixed| fixed.matches(host)) {
        return Ok(vec![SocketAddr::new(fixed.address, port)]);
    }
    if let Ok(literal) = host.parse() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    let found = tokio::net::lookup_host((host, port)).await;
    found.map(Iterator::collect).map_err(|error| SendError::Resolve(host.to_owned(), error))
}

async fn shake<T>(stream: T) -> Result<SendRequest<UpstreamBody>, SendError>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::trace!(error = %error, "an upstream connection ended");
        }
    });
    Ok(sender)
}
