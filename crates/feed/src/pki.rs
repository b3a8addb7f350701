//! The dev CA: identities for both planes and the key that signs pointers, made by the program itself.
//!
//! Files are written owner-only and never overwritten. An operator with a PKI of their own needs none of this.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use stagecoach_base::{Entropy, UnixMillis};
use time::{Duration, OffsetDateTime};

use crate::tls::{CONTROL_NAME, WORKER_URI};
use crate::{InvalidKey, SigningKey};

const CA_DAYS: i64 = 3650;
const LEAF_DAYS: i64 = 825;

/// Why identities could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A worker id that cannot stand in a file name and a certificate.
    #[error("worker id {0:?} must be 1 to 64 letters, digits, '.', '_' or '-', and not begin with '.'")]
    WorkerId(String),
    /// A file could not be read or written. Existing files are never overwritten.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The date is outside what a certificate can say.
    #[error("the clock is out of range")]
    Clock,
    /// `signing.key` is not a key.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

/// Writes `ca.pem`, `ca.key`, `control.pem`, `control.key`, `signing.key` and `signing.pub` into `dir` (0700; files
/// 0600). `names` are further DNS names or addresses for the control plane's certificate.
///
/// # Errors
/// [`PkiError`]; in particular when one of the files exists already.
pub fn init(dir: &Path, names: &[String], now: UnixMillis, entropy: &dyn Entropy) -> Result<(), PkiError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
    let ca_key = KeyPair::generate()?;
    let mut ca = params("stagecoach dev CA", now, CA_DAYS)?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_pem = ca.self_signed(&ca_key)?.pem();
    write_new(&dir.join("ca.key"), ca_key.serialize_pem().as_bytes())?;
    write_new(&dir.join("ca.pem"), ca_pem.as_bytes())?;
    let issuer = Issuer::new(ca, ca_key);
    let mut control = params("stagecoach control plane", now, LEAF_DAYS)?;
    let defaults = [CONTROL_NAME, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    control.subject_alt_names = CertificateParams::new([&defaults, names].concat())?.subject_alt_names;
    control.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    issue(dir, "control", control, &issuer)?;
    let signing = SigningKey::generate(entropy);
    write_new(&dir.join("signing.key"), &signing.to_pkcs8())?;
    write_new(&dir.join("signing.pub"), format!("{}\n", signing.public_key()).as_bytes())
}

/// Writes `worker-<id>.pem` and `worker-<id>.key`, signed by the CA in `dir`.
///
/// # Errors
/// [`PkiError`]; in particular when the id is unusable, there is no CA, or the files exist already.
pub fn issue_worker(dir: &Path, id: &str, now: UnixMillis) -> Result<(), PkiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if id.is_empty() || id.len() > 64 || id.starts_with('.') || !id.chars().all(allowed) {
        return Err(PkiError::WorkerId(id.to_owned()));
    }
    let key = KeyPair::from_pem(&read(&dir.join("ca.key"))?)?;
    let mut ca = params("stagecoach dev CA", now, CA_DAYS)?;
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = Issuer::new(ca, key);
    let mut worker = params(id, now, LEAF_DAYS)?;
    worker.subject_alt_names = vec![SanType::URI(Ia5String::try_from(format!("{WORKER_URI}{id}"))?)];
    worker.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    issue(dir, &format!("worker-{id}"), worker, &issuer)
}

/// Reads `signing.key` from `dir`.
///
/// # Errors
/// [`PkiError`].
pub fn signing_key(dir: &Path) -> Result<SigningKey, PkiError> {
    let path = dir.join("signing.key");
    Ok(SigningKey::from_pkcs8(&fs::read(&path).map_err(at(&path))?)?)
}

fn params(common_name: &str, now: UnixMillis, days: i64) -> Result<CertificateParams, PkiError> {
    let start = OffsetDateTime::from_unix_timestamp(now.seconds()).map_err(|_| PkiError::Clock)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    // An hour back, for machines whose clocks lag.
    params.not_before = start.checked_sub(Duration::hours(1)).ok_or(PkiError::Clock)?;
    params.not_after = start.checked_add(Duration::days(days)).ok_or(PkiError::Clock)?;
    Ok(params)
}

fn issue(dir: &Path, name: &str, mut params: CertificateParams, issuer: &Issuer<'_, KeyPair>) -> Result<(), PkiError> {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    write_new(&dir.join(format!("{name}.key")), key.serialize_pem().as_bytes())?;
    write_new(&dir.join(format!("{name}.pem")), certificate.pem().as_bytes())
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(at(path))
}

fn write_new(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(at(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> PkiError + use<> {
    let path = path.to_path_buf();
    |source| PkiError::Io { path, source }
}
