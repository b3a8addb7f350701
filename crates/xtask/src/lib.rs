//! Workspace chores: generators and checks. A library too, so that tests prove generated files current.

pub mod dag;
pub mod ops;
pub mod proto;
mod shapes;
pub mod tidy;

use std::path::PathBuf;

/// The checkout it runs in, which Cargo names when it runs a program or a test: one that was built in a copy of the checkout looks at
/// its own files.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = PathBuf::from(here);
    here.ancestors().nth(2).map_or(here.clone(), PathBuf::from)
}
