//! Connections to S3: plain, or TLS with public and system roots.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::uri::Authority;
use http_body_util::Empty;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::objects::ObjectError;

/// Opens connections. The roots are read when the first one needs them.
#[derive(Default)]
pub(super) struct Connector(OnceLock<Arc<ClientConfig>>);

impl Connector {
    pub(super) async fn connect(&self, tls: bool, authority: &str) -> Result<SendRequest<Empty<Bytes>>, ObjectError> {
        let failed = |why: String| ObjectError::Unreachable(format!("{authority}: {why}"));
        let parsed: Authority = authority.parse().map_err(|_| failed("it is no host and port".to_owned()))?;
        let host = parsed.host().trim_start_matches('[').trim_end_matches(']');
        let port = parsed.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await.map_err(|error| failed(error.to_string()))?;
        if !tls {
            return shake(stream).await.map_err(|error| failed(error.to_string()));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
        let config = self.0.get_or_init(|| Arc::new(config()));
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        shake(stream.map_err(|error| failed(error.to_string()))?).await.map_err(|error| failed(error.to_string()))
    }
}

fn config() -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that does not parse is not trusted, which is all there is to do.
        drop(roots.add(certificate));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    // The provider has every default version; a failure would be a build without them.
    let builder = builder.with_safe_default_protocol_versions().unwrap_or_else(|_| ClientConfig::builder());
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// The connection ends when its sender is dropped.
async fn shake<T>(stream: T) -> hyper::Result<SendRequest<Empty<Bytes>>>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to S3 ended");
        }
    });
    Ok(sender)
}
