//! The snapshot format ([`Plan`], [`StageSettings`]) and its compiled form ([`Release`], [`StageView`]'s raw material).
//!
//! Must not know: documents, SQL, the feed, tokio, the clock. The control plane's deploy check and the worker's load run
//! the same [`Release::compile`] (invariant 4).

pub mod binary;
pub mod cache_key;
pub mod codec;
pub mod compile;
pub mod expression;
#[doc(hidden)]
pub mod fuzz;
pub mod gateway;
pub mod headers;
pub mod integration;
pub mod ir;
pub mod release;
pub mod router;
pub mod schema;
pub mod selection;
pub mod settings;
pub mod substitution;
pub mod target;
pub mod templates;
pub mod test_invoke;
pub mod validation;

pub use codec::DecodeError;
pub use compile::{CompileLimits, Problem};
pub use gateway::GatewayResponseType;
pub use ir::Plan;
pub use release::{Method, Release};
pub use router::{Found, Router};
pub use settings::StageSettings;
