//! Plans to releases and back to bytes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use stagecoach_base::Verb;
use stagecoach_plan::{CompileLimits, DecodeError, Plan, Release, codec};

fn plan(method: &Value) -> Plan {
    let plan = json!({
        "format": 1,
        "api": { "apiKeySource": "HEADER", "disableExecuteApiEndpoint": false },
        "methods": [method],
    });
    serde_json::from_value(plan).unwrap()
}

fn method(integration: &Value) -> Value {
    json!({ "path": "/pets/{id}", "verb": "GET", "resourceId": "abc123", "integration": integration })
}

fn problem(integration: &Value) -> String {
    let problems = Release::compile(&plan(&method(integration)), &CompileLimits::default()).unwrap_err();
    problems[0].to_string()
}

#[test]
fn a_plan_survives_its_bytes_and_serves() {
    let plan = plan(&method(
        &json!({ "type": "HTTP_PROXY", "uri": "http://a.test/x", "timeoutMs": 50, "passthrough": "NEVER" }),
    ));

    let decoded = codec::decode(&codec::encode(&plan)).unwrap();
    let release = Release::compile(&decoded, &CompileLimits::default()).unwrap();

    let (method, found) = release.find("/pets/7", Verb::Get).unwrap();
    assert_eq!((&*method.variables[0], found.variables.len()), ("id", 1));
    assert!(method.integration.is_transparent());
    assert_eq!(decoded, plan);
}

#[test]
fn a_newer_format_is_named() {
    let error = codec::decode(br#"{"format":9,"anything":true}"#).unwrap_err();

    assert!(matches!(error, DecodeError::UnknownFormat { found: 9 }));
}

#[test]
fn what_cannot_be_served_is_refused_with_its_place() {
    let proxy = |more: &Value| {
        let mut base = json!({ "type": "HTTP_PROXY", "uri": "http://a.test", "timeoutMs": 50, "passthrough": "NEVER" });
        base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        problem(&base)
    };

    assert_eq!(proxy(&json!({ "uri": "nowhere" })), "GET /pets/{id}: `nowhere` is not an HTTP endpoint");
    assert!(
        proxy(&json!({ "requestParameters": { "integration.request.header.x": "what" } }))
            .contains("Invalid mapping expression specified: what")
    );
    assert!(
        proxy(&json!({ "requestTemplates": { "text/plain": "a $" } })).contains("the request template for text/plain")
    );
    assert!(
        proxy(&json!({ "responses": [{ "status": 200, "selectionPattern": "(" }] })).contains("selection pattern `(`")
    );
}
