//! Flags of whoever runs functions.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use stagecoach_functions::{Isolation, S3Endpoint, Users};

use super::Names;

/// How functions are run.
#[derive(Debug, Clone, Args)]
pub(crate) struct FunctionHost {
    /// Most invocations at once over all functions of this host; what comes on top is throttled (AWS: 1000)
    #[arg(long, env = "STAGECOACH_FUNCTION_CONCURRENCY", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) function_concurrency: u32,
    /// Most events of asynchronous invocations that wait or run, over all hosts on the database; what comes on top is throttled
    #[arg(long, env = "STAGECOACH_MAX_QUEUED_EVENTS", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_queued_events: u64,
    /// How long a function's process waits for its next invocation before it is ended, seconds
    #[arg(long, env = "STAGECOACH_FUNCTION_IDLE_SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) function_idle_seconds: u64,
    /// What separates functions from this machine: `process` (a group of processes with limits) or `bubblewrap` (a sandbox; needs
    /// the program `bwrap`)
    #[arg(long, env = "STAGECOACH_FUNCTION_ISOLATION", default_value_t = Isolation::Process)]
    pub(crate) function_isolation: Isolation,
    /// Users that functions run as, by number, when the host runs as root: `1500`, or `20000-20999` for one per environment
    #[arg(long, env = "STAGECOACH_FUNCTION_USERS")]
    pub(crate) function_users: Option<Users>,
    /// Profile of the shared credentials file, read at the start, whose keys functions find in AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; without it they find none
    #[arg(long, env = "STAGECOACH_FUNCTION_PROFILE")]
    pub(crate) function_profile: Option<String>,
    /// Python of `python3.*` functions: a name to look up in PATH, or a path
    #[arg(long, env = "STAGECOACH_PYTHON", default_value = "python3")]
    pub(crate) python: String,
    /// Node.js of `nodejs*.x` functions, likewise
    #[arg(long, env = "STAGECOACH_NODE", default_value = "node")]
    pub(crate) node: String,
    /// Where packages named by S3Bucket and S3Key are: the URL of anything that speaks S3, or `aws`; calls are signed with
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Without it packages come in the call only
    #[arg(long, env = "STAGECOACH_S3_ENDPOINT")]
    pub(crate) s3_endpoint: Option<S3Endpoint>,
}

/// `stagecoach functions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Functions {
    /// The control plane's database: hosts that share it serve the same functions
    #[arg(long, env = "STAGECOACH_DATABASE_URL")]
    pub(crate) database_url: String,
    /// Where the Lambda API is served
    #[arg(long, env = "STAGECOACH_FUNCTIONS", default_value = "127.0.0.1:8083")]
    pub(crate) functions: SocketAddr,
    /// Where /healthz, /readyz and /metrics are served
    #[arg(long, env = "STAGECOACH_STATUS", default_value = "127.0.0.1:8086")]
    pub(crate) status: SocketAddr,
    /// Where code is unpacked and processes have their temporary files; of this host alone
    #[arg(long, env = "STAGECOACH_DATA_DIR", default_value = "stagecoach-functions")]
    pub(crate) data_dir: PathBuf,
    /// Database connections
    #[arg(long, env = "STAGECOACH_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub(crate) database_connections: u32,
    /// Accept Lambda calls without a valid signature
    #[arg(long, env = "STAGECOACH_INSECURE_OPEN_ADMIN")]
    pub(crate) insecure_open_admin: bool,
    /// How long invocations in flight may take to finish after SIGTERM, seconds
    #[arg(long, env = "STAGECOACH_DRAIN_SECONDS", default_value_t = 30)]
    pub(crate) drain_seconds: u64,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) host: FunctionHost,
}
