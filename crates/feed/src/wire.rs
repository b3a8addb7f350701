//! The protocol's messages and gRPC stubs, generated from `proto/` by `cargo xtask proto`.
//!
//! Public so that a test can play either side by hand; the program itself uses [`crate::Board`] and [`crate::Session`].
#![allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic, clippy::too_many_lines)]

include!("generated/gateway.feed.v1.rs");
