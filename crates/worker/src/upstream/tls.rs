//! TLS towards back ends: public and system roots, or no chain check where an integration says so.

use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Client configurations, made when first needed.
#[derive(Default)]
pub(crate) struct ClientConfigs {
    strict: OnceLock<Arc<ClientConfig>>,
    insecure: OnceLock<Arc<ClientConfig>>,
}

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

impl ClientConfigs {
    pub(crate) fn get(&self, insecure: bool) -> Arc<ClientConfig> {
        let slot = if insecure { &self.insecure } else { &self.strict };
        slot.get_or_init(|| Arc::new(config(insecure))).clone()
    }
}

fn config(insecure: bool) -> ClientConfig {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in rustls_native_certs::load_native_certs().certs {
        // One that does not parse is not trusted, which is all there is to do.
        drop(roots.add(certificate));
    }
    let builder = ClientConfig::builder_with_provider(PROVIDER.clone()).with_safe_default_protocol_versions();
    // The provider has every default version; a failure would be a build without them.
    let builder = builder.unwrap_or_else(|_| ClientConfig::builder());
    match insecure {
        false => builder.with_root_certificates(roots).with_no_client_auth(),
        true => builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyChain)).with_no_client_auth(),
    }
}

/// `tlsConfig.insecureSkipVerification`: any chain and name, but the peer must still hold the key it shows.
#[derive(Debug)]
struct AnyChain;

impl ServerCertVerifier for AnyChain {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
