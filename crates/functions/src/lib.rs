//! The Lambda-compatible function host: functions, versions and aliases as documents, their code by digest, and the processes
//! that run them. Reached only through the Lambda wire API, so that AWS's own Lambda can stand in its place.
//!
//! Must not know: gateways, stages, snapshots, the command line.

mod invocation;
mod runtime;

pub use invocation::{Answer, FunctionError, Invocation, InvokeError, Invoked, Runnable, ThrottleReason};
pub use runtime::Runtime;
