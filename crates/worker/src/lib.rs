//! The data plane: a front door per core and the request pipeline behind it. A library; `stagecoach` composes it.
//!
//! Must not know: documents, SQL, AWS admin types, command lines, the environment. Configuration arrives through
//! [`Sink`] and is compiled off the traffic path; a request reads one snapshot of it and finishes on that.

mod authorizer;
mod body;
mod cache;
mod coding;
mod core;
mod cors;
mod deadline;
mod encode;
mod exchange;
mod execution;
mod explain;
mod failure;
mod front;
mod guard;
mod handle;
mod headers;
mod ids;
mod integrate;
mod lambda_endpoint;
mod locate;
mod log;
mod mapping;
mod metrics;
mod names;
mod options;
mod query;
mod shared;
mod signers;
mod sink;
mod status;
mod table;
mod testing;
mod upstream;
mod validate;
mod worker;

pub use body::fuzz_events;
pub use coding::fuzz_inflate;
pub use front::scan::fuzz_scan;
pub use lambda_endpoint::{LambdaEndpoint, Rotating};
pub use options::{ExplainKey, LOG_BUFFER, LogTarget, Options, Resolve, StreamIdle};
pub use sink::TableSink;
pub use testing::Bench;
pub use worker::{Running, Worker};
