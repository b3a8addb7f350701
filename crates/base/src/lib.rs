//! The words every other crate uses: ids, ARNs, digests, revisions, the AWS error value, clock and randomness seams.
//!
//! Must not know: tokio, I/O, the wall clock, any AWS resource's fields.

pub mod arn;
pub mod clock;
pub mod digest;
pub mod entropy;
pub mod error;
pub mod eventstream;
pub mod id;
pub mod limits;
pub mod verb;

pub use arn::Scope;
pub use clock::{Clock, UnixMillis};
pub use digest::Digest;
pub use entropy::Entropy;
pub use error::{AwsError, ErrorCode};
pub use verb::Verb;

/// A position in the control plane's history. Gapless, starts at 1; 0 means "nothing yet".
pub type Revision = u64;
