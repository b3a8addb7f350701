//! Documents, names, blobs, pointers, the change log and queued events on SQLite or Postgres: one SQL text, one behaviour.
//!
//! Must not know: what a document means, AWS, the feed's messages. Writers are serialised by the one row of `head`, so
//! revisions are gapless and become visible in order; a write is `begin (bump) → read → decide → write → point → commit`.

mod blob;
mod error;
mod events;
mod keys;
mod migrate;
mod open;
mod read;
mod rows;
mod sql;
mod tail;
mod write;

pub use blob::Blob;
pub use error::StoreError;
pub use events::{Backlog, Claimed, NewEvent, Tried, Waiting};
pub use keys::AccessKey;
pub use open::{Store, StoreOptions};
pub use rows::{AuditRow, ChangeRow, Doc, Key, NameRow, PointerRow, WorkerRow};
pub use write::{Author, Write};
