//! The configuration feed: how workers learn which snapshot each stage serves.
//!
//! Pointers are signed and small; snapshots are blobs named by their SHA-256 and fetched once. This crate treats blobs
//! as bytes and hands them to a [`Sink`], so it knows nothing of plans, documents or SQL. The protocol in prose is in
//! `proto/README.md`.

pub mod board;
mod cache;
pub mod codec;
mod fetch;
mod follow;
pub mod outcome;
pub mod pki;
pub mod pointer;
mod roster;
pub mod server;
pub mod session;
pub mod sign;
pub mod sink;
pub mod tls;
pub mod wire;

pub use board::{Board, Convergence, Laggard, Tombstone};
pub use codec::{DecodeError, fuzz_decode};
pub use fetch::BlobSource;
pub use outcome::{Outcome, OutcomeKind};
pub use pointer::{BlobRef, Kind, Pointer, PointerKey, Role};
pub use roster::WorkerStatus;
pub use server::{FeedServer, ServeError};
pub use session::{Backoff, Handle, LoadReport, Session, SessionConfig, Status, WorkerIdentity};
pub use sign::{InvalidKey, PublicKey, SignedPointer, SigningKey, TrustedKeys, VerifyError};
pub use sink::{Blobs, BoxFuture, Prepared, Refusal, RefusalKind, Sink};
pub use tls::{ClientTls, ServerTls};

/// The protocol's version, checked in `Hello`.
pub const PROTOCOL: u32 = 1;
