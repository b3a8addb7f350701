//! Workspace chores: generators, tidy, coverage.
fn main() {}
