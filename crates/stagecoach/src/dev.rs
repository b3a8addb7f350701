//! `stagecoach dev`: both planes in one process, on loopback, over SQLite. The worker follows over the real feed.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;
use stagecoach_control::Auth;
use stagecoach_feed::TrustedKeys;
use stagecoach_plan::ir;
use stagecoach_worker::{Options, Running};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::Dev;
use crate::compose::{self, ControlSettings, Following};
use crate::files::Files;
use crate::function_files::FunctionFiles;
use crate::lambda::Lambda;
use crate::profiles::Profiles;
use crate::{functions, signals};

/// Connections to the embedded database.
const CONNECTIONS: u32 = 4;

/// Serves until SIGTERM or Ctrl-C.
///
/// # Errors
/// A file that is refused, an address that is taken or not loopback, a data directory in use.
pub(crate) fn run(options: Dev) -> anyhow::Result<()> {
    compose::runtime()?.block_on(serve(options))
}

async fn serve(options: Dev) -> anyhow::Result<()> {
    only_loopback(&options)?;
    let _lock = lock(&options.data_dir)?;
    let scope = options.names.scope()?;
    let url = format!("sqlite://{}", options.data_dir.join("stagecoach.db").display());
    let store = compose::store(&url, CONNECTIONS).await?;
    let key = compose::stored_signing_key(&store).await?;
    let trusted = TrustedKeys::new([key.public_key()]);
    let (admin, feed) = (compose::listen(options.admin).await?, compose::listen(options.feed).await?);
    let (admin_at, feed_at) = (admin.local_addr()?, feed.local_addr()?);
    let mut profiles = Profiles::of_the_environment();
    let traffic = traffic(&options, admin_at, &mut profiles)?;
    let lambda = Lambda::new(store.clone(), scope.clone(), &options.data_dir.join("functions"), &options.host).await?;
    let settings = ControlSettings {
        scope,
        auth: Auth::Open,
        quotas: options.quotas.into(),
        ceilings: options.ceilings.into(),
        allow_reset: options.allow_reset,
        snapshot_format: ir::FORMAT,
        id: "dev".into(),
        bench: traffic.clone(),
        beside: Some(Arc::new(lambda.clone())),
    };
    let control = compose::control(store, key, settings).await?;
    let (stop, planes) = (signals::stop_token()?, CancellationToken::new());
    tokio::spawn(profiles.watch(planes.clone()));
    let mut serving = tokio::spawn(compose::serve_control(control.clone(), admin, feed, None, planes.clone()));
    let following = Following {
        control_planes: vec![format!("http://{feed_at}")],
        tls: None,
        trusted,
        id: "dev".into(),
        zone: String::new(),
        state_dir: options.data_dir.join("worker"),
    };
    let (running, _) = compose::start_worker(traffic, following, planes.clone()).await?;
    let at = running.addresses;
    greet(&options, &running, admin_at)?;
    let mut functions = FunctionFiles::new(lambda.clone(), options.function.clone(), options.names.account.clone());
    functions.deploy_all().await?;
    lambda.start().await;
    let mut files = Files::new(control, options.files.clone(), &options.data_dir, options.stage.clone(), at.traffic);
    files.deploy_all().await?;
    if let Some(path) = &options.addresses {
        let planes =
            json!({ "traffic": at.traffic, "tls": at.tls, "admin": admin_at, "feed": feed_at, "status": at.status });
        write_whole(path, &planes.to_string())?;
    }
    tokio::spawn(files.watch(stop.clone()));
    tokio::spawn(functions.watch(stop.clone()));
    tokio::select! {
        () = stop.cancelled() => {}
        done = &mut serving => return done?,
    }
    running.drain().await;
    planes.cancel();
    finish(serving, &lambda, Duration::from_secs(options.traffic.drain_seconds)).await;
    Ok(())
}

/// Lets calls of the admin address finish for as long as `drain`, then ends every function.
async fn finish(serving: JoinHandle<anyhow::Result<()>>, lambda: &Lambda, drain: Duration) {
    lambda.close();
    if tokio::time::timeout(drain, serving).await.is_err() {
        tracing::warn!("calls of the admin address were broken off: they took longer than --drain-seconds");
    }
    if tokio::time::timeout(functions::ENDING, lambda.shutdown()).await.is_err() {
        tracing::warn!("processes of functions may be left");
    }
}

/// The worker's options. Functions that no `--lambda-endpoint` runs are run here.
fn traffic(options: &Dev, admin_at: SocketAddr, profiles: &mut Profiles) -> anyhow::Result<Options> {
    let mut traffic = options.traffic.clone();
    traffic.integrations.lambda_endpoint.push(format!("http://{admin_at}"));
    traffic.options(true, profiles)
}

/// Says where everything is, and how a client is pointed at it.
fn greet(options: &Dev, running: &Running, admin_at: SocketAddr) -> std::io::Result<()> {
    writeln!(
        std::io::stdout(),
        "stagecoach dev: traffic http://{}  admin http://{admin_at}  status http://{}",
        running.addresses.traffic,
        running.addresses.status
    )?;
    writeln!(
        std::io::stdout(),
        "  export AWS_ENDPOINT_URL=http://{admin_at} AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=dev AWS_DEFAULT_REGION={}",
        options.names.region
    )
}

/// `dev` accepts any credentials, so only this machine may reach it.
fn only_loopback(options: &Dev) -> anyhow::Result<()> {
    let traffic = &options.traffic;
    let all: [(&str, Option<SocketAddr>); 5] = [
        ("--traffic", Some(traffic.traffic)),
        ("--traffic-tls", traffic.traffic_tls),
        ("--status", Some(traffic.status)),
        ("--admin", Some(options.admin)),
        ("--feed", Some(options.feed)),
    ];
    for (flag, address) in all {
        if let Some(address) = address.filter(|address| !address.ip().is_loopback()) {
            bail!(
                "{flag} {address}: `dev` accepts any credentials and listens on loopback only; run `control` and `worker` instead"
            );
        }
    }
    Ok(())
}

/// Makes the data directory and locks it: two processes in one would each believe they are alone.
///
/// # Errors
/// When another process has it.
pub(crate) fn lock(dir: &Path) -> anyhow::Result<std::fs::File> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make the data directory {}", dir.display()))?;
    let file = std::fs::File::create(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => bail!("the data directory {} is in use by another process", dir.display()),
    }
}

/// A reader never sees half of it.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(&partial, path).with_context(|| format!("cannot write {}", path.display()))
}
