//! What an environment stands on before its process starts: its command, what it sees, its user, and its folder.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Shared;
use super::environment::NoEnvironment;
use super::home::Home;
use super::isolation::{Isolation, User};
use super::launch::{NoLaunch, Tools, launch};
use super::payloads::Failure;
use super::process::Launch;
use super::sandbox::{self, Parts};
use super::view::{OPT, TASK, View};
use crate::{InvokeError, Runnable};

/// See the module.
#[derive(Debug)]
pub(super) struct Ground {
    /// The function, with its layers as the environment has them.
    pub(super) runnable: Arc<Runnable>,
    pub(super) tools: Tools,
    pub(super) launch: Launch,
    pub(super) user: Option<User>,
    /// Its own folder; made.
    pub(super) scratch: PathBuf,
}

impl Shared {
    /// Prepares all of it; the folder is there afterwards.
    pub(super) async fn ground(
        &self,
        home: &Home,
        runnable: &Arc<Runnable>,
        name: &str,
    ) -> Result<Ground, NoEnvironment> {
        let user = self.users.take().map_err(refused)?;
        let id = user.as_ref().map(|user| user.id);
        if let Some(id) = id
            && !rustix::process::geteuid().is_root()
        {
            return Err(refused(format!("functions can run as user {id} only where the host runs as root")));
        }
        let scratch = home.scratch(name);
        let mut seen = runnable.clone();
        let mut tools = self.tools(home);
        let bwrap = match self.options.isolation {
            Isolation::Process => None,
            Isolation::Bubblewrap => {
                let found = self.bwrap.get_or_try_init(|| sandbox::find(&self.options.path, id)).await;
                Some(found.map_err(refused)?.clone())
            }
        };
        let mut opt = None;
        if bwrap.is_some() {
            opt = home.opt(runnable.layers.clone()).await.map_err(|error| refused(format!("layers: {error}")))?;
            seen = Arc::new(Runnable { layers: opt.iter().cloned().collect(), ..Runnable::clone(runnable) });
            tools.view = inside(&seen, &tools.runtime, &scratch);
        }
        let mut launch = launch(&seen, &tools).map_err(|reason| match reason {
            NoLaunch::Missing(text) => refused(text),
            NoLaunch::NotThere => NoEnvironment::Failed(Failure::NotThere),
        })?;
        launch.user = id;
        launch.processes = user.as_ref().filter(|user| user.exclusive).map(|_| self.options.processes);
        if id.is_some() || bwrap.is_some() {
            launch = launch.limiting_itself(&tools.view);
        }
        if let Some(bwrap) = bwrap {
            let (opt, runtime) = (opt.as_deref(), tools.runtime.as_path());
            launch = sandbox::sandboxed(bwrap, launch, &Parts { code: &seen.code, opt, runtime, scratch: &scratch });
        }
        let places = [Some(&seen.code), Some(&tools.runtime), launch.interpreter.as_ref()];
        let closed = id.and_then(|id| places.into_iter().flatten().find_map(|place| closed(place, id)));
        if let (Some(id), Some(folder)) = (id, closed) {
            let folder = folder.display();
            return Err(refused(format!(
                "functions run as user {id}, who may not enter {folder}: open it (chmod o+x), or keep the host's files elsewhere"
            )));
        }
        make(&scratch, id).map_err(|error| refused(format!("{}: {error}", scratch.display())))?;
        Ok(Ground { runnable: seen, tools, launch, user, scratch })
    }
}

/// What is where in a sandbox.
fn inside(runnable: &Runnable, runtime: &Path, scratch: &Path) -> View {
    let layers = runnable.layers.iter().map(|layer| (layer.clone(), PathBuf::from(OPT)));
    let mut all = vec![
        (runnable.code.clone(), PathBuf::from(TASK)),
        (runtime.to_path_buf(), PathBuf::from("/var/runtime")),
        (scratch.to_path_buf(), PathBuf::from("/tmp")),
    ];
    all.extend(layers);
    View(all)
}

/// The environment's folder: nobody else's.
fn make(scratch: &Path, user: Option<u32>) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(scratch)?;
    match user {
        Some(user) => std::os::unix::fs::chown(scratch, Some(user), Some(user)),
        None => Ok(()),
    }
}

/// The first folder on the way to `path` that `user` may not enter.
fn closed(path: &Path, user: u32) -> Option<PathBuf> {
    let mut folders: Vec<&Path> = path.ancestors().collect();
    folders.reverse();
    let open = |folder: &Path| {
        fs::metadata(folder)
            .is_ok_and(|found| found.mode() & 0o001 != 0 || found.uid() == user && found.mode() & 0o100 != 0)
    };
    folders.into_iter().find(|folder| !open(folder)).map(Path::to_path_buf)
}

fn refused(text: String) -> NoEnvironment {
    NoEnvironment::Refused(InvokeError::NotRunnable(text))
}
