//! Mutual TLS between the planes: what each side shows and what it accepts.

use std::path::Path;

use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The name in every control-plane certificate made by [`crate::pki`]; workers ask for it whatever address they dial.
pub const CONTROL_NAME: &str = "control.stagecoach.internal";
/// What precedes a worker's id in its certificate's URI name.
pub const WORKER_URI: &str = "stagecoach://worker/";

/// PEM files that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}: {source}")]
pub struct TlsFileError {
    /// Which file.
    pub path: String,
    /// Why.
    pub source: std::io::Error,
}

/// The control plane's side: its certificate, and the CA whose workers may connect.
#[derive(Clone)]
pub struct ServerTls {
    /// PEM of the CA that signs workers.
    pub ca: String,
    /// PEM chain shown to workers.
    pub certificate: String,
    /// PEM of its private key.
    pub key: String,
}

/// A worker's side: its certificate, and the CA whose control planes it follows.
#[derive(Clone)]
pub struct ClientTls {
    /// PEM of the CA that signs control planes.
    pub ca: String,
    /// PEM chain shown to control planes; names the worker's id.
    pub certificate: String,
    /// PEM of its private key.
    pub key: String,
    /// Name expected in the control plane's certificate; the dialled host when `None`.
    pub server_name: Option<String>,
}

impl ServerTls {
    /// Reads `ca.pem`, `control.pem` and `control.key` as [`crate::pki::init`] writes them.
    ///
    /// # Errors
    /// [`TlsFileError`].
    pub fn from_dir(dir: &Path) -> Result<Self, TlsFileError> {
        let [ca, certificate, key] = ["ca.pem", "control.pem", "control.key"].map(|name| read(&dir.join(name)));
        Ok(Self { ca: ca?, certificate: certificate?, key: key? })
    }

    pub(crate) fn config(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .client_ca_root(Certificate::from_pem(&self.ca))
            .timeout(std::time::Duration::from_secs(5))
    }
}

impl ClientTls {
    /// Reads `ca.pem`, `worker-<id>.pem` and `worker-<id>.key` as [`crate::pki::issue_worker`] writes them.
    ///
    /// # Errors
    /// [`TlsFileError`].
    pub fn from_dir(dir: &Path, worker: &str) -> Result<Self, TlsFileError> {
        let names = ["ca.pem".to_owned(), format!("worker-{worker}.pem"), format!("worker-{worker}.key")];
        let [ca, certificate, key] = names.map(|name| read(&dir.join(name)));
        Ok(Self { ca: ca?, certificate: certificate?, key: key?, server_name: Some(CONTROL_NAME.to_owned()) })
    }

    pub(crate) fn config(&self) -> ClientTlsConfig {
        let config = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.ca))
            .identity(Identity::from_pem(&self.certificate, &self.key))
            .timeout(std::time::Duration::from_secs(5));
        match &self.server_name {
            Some(name) => config.domain_name(name),
            None => config,
        }
    }
}

/// Whether a client certificate (DER) names this worker: by URI `stagecoach://worker/<id>`, else by common name.
pub(crate) fn names_worker(der: &[u8], id: &str) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let names = certificate.subject_alternative_name().ok().flatten().map(|e| e.value.general_names.as_slice());
    let uris = names.unwrap_or_default().iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(WORKER_URI),
        _ => None,
    });
    let mut uris = uris.peekable();
    if uris.peek().is_some() {
        return uris.any(|named| named == id);
    }
    certificate.subject().iter_common_name().any(|name| name.as_str() == Ok(id))
}

fn read(path: &Path) -> Result<String, TlsFileError> {
    std::fs::read_to_string(path).map_err(|source| TlsFileError { path: path.display().to_string(), source })
}
