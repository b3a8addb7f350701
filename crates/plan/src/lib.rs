//! The snapshot format ([`Plan`], [`StageSettings`]) and its compiled form ([`Release`], [`StageView`]'s raw material).
//!
//! Must not know: documents, SQL, the feed, tokio, the clock. The control plane's deploy check and the worker's load run
//! the same [`Release::compile`] (invariant 4).

pub mod ir;
pub mod settings;

pub use ir::Plan;
pub use settings::StageSettings;
