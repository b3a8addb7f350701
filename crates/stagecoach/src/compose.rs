//! Pieces that several commands are put together from.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use stagecoach_base::{Clock, Entropy, Scope, id};
use stagecoach_control::{Auth, Beside, Blobs, Ceilings, Control, Publisher, Quotas};
use stagecoach_feed::{
    Backoff, Board, FeedServer, Handle, ServerTls, Session, SessionConfig, SigningKey, WorkerIdentity,
};
use stagecoach_plan::ir;
use stagecoach_sigv4::Credentials;
use stagecoach_store::{Store, StoreOptions};
use stagecoach_worker::{ExplainKey, LogTarget, Options, Resolve, StreamIdle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bench::Bench;
use crate::cli::{Integrations, Names, Traffic};
use crate::lambda_endpoints;
use crate::profiles::Profiles;
use crate::system::{SystemClock, SystemEntropy};

/// Name under which a database keeps the signing key of a control plane without a PKI directory.
const SIGNING_KEY: &str = "signing-key";

/// The clock and the generator of this process.
pub(crate) fn environment() -> (Arc<dyn Clock>, Arc<dyn Entropy>) {
    (Arc::new(SystemClock), Arc::new(SystemEntropy))
}

/// A small runtime for configuration work, away from the traffic cores.
///
/// # Errors
/// When threads cannot be started.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).thread_name("config").enable_all().build().context("cannot start the runtime")
}

impl Names {
    /// What ARNs carry.
    ///
    /// # Errors
    /// An account that is not twelve digits.
    pub(crate) fn scope(&self) -> anyhow::Result<Scope> {
        if self.account.len() != 12 || !self.account.bytes().all(|byte| byte.is_ascii_digit()) {
            bail!("--account must be twelve digits, not `{}`", self.account);
        }
        Ok(Scope { region: self.region.clone(), account: self.account.clone(), ..Scope::default() })
    }
}

/// Opens a database and brings it up to date.
///
/// # Errors
/// When it cannot be reached or migrated.
pub(crate) async fn store(url: &str, connections: u32) -> anyhow::Result<Store> {
    let options = StoreOptions { max_connections: connections };
    let store =
        Store::open(url, &options).await.with_context(|| format!("cannot open the database {}", redact(url)))?;
    let epoch = id::random(&SystemEntropy, 16);
    store.migrate(&epoch).await.context("cannot migrate the database")?;
    Ok(store)
}

/// A database URL without its password.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}:***@{host}", user.split(':').next().unwrap_or_default()),
        None => url.to_owned(),
    }
}

/// The signing key that the database keeps; replicas that start together agree on one.
///
/// # Errors
/// When the database fails or holds something else under that name.
pub(crate) async fn stored_signing_key(store: &Store) -> anyhow::Result<SigningKey> {
    let fresh = SigningKey::generate(&SystemEntropy).to_pkcs8();
    let kept = store.put_secret_if_absent(SIGNING_KEY, &fresh).await?;
    SigningKey::from_pkcs8(&kept).context("the database's signing key is damaged")
}

/// No default key exists: a listener without one would be locked or open, and must be told which.
///
/// # Errors
/// When there is no key, or the database fails.
pub(crate) async fn require_access_key(store: &Store) -> anyhow::Result<()> {
    if store.access_keys().await?.iter().all(|key| key.revoked) {
        bail!(
            "there is no admin access key; make one with `stagecoach key create --database-url …`, or accept anyone with \
             --insecure-open-admin"
        );
    }
    Ok(())
}

/// How a control plane differs from command to command.
pub(crate) struct ControlSettings {
    pub(crate) scope: Scope,
    pub(crate) auth: Auth,
    pub(crate) allow_reset: bool,
    pub(crate) quotas: Quotas,
    pub(crate) ceilings: Ceilings,
    pub(crate) snapshot_format: u32,
    pub(crate) id: String,
    /// What tests of draft methods are run with.
    pub(crate) bench: Options,
    /// Another service on the admin listener.
    pub(crate) beside: Option<Arc<dyn Beside>>,
}

/// A control plane over `store`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn control(store: Store, key: SigningKey, settings: ControlSettings) -> anyhow::Result<Arc<Control>> {
    let (clock, entropy) = environment();
    let epoch = store.epoch().await?;
    let bench =
        Bench::start(settings.bench, Arc::clone(&clock), Arc::clone(&entropy)).context("cannot start the tests")?;
    let board = Board::new(epoch.clone(), settings.id.clone(), Arc::clone(&clock));
    Ok(Arc::new(Control {
        publisher: Publisher::new(settings.scope.clone(), epoch, key),
        store,
        scope: settings.scope,
        clock,
        entropy,
        board,
        bench: Arc::new(bench),
        beside: settings.beside,
        auth: settings.auth,
        quotas: settings.quotas,
        ceilings: settings.ceilings,
        allow_reset: settings.allow_reset,
        snapshot_format: settings.snapshot_format,
        id: settings.id,
    }))
}

/// Binds a listener with an error that names the address.
///
/// # Errors
/// When the address is taken or not this machine's.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Runs a control plane's background work, feed and admin listeners until `stop`.
///
/// # Errors
/// When a listener fails.
pub(crate) async fn serve_control(
    control: Arc<Control>,
    admin: TcpListener,
    feed: TcpListener,
    tls: Option<ServerTls>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let server = FeedServer::new(Arc::clone(&control.board), Arc::new(Blobs(control.store.clone()))).tls(tls);
    let feed = server.serve(feed, stop.clone().cancelled_owned());
    let admin = stagecoach_control::serve(admin, Arc::clone(&control), stop.clone().cancelled_owned());
    let replicate = async {
        stagecoach_control::replicate(control, stop.clone()).await;
        anyhow::Ok(())
    };
    let feed = async { feed.await.context("the feed listener failed") };
    let admin = async { admin.await.context("the admin listener failed") };
    tokio::try_join!(feed, admin, replicate)?;
    Ok(())
}

impl Traffic {
    /// The worker options of these flags. `profiles` takes those that Lambda endpoints name.
    ///
    /// # Errors
    /// A flag whose value cannot be understood.
    pub(crate) fn options(&self, allow_private: bool, profiles: &mut Profiles) -> anyhow::Result<Options> {
        let mut options = Options::new(self.traffic, self.status);
        options.tls = match (self.traffic_tls, &self.tls_certificate, &self.tls_key) {
            (None, None, None) => None,
            (Some(address), Some(certificate), Some(key)) => Some((address, certificate.clone(), key.clone())),
            _ => bail!("--traffic-tls, --tls-certificate and --tls-key belong together"),
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        options.cores = if self.cores == 0 { cores } else { self.cores };
        options.cache_bytes = self.cache_bytes;
        options.access_log = LogTarget::parse(&self.access_log);
        options.execution_log = LogTarget::parse(&self.execution_log);
        options.log_buffer = self.log_buffer;
        let key = |key: &String| {
            ExplainKey::new(key)
                .with_context(|| format!("--explain-key needs {} characters or more", ExplainKey::SHORTEST))
        };
        options.explain_key = self.explain_key.as_ref().filter(|key| !key.is_empty()).map(key).transpose()?;
        options.drain = Duration::from_secs(self.drain_seconds);
        self.integrations.apply(&mut options, allow_private, profiles)?;
        Ok(options)
    }
}

impl Integrations {
    /// Worker options for tests of draft methods: nothing is listened on.
    ///
    /// # Errors
    /// A flag whose value cannot be understood.
    pub(crate) fn bench(&self, profiles: &mut Profiles) -> anyhow::Result<Options> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut options = Options::new(nowhere, nowhere);
        self.apply(&mut options, false, profiles)?;
        Ok(options)
    }

    fn apply(&self, options: &mut Options, allow_private: bool, profiles: &mut Profiles) -> anyhow::Result<()> {
        options.max_payload = self.max_payload;
        options.templates.iterations = self.max_iterations;
        options.resolve = parsed(&self.resolve, "--resolve", "NAME=ADDRESS", Resolve::parse)?;
        options.lambda = lambda_endpoints::parse(&self.lambda_endpoint, profiles)?;
        if let Some(idle) = self.stream_idle_timeout.map(Duration::from_secs) {
            options.stream_idle = StreamIdle { edge: idle, other: idle };
        }
        options.allow_private = allow_private || self.allow_private_upstreams;
        Ok(())
    }
}

fn parsed<T>(texts: &[String], flag: &str, form: &str, parse: fn(&str) -> Option<T>) -> anyhow::Result<Vec<T>> {
    texts.iter().map(|text| parse(text).with_context(|| format!("{flag} {text} is not {form}"))).collect()
}

/// Credentials in the SDKs' own variables.
pub(crate) fn sdk_credentials() -> Option<Credentials> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (access_key, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
    Some(Credentials { access_key, secret, token: variable("AWS_SESSION_TOKEN") })
}

/// A worker's side of the feed.
pub(crate) struct Following {
    pub(crate) control_planes: Vec<String>,
    pub(crate) tls: Option<stagecoach_feed::ClientTls>,
    pub(crate) trusted: stagecoach_feed::TrustedKeys,
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) state_dir: std::path::PathBuf,
}

/// Loads the state on disk, then starts the traffic cores, then follows the control planes until `stop`.
///
/// # Errors
/// When the state folder cannot be made or a listener not be bound.
pub(crate) async fn start_worker(
    options: Options,
    following: Following,
    stop: CancellationToken,
) -> anyhow::Result<(stagecoach_worker::Running, Handle)> {
    let (clock, entropy) = environment();
    let started_ms = u64::try_from(clock.wall().0).unwrap_or_default();
    let (worker, sink) = stagecoach_worker::Worker::new(options, clock, Arc::clone(&entropy))?;
    let identity = WorkerIdentity {
        id: following.id,
        incarnation: id::random(entropy.as_ref(), 12),
        version: env!("CARGO_PKG_VERSION").into(),
        zone: following.zone,
        labels: std::collections::BTreeMap::new(),
        started_ms,
    };
    let config = SessionConfig {
        control_planes: following.control_planes,
        tls: following.tls,
        trusted: following.trusted,
        identity,
        scope: String::new(),
        plan_formats: vec![ir::FORMAT],
        backoff: Backoff::default(),
        state_dir: following.state_dir.clone(),
    };
    let (mut session, handle) = Session::new(config, sink, entropy)
        .with_context(|| format!("cannot use the state folder {}", following.state_dir.display()))?;
    let loaded = session.load().await;
    if loaded.installed + loaded.failed > 0 {
        tracing::info!(installed = loaded.installed, failed = loaded.failed, "loaded the state on disk");
    }
    let running = worker.start(handle.clone()).await.context("cannot start the worker")?;
    tokio::spawn(session.run(stop));
    Ok((running, handle))
}
