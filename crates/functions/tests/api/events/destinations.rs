//! What a function says of its events: tries, age, and who hears how they ended.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_functions::{Answer, Functions, InvokeError, ThrottleReason};

use super::{Runs, World, event, options, serve, succeeds};
use crate::host::{eventually, send};

async fn configure(host: &Functions, qualified: &str, config: Value) {
    let path = format!("/2019-09-25/functions/{qualified}/event-invoke-config");
    let reply = send(host, "PUT", &path, &[], config.to_string().into()).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
}

pub(super) async fn destinations_hear_how_events_ended(world: World) {
    let runs = Runs::new(99, |invocation, _| match &invocation.payload[..] {
        b"{\"x\":1}" if invocation.invoked_arn.ends_with(":f:$LATEST") => {
            Ok(Answer::Failed(Bytes::from("{\"bad\":1.0}")))
        }
        _ => succeeds(invocation, 0),
    });
    let host = world.host(runs.clone(), options());
    let g = "arn:aws:lambda:us-east-1:000000000000:function:g";
    configure(
        &host,
        "f",
        json!({ "MaximumRetryAttempts": 1, "DestinationConfig": { "OnFailure": { "Destination": g } } }),
    )
    .await;
    let serving = serve(&host);

    let failed = event(&host, "f:$LATEST").await;
    world.emptied().await;

    assert_eq!(runs.names(), ["f", "f", "g"]);
    let record: Value = serde_json::from_slice(&runs.began.lock().unwrap()[2].1.payload).unwrap();
    let id = failed.headers["x-amzn-requestid"].to_str().unwrap();
    let f = "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST";
    assert_eq!(
        record["requestContext"],
        json!({ "requestId": id, "functionArn": f, "condition": "RetriesExhausted", "approximateInvokeCount": 2 })
    );
    assert_eq!((&record["requestPayload"], &record["responsePayload"]), (&json!({ "x": 1 }), &json!({ "bad": 1.0 })));
    let context = json!({ "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" });
    assert_eq!(record["responseContext"], context);

    configure(&host, "f", json!({ "DestinationConfig": { "OnSuccess": { "Destination": format!("{g}:$LATEST") } } }))
        .await;
    event(&host, "f").await;
    world.emptied().await;
    assert_eq!(runs.names()[3..], ["f", "g"]);
    let record: Value = serde_json::from_slice(&runs.began.lock().unwrap()[4].1.payload).unwrap();
    assert_eq!((&record["requestContext"]["condition"], &record["responsePayload"]), (&json!("Success"), &json!(1)));
    assert_eq!(runs.began.lock().unwrap()[4].1.trace_id.as_deref(), Some("Root=1"));
    serving.stop().await;
}

pub(super) async fn an_event_is_kept_for_as_long_as_its_function_says(world: World) {
    let runs = Runs::new(99, |invocation, _| match invocation.invoked_arn.ends_with(":f") {
        true => Err(InvokeError::Throttled(ThrottleReason::Concurrent)),
        false => succeeds(invocation, 0),
    });
    let host = world.host(runs.clone(), options());
    let g = "arn:aws:lambda:us-east-1:000000000000:function:g";
    let to_g = json!({ "OnFailure": { "Destination": g } });
    configure(&host, "f", json!({ "MaximumEventAgeInSeconds": 60, "DestinationConfig": to_g })).await;
    let serving = serve(&host);
    event(&host, "f").await;
    eventually("the throttle", || runs.ended.load(Ordering::SeqCst) == 1).await;

    let waiting = host.event_status().await.unwrap();
    world.advance(Duration::from_secs(61));

    world.emptied().await;
    assert_eq!(runs.names(), ["f", "g"]);
    let record: Value = serde_json::from_slice(&runs.began.lock().unwrap()[1].1.payload).unwrap();
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    let over = host.event_status().await.unwrap();
    assert_eq!((waiting.queued, waiting.given_up, over.queued, over.given_up), (1, 0, 0, 1));
    assert_eq!((&record["requestContext"]["approximateInvokeCount"], record.get("responseContext")), (&json!(0), None));
    serving.stop().await;
}
