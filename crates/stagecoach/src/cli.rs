//! The command line. Every flag has an environment variable `STAGECOACH_*` and a key of the same name in the TOML file
//! named by `--config`; a flag beats the variable, the variable beats the file.

mod functions;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::function_files::FunctionFile;

pub(crate) use functions::{FunctionHost, Functions};

/// An API gateway you run yourself that speaks Amazon API Gateway's own APIs.
#[derive(Debug, Parser)]
#[command(name = "stagecoach", version)]
pub(crate) struct Cli {
    /// Log filter: a level, or `crate=level` pairs separated by commas
    #[arg(long, global = true, env = "STAGECOACH_LOG", default_value = "info")]
    pub(crate) log: String,
    /// TOML file with a value for any flag of the subcommand, under the flag's name
    #[arg(long, global = true, env = "STAGECOACH_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// All in one process on loopback with SQLite: imports and deploys the OpenAPI files given, and again when they change
    Dev(Box<Dev>),
    /// A control-plane replica
    Control(Control),
    /// A data-plane worker
    Worker(Worker),
    /// A function host: the Lambda API over the control plane's database, functions as processes of this machine
    Functions(Functions),
    /// Admin access keys
    #[command(subcommand)]
    Key(Key),
    /// The workers that follow a control plane
    #[command(subcommand)]
    Fleet(Fleet),
    /// Certificates and signing keys between the planes
    #[command(subcommand)]
    Pki(Pki),
    /// Validate an OpenAPI file as a deploy would, offline
    Check(Check),
    /// Send a request and print every step that the gateway takes with it
    Explain(Explain),
    /// Mapping templates, offline
    #[command(subcommand)]
    Template(crate::template::Command),
}

/// What ARNs and host names carry.
#[derive(Debug, Clone, Args)]
pub(crate) struct Names {
    /// Region in ARNs and host names
    #[arg(long, env = "STAGECOACH_REGION", default_value = "us-east-1")]
    pub(crate) region: String,
    /// Twelve-digit account in ARNs
    #[arg(long, env = "STAGECOACH_ACCOUNT", default_value = "000000000000")]
    pub(crate) account: String,
}

/// How much an account may have. AWS's texts, nobody's numbers.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Quotas {
    /// Most APIs; 0: no limit (AWS: 600)
    #[arg(long, env = "STAGECOACH_MAX_REST_APIS", default_value_t = 0)]
    pub(crate) max_rest_apis: usize,
    /// Most resources of an API, its root among them; 0: no limit (AWS: 300)
    #[arg(long, env = "STAGECOACH_MAX_RESOURCES", default_value_t = 0)]
    pub(crate) max_resources: usize,
}

impl From<Quotas> for stagecoach_control::Quotas {
    fn from(quotas: Quotas) -> Self {
        Self { rest_apis: quotas.max_rest_apis, resources: quotas.max_resources }
    }
}

/// What an integration may ask for.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Ceilings {
    /// Longest integration time-out that an API may have, seconds (AWS: 29); streamed answers may take 15 minutes anyhow
    #[arg(long, env = "STAGECOACH_MAX_INTEGRATION_TIMEOUT", default_value_t = 29, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) max_integration_timeout: u32,
}

impl From<Ceilings> for stagecoach_control::Ceilings {
    fn from(ceilings: Ceilings) -> Self {
        Self { integration_timeout_ms: ceilings.max_integration_timeout.saturating_mul(1000) }
    }
}

/// Options of whoever serves traffic.
#[derive(Debug, Clone, Args)]
pub(crate) struct Traffic {
    /// Where API traffic is served
    #[arg(long, env = "STAGECOACH_TRAFFIC", default_value = "127.0.0.1:8080")]
    pub(crate) traffic: SocketAddr,
    /// Where API traffic is served over TLS (needs --tls-certificate and --tls-key)
    #[arg(long, env = "STAGECOACH_TRAFFIC_TLS")]
    pub(crate) traffic_tls: Option<SocketAddr>,
    /// Certificate chain for --traffic-tls, PEM
    #[arg(long, env = "STAGECOACH_TLS_CERTIFICATE")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Private key for --traffic-tls, PEM
    #[arg(long, env = "STAGECOACH_TLS_KEY")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Where /healthz, /readyz and /metrics are served
    #[arg(long, env = "STAGECOACH_STATUS", default_value = "127.0.0.1:8084")]
    pub(crate) status: SocketAddr,
    /// Threads that serve traffic; 0: one per core
    #[arg(long, env = "STAGECOACH_CORES", default_value_t = 0)]
    pub(crate) cores: usize,
    /// Where access log lines go: `stdout` (or `-`), `stderr`, `off`, a file or a named pipe
    #[arg(long, env = "STAGECOACH_ACCESS_LOG", default_value = "off")]
    pub(crate) access_log: String,
    /// Where execution log lines go, of methods whose stage settings ask for them: as for --access-log
    #[arg(long, env = "STAGECOACH_EXECUTION_LOG", default_value = "stderr")]
    pub(crate) execution_log: String,
    /// Bytes of a log that may wait for its destination; what comes on top is dropped and counted
    #[arg(long, env = "STAGECOACH_LOG_BUFFER", default_value_t = stagecoach_worker::LOG_BUFFER)]
    pub(crate) log_buffer: usize,
    /// Key (16 characters or more) of those who may ask with `x-stagecoach-explain` what happened to a request; none: nobody
    #[arg(long, env = "STAGECOACH_EXPLAIN_KEY", hide_env_values = true)]
    pub(crate) explain_key: Option<String>,
    /// What the method cache may hold in memory, bytes, whatever cache cluster sizes stages ask for; 0: no method is cached
    #[arg(long, env = "STAGECOACH_CACHE_BYTES", default_value_t = stagecoach_worker::Options::CACHE_BYTES)]
    pub(crate) cache_bytes: u64,
    /// How long requests in flight may take to finish after SIGTERM, seconds
    #[arg(long, env = "STAGECOACH_DRAIN_SECONDS", default_value_t = 30)]
    pub(crate) drain_seconds: u64,
    #[command(flatten)]
    pub(crate) integrations: Integrations,
}

/// What integrations may reach and use: those of traffic, and of the tests of draft methods that a control plane runs.
#[derive(Debug, Clone, Args)]
pub(crate) struct Integrations {
    /// Largest payload of a request, or of an answer that is not streamed, bytes (AWS: 10 MiB). A longer answer is a 500, a
    /// function's a 502; one of unknown length is forwarded as it comes, and broken off at the limit
    #[arg(long, env = "STAGECOACH_MAX_PAYLOAD", default_value_t = stagecoach_base::limits::PAYLOAD_BYTES)]
    pub(crate) max_payload: usize,
    /// Largest number of rounds of a #foreach in a mapping template
    #[arg(long, env = "STAGECOACH_MAX_ITERATIONS", default_value_t = 1000)]
    pub(crate) max_iterations: usize,
    /// Upstream name override NAME=ADDR, repeatable; a name that starts with a dot matches all names below it
    #[arg(long, env = "STAGECOACH_RESOLVE", value_delimiter = ',')]
    pub(crate) resolve: Vec<String>,
    /// Who runs functions: URL, or PATTERN=URL with a pattern of function ARNs (`*` any text, `?` any character), and behind
    /// either `,profile=NAME`: calls are then signed with that profile of the shared credentials file, which may be rotated,
    /// else with AWS_ACCESS_KEY_ID and its like; repeatable, first match wins; none: http://127.0.0.1:8083, in `dev` itself
    #[arg(long, env = "STAGECOACH_LAMBDA_ENDPOINT", value_delimiter = ',')]
    pub(crate) lambda_endpoint: Vec<String>,
    /// How long a streamed answer may pause before it is broken off, seconds (AWS: 300, and 30 of edge-optimised APIs)
    #[arg(long, env = "STAGECOACH_STREAM_IDLE_TIMEOUT", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) stream_idle_timeout: Option<u64>,
    /// Allow integrations to private, loopback and link-local addresses
    #[arg(long, env = "STAGECOACH_ALLOW_PRIVATE_UPSTREAMS")]
    pub(crate) allow_private_upstreams: bool,
}

/// `stagecoach dev`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Dev {
    /// OpenAPI files (2.0 or 3.0, JSON or YAML) to import, deploy and watch
    pub(crate) files: Vec<PathBuf>,
    /// Where state is kept
    #[arg(long, env = "STAGECOACH_DATA_DIR", default_value = ".stagecoach")]
    pub(crate) data_dir: PathBuf,
    /// File to write the addresses in use to, as JSON, once everything listens
    #[arg(long, env = "STAGECOACH_ADDRESSES")]
    pub(crate) addresses: Option<PathBuf>,
    /// Stage the files are deployed to
    #[arg(long, env = "STAGECOACH_STAGE", default_value = "dev")]
    pub(crate) stage: String,
    /// A function NAME=PATH or NAME=PATH:HANDLER, repeatable: a .py, .js, .mjs or .cjs file, or a folder; updated when it changes
    #[arg(long, env = "STAGECOACH_FUNCTION", value_delimiter = ',')]
    pub(crate) function: Vec<FunctionFile>,
    /// Where the admin API and the Lambda API are served
    #[arg(long, env = "STAGECOACH_ADMIN", default_value = "127.0.0.1:8081")]
    pub(crate) admin: SocketAddr,
    /// Where workers follow (one more worker may join a `dev`)
    #[arg(long, env = "STAGECOACH_FEED", default_value = "127.0.0.1:8082")]
    pub(crate) feed: SocketAddr,
    /// Add POST /_stagecoach/v1/reset, which empties everything
    #[arg(long, env = "STAGECOACH_ALLOW_RESET")]
    pub(crate) allow_reset: bool,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) quotas: Quotas,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) host: FunctionHost,
    #[command(flatten)]
    pub(crate) traffic: Traffic,
}

/// `stagecoach control`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Control {
    /// postgres://… for a fleet, sqlite://FILE for one replica
    #[arg(long, env = "STAGECOACH_DATABASE_URL")]
    pub(crate) database_url: String,
    /// Where the admin API is served
    #[arg(long, env = "STAGECOACH_ADMIN", default_value = "127.0.0.1:8081")]
    pub(crate) admin: SocketAddr,
    /// Where workers follow
    #[arg(long, env = "STAGECOACH_FEED", default_value = "127.0.0.1:8082")]
    pub(crate) feed: SocketAddr,
    /// Where /healthz, /readyz and /metrics are served
    #[arg(long, env = "STAGECOACH_STATUS", default_value = "127.0.0.1:8085")]
    pub(crate) status: SocketAddr,
    /// `stagecoach functions` hosts, which answer the Lambda API that this plane's admin address passes on; repeatable, the next
    /// one is asked when one cannot be reached
    #[arg(long, env = "STAGECOACH_FUNCTIONS_ENDPOINT", value_delimiter = ',', default_value = "http://127.0.0.1:8083")]
    pub(crate) functions_endpoint: Vec<crate::forward::Endpoint>,
    /// Directory made by `stagecoach pki init`: this plane's certificate and the signing key
    #[arg(long, env = "STAGECOACH_PKI_DIR")]
    pub(crate) pki_dir: Option<PathBuf>,
    /// Database connections
    #[arg(long, env = "STAGECOACH_DATABASE_CONNECTIONS", default_value_t = 16)]
    pub(crate) database_connections: u32,
    /// Format number to write snapshots with, to test that workers refuse what they do not know
    #[arg(long, hide = true, default_value_t = stagecoach_plan::ir::FORMAT)]
    pub(crate) test_snapshot_format: u32,
    /// Accept admin calls without a valid signature
    #[arg(long, env = "STAGECOACH_INSECURE_OPEN_ADMIN")]
    pub(crate) insecure_open_admin: bool,
    /// Serve the feed without TLS; the signing key is then kept in the database
    #[arg(long, env = "STAGECOACH_INSECURE_PLAINTEXT_FEED")]
    pub(crate) insecure_plaintext_feed: bool,
    /// Add POST /_stagecoach/v1/reset, which empties everything
    #[arg(long, env = "STAGECOACH_ALLOW_RESET")]
    pub(crate) allow_reset: bool,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) quotas: Quotas,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) integrations: Integrations,
}

/// `stagecoach worker`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Worker {
    /// Feed address of a control plane, https://HOST:PORT; repeatable, tried in turn
    #[arg(long, env = "STAGECOACH_CONTROL_PLANE", value_delimiter = ',', required = true)]
    pub(crate) control_plane: Vec<String>,
    /// This worker's name in the fleet; must be the name in its certificate
    #[arg(long, env = "STAGECOACH_WORKER_ID")]
    pub(crate) worker_id: Option<String>,
    /// Where the last good state is kept
    #[arg(long, env = "STAGECOACH_STATE_DIR", default_value = "stagecoach-state")]
    pub(crate) state_dir: PathBuf,
    /// Directory with ca.pem, worker-ID.pem, worker-ID.key and signing.pub, made by `stagecoach pki`
    #[arg(long, env = "STAGECOACH_PKI_DIR")]
    pub(crate) pki_dir: Option<PathBuf>,
    /// Follow without TLS and take pointers from whoever signed them
    #[arg(long, env = "STAGECOACH_INSECURE_PLAINTEXT_FEED")]
    pub(crate) insecure_plaintext_feed: bool,
    /// Zone label shown in the fleet endpoint
    #[arg(long, env = "STAGECOACH_ZONE", default_value = "")]
    pub(crate) zone: String,
    #[command(flatten)]
    pub(crate) names: Names,
    #[command(flatten)]
    pub(crate) traffic: Traffic,
}

/// Where the access keys are.
#[derive(Debug, Clone, Args)]
pub(crate) struct Database {
    /// Database of the control plane
    #[arg(long, env = "STAGECOACH_DATABASE_URL")]
    pub(crate) database_url: String,
}

/// `stagecoach key`.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make an access key and print it; the secret is shown this once
    Create {
        #[command(flatten)]
        database: Database,
        /// What the key is for
        #[arg(long, env = "STAGECOACH_KEY_DESCRIPTION", default_value = "")]
        description: String,
    },
    /// List access keys
    List {
        #[command(flatten)]
        database: Database,
    },
    /// Revoke an access key
    Revoke {
        #[command(flatten)]
        database: Database,
        /// Access key id
        id: String,
    },
}

/// `stagecoach fleet`.
#[derive(Debug, Subcommand)]
pub(crate) enum Fleet {
    /// Who follows, who lags, who refused what
    Status {
        #[command(flatten)]
        database: Database,
    },
}

/// `stagecoach pki`.
#[derive(Debug, Subcommand)]
pub(crate) enum Pki {
    /// Make a certificate authority, a control-plane certificate and a signing key in DIR
    Init {
        /// Directory, created if missing
        dir: PathBuf,
        /// Names and addresses in the control plane's certificate
        #[arg(long, env = "STAGECOACH_PKI_NAMES", value_delimiter = ',', default_value = "localhost,127.0.0.1,::1")]
        names: Vec<String>,
    },
    /// Issue a worker's certificate from DIR
    Worker {
        /// Directory made by `pki init`
        dir: PathBuf,
        /// Worker id
        id: String,
    },
}

/// `stagecoach check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// OpenAPI file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) ceilings: Ceilings,
    #[command(flatten)]
    pub(crate) names: Names,
}

/// `stagecoach explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// URL of the request
    pub(crate) url: String,
    /// The worker's --explain-key
    #[arg(long, env = "STAGECOACH_EXPLAIN_KEY", hide_env_values = true)]
    pub(crate) key: String,
    /// Method; GET, or POST with --data
    #[arg(short = 'X', long)]
    pub(crate) request: Option<String>,
    /// Header NAME: VALUE, repeatable
    #[arg(short = 'H', long)]
    pub(crate) header: Vec<String>,
    /// Body
    #[arg(short = 'd', long)]
    pub(crate) data: Option<String>,
    /// Base URL of the worker's status listener, where traces are that do not fit into a header
    #[arg(long, env = "STAGECOACH_WORKER_STATUS", default_value = "http://127.0.0.1:8084")]
    pub(crate) worker_status: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses a command line, with the file of `--config` beneath it.
///
/// # Errors
/// A file that cannot be read or has a key that is no flag of the subcommand. Usage errors print and exit.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Cli> {
    let arguments: Vec<OsString> = arguments.collect();
    let mut command = Cli::command();
    if let Some(path) = config_path(&arguments) {
        command = with_file(command, &arguments, &path)?;
    }
    let matches = command.get_matches_from(arguments);
    Ok(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

fn config_path(arguments: &[OsString]) -> Option<PathBuf> {
    let mut given = None;
    for (index, argument) in arguments.iter().enumerate() {
        let text = argument.to_string_lossy();
        if text == "--config" {
            given = arguments.get(index + 1).map(PathBuf::from);
        } else if let Some(path) = text.strip_prefix("--config=") {
            given = Some(PathBuf::from(path));
        }
    }
    given.or_else(|| std::env::var_os("STAGECOACH_CONFIG").map(PathBuf::from))
}

/// Makes each value of the file the default of the flag with its name.
fn with_file(command: clap::Command, arguments: &[OsString], path: &PathBuf) -> anyhow::Result<clap::Command> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let file: toml::Table = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
    let name = command.get_subcommands().map(|sub| sub.get_name().to_owned());
    let Some(name) = name.into_iter().find(|name| arguments.iter().any(|argument| argument == name.as_str())) else {
        return Ok(command);
    };
    let mut problem = None;
    let command = command.mut_subcommand(&name, |mut sub| {
        for (key, value) in &file {
            match flag(&sub, key) {
                Some(id) => sub = sub.mut_arg(id, |arg| arg.required(false).default_values(words(value))),
                None => problem = Some(format!("{}: `{key}` is no flag of `{name}`", path.display())),
            }
        }
        sub
    });
    match problem {
        Some(problem) => bail!(problem),
        None => Ok(command),
    }
}

fn flag(command: &clap::Command, key: &str) -> Option<clap::Id> {
    command.get_arguments().find(|arg| arg.get_long() == Some(key)).map(|arg| arg.get_id().clone())
}

fn words(value: &toml::Value) -> Vec<String> {
    match value {
        toml::Value::String(text) => vec![text.clone()],
        toml::Value::Array(items) => items.iter().flat_map(words).collect(),
        other => vec![other.to_string()],
    }
}

#[cfg(test)]
mod tests;
