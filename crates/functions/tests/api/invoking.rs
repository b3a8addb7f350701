//! Invoke.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_functions::{Answer, InvokeError, ThrottleReason};
use stagecoach_wire::Reply;

use crate::host::{Host, over, variables};
use crate::{ARN, F};

async fn invoke(host: &Host, qualifier: &str, headers: &[(&str, &str)], payload: &'static str) -> Reply {
    host.send("POST", &format!("{F}/invocations{qualifier}"), headers, Bytes::from_static(payload.as_bytes())).await
}

#[tokio::test]
async fn a_function_gets_its_event_and_its_caller_the_answer() {
    let host = Host::new().await;
    host.create("f").await;

    let reply =
        invoke(&host, "", &[("x-amz-log-type", "Tail"), ("x-amz-client-context", "eyJhIjoxfQ==")], "{\"x\":1}").await;

    assert_eq!((reply.status, &reply.body[..]), (200, &b"{\"x\":1}"[..]));
    assert_eq!(reply.headers["x-amz-executed-version"], "$LATEST");
    assert_eq!(reply.headers["x-amz-log-result"], STANDARD.encode("a log line"));
    assert!(!reply.headers.contains_key("x-amz-function-error"));
    assert_eq!(variables(&host.fake)["COLOUR"], "red");
    let calls = host.fake.calls.lock().unwrap();
    let (runnable, invocation) = &calls[0];
    assert_eq!(invocation.client_context.as_deref(), Some("{\"a\":1}"));
    assert_eq!(reply.headers["x-amzn-requestid"], invocation.request_id);
    assert_eq!((runnable.arn.as_str(), runnable.timeout.as_secs()), (ARN, 7));
    assert!(runnable.code.join("app.py").exists());
}

#[tokio::test]
async fn failures_throttles_and_bad_events_have_their_own_answers() {
    let host = Host::new().await;
    host.create("f").await;
    let next = |answer| host.fake.answers.lock().unwrap().push(answer);

    next(Ok(Answer::Failed(Bytes::from_static(b"{\"errorMessage\":\"no\"}"))));
    let failed = invoke(&host, "", &[], "").await;
    next(Err(InvokeError::Throttled(ThrottleReason::Reserved)));
    let throttled = invoke(&host, "", &[], "").await;
    let no_json = invoke(&host, "", &[], "{").await;
    let unknown = invoke(&host, "?Qualifier=none", &[], "").await;
    let dry = invoke(&host, "", &[("x-amz-invocation-type", "DryRun")], "").await;

    assert_eq!((failed.status, &failed.headers["x-amz-function-error"]), (200, &"Unhandled".parse().unwrap()));
    assert_eq!(host.fake.calls.lock().unwrap()[0].1.payload, "{}");
    assert_eq!(throttled.status, 429);
    let body: Value = serde_json::from_slice(&throttled.body).unwrap();
    let reason = "ReservedFunctionConcurrentInvocationLimitExceeded";
    assert_eq!(body, json!({ "Type": "User", "message": "Rate Exceeded.", "Reason": reason }));
    assert_eq!(no_json.headers["x-amzn-errortype"], "InvalidRequestContentException");
    assert_eq!((unknown.status, dry.status), (404, 204));
    assert_eq!(host.fake.calls.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_alias_splits_its_traffic_between_two_versions() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": 9 })).await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    let weights = json!({ "AdditionalVersionWeights": { "2": 0.5 } });
    let alias = json!({ "Name": "live", "FunctionVersion": "1", "RoutingConfig": weights });
    host.ok("POST", &format!("{F}/aliases"), &alias).await;

    let mut second = 0;
    for _ in 0..100 {
        let reply = invoke(&host, "?Qualifier=live", &[], "").await;
        second += usize::from(reply.headers["x-amz-executed-version"] == "2");
    }

    assert!((25..=75).contains(&second), "{second} of 100");
    let calls = host.fake.calls.lock().unwrap();
    assert!(calls.iter().all(|(_, invocation)| invocation.invoked_arn == format!("{ARN}:live")));
    assert!(calls.iter().any(|(runnable, _)| runnable.version == "1" && runnable.timeout.as_secs() == 7));
}

#[tokio::test]
async fn the_gateway_needs_a_permission_for_the_method_and_the_qualifier() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "$LATEST" })).await;
    let source = "arn:aws:execute-api:us-east-1:000000000000:abc/dev/GET/pets";
    let headers = [("x-amz-source-arn", source)];
    let permission = json!({
        "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": "arn:aws:execute-api:us-east-1:000000000000:abc/*/GET/pets",
    });

    let before = invoke(&host, "", &headers, "").await;
    host.ok("POST", &format!("{F}/policy"), &permission).await;
    let after = invoke(&host, "", &headers, "").await;
    let latest = invoke(&host, "?Qualifier=$LATEST", &headers, "").await;
    let alias = invoke(&host, "?Qualifier=live", &headers, "").await;
    let other = invoke(&host, "", &[("x-amz-source-arn", &source.replace("GET", "POST"))], "").await;

    assert_eq!((before.status, &before.headers["x-amzn-errortype"]), (403, &"AccessDeniedException".parse().unwrap()));
    let body: Value = serde_json::from_slice(&before.body).unwrap();
    let text = format!(
        "User: apigateway.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: {ARN}"
    );
    assert!(body["Message"].as_str().unwrap().starts_with(&text), "{body}");
    assert_eq!((after.status, latest.status, alias.status, other.status), (200, 200, 403, 403));
    host.ok("POST", &format!("{F}/policy?Qualifier=live"), &permission).await;
    assert_eq!(invoke(&host, "?Qualifier=live", &headers, "").await.status, 200);
}

#[tokio::test]
async fn environments_belong_to_code_and_settings_not_to_permissions() {
    let host = Host::new().await;
    host.create("f").await;
    let last = || host.fake.calls.lock().unwrap().last().unwrap().0.revision.clone();
    let permission = json!({ "StatementId": "s", "Action": "lambda:*", "Principal": "*" });

    invoke(&host, "", &[], "").await;
    let first = last();
    host.ok("POST", &format!("{F}/policy"), &permission).await;
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": 7 })).await;
    invoke(&host, "", &[], "").await;
    let same = last();
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": 8 })).await;
    invoke(&host, "", &[], "").await;

    assert_eq!(first, same);
    assert_ne!(last(), same);
}

#[tokio::test]
async fn another_host_over_the_same_store_unpacks_the_package_itself() {
    let host = Host::new().await;
    host.create("f").await;
    let elsewhere = tempfile::tempdir().unwrap();
    let second = Host {
        functions: over(&host.store, host.fake.clone(), elsewhere.path()),
        fake: host.fake.clone(),
        store: host.store.clone(),
        home: elsewhere,
    };

    let reply = invoke(&second, "", &[], "").await;

    assert_eq!(reply.status, 200);
    let calls = host.fake.calls.lock().unwrap();
    let code = &calls[0].0.code;
    assert!(code.starts_with(second.home.path()) && code.join("app.py").exists());
}

#[tokio::test]
async fn what_is_known_of_a_function_is_read_anew_after_every_write() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "1" })).await;
    let version = async || invoke(&host, "?Qualifier=live", &[], "").await.headers["x-amz-executed-version"].clone();

    let before = [version().await, version().await];
    host.ok("PUT", &format!("{F}/aliases/live"), &json!({ "FunctionVersion": "$LATEST" })).await;
    let after = version().await;
    host.call("DELETE", &format!("{F}/aliases/live"), &Value::Null).await;
    let gone = invoke(&host, "?Qualifier=live", &[], "").await;

    assert_eq!((before, after), (["1".parse().unwrap(), "1".parse().unwrap()], "$LATEST".parse().unwrap()));
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_reserved_concurrency_reaches_the_next_invocation() {
    let host = Host::new().await;
    host.create("f").await;

    invoke(&host, "", &[], "").await;
    host.ok("PUT", "/2017-10-31/functions/f/concurrency", &json!({ "ReservedConcurrentExecutions": 3 })).await;
    invoke(&host, "", &[], "").await;

    let calls = host.fake.calls.lock().unwrap();
    assert_eq!((calls[0].0.reserved, calls[1].0.reserved), (None, Some(3)));
}
