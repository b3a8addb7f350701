//! `stagecoach control`: a control-plane replica.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use stagecoach_base::id;
use stagecoach_control::{Auth, Keys};
use stagecoach_feed::{ServerTls, SigningKey, pki};
use stagecoach_store::Store;

use crate::cli::Control;
use crate::compose::{self, ControlSettings};
use crate::forward::Forward;
use crate::profiles::Profiles;
use crate::signals;
use crate::system::SystemEntropy;

/// How long calls in flight may take to finish after SIGTERM.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves until SIGTERM.
///
/// # Errors
/// Missing keys or identities, a database that does not answer, an address that is taken.
pub(crate) fn run(options: Control) -> anyhow::Result<()> {
    compose::runtime()?.block_on(serve(options))
}

async fn serve(options: Control) -> anyhow::Result<()> {
    let scope = options.names.scope()?;
    let store = compose::store(&options.database_url, options.database_connections).await?;
    let auth = auth(&options, &store).await?;
    let (tls, key) = identity(&options, &store).await?;
    let mut profiles = Profiles::of_the_environment();
    let stop = signals::stop_token()?;
    let settings = ControlSettings {
        scope,
        auth,
        quotas: options.quotas.into(),
        ceilings: options.ceilings.into(),
        allow_reset: options.allow_reset,
        snapshot_format: options.test_snapshot_format,
        id: format!("control-{}", id::random(&SystemEntropy, 6)),
        beside: Some(Arc::new(Forward::new(options.functions_endpoint.clone(), stop.clone())?)),
        bench: options.integrations.bench(&mut profiles)?,
    };
    let control = compose::control(store, key, settings).await?;
    tokio::spawn(profiles.watch(stop.clone()));
    let (admin, feed) = (compose::listen(options.admin).await?, compose::listen(options.feed).await?);
    let status = compose::listen(options.status).await?;
    tracing::info!(admin = %admin.local_addr()?, feed = %feed.local_addr()?, status = %status.local_addr()?, id = control.id, "control plane ready");
    tokio::spawn(IntoFuture::into_future(axum::serve(status, stagecoach_control::status(control.clone()))));
    let mut serving = tokio::spawn(compose::serve_control(control, admin, feed, tls, stop.clone()));
    tokio::select! {
        () = stop.cancelled() => {}
        done = &mut serving => return done?,
    }
    match tokio::time::timeout(DRAIN, serving).await {
        Ok(done) => done?,
        Err(_) => {
            tracing::warn!("admin calls were broken off: they took longer than {} s", DRAIN.as_secs());
            Ok(())
        }
    }
}

async fn auth(options: &Control, store: &Store) -> anyhow::Result<Auth> {
    if options.insecure_open_admin {
        return Ok(Auth::Open);
    }
    compose::require_access_key(store).await?;
    Ok(Auth::SigV4(Keys::new(store.clone())))
}

async fn identity(options: &Control, store: &Store) -> anyhow::Result<(Option<ServerTls>, SigningKey)> {
    match (&options.pki_dir, options.insecure_plaintext_feed) {
        (Some(dir), false) => {
            let tls = ServerTls::from_dir(dir)?;
            Ok((Some(tls), signing_key(dir)?))
        }
        (None, true) => Ok((None, compose::stored_signing_key(store).await?)),
        (Some(_), true) => bail!("--pki-dir and --insecure-plaintext-feed exclude each other"),
        (None, false) => bail!(
            "the feed needs TLS identities; make them with `stagecoach pki init DIR` and pass --pki-dir DIR, or serve \
             workers in clear text with --insecure-plaintext-feed"
        ),
    }
}

fn signing_key(dir: &Path) -> anyhow::Result<SigningKey> {
    pki::signing_key(dir).with_context(|| format!("cannot read the signing key in {}", dir.display()))
}
