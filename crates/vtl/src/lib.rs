//! The mapping template language (Velocity as API Gateway runs it) and its JSONPath.
//!
//! Built so far: templates without references or directives, and definite JSON paths. A template that uses more parses
//! and says what it needs ([`Template::needs`]), so that only the requests that reach it are refused, by name.
//!
//! Must not know: tokio, HTTP, snapshots.

pub mod path;
pub mod template;

pub use path::Path;
pub use template::{Needs, ParseError, Template};
