//! A real server and real sessions over loopback: delivery, refusals, rollback without transfer, restart from disk.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use stagecoach_base::{Clock, Digest, Entropy, UnixMillis};
use stagecoach_feed::{
    Backoff, BlobRef, BlobSource, Blobs, Board, BoxFuture, ClientTls, FeedServer, Handle, OutcomeKind, Pointer,
    PointerKey, Prepared, Refusal, RefusalKind, Role, ServerTls, Session, SessionConfig, SignedPointer, SigningKey,
    Sink, Tombstone, TrustedKeys, WorkerIdentity, pki,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

struct System;

impl Clock for System {
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn wall(&self) -> UnixMillis {
        UnixMillis(1_790_000_000_000)
    }
}

impl Entropy for System {
    fn fill(&self, out: &mut [u8]) {
        out.fill(7);
    }
}

#[derive(Default)]
struct Shelf(Mutex<HashMap<Digest, Bytes>>);

impl BlobSource for Shelf {
    fn blob<'a>(&'a self, digest: &'a Digest) -> BoxFuture<'a, Option<Bytes>> {
        Box::pin(async { self.0.lock().unwrap().get(digest).cloned() })
    }
}

/// Serves whatever bytes it was given, refusing those that say "bad".
#[derive(Default)]
struct Recorder(Mutex<HashMap<String, Bytes>>);

impl Sink for Recorder {
    fn prepare<'a>(&'a self, pointer: &'a Pointer, blobs: Blobs) -> BoxFuture<'a, Result<Prepared, Refusal>> {
        Box::pin(async move {
            let bytes = blobs[&pointer.blobs[0].digest].clone();
            if bytes.starts_with(b"bad") {
                return Err(Refusal { kind: RefusalKind::CompileFailed, message: "it says bad".into() });
            }
            Ok(Prepared { pointer: pointer.clone(), value: Box::new(bytes) })
        })
    }

    fn install(&self, batch: Vec<Prepared>, removed: &[PointerKey]) {
        let mut serving = self.0.lock().unwrap();
        for prepared in batch {
            serving.insert(prepared.pointer.key.name, *prepared.value.downcast().unwrap());
        }
        for key in removed {
            serving.remove(&key.name);
        }
    }
}

impl Recorder {
    fn serves(&self, stage: &str) -> Option<Bytes> {
        self.0.lock().unwrap().get(&key(stage).name).cloned()
    }
}

fn key(stage: &str) -> PointerKey {
    PointerKey::stage("000000000000", "us-east-1", "abc", stage)
}

struct Plane {
    board: Arc<Board>,
    shelf: Arc<Shelf>,
    signing: SigningKey,
    url: String,
    stop: CancellationToken,
}

impl Plane {
    async fn start(tls: Option<ServerTls>, signing: SigningKey) -> Self {
        let board = Board::new("epoch-1", "control-1", Arc::new(System));
        let shelf = Arc::<Shelf>::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = FeedServer::new(Arc::clone(&board), shelf.clone()).tls(tls).heartbeat(Duration::from_millis(200));
        tokio::spawn(server.serve(listener, stop.clone().cancelled_owned()));
        Self { board, shelf, signing, url, stop }
    }

    fn publish(&self, stage: &str, revision: u64, bytes: &'static [u8]) {
        let digest = Digest::of(bytes);
        self.shelf.0.lock().unwrap().insert(digest, Bytes::from_static(bytes));
        self.board.apply(&[self.pointer(stage, revision, bytes)], Vec::new(), revision);
    }

    fn pointer(&self, stage: &str, revision: u64, bytes: &[u8]) -> SignedPointer {
        let blob = BlobRef { role: Role::Base, digest: Digest::of(bytes), size: bytes.len() as u64, format: 1 };
        let pointer = Pointer {
            key: key(stage),
            revision,
            blobs: vec![blob],
            settings: Bytes::from_static(b"{}"),
            fallback: Vec::new(),
        };
        self.signing.sign("epoch-1", pointer)
    }
}

struct Worker {
    sink: Arc<Recorder>,
    handle: Handle,
    loaded: usize,
    stop: CancellationToken,
}

impl Worker {
    async fn start(plane: &Plane, id: &str, state: &Path, tls: Option<ClientTls>) -> Self {
        let sink = Arc::<Recorder>::default();
        let config = SessionConfig {
            control_planes: vec![plane.url.clone()],
            tls,
            trusted: TrustedKeys::new([plane.signing.public_key()]),
            identity: WorkerIdentity { id: id.into(), ..WorkerIdentity::default() },
            scope: String::new(),
            state_dir: state.to_path_buf(),
            plan_formats: vec![1],
            backoff: Backoff { most: Duration::from_millis(300), ..Backoff::default() },
        };
        let (mut session, handle) = Session::new(config, sink.clone(), Arc::new(System)).unwrap();
        let loaded = session.load().await.installed;
        let stop = CancellationToken::new();
        tokio::spawn(session.run(stop.clone()));
        Self { sink, handle, loaded, stop }
    }
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_worker_serves_what_is_published_and_drops_what_is_removed() {
    let plane = Plane::start(None, SigningKey::generate(&System)).await;
    plane.publish("dev", 1, b"one");
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::start(&plane, "w1", folder.path(), None).await;
    eventually("the first snapshot", || worker.sink.serves("dev").as_deref() == Some(b"one")).await;

    plane.publish("dev", 2, b"two");
    eventually("the second snapshot", || worker.sink.serves("dev").as_deref() == Some(b"two")).await;
    plane.board.apply(&[], vec![Tombstone { key: key("dev"), revision: 3 }], 3);

    eventually("the removal", || worker.sink.serves("dev").is_none()).await;
    eventually("the watermark", || plane.board.workers()[0].watermark == 3).await;
}

#[tokio::test]
async fn a_rollback_fetches_nothing() {
    let plane = Plane::start(None, SigningKey::generate(&System)).await;
    plane.publish("dev", 1, b"one");
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::start(&plane, "w1", folder.path(), None).await;
    eventually("the first snapshot", || worker.sink.serves("dev").as_deref() == Some(b"one")).await;
    plane.publish("dev", 2, b"two");
    eventually("the second snapshot", || worker.sink.serves("dev").as_deref() == Some(b"two")).await;
    let fetched = worker.handle.fetched_bytes();

    plane.publish("dev", 3, b"one");

    eventually("the rollback", || worker.sink.serves("dev").as_deref() == Some(b"one")).await;
    assert_eq!((fetched, worker.handle.fetched_bytes()), (6, 6));
}

#[tokio::test]
async fn a_snapshot_that_does_not_compile_is_reported_and_the_old_one_keeps_serving() {
    let plane = Plane::start(None, SigningKey::generate(&System)).await;
    plane.publish("dev", 1, b"one");
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::start(&plane, "w1", folder.path(), None).await;
    eventually("the first snapshot", || worker.sink.serves("dev").is_some()).await;

    plane.publish("dev", 2, b"bad");

    eventually("the complaint", || !plane.board.workers()[0].outcomes.is_empty()).await;
    let complaint = plane.board.workers()[0].outcomes[0].clone();
    assert_eq!((complaint.result, complaint.serving_revision), (OutcomeKind::CompileFailed, 1));
    assert_eq!(complaint.message, "it says bad");
    assert_eq!(worker.sink.serves("dev").as_deref(), Some(&b"one"[..]));
}

#[tokio::test]
async fn a_worker_restarts_from_disk_while_the_control_plane_is_down() {
    let plane = Plane::start(None, SigningKey::generate(&System)).await;
    plane.publish("dev", 1, b"one");
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::start(&plane, "w1", folder.path(), None).await;
    eventually("the acknowledgement", || plane.board.workers().first().is_some_and(|w| w.watermark == 1)).await;
    worker.stop.cancel();
    plane.stop.cancel();

    let again = Worker::start(&plane, "w1", folder.path(), None).await;

    assert_eq!(again.loaded, 1);
    assert_eq!(again.sink.serves("dev").as_deref(), Some(&b"one"[..]));
    assert!(again.handle.status().borrow().complete);
}

#[tokio::test]
async fn a_damaged_blob_is_set_aside_and_fetched_again() {
    let plane = Plane::start(None, SigningKey::generate(&System)).await;
    plane.publish("dev", 1, b"one");
    let folder = tempfile::tempdir().unwrap();
    let worker = Worker::start(&plane, "w1", folder.path(), None).await;
    eventually("the acknowledgement", || plane.board.workers().first().is_some_and(|w| w.watermark == 1)).await;
    worker.stop.cancel();
    let hex = Digest::of(b"one").to_string();
    let file = folder.path().join("blobs/sha256").join(&hex[..2]).join(&hex);
    std::fs::write(&file, b"garbage").unwrap();

    let again = Worker::start(&plane, "w1", folder.path(), None).await;

    assert_eq!(again.loaded, 0);
    eventually("the snapshot", || again.sink.serves("dev").as_deref() == Some(b"one")).await;
    assert!(file.with_extension("corrupt").exists());
    assert_eq!(again.handle.fetched_bytes(), 3);
}

#[tokio::test]
async fn mutual_tls_admits_the_worker_its_certificate_names_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("pki");
    let now = UnixMillis(i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap());
    pki::init(&dir, &[], now, &System).unwrap();
    pki::issue_worker(&dir, "w1", now).unwrap();
    let plane = Plane::start(Some(ServerTls::from_dir(&dir).unwrap()), pki::signing_key(&dir).unwrap()).await;
    plane.publish("dev", 1, b"one");
    let tls = ClientTls::from_dir(&dir, "w1").unwrap();

    let impostor = Worker::start(&plane, "w2", &folder.path().join("w2"), Some(tls.clone())).await;
    let worker = Worker::start(&plane, "w1", &folder.path().join("w1"), Some(tls)).await;

    eventually("the snapshot", || worker.sink.serves("dev").is_some()).await;
    assert!(impostor.sink.serves("dev").is_none());
    assert!(plane.board.workers().iter().all(|worker| worker.id == "w1"));
}
