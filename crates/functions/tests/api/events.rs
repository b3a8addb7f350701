//! Events: on SQLite always, on Postgres when `TEST_DATABASE_URL` names a server whose user may create databases. Time stands
//! still unless a test moves it.

mod claims;
mod destinations;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use stagecoach_base::{Clock, Scope, UnixMillis};
use stagecoach_functions::{
    Answer, EventOptions, Functions, Invocation, InvokeError, Invoked, Invoker, Parts, Pending, Runnable,
    ThrottleReason,
};
use stagecoach_store::Store;
use stagecoach_wire::Reply;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::host::{entropy, eventually, function, opened, send};
use claims::{
    a_function_made_anew_does_not_get_the_events_of_the_former,
    a_host_that_is_alone_takes_up_what_it_left_behind_at_once, a_host_that_slept_does_not_run_its_own_events_again,
    an_event_that_is_claimed_anew_while_it_runs_is_not_started_again,
};
use destinations::{an_event_is_kept_for_as_long_as_its_function_says, destinations_hear_how_events_ended};

struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// What one function does, given how often the same event ran before.
type Act = dyn Fn(&Invocation, usize) -> Result<Answer, InvokeError> + Send + Sync;

/// Runs what it is given as `act` says, once `gate` lets it.
struct Runs {
    gate: Semaphore,
    began: Mutex<Vec<(String, Invocation)>>,
    ended: AtomicU32,
    act: Box<Act>,
}

impl Runs {
    fn new(
        permits: usize,
        act: impl Fn(&Invocation, usize) -> Result<Answer, InvokeError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            gate: Semaphore::new(permits),
            began: Mutex::default(),
            ended: AtomicU32::new(0),
            act: Box::new(act),
        })
    }

    fn count(&self) -> usize {
        self.began.lock().unwrap().len()
    }

    fn names(&self) -> Vec<String> {
        self.began.lock().unwrap().iter().map(|(name, _)| name.clone()).collect()
    }

    fn ids(&self) -> Vec<String> {
        self.began.lock().unwrap().iter().map(|(_, invocation)| invocation.request_id.clone()).collect()
    }
}

impl Invoker for Runs {
    fn invoke(&self, runnable: Arc<Runnable>, invocation: Invocation) -> Pending<'_, Result<Invoked, InvokeError>> {
        Box::pin(async move {
            let before = self.ids().iter().filter(|id| **id == invocation.request_id).count();
            self.began.lock().unwrap().push((runnable.name.clone(), invocation.clone()));
            self.gate.acquire().await.unwrap().forget();
            self.ended.fetch_add(1, Ordering::SeqCst);
            (self.act)(&invocation, before).map(|answer| Invoked { answer, log_tail: Vec::new() })
        })
    }

    fn provision(&self, _: Arc<Runnable>, _: usize) -> Pending<'_, Result<(), InvokeError>> {
        Box::pin(async { Ok(()) })
    }

    fn retire<'a>(&'a self, _: &'a str) -> Pending<'a, ()> {
        Box::pin(async {})
    }
}

#[expect(clippy::unnecessary_wraps, reason = "one of several acts")]
fn succeeds(_: &Invocation, _: usize) -> Result<Answer, InvokeError> {
    Ok(Answer::Whole(Bytes::from_static(b"1")))
}

/// A database with functions `f` and `g`, and a clock.
struct World {
    store: Store,
    clock: Arc<Still>,
    home: tempfile::TempDir,
}

impl World {
    async fn new(url: &str, home: tempfile::TempDir) -> Self {
        let world = Self { store: opened(url).await, clock: Arc::new(Still(AtomicI64::new(1_700_000_000_000))), home };
        let api = world.host(Runs::new(0, succeeds), options());
        for name in ["f", "g"] {
            let made = send(&api, "POST", "/2015-03-31/functions", &[], function(name).to_string().into()).await;
            assert_eq!(made.status, 201);
        }
        world
    }

    fn host(&self, runs: Arc<Runs>, options: EventOptions) -> Arc<Functions> {
        let invoker: Arc<dyn Invoker> = runs;
        let (scope, clock) = (Scope::default(), Arc::clone(&self.clock) as Arc<dyn Clock>);
        let parts = Parts { store: self.store.clone(), scope, clock, entropy: entropy(), invoker, concurrency: 1000 };
        Arc::new(Functions::new(parts, self.home.path()).with_events(options))
    }

    fn advance(&self, by: Duration) {
        self.clock.0.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// Events in the queue, by function.
    async fn queued(&self) -> BTreeMap<String, u64> {
        self.store
            .event_backlog()
            .await
            .unwrap()
            .into_iter()
            .map(|backlog| (backlog.function, backlog.events))
            .collect()
    }

    async fn emptied(&self) {
        for _ in 0..500 {
            if self.queued().await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still queued: {:?}", self.queued().await);
    }
}

fn options() -> EventOptions {
    EventOptions { retry_delays: [Duration::ZERO; 2], ..EventOptions::default() }
}

/// A host's events being run.
struct Serving {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn serve(host: &Arc<Functions>) -> Serving {
    let stop = CancellationToken::new();
    Serving { task: tokio::spawn(Arc::clone(host).serve_events(stop.clone())), stop }
}

impl Serving {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn event(host: &Functions, name: &str) -> Reply {
    let headers =
        [("x-amz-invocation-type", "Event"), ("x-amz-client-context", "eyJhIjoxfQ=="), ("x-amzn-trace-id", "Root=1")];
    let path = format!("/2015-03-31/functions/{name}/invocations");
    send(host, "POST", &path, &headers, Bytes::from_static(b"{\"x\":1}")).await
}

async fn an_event_is_run_with_all_it_came_with_and_leaves_the_queue(world: World) {
    let runs = Runs::new(1, succeeds);
    let host = world.host(runs.clone(), options());
    let serving = serve(&host);

    let accepted = event(&host, "f:$LATEST").await;

    assert_eq!((accepted.status, &accepted.body[..]), (202, &b""[..]));
    eventually("it runs", || runs.count() == 1).await;
    world.emptied().await;
    let invocation = runs.began.lock().unwrap()[0].1.clone();
    assert_eq!(accepted.headers["x-amzn-requestid"], invocation.request_id);
    assert_eq!(invocation.invoked_arn, "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST");
    assert_eq!(
        (invocation.payload, invocation.client_context.as_deref()),
        (Bytes::from("{\"x\":1}"), Some("{\"a\":1}"))
    );
    assert_eq!((invocation.trace_id.as_deref(), invocation.streaming), (Some("Root=1"), false));
    serving.stop().await;
}

async fn the_deprecated_operation_queues_events_too(world: World) {
    let runs = Runs::new(1, succeeds);
    let host = world.host(runs.clone(), options());
    let serving = serve(&host);
    let ask = async |body: Bytes| {
        send(&host, "POST", "/2014-11-13/functions/f/invoke-async", &[("x-amzn-trace-id", "Root=1")], body).await
    };

    let accepted = ask(Bytes::from_static(b"{\"x\":2}")).await;
    let large = ask(format!("\"{}\"", "x".repeat(262_143)).into()).await;
    let no_json = ask(Bytes::from_static(b"{")).await;

    assert_eq!((accepted.status, &accepted.body[..]), (202, &b"{\"Status\":202}"[..]));
    world.emptied().await;
    let invocation = runs.began.lock().unwrap()[0].1.clone();
    assert_eq!((invocation.payload, invocation.trace_id), (Bytes::from("{\"x\":2}"), None));
    assert_eq!((large.status, no_json.status, runs.count()), (413, 400, 1));
    serving.stop().await;
}

async fn an_accepted_event_outlives_the_host_that_took_it_in(world: World) {
    let first = world.host(Runs::new(0, succeeds), options());
    let accepted = event(&first, "f").await;
    drop(first);
    let runs = Runs::new(1, succeeds);
    let second = world.host(runs.clone(), options());

    let serving = serve(&second);

    eventually("it runs", || runs.count() == 1).await;
    assert_eq!(accepted.headers["x-amzn-requestid"], runs.ids()[0]);
    world.emptied().await;
    serving.stop().await;
}

async fn a_failing_function_is_tried_three_times(world: World) {
    let runs = Runs::new(99, |_, _| Ok(Answer::Failed(Bytes::from_static(b"{}"))));
    let host = world.host(runs.clone(), options());
    let serving = serve(&host);

    let accepted = event(&host, "f").await;

    world.emptied().await;
    assert_eq!(runs.ids(), [accepted.headers["x-amzn-requestid"].to_str().unwrap(); 3]);
    serving.stop().await;
}

async fn a_throttled_event_waits_runs_later_and_is_given_up_when_it_is_too_old(world: World) {
    let runs = Runs::new(99, |_, before| match before {
        0 => Err(InvokeError::Throttled(ThrottleReason::Concurrent)),
        1 => Err(InvokeError::NotRunnable("no interpreter".into())),
        _ => succeeds(&Invocation::default(), 0),
    });
    let host = world.host(runs.clone(), options());
    let serving = serve(&host);

    event(&host, "f").await;
    eventually("the throttle", || runs.ended.load(Ordering::SeqCst) == 1).await;
    let waits = async || world.store.waiting_events().await.unwrap()[0].due - world.clock.0.load(Ordering::SeqCst);
    eventually_async("it is given back", async || waits().await <= 1000).await;
    assert!(waits().await >= 750);
    world.advance(Duration::from_secs(2));
    eventually("the second try", || runs.ended.load(Ordering::SeqCst) == 2).await;
    eventually_async("it is given back", async || waits().await <= 2000).await;
    assert!(waits().await >= 1500, "the wait doubles");
    world.advance(Duration::from_secs(7 * 3600));

    world.emptied().await;
    assert_eq!(runs.count(), 2, "six hours are too long");
    serving.stop().await;
}

async fn a_function_that_reserves_nothing_drops_its_events(world: World) {
    let runs = Runs::new(99, |_, _| Err(InvokeError::Throttled(ThrottleReason::Reserved)));
    let host = world.host(runs.clone(), options());
    let reserve = Bytes::from_static(b"{\"ReservedConcurrentExecutions\":0}");
    send(&host, "PUT", "/2017-10-31/functions/f/concurrency", &[], reserve).await;
    let serving = serve(&host);

    event(&host, "f").await;

    eventually("the try", || runs.count() == 1).await;
    world.emptied().await;
    serving.stop().await;
}

async fn events_of_a_deleted_function_are_dropped(world: World) {
    let host = world.host(Runs::new(99, succeeds), options());
    event(&host, "f").await;
    event(&host, "g").await;
    send(&host, "DELETE", "/2015-03-31/functions/f", &[], Bytes::new()).await;
    let runs = Runs::new(99, succeeds);

    let serving = serve(&world.host(runs.clone(), options()));

    world.emptied().await;
    assert_eq!(runs.names(), ["g"]);
    serving.stop().await;
}

async fn what_a_killed_host_ran_another_runs_when_the_claim_has_run_out(world: World) {
    let (dies, lives) = (Runs::new(0, succeeds), Runs::new(99, succeeds));
    let (first, second) = (world.host(dies.clone(), options()), world.host(lives.clone(), options()));
    let killed = serve(&first);
    event(&first, "f").await;
    eventually("the first host runs it", || dies.count() == 1).await;
    killed.task.abort();
    let serving = serve(&second);
    event(&second, "g").await;
    eventually("the second host works", || lives.count() == 1).await;
    assert_eq!(lives.names(), ["g"], "the claim still holds");

    world.advance(options().lease);

    eventually("the second host takes it", || lives.count() == 2).await;
    assert_eq!(lives.ids()[1], dies.ids()[0]);
    world.emptied().await;
    serving.stop().await;
}

async fn a_long_invocation_keeps_its_claim(world: World) {
    let runs = Runs::new(0, succeeds);
    let lease = Duration::from_millis(60);
    let host = world.host(runs.clone(), EventOptions { lease, ..options() });
    let serving = serve(&host);
    event(&host, "f").await;
    eventually("it runs", || runs.count() == 1).await;
    let due = async || world.store.waiting_events().await.unwrap()[0].due;
    let first = due().await;

    world.clock.0.fetch_add(59, Ordering::SeqCst);

    eventually_async("the claim is renewed", async || due().await == first + 59).await;
    runs.gate.add_permits(1);
    world.emptied().await;
    assert_eq!(runs.count(), 1);
    serving.stop().await;
}

async fn a_stopping_host_finishes_what_it_can_and_gives_the_rest_back(world: World) {
    let stops = Runs::new(0, |invocation, _| match invocation.invoked_arn.ends_with(":f") {
        true => Err(InvokeError::Stopping),
        false => succeeds(invocation, 0),
    });
    let first = world.host(stops.clone(), options());
    let serving = serve(&first);
    event(&first, "f").await;
    event(&first, "g").await;
    eventually("both run", || stops.count() == 2).await;

    serving.stop.cancel();
    event(&first, "g").await;
    stops.gate.add_permits(2);
    serving.task.await.unwrap();

    assert_eq!(world.queued().await, BTreeMap::from([("f".into(), 1), ("g".into(), 1)]));
    let runs = Runs::new(99, succeeds);
    let second = serve(&world.host(runs.clone(), options()));
    world.emptied().await;
    assert_eq!(runs.count(), 2);
    second.stop().await;
}

async fn two_hosts_share_the_queue_and_run_nothing_twice(world: World) {
    let act = |invocation: &Invocation, before: usize| match invocation.request_id.ends_with(['0', '1', '2', '3']) {
        true if before == 0 => Ok(Answer::Failed(Bytes::new())),
        _ => succeeds(invocation, before),
    };
    let few = EventOptions { running: 4, ..options() };
    let (one, two) = (Runs::new(0, act), Runs::new(0, act));
    let hosts = [world.host(one.clone(), few.clone()), world.host(two.clone(), few)];
    let mut accepted = Vec::new();
    for number in 0..60 {
        let reply = event(&hosts[number % 2], if number % 3 == 0 { "g" } else { "f" }).await;
        accepted.push(reply.headers["x-amzn-requestid"].to_str().unwrap().to_owned());
    }

    let serving = [serve(&hosts[0]), serve(&hosts[1])];
    eventually("both have all they have room for", || one.count() == 4 && two.count() == 4).await;
    one.gate.add_permits(500);
    two.gate.add_permits(500);

    world.emptied().await;
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    for id in one.ids().into_iter().chain(two.ids()) {
        *ran.entry(id).or_default() += 1;
    }
    // A host does not know what failed at the other one, where it fails again.
    for (id, times) in &ran {
        let most = if id.ends_with(['0', '1', '2', '3']) { 3 } else { 1 };
        assert!(accepted.contains(id) && (1..=most).contains(times), "{id} ran {times} times");
    }
    assert_eq!(ran.len(), 60);
    for serving in serving {
        serving.stop().await;
    }
}

async fn a_full_queue_throttles_and_one_function_cannot_fill_it(world: World) {
    let host = world.host(Runs::new(0, succeeds), EventOptions { queued: 9, ..options() });

    let mut statuses = Vec::new();
    for name in ["f", "f", "f", "f", "f", "f", "f", "f", "f", "g", "g"] {
        statuses.push(event(&host, name).await.status);
    }

    assert_eq!(statuses, [202, 202, 202, 202, 202, 202, 202, 202, 429, 202, 429]);
    let refused = event(&host, "g").await;
    let body: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(refused.headers["x-amzn-errortype"], "TooManyRequestsException");
    assert_eq!(body["Reason"], "ConcurrentInvocationLimitExceeded");
    assert_eq!(world.queued().await, BTreeMap::from([("f".into(), 8), ("g".into(), 1)]));
}

async fn a_flood_of_one_function_does_not_hold_up_another(world: World) {
    let runs = Runs::new(99, succeeds);
    let host = world.host(runs.clone(), EventOptions { running: 2, ..options() });
    for _ in 0..40 {
        event(&host, "f").await;
    }
    event(&host, "g").await;

    let serving = serve(&host);

    world.emptied().await;
    let place = runs.names().iter().position(|name| name == "g").unwrap();
    assert!(place < 4, "g came after {place} others");
    serving.stop().await;
}

async fn eventually_async(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

async fn on_postgres() -> Option<World> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var("TEST_DATABASE_URL").ok()?;
    let name = format!("events_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    sqlx::any::install_default_drivers();
    let pool = sqlx::AnyPool::connect(&server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(World::new(&format!("{base}/{name}"), tempfile::tempdir().unwrap()).await)
}

async fn on_sqlite() -> World {
    let home = tempfile::tempdir().unwrap();
    World::new(&format!("sqlite://{}", home.path().join("db").display()), home).await
}

macro_rules! suite {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::on_sqlite().await).await })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
            if let Some(world) = super::on_postgres().await { super::$name(world).await }
        })* }
    };
}

suite! {
    an_event_is_run_with_all_it_came_with_and_leaves_the_queue,
    the_deprecated_operation_queues_events_too,
    an_accepted_event_outlives_the_host_that_took_it_in,
    a_failing_function_is_tried_three_times,
    a_throttled_event_waits_runs_later_and_is_given_up_when_it_is_too_old,
    a_function_that_reserves_nothing_drops_its_events,
    events_of_a_deleted_function_are_dropped,
    what_a_killed_host_ran_another_runs_when_the_claim_has_run_out,
    a_long_invocation_keeps_its_claim,
    a_host_that_slept_does_not_run_its_own_events_again,
    an_event_that_is_claimed_anew_while_it_runs_is_not_started_again,
    a_function_made_anew_does_not_get_the_events_of_the_former,
    a_stopping_host_finishes_what_it_can_and_gives_the_rest_back,
    destinations_hear_how_events_ended,
    an_event_is_kept_for_as_long_as_its_function_says,
    two_hosts_share_the_queue_and_run_nothing_twice,
    a_full_queue_throttles_and_one_function_cannot_fill_it,
    a_flood_of_one_function_does_not_hold_up_another,
    a_host_that_is_alone_takes_up_what_it_left_behind_at_once,
}
