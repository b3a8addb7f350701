//! The seam between the Lambda API (who may invoke what) and the host (processes that run it).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::Runtime;

/// One version of a function, ready to run: its code is on disk. Environments belong to a `Runnable` with their `revision`;
/// another revision of the same version gets environments of its own, and those of the old one end once idle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runnable {
    /// ARN of the function, without a version.
    pub arn: String,
    /// Name of the function.
    pub name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// Changes with code and configuration.
    pub revision: String,
    /// What executes it.
    pub runtime: Runtime,
    /// AWS's identifier of the runtime, as configured: `python3.12`.
    pub runtime_name: String,
    /// Handler as configured.
    pub handler: String,
    /// Folder with the unpacked package, read only: the task root.
    pub code: PathBuf,
    /// Folders with the unpacked layers, in their order.
    pub layers: Vec<PathBuf>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// The function's own variables.
    pub variables: BTreeMap<String, String>,
    /// Region in the environment variables.
    pub region: String,
    /// Most invocations at once over all versions of the function; `None`: only the account's limit holds.
    pub reserved: Option<u32>,
}

/// One invocation of a [`Runnable`].
#[derive(Clone, Debug, Default)]
pub struct Invocation {
    /// Request id, a UUID.
    pub request_id: String,
    /// ARN as invoked, with its qualifier.
    pub invoked_arn: String,
    /// The event.
    pub payload: Bytes,
    /// Decoded `X-Amz-Client-Context`, JSON.
    pub client_context: Option<String>,
    /// `X-Amzn-Trace-Id`.
    pub trace_id: Option<String>,
    /// The caller takes the answer as it is made (InvokeWithResponseStream).
    pub streaming: bool,
}

/// What a function answered.
#[derive(Debug)]
pub struct Invoked {
    /// Its answer.
    pub answer: Answer,
    /// The last 4 KiB of what it logged in this invocation; empty for a stream, whose log comes at its end.
    pub log_tail: Vec<u8>,
}

/// An answer, whole or as it comes.
#[derive(Debug)]
pub enum Answer {
    /// All of it.
    Whole(Bytes),
    /// The function, its runtime or its environment failed: always `FunctionError: Unhandled`, with this payload.
    Failed(Bytes),
    /// Chunks as the function writes them.
    Stream(mpsc::Receiver<Result<Bytes, FunctionError>>),
}

/// How a stream ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionError {
    /// `errorType`.
    pub code: String,
    /// The error's JSON, or what is known of it.
    pub details: String,
}

/// Why a function was not invoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// 429.
    #[error("Rate Exceeded.")]
    Throttled(ThrottleReason),
    /// The environment cannot be made: an interpreter is missing, a folder unreadable. Names what to do.
    #[error("{0}")]
    NotRunnable(String),
    /// The host is stopping.
    #[error("the function host is shutting down")]
    Stopping,
}

/// `Reason` of a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleReason {
    /// The account's concurrency is used up.
    Concurrent,
    /// The function's reserved concurrency is used up, or 0.
    Reserved,
}

impl ThrottleReason {
    /// AWS's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concurrent => "ConcurrentInvocationLimitExceeded",
            Self::Reserved => "ReservedFunctionConcurrentInvocationLimitExceeded",
        }
    }
}
