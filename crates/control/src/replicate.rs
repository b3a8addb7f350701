//! The store's pointers to this replica's board, and the board's worker states to the store.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stagecoach_base::{Digest, Revision};
use stagecoach_feed::{BlobSource, BoxFuture, Kind, PointerKey, SignedPointer, Tombstone};
use stagecoach_store::{PointerRow, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::{Control, fleet};

/// Rows read at once.
const BATCH: u32 = 1_000;
/// Pause after a failed read.
const RETRY: Duration = Duration::from_millis(500);
/// How often the head is polled beside LISTEN/NOTIFY.
const POLL: Duration = Duration::from_millis(500);

/// Snapshots out of the store, for `Fetch`.
pub struct Blobs(pub Store);

impl BlobSource for Blobs {
    fn blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(async move {
            self.0.blob(digest).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error, blob.digest = %digest, "a blob could not be read");
                None
            })
        })
    }
}

/// Keeps the board at the store's head, and the store's worker table at what the board hears, until cancelled.
pub async fn replicate(control: Arc<Control>, cancel: CancellationToken) {
    tokio::select! {
        () = control.store.tail(POLL) => {}
        () = follow_pointers(&control) => {}
        () = fleet::persist_workers(&control) => {}
        () = cancel.cancelled() => {}
    }
}

async fn follow_pointers(control: &Control) {
    let mut head = control.store.head();
    let mut cursor = 0;
    loop {
        head.borrow_and_update();
        match catch_up(control, cursor).await {
            Ok(reached) => {
                cursor = reached;
                if head.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "pointers could not be read; trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Reads everything after `cursor` and puts it on the board; answers the revision reached.
async fn catch_up(control: &Control, mut cursor: Revision) -> Result<Revision, StoreError> {
    // Read before the rows: whatever commits in between is seen again at the next turn, never skipped.
    let head = control.store.revision().await?;
    let mut rows = Vec::new();
    loop {
        let batch = control.store.pointers_since(cursor, BATCH).await?;
        let full = batch.len() == BATCH as usize;
        cursor = batch.last().map_or(cursor, |row| row.revision);
        rows.extend(batch);
        if !full {
            break;
        }
    }
    let cursor = cursor.max(head);
    let (removed, kept): (Vec<PointerRow>, Vec<PointerRow>) = rows.into_iter().partition(|row| row.removed);
    let updates: Vec<SignedPointer> = kept.iter().filter_map(decode).collect();
    let removed = removed.into_iter().filter_map(tombstone).collect();
    control.board.apply(&updates, removed, cursor);
    Ok(cursor)
}

fn decode(row: &PointerRow) -> Option<SignedPointer> {
    SignedPointer::decode(&row.body)
        .inspect_err(|error| tracing::error!(error = %error, pointer = row.name, "a stored pointer does not decode"))
        .ok()
}

fn tombstone(row: PointerRow) -> Option<Tombstone> {
    let kinds = [Kind::Stage, Kind::Domain, Kind::Keyring, Kind::Certificate, Kind::VpcLink, Kind::Account];
    let kind = kinds.into_iter().find(|kind| *kind as i64 == row.kind)?;
    Some(Tombstone { key: PointerKey { kind, name: row.name }, revision: row.revision })
}
