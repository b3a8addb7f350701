//! Document types of the REST API control plane, their validation and their patch tables.
//!
//! Must not know: SQL, HTTP, the feed, snapshots. A document serialises to exactly the JSON that AWS puts on the wire
//! (one type for create, get, list and update), except for members marked as ours.

pub mod csv;
pub mod diff;
pub mod document;
pub mod errors;
pub mod input;
pub mod patch;
pub mod policy;
pub mod reply;
pub mod tree;
pub mod v1;

pub use document::Document;
pub use tree::ApiTree;
