//! Documents of the Lambda API: how functions, versions, aliases and policies are kept.

pub(crate) mod alias;
pub(crate) mod event_config;
pub(crate) mod function;
pub(crate) mod kinds;
pub(crate) mod layer;
pub(crate) mod name;
pub(crate) mod policy;

pub use alias::Alias;
pub use function::{Function, Version};
pub use layer::Attached;
pub use name::Target;
