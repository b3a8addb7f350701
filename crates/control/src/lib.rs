//! The control plane: handlers, deploys, publishing, the admin server. A library; `stagecoach` composes it.
//!
//! Must not know: command lines, the environment, the wall clock (it is given one), how traffic is served.

mod auth;
mod bench;
mod beside;
mod call;
mod convergence;
mod deploy;
mod documents;
mod failure;
mod fleet;
mod history;
mod import_file;
mod native;
mod publish;
mod quotas;
mod replicate;
mod server;
mod status;
mod table;
mod v1;

use std::sync::Arc;

use stagecoach_base::{Clock, Entropy, Scope};
use stagecoach_feed::Board;
pub use stagecoach_resources::v1::integration::Ceilings;
use stagecoach_store::Store;

pub use auth::{Auth, Keys};
pub use bench::{TestBench, Tested};
pub use beside::{Alone, Answering, Beside};
pub use convergence::wait as wait_converged;
pub use import_file::{Deployed, import_and_deploy};
pub use publish::Publisher;
pub use quotas::Quotas;
pub use replicate::{Blobs, replicate};
pub use server::{router, serve};
pub use status::status;

/// Everything a handler needs. Built once at start.
pub struct Control {
    /// Documents, blobs, pointers.
    pub store: Store,
    /// What ARNs carry.
    pub scope: Scope,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub entropy: Arc<dyn Entropy>,
    /// Derives and signs pointers.
    pub publisher: Publisher,
    /// What workers see, and what they said.
    pub board: Arc<Board>,
    /// How callers are authenticated.
    pub auth: Auth,
    /// Runs draft methods and authorizers.
    pub bench: Arc<dyn TestBench>,
    /// Another AWS service on the admin listener.
    pub beside: Option<Arc<dyn Beside>>,
    /// How much of what an account may have.
    pub quotas: Quotas,
    /// What an integration may ask for.
    pub ceilings: Ceilings,
    /// Whether `POST /_stagecoach/v1/reset` exists.
    pub allow_reset: bool,
    /// Format number that snapshots are written with: `stagecoach_plan::ir::FORMAT`, but for tests of refusals.
    pub snapshot_format: u32,
    /// This replica's name.
    pub id: String,
}
