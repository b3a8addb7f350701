//! The Lambda-compatible function host: functions, versions and aliases as documents, their code by digest, and the processes
//! that run them. Reached only through the Lambda wire API, so that AWS's own Lambda can stand in its place.
//!
//! Must not know: gateways, stages, snapshots, the command line.

mod api;
mod errors;
mod host;
mod invocation;
mod model;
mod objects;
mod package;
mod runtime;
mod s3;

pub use api::{Answered, Caller, EventOptions, EventStatus, Functions, Invoker, Parts, Pending, is_presigned, owns};
pub use errors::{Code, LambdaError};
pub use host::{Followed, Follower, Host, HostOptions, Isolation, UnknownIsolation, UnknownUsers, Users};
pub use invocation::{Answer, FunctionError, Invocation, InvokeError, Invoked, Runnable, ThrottleReason};
pub use model::{Alias, Attached, Function, Target, Version};
pub use objects::{ObjectError, ObjectName, Objects};
pub use package::{LARGEST_UNZIPPED, LARGEST_ZIPPED, fuzz_unzip};
pub use runtime::Runtime;
pub use s3::{NoEndpoint, S3, S3Endpoint};
pub use stagecoach_sigv4::Credentials;
