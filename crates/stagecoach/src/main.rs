//! The stagecoach binary: composition root.
fn main() {}
