//! Claims that are lost and taken anew, and events whose function goes.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use stagecoach_functions::EventOptions;

use super::{Runs, World, event, eventually_async, options, serve, succeeds};
use crate::host::{eventually, function, send};

pub(super) async fn a_host_that_slept_does_not_run_its_own_events_again(world: World) {
    let runs = Runs::new(0, succeeds);
    let (host, other) = (world.host(runs.clone(), options()), world.host(Runs::new(0, succeeds), options()));
    // Before it serves: a host that finds something looks every second, one that does not seldom.
    event(&host, "f").await;
    let serving = serve(&host);
    eventually("it runs", || runs.count() == 1).await;

    world.advance(options().lease * 2);
    event(&other, "g").await;

    eventually("it claims", || runs.count() == 2).await;
    eventually_async("the claim is renewed", async || claimed(&world, "f").await).await;
    runs.gate.add_permits(9);
    world.emptied().await;
    assert_eq!(runs.names(), ["f", "g"]);
    serving.stop().await;
}

pub(super) async fn an_event_that_is_claimed_anew_while_it_runs_is_not_started_again(world: World) {
    let runs = Runs::new(0, succeeds);
    let host = world.host(runs.clone(), options());
    event(&host, "f").await;
    let serving = serve(&host);
    eventually("it runs", || runs.count() == 1).await;

    let before = world.clock.0.load(Ordering::SeqCst);
    world.store.release_events(None, before).await.unwrap();

    eventually_async("it is claimed anew", async || claimed(&world, "f").await).await;
    runs.gate.add_permits(9);
    world.emptied().await;
    assert_eq!(runs.count(), 1);
    serving.stop().await;
}

async fn claimed(world: &World, name: &str) -> bool {
    let now = world.clock.0.load(Ordering::SeqCst);
    world.store.waiting_events().await.unwrap().iter().any(|waiting| waiting.function == name && waiting.due > now)
}

pub(super) async fn a_function_made_anew_does_not_get_the_events_of_the_former(world: World) {
    let runs = Runs::new(9, succeeds);
    let host = world.host(runs.clone(), options());
    event(&host, "f").await;
    event(&host, "g").await;

    send(&host, "DELETE", "/2015-03-31/functions/f", &[], Bytes::new()).await;
    let made = send(&host, "POST", "/2015-03-31/functions", &[], function("f").to_string().into()).await;

    assert_eq!(made.status, 201);
    assert_eq!(world.queued().await, BTreeMap::from([("g".into(), 1)]));
    let serving = serve(&host);
    world.emptied().await;
    assert_eq!(runs.names(), ["g"]);
    serving.stop().await;
}

pub(super) async fn a_host_that_is_alone_takes_up_what_it_left_behind_at_once(world: World) {
    let dies = Runs::new(0, succeeds);
    let first = world.host(dies.clone(), options());
    let killed = serve(&first);
    event(&first, "f").await;
    eventually("it runs", || dies.count() == 1).await;
    killed.task.abort();
    let runs = Runs::new(1, succeeds);

    let serving = serve(&world.host(runs.clone(), EventOptions { alone: true, ..options() }));

    eventually("it runs again", || runs.count() == 1).await;
    world.emptied().await;
    serving.stop().await;
}
