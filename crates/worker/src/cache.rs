//! The method cache (rest-data-plane §9): final answers, before they are compressed, kept in the worker that made them.
//!
//! Which methods are cached, for how long and under which keys is decided when a stage is installed ([`plan`]); a stage
//! without a cache has none of it. Workers do not share entries: AWS promises no more than best effort.

pub(crate) mod entry;
pub(crate) mod plan;
mod serve;
pub(crate) mod store;

pub(crate) use plan::StageCache;
pub(crate) use serve::{method_cache, serve};
pub(crate) use store::ResponseCache;
