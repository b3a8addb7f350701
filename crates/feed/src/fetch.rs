//! Serving blobs by digest: a small memory in front of the control plane's source, cut into resumable chunks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use stagecoach_base::Digest;
use tokio::sync::{OnceCell, Semaphore, mpsc};
use tonic::Status;

use crate::{BoxFuture, wire};

/// Most bytes of a blob in one chunk (architecture §4.3).
pub(crate) const CHUNK: usize = 256 * 1024;
/// Bytes of blobs kept in memory.
const MEMORY: usize = 64 * 1024 * 1024;
/// Blobs being sent at once; more wait, so that a herd of new workers cannot exhaust memory.
const SENDS: usize = 50;

/// Where a replica's blobs come from: the control plane backs it by its store.
pub trait BlobSource: Send + Sync + 'static {
    /// The uncompressed bytes, or `None` when there are none (or the store cannot be asked: a worker retries).
    fn blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Option<Bytes>>;
}

type Slot = Arc<OnceCell<Bytes>>;

/// Answers `Fetch`. Reads each blob once from its source however many workers ask at the same time.
pub(crate) struct Library {
    source: Arc<dyn BlobSource>,
    shelf: Mutex<Shelf>,
    sends: Arc<Semaphore>,
}

#[derive(Default)]
struct Shelf {
    slots: HashMap<Digest, Slot>,
    /// Oldest first; bounds the bytes in `slots`.
    order: VecDeque<(Digest, usize)>,
    bytes: usize,
}

impl Library {
    pub(crate) fn new(source: Arc<dyn BlobSource>) -> Arc<Self> {
        Arc::new(Self { source, shelf: Mutex::default(), sends: Arc::new(Semaphore::new(SENDS)) })
    }

    /// Opens a blob from `offset` on; chunks arrive as the receiver takes them.
    pub(crate) async fn open(
        self: &Arc<Self>,
        request: &wire::FetchRequest,
    ) -> Result<mpsc::Receiver<Result<wire::Chunk, Status>>, Status> {
        let digest = Digest::from_bytes(&request.sha256).map_err(|e| Status::invalid_argument(e.to_string()))?;
        let permit = Arc::clone(&self.sends).acquire_owned().await.map_err(|_| Status::unavailable("closing"))?;
        let bytes = self.bytes(&digest).await.ok_or_else(|| Status::not_found(format!("no blob {digest} here")))?;
        let offset = usize::try_from(request.offset).ok().filter(|offset| *offset <= bytes.len());
        let offset = offset.ok_or_else(|| Status::out_of_range(format!("blob has {} bytes", bytes.len())))?;
        let (sender, receiver) = mpsc::channel(2);
        let zstd = request.accept_zstd;
        tokio::spawn(async move {
            // A closed channel means the worker went away; there is nobody to tell.
            drop(send(&bytes, offset, zstd, &sender).await);
            drop(permit);
        });
        Ok(receiver)
    }

    async fn bytes(&self, digest: &Digest) -> Option<Bytes> {
        let slot = self.slot(digest);
        let read = || async { self.source.blob(digest).await.filter(|b| Digest::of(b) == *digest).ok_or(()) };
        let bytes = slot.get_or_try_init(read).await.ok().cloned();
        self.settle(digest, &slot, bytes.as_ref().map(Bytes::len));
        bytes
    }

    fn slot(&self, digest: &Digest) -> Slot {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shelf.slots.entry(*digest).or_default())
    }

    /// Keeps what was read, within [`MEMORY`]; a miss leaves nothing behind, so the next request asks again.
    fn settle(&self, digest: &Digest, slot: &Slot, size: Option<usize>) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if !shelf.slots.get(digest).is_some_and(|held| Arc::ptr_eq(held, slot)) {
            return;
        }
        let Some(size) = size else {
            shelf.slots.remove(digest);
            return;
        };
        if shelf.order.iter().any(|(known, _)| known == digest) {
            return;
        }
        shelf.order.push_back((*digest, size));
        shelf.bytes += size;
        while shelf.bytes > MEMORY
            && let Some((oldest, size)) = shelf.order.pop_front()
        {
            shelf.slots.remove(&oldest);
            shelf.bytes -= size;
        }
    }
}

async fn send(
    bytes: &Bytes,
    offset: usize,
    zstd: bool,
    out: &mpsc::Sender<Result<wire::Chunk, Status>>,
) -> Result<(), mpsc::error::SendError<Result<wire::Chunk, Status>>> {
    let mut at = offset;
    loop {
        let part = bytes.slice(at..bytes.len().min(at + CHUNK));
        let next = at + part.len();
        out.send(Ok(chunk(part, at, bytes.len(), zstd))).await?;
        if next >= bytes.len() {
            return Ok(());
        }
        at = next;
    }
}

/// Each chunk is a frame of its own, so a worker may resume at any replica.
fn chunk(part: Bytes, at: usize, total: usize, zstd: bool) -> wire::Chunk {
    let smaller =
        zstd.then(|| zstd::bulk::compress(&part, 3).ok()).flatten().filter(|packed| packed.len() < part.len());
    let (zstd, data) = smaller.map_or((false, part), |packed| (true, Bytes::from(packed)));
    wire::Chunk { offset: at as u64, total: total as u64, zstd, data }
}
