//! `stagecoach worker`: a data-plane worker.

use anyhow::{Context, bail};
use stagecoach_base::id;
use stagecoach_feed::{ClientTls, TrustedKeys};
use tokio_util::sync::CancellationToken;

use crate::cli::Worker;
use crate::compose::{self, Following};
use crate::profiles::Profiles;
use crate::signals;
use crate::system::SystemEntropy;

/// Serves until SIGTERM, then drains.
///
/// # Errors
/// Missing identities, an address that is taken.
pub(crate) fn run(options: Worker) -> anyhow::Result<()> {
    compose::runtime()?.block_on(serve(options))
}

async fn serve(options: Worker) -> anyhow::Result<()> {
    options.names.scope()?;
    let id = match &options.worker_id {
        Some(id) => id.clone(),
        None if options.pki_dir.is_some() => bail!("--worker-id is needed with --pki-dir: it names the certificate"),
        None => format!("worker-{}", id::random(&SystemEntropy, 6)),
    };
    let (tls, trusted) = identity(&options, &id)?;
    let following = Following {
        control_planes: options.control_plane.clone(),
        tls,
        trusted,
        id: id.clone(),
        zone: options.zone.clone(),
        state_dir: options.state_dir.clone(),
    };
    let mut profiles = Profiles::of_the_environment();
    let traffic = options.traffic.options(false, &mut profiles)?;
    let (stop, mut rotated) = (signals::stop_token()?, signals::on_hangup()?);
    // The feed goes on while requests are finished, so that the control plane sees the drain.
    let follow = CancellationToken::new();
    tokio::spawn(profiles.watch(follow.clone()));
    let (running, _) = compose::start_worker(traffic, following, follow.clone()).await?;
    tracing::info!(traffic = %running.addresses.traffic, tls = ?running.addresses.tls, status = %running.addresses.status, id, "worker ready");
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = rotated.recv() => running.reopen_logs(),
        }
    }
    running.drain().await;
    follow.cancel();
    Ok(())
}

fn identity(options: &Worker, id: &str) -> anyhow::Result<(Option<ClientTls>, TrustedKeys)> {
    match (&options.pki_dir, options.insecure_plaintext_feed) {
        (Some(dir), false) => {
            let keys = TrustedKeys::from_file(&dir.join("signing.pub"));
            let keys = keys.with_context(|| format!("cannot read the trusted keys in {}", dir.display()))?;
            Ok((Some(ClientTls::from_dir(dir, id)?), keys))
        }
        (None, true) => Ok((None, TrustedKeys::anyone())),
        (Some(_), true) => bail!("--pki-dir and --insecure-plaintext-feed exclude each other"),
        (None, false) => bail!(
            "a worker needs a TLS identity; make one with `stagecoach pki worker DIR ID` and pass --pki-dir DIR, or follow in \
             clear text with --insecure-plaintext-feed"
        ),
    }
}
