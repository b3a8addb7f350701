//! The OpenAPI files of `stagecoach dev`: imported, deployed, watched. Which file is which API survives a restart.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use stagecoach_control::{Control, Deployed, import_and_deploy, wait_converged};
use tokio_util::sync::CancellationToken;

/// How often files are looked at. Polling works on every file system, network and container mounts included.
pub(crate) const LOOK: Duration = Duration::from_millis(300);
/// How long the worker of this process may take to serve a deployment.
const SERVED: Duration = Duration::from_secs(10);
const INDEX: &str = "files.json";

/// The watched files.
pub(crate) struct Files {
    control: Arc<Control>,
    paths: Vec<PathBuf>,
    index: PathBuf,
    stage: String,
    traffic: SocketAddr,
    seen: BTreeMap<PathBuf, Stamp>,
}

/// What tells one version of a file from the next.
pub(crate) type Stamp = (Option<SystemTime>, u64);

impl Files {
    /// Files to deploy to `stage`; `data_dir` keeps which is which.
    pub(crate) fn new(
        control: Arc<Control>,
        paths: Vec<PathBuf>,
        data_dir: &Path,
        stage: String,
        traffic: SocketAddr,
    ) -> Self {
        Self { control, paths, index: data_dir.join(INDEX), stage, traffic, seen: BTreeMap::new() }
    }

    /// Imports and deploys every file once.
    ///
    /// # Errors
    /// A file that cannot be read or is refused: `dev` does not start with half of what was asked.
    pub(crate) async fn deploy_all(&mut self) -> anyhow::Result<()> {
        for path in self.paths.clone() {
            self.seen.insert(path.clone(), stamp(&path));
            let deployed = self.deploy(&path).await?;
            // What is announced is served.
            wait_converged(&self.control, &deployed.api_id, &self.stage, SERVED).await?;
            self.announce(&path, &deployed)?;
        }
        Ok(())
    }

    /// Deploys files again when they change, until `stop`. A version that is refused leaves the one before.
    pub(crate) async fn watch(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => return,
            }
            for path in self.paths.clone() {
                let now = stamp(&path);
                if self.seen.insert(path.clone(), now) == Some(now) {
                    continue;
                }
                match self.deploy(&path).await {
                    Ok(_) => tracing::info!(file = %path.display(), "deployed the changed file"),
                    Err(error) => {
                        tracing::error!(file = %path.display(), error = %format!("{error:#}"), "the changed file is refused; the version before it stays")
                    }
                }
            }
        }
    }

    async fn deploy(&self, path: &Path) -> anyhow::Result<Deployed> {
        let bytes = tokio::fs::read(path).await.with_context(|| format!("cannot read {}", path.display()))?;
        let name = tokio::fs::canonicalize(path).await?.display().to_string();
        let mut known = self.known();
        let deployed = import_and_deploy(&self.control, known.get(&name).map(String::as_str), bytes, &self.stage).await;
        let deployed = deployed.map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
        for warning in &deployed.warnings {
            tracing::warn!(file = %path.display(), "{warning}");
        }
        known.insert(name, deployed.api_id.clone());
        let text = serde_json::to_string_pretty(&known)?;
        tokio::fs::write(&self.index, text).await.with_context(|| format!("cannot write {}", self.index.display()))?;
        Ok(deployed)
    }

    fn known(&self) -> BTreeMap<String, String> {
        let text = std::fs::read(&self.index).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn announce(&self, path: &Path, deployed: &Deployed) -> anyhow::Result<()> {
        let url = format!("http://{}/_aws/execute-api/{}/{}", self.traffic, deployed.api_id, self.stage);
        let mut out = std::io::stdout();
        writeln!(out, "{} ({}) serves {} at", deployed.name, deployed.api_id, path.display())?;
        writeln!(out, "  {url}")?;
        writeln!(out, "  curl {url}{}", deployed.sample.as_deref().unwrap_or("/"))?;
        Ok(())
    }
}

/// The stamp of a file as it is now; that of one that is not there is all zero.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let found = std::fs::metadata(path).ok();
    (found.as_ref().and_then(|found| found.modified().ok()), found.map_or(0, |found| found.len()))
}
