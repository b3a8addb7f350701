//! One suite, stamped on both engines. SQLite always runs; Postgres when `TEST_DATABASE_URL` names a server whose user
//! may create databases.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use stagecoach_base::Digest;
use stagecoach_store::{
    AccessKey, Author, Backlog, Blob, Doc, Key, NewEvent, Store, StoreError, StoreOptions, Tried, Waiting, WorkerRow,
};

/// A fresh database; the guard removes SQLite's file.
struct Fresh {
    url: String,
    _dir: Option<tempfile::TempDir>,
}

async fn sqlite() -> Option<Fresh> {
    let dir = tempfile::tempdir().unwrap();
    Some(Fresh { url: format!("sqlite://{}/store.db", dir.path().display()), _dir: Some(dir) })
}

async fn postgres() -> Option<Fresh> {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let name = format!("conformance_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(Fresh { url: format!("{base}/{name}"), _dir: None })
}

async fn open(fresh: &Fresh) -> Store {
    let store = Store::open(&fresh.url, &StoreOptions::default()).await.unwrap();
    store.migrate("epoch-1").await.unwrap();
    store
}

fn key(id: &str) -> Key {
    Key { kind: "stage".into(), parent: "api1".into(), id: id.into() }
}

fn doc(id: &str, body: &str) -> Doc {
    Doc { key: key(id), root: "api1".into(), version: 1, revision: 0, body: body.into() }
}

fn tester() -> Author {
    Author { actor: "tester".into(), operation: "Test".into(), target: "/t".into(), ..Author::default() }
}

async fn put(store: &Store, id: &str, body: &str) -> u64 {
    let mut write = store.write(tester(), 7).await.unwrap();
    write.put(&doc(id, body)).await.unwrap();
    write.commit().await.unwrap()
}

async fn migrating_twice_keeps_the_epoch(fresh: Fresh) {
    let store = open(&fresh).await;

    store.migrate("epoch-2").await.unwrap();

    assert_eq!(store.epoch().await.unwrap(), "epoch-1");
    assert_eq!(store.revision().await.unwrap(), 0);
}

async fn a_put_bumps_the_revision_and_reads_back(fresh: Fresh) {
    let store = open(&fresh).await;

    let first = put(&store, "prod", "{\"a\":1}").await;
    let second = put(&store, "prod", "{\"a\":2}").await;

    let read = store.get(&key("prod")).await.unwrap().unwrap();
    assert_eq!((first, second, read.revision), (1, 2, 2));
    assert_eq!(read.body, "{\"a\":2}");
    assert_eq!(*store.head().borrow(), 2);
}

async fn a_dropped_write_leaves_nothing_and_burns_no_revision(fresh: Fresh) {
    let store = open(&fresh).await;

    let mut write = store.write(tester(), 7).await.unwrap();
    write.put(&doc("prod", "{}")).await.unwrap();
    drop(write);

    assert_eq!(store.get(&key("prod")).await.unwrap(), None);
    assert_eq!(put(&store, "dev", "{}").await, 1);
}

async fn inserting_twice_and_replacing_stale_are_conflicts(fresh: Fresh) {
    let store = open(&fresh).await;
    let revision = put(&store, "prod", "{}").await;
    let mut write = store.write(tester(), 7).await.unwrap();

    let inserted = write.insert(&doc("prod", "{}")).await.unwrap_err();
    let replaced = write.replace(&doc("prod", "[]"), revision).await;
    let stale = write.replace(&doc("prod", "[1]"), revision).await.unwrap_err();

    assert!(matches!(inserted, StoreError::Exists(_)) && inserted.is_conflict());
    assert!(replaced.is_ok());
    assert!(matches!(stale, StoreError::Stale(_)) && stale.is_conflict());
}

async fn concurrent_writers_lose_no_update_and_leave_no_gap(fresh: Fresh) {
    let store = open(&fresh).await;
    put(&store, "counter", "0").await;

    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            for turn in 0..10 {
                let mut write = store.write(tester(), 7).await.unwrap();
                let read = write.get(&key("counter")).await.unwrap().unwrap();
                let next = read.body.parse::<u32>().unwrap() + 1;
                write.put(&doc("counter", &next.to_string())).await.unwrap();
                if (writer + turn) % 5 != 0 {
                    write.commit().await.unwrap();
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }

    let counted: u64 = store.get(&key("counter")).await.unwrap().unwrap().body.parse().unwrap();
    assert_eq!(counted, 64);
    let revisions: Vec<u64> =
        store.changes_between(1, 1000).await.unwrap().iter().map(|change| change.revision).collect();
    assert_eq!(revisions, (1..=65).collect::<Vec<_>>());
}

async fn lists_page_in_id_order_and_trees_come_and_go_whole(fresh: Fresh) {
    let store = open(&fresh).await;
    for id in ["b", "a", "d", "c"] {
        put(&store, id, "{}").await;
    }

    let page = store.list("stage", "api1", Some("a"), 2).await.unwrap();
    let mut write = store.write(tester(), 7).await.unwrap();
    write.claim("domain", "x.test", "api1", &key("a")).await.unwrap();
    let taken = write.claim("domain", "x.test", "api1", &key("b")).await.unwrap_err();
    let gone = write.delete_tree("api1").await.unwrap();
    write.commit().await.unwrap();

    assert_eq!(page.iter().map(|doc| doc.key.id.as_str()).collect::<Vec<_>>(), ["b", "c"]);
    assert!(taken.is_conflict());
    assert_eq!(gone, 4);
    assert_eq!(store.tree("api1").await.unwrap(), []);
    assert_eq!(store.by_name("domain", "x.test").await.unwrap(), None);
}

async fn documents_are_found_by_many_ids_at_once(fresh: Fresh) {
    let store = open(&fresh).await;
    for id in ["a/GET", "a/PUT", "b/GET"] {
        put(&store, id, "{}").await;
    }
    let wanted: Vec<String> =
        (0..100).map(|number| format!("x{number}")).chain(["a/PUT".into(), "a/GET".into()]).collect();

    let found = store.get_many(&key("").kind, &key("").parent, &wanted).await.unwrap();

    let mut ids: Vec<String> = found.into_iter().map(|doc| doc.key.id).collect();
    ids.sort();
    assert_eq!(ids, ["a/GET", "a/PUT"]);
    assert_eq!(store.get_many(&key("").kind, &key("").parent, &[]).await.unwrap(), []);
}

async fn batches_do_what_single_statements_do(fresh: Fresh) {
    let store = open(&fresh).await;
    let docs: Vec<Doc> = (0..150).map(|n| doc(&format!("d{n:03}"), "{}")).collect();
    let keys: Vec<Key> = docs.iter().map(|doc| doc.key.clone()).collect();
    let mut write = store.write(tester(), 7).await.unwrap();
    write.insert_many(&docs).await.unwrap();
    write.commit().await.unwrap();

    let mut write = store.write(tester(), 8).await.unwrap();
    let taken = write.insert_many(&docs).await.unwrap_err();
    drop(write);
    let mut write = store.write(tester(), 8).await.unwrap();
    write.put_many(&docs.iter().map(|doc| Doc { body: "[]".into(), ..doc.clone() }).collect::<Vec<_>>()).await.unwrap();
    write.delete_many(&keys[..70]).await.unwrap();
    let second = write.commit().await.unwrap();

    assert!(matches!(taken, StoreError::Exists(_)), "{taken}");
    let left = store.tree("api1").await.unwrap();
    assert_eq!(left.len(), 80);
    assert!(left.iter().all(|doc| doc.body == "[]" && doc.revision == second));
    let changes = store.changes_between(1, second).await.unwrap();
    assert_eq!(changes.len(), 150 + 150 + 70);
    assert!(changes.windows(2).all(|pair| (pair[0].revision, pair[0].seq) < (pair[1].revision, pair[1].seq)));
}

async fn every_commit_leaves_one_audit_row_and_a_rollback_none(fresh: Fresh) {
    let store = open(&fresh).await;
    put(&store, "a", "{}").await;
    let mut other = store.write(Author { root: "api2".into(), ..tester() }, 9).await.unwrap();
    other.put(&doc("b", "{}")).await.unwrap();
    drop(other);
    let other = store.write(Author { root: "api2".into(), ..tester() }, 9).await.unwrap();
    let second = other.commit().await.unwrap();

    let all = store.audit_since(0, None, 10).await.unwrap();
    let of_one = store.audit_since(0, Some("api1"), 10).await.unwrap();

    assert_eq!(all.iter().map(|row| row.revision).collect::<Vec<_>>(), [1, second]);
    assert_eq!(of_one.len(), 1);
    assert_eq!((of_one[0].at, &of_one[0].author), (7, &Author { root: "api1".into(), ..tester() }));
}

async fn pointers_move_and_leave_tombstones(fresh: Fresh) {
    let store = open(&fresh).await;
    let mut write = store.write(tester(), 7).await.unwrap();
    write.point(1, "a/b", b"one").await.unwrap();
    write.point(1, "a/c", b"two").await.unwrap();
    write.commit().await.unwrap();

    let mut write = store.write(tester(), 8).await.unwrap();
    write.unpoint(1, "a/b").await.unwrap();
    write.commit().await.unwrap();
    let moved = store.pointers_since(1, 10).await.unwrap();
    let reset = store.reset(tester(), 9).await.unwrap();

    assert_eq!(moved.len(), 1);
    assert!(moved[0].removed && moved[0].revision == 2 && moved[0].name == "a/b");
    let rest = store.pointers_since(2, 10).await.unwrap();
    assert_eq!((rest.len(), rest[0].revision, rest[0].removed), (1, reset, true));
}

async fn the_head_moves_on_commits_of_another_handle(fresh: Fresh) {
    let (here, there) = (open(&fresh).await, open(&fresh).await);
    let follower = here.clone();
    let tail = tokio::spawn(async move { follower.tail(Duration::from_millis(200)).await });
    let mut head = here.head();

    let revision = put(&there, "prod", "{}").await;

    let seen = tokio::time::timeout(Duration::from_secs(10), head.wait_for(|seen| *seen == revision)).await;
    assert!(seen.is_ok());
    tail.abort();
}

async fn blobs_are_idempotent_and_checked(fresh: Fresh) {
    let store = open(&fresh).await;
    let bytes = vec![b'x'; 100_000];
    let blob = Blob::pack(&bytes).unwrap();

    for new in [true, false] {
        let mut write = store.write(tester(), 1).await.unwrap();
        assert_eq!(write.put_blob(&blob).await.unwrap(), new);
        assert!(!write.put_blob(&blob).await.unwrap());
        write.commit().await.unwrap();
    }
    let mut dropped = store.write(tester(), 1).await.unwrap();
    dropped.put_blob(&Blob::pack(b"other").unwrap()).await.unwrap();
    drop(dropped);

    assert_eq!(store.blob(&blob.digest()).await.unwrap().unwrap(), bytes);
    assert_eq!(store.blob(&Digest::of(b"other")).await.unwrap(), None);
    let mut write = store.write(tester(), 1).await.unwrap();
    write.delete_blob(&blob.digest()).await.unwrap();
    write.commit().await.unwrap();
    assert!(!store.has_blob(&blob.digest()).await.unwrap());
}

async fn a_lease_has_one_holder_until_it_runs_out(fresh: Fresh) {
    let store = open(&fresh).await;
    let ttl = Duration::from_millis(100);

    let taken = [
        store.lease("gc", "one", 1_000, ttl).await.unwrap(),
        store.lease("gc", "two", 1_050, ttl).await.unwrap(),
        store.lease("gc", "one", 1_060, ttl).await.unwrap(),
        store.lease("gc", "two", 1_200, ttl).await.unwrap(),
    ];

    assert_eq!(taken, [true, false, true, true]);
}

async fn keys_secrets_and_worker_states_are_kept(fresh: Fresh) {
    let store = open(&fresh).await;
    let access =
        AccessKey { id: "AK1".into(), secret: "s".into(), description: String::new(), created: 5, revoked: false };
    let worker = WorkerRow {
        id: "w1".into(),
        control_id: "c1".into(),
        incarnation: "i".into(),
        watermark: 9,
        rejected: "{}".into(),
        seen: 100,
    };

    store.put_access_key(&access).await.unwrap();
    let revoked = store.revoke_access_key("AK1").await.unwrap();
    let first = store.put_secret_if_absent("signing", b"one").await.unwrap();
    let second = store.put_secret_if_absent("signing", b"two").await.unwrap();
    store.report_workers(std::slice::from_ref(&worker)).await.unwrap();
    let known = store.workers().await.unwrap();
    store.forget_workers(101).await.unwrap();

    assert!(revoked && store.access_key("AK1").await.unwrap().unwrap().revoked);
    assert_eq!((first, second), (b"one".to_vec(), b"one".to_vec()));
    assert_eq!(known, [worker]);
    assert_eq!(store.workers().await.unwrap(), []);
}

fn event(id: &str, function: &str) -> NewEvent {
    NewEvent {
        id: id.into(),
        function: function.into(),
        qualifier: "live".into(),
        payload: b"{\"a\":\0}".to_vec(),
        client_context: "{}".into(),
        trace_id: "Root=1".into(),
        accepted: 100,
    }
}

async fn an_event_has_one_holder_until_its_claim_runs_out(fresh: Fresh) {
    let store = open(&fresh).await;
    store.add_event(&event("e", "f"), Some("one"), 200).await.unwrap();
    store.add_event(&event("e", "f"), Some("two"), 900).await.unwrap();

    let early = store.claim_events("two", "f", 199, 300, 9).await.unwrap();
    store.renew_events("one", &["e".into()], 250).await.unwrap();
    let renewed = store.claim_events("two", "f", 200, 300, 9).await.unwrap();
    let late = store.claim_events("two", "f", 250, 300, 9).await.unwrap();
    store.renew_events("one", &["e".into()], 999).await.unwrap();
    let former = store.finish_event("one", "e", 1).await.unwrap();
    let tried = Tried { failures: 1, refusals: 2 };
    let former_returns = store.return_event("one", "e", 1, 0, tried).await.unwrap();

    assert_eq!((early, renewed), (vec![], vec![]));
    assert_eq!((late.len(), &late[0].event, late[0].claims), (1, &event("e", "f"), 2));
    assert!(!former && !former_returns);
    assert!(store.return_event("two", "e", 2, 400, tried).await.unwrap());
    assert_eq!(store.claim_events("one", "f", 399, 500, 9).await.unwrap(), []);
    let again = store.claim_events("one", "f", 400, 500, 9).await.unwrap();
    assert_eq!((again[0].tried, again[0].claims), (tried, 3));
    assert!(store.finish_event("one", "e", 3).await.unwrap());
    assert_eq!(store.waiting_events().await.unwrap(), []);
}

async fn the_queue_tells_which_functions_wait_and_how_much(fresh: Fresh) {
    let store = open(&fresh).await;
    for (id, function, due) in [("1", "b", 30), ("2", "b", 20), ("3", "a", 50), ("4", "c", 10)] {
        store.add_event(&event(id, function), None, due).await.unwrap();
    }

    let mut waiting = store.waiting_events().await.unwrap();
    let mut backlog = store.event_backlog().await.unwrap();
    let first = store.claim_events("one", "b", 30, 90, 1).await.unwrap();

    waiting.sort_by_key(|waiting| waiting.due);
    let wanted = [("c", 10), ("b", 20), ("a", 50)].map(|(name, due)| Waiting { function: name.into(), due });
    assert_eq!(waiting, wanted);
    backlog.sort_by_key(|backlog| backlog.function.clone());
    let wanted =
        [("a", 1), ("b", 2), ("c", 1)].map(|(name, events)| Backlog { function: name.into(), events, oldest: 100 });
    assert_eq!(backlog, wanted);
    assert_eq!(first[0].event.id, "2", "the longest due comes first");
    assert_eq!(store.release_events(Some("two"), 5).await.unwrap(), 0);
    assert_eq!(store.release_events(None, 5).await.unwrap(), 1);
    assert_eq!(store.claim_events("two", "b", 5, 90, 9).await.unwrap().len(), 1);
    store.reset(tester(), 9).await.unwrap();
    assert_eq!(store.event_backlog().await.unwrap(), []);
}

async fn an_event_gives_way_to_the_one_that_follows_from_it_or_neither_moves(fresh: Fresh) {
    let store = open(&fresh).await;
    store.add_event(&event("e", "f"), Some("one"), 200).await.unwrap();

    let stale = store.replace_event("two", "e", 1, &event("wrong", "g")).await.unwrap();
    let ours = store.replace_event("one", "e", 1, &event("next", "g")).await.unwrap();

    assert_eq!((stale, ours), (false, true));
    assert_eq!(store.waiting_events().await.unwrap(), [Waiting { function: "g".into(), due: 100 }]);
    assert_eq!(store.claim_events("one", "g", 100, 200, 9).await.unwrap()[0].event, event("next", "g"));
}

async fn hosts_that_claim_at_once_share_the_events(fresh: Fresh) {
    let (here, there) = (open(&fresh).await, open(&fresh).await);
    for number in 0..60 {
        here.add_event(&event(&format!("e{number}"), "f"), None, 0).await.unwrap();
    }

    let mut hosts = tokio::task::JoinSet::new();
    for (number, store) in [&here, &there, &here, &there].into_iter().cloned().enumerate() {
        hosts.spawn(async move {
            let mut got = Vec::new();
            loop {
                let claimed = store.claim_events(&format!("h{number}"), "f", 1, 1_000, 7).await.unwrap();
                if claimed.is_empty() {
                    return got;
                }
                got.extend(claimed.into_iter().map(|claimed| claimed.event.id));
            }
        });
    }
    let mut all: Vec<String> = hosts.join_all().await.into_iter().flatten().collect();

    // A claim may pass rows that another holds at that moment; whoever holds them has them.
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!((count, all.len()), (60, 60));
}

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
            if let Some(fresh) = super::sqlite().await { super::$name(fresh).await }
        })* }
        mod on_postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
            if let Some(fresh) = super::postgres().await { super::$name(fresh).await }
        })* }
    };
}

suite! {
    migrating_twice_keeps_the_epoch,
    a_put_bumps_the_revision_and_reads_back,
    a_dropped_write_leaves_nothing_and_burns_no_revision,
    inserting_twice_and_replacing_stale_are_conflicts,
    concurrent_writers_lose_no_update_and_leave_no_gap,
    lists_page_in_id_order_and_trees_come_and_go_whole,
    documents_are_found_by_many_ids_at_once,
    batches_do_what_single_statements_do,
    every_commit_leaves_one_audit_row_and_a_rollback_none,
    pointers_move_and_leave_tombstones,
    the_head_moves_on_commits_of_another_handle,
    blobs_are_idempotent_and_checked,
    a_lease_has_one_holder_until_it_runs_out,
    keys_secrets_and_worker_states_are_kept,
    an_event_has_one_holder_until_its_claim_runs_out,
    the_queue_tells_which_functions_wait_and_how_much,
    an_event_gives_way_to_the_one_that_follows_from_it_or_neither_moves,
    hosts_that_claim_at_once_share_the_events,
}
