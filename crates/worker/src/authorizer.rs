//! Lambda authorizers: whom a request claims to be, and what a function says about that (rest-data-plane §7.1–§7.3).

pub(crate) mod identity;
pub(crate) mod output;
