//! Documentation of an API: parts, and versions that freeze them (rest-admin-api §3.20).

mod part;
mod version;

pub use part::{DocumentationPart, Location, at, new};
pub use version::DocumentationVersion;
