//! IAM policy documents: parse and decide.
//!
//! Must not know: where a policy comes from, whose request it decides beyond [`Request`]. What cannot be read is refused when
//! it is parsed, so that nothing is allowed by a statement half understood.

mod decide;
mod pattern;
mod statement;

pub use decide::{Decision, Request, decide};
pub use pattern::{arn_like, string_like};
pub use statement::{Effect, PolicyError, Principals, Statement};
