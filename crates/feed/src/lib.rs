//! The configuration feed: how workers learn which snapshot each stage serves.
//!
//! Pointers are signed and small; snapshots are blobs named by their SHA-256 and fetched once. This crate treats blobs
//! as bytes and hands them to a [`Sink`], so it knows nothing of plans, documents or SQL.

pub mod pointer;
pub mod sink;

pub use pointer::{BlobRef, Kind, Pointer, PointerKey, Role};
pub use sink::{Blobs, Prepared, Refusal, RefusalKind, Sink};
