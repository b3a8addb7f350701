//! Workspace chores: generators and checks. A library too, so that tests prove generated files current.

pub mod dag;
pub mod ops;
pub mod proto;
pub mod tidy;

use std::path::PathBuf;

/// The checkout this program was built from.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or(here.clone(), PathBuf::from)
}
