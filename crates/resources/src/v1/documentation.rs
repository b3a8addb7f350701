//! Documentation of an API: parts, and versions that freeze them (rest-admin-api §3.20).

mod location;
pub mod part;
mod undocumented;
pub mod version;

pub use location::{Filter, Location};
pub use part::{DocumentationPart, at, new};
pub use undocumented::undocumented;
pub use version::DocumentationVersion;
