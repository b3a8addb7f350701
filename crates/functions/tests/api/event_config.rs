//! Options of asynchronous invocations.

use serde_json::{Value, json};

use crate::ARN;
use crate::host::Host;

const PATH: &str = "/2019-09-25/functions/f/event-invoke-config";

async fn functions() -> Host {
    let host = Host::new().await;
    for name in ["f", "g"] {
        host.create(name).await;
    }
    host.ok("POST", "/2015-03-31/functions/f/versions", &Value::Null).await;
    host.ok("POST", "/2015-03-31/functions/f/aliases", &json!({ "Name": "live", "FunctionVersion": "1" })).await;
    host
}

#[tokio::test]
async fn put_replaces_update_merges_and_delete_removes() {
    let host = functions().await;
    let to = |name: &str| json!({ "Destination": format!("arn:aws:lambda:us-east-1:000000000000:function:{name}") });

    let none = host.call("GET", PATH, &Value::Null).await;
    let no_update = host.call("POST", PATH, &json!({ "MaximumRetryAttempts": 1 })).await;
    let put = host.ok("PUT", PATH, &json!({ "MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 3600 })).await;
    let updated = host.ok("POST", PATH, &json!({ "DestinationConfig": { "OnFailure": to("g") } })).await;
    let read = host.ok("GET", PATH, &Value::Null).await;
    let replaced = host.ok("PUT", PATH, &json!({ "MaximumEventAgeInSeconds": 60 })).await;

    let missing =
        json!({ "Type": "User", "Message": format!("The function {ARN}:$LATEST doesn't have an EventInvokeConfig") });
    assert_eq!((none.0, &none.2, no_update.0, &no_update.2), (404, &missing, 404, &missing));
    // The shape of AWS's own examples.
    assert_eq!(
        put,
        json!({
            "LastModified": 1_700_000_000.0, "FunctionArn": format!("{ARN}:$LATEST"), "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 3600, "DestinationConfig": { "OnSuccess": {}, "OnFailure": {} },
        })
    );
    assert_eq!(updated["DestinationConfig"], json!({ "OnSuccess": {}, "OnFailure": to("g") }));
    assert_eq!((&updated["MaximumRetryAttempts"], &read), (&json!(0), &updated));
    assert_eq!(replaced.get("MaximumRetryAttempts"), None);
    assert_eq!(replaced["DestinationConfig"], put["DestinationConfig"]);
    let deleted = host.call("DELETE", PATH, &Value::Null).await;
    let again = host.call("DELETE", PATH, &Value::Null).await;
    assert_eq!((deleted.0, again.0), (204, 404));
}

#[tokio::test]
async fn every_qualifier_has_its_own_and_loses_it_with_the_alias() {
    let host = functions().await;
    for (query, retries) in [("", 0), ("?Qualifier=live", 1), ("?Qualifier=1", 2)] {
        host.ok("PUT", &format!("{PATH}{query}"), &json!({ "MaximumRetryAttempts": retries })).await;
    }

    let first = host.ok("GET", &format!("{PATH}/list?MaxItems=2"), &Value::Null).await;
    let marker = first["NextMarker"].as_str().unwrap();
    let last = host.ok("GET", &format!("{PATH}/list?Marker={marker}"), &Value::Null).await;
    host.call("DELETE", "/2015-03-31/functions/f/aliases/live", &Value::Null).await;
    let left = host.ok("GET", &format!("{PATH}/list"), &Value::Null).await;

    let arns = |page: &Value| -> Vec<String> {
        let configs = page["FunctionEventInvokeConfigs"].as_array().unwrap();
        configs.iter().map(|config| config["FunctionArn"].as_str().unwrap().to_owned()).collect()
    };
    let mut all = arns(&first);
    all.extend(arns(&last));
    all.sort();
    assert_eq!(all, [format!("{ARN}:$LATEST"), format!("{ARN}:1"), format!("{ARN}:live")]);
    assert_eq!((last["NextMarker"].clone(), arns(&left).len()), (Value::Null, 2));
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_and_nothing_is_kept() {
    let host = functions().await;
    let to = |arn: &str| json!({ "DestinationConfig": { "OnSuccess": { "Destination": arn } } });
    let lambda = "arn:aws:lambda:us-east-1:000000000000:function";
    let invalid = "InvalidParameterValueException";

    let cases = [
        (json!({}), 400, invalid, "You must specify at least one of error handling or destination setting."),
        (
            json!({ "MaximumRetryAttempts": 3 }),
            400,
            "ValidationException",
            "at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2",
        ),
        (json!({ "MaximumEventAgeInSeconds": 59 }), 400, "ValidationException", "greater than or equal to 60"),
        (
            json!({ "MaximumEventAgeInSeconds": "60" }),
            400,
            "SerializationException",
            "maximumEventAgeInSeconds: STRING_VALUE",
        ),
        (to("no arn"), 400, "ValidationException", "at 'destinationConfig.onSuccess.destination'"),
        (to("arn:aws:sqs:us-east-1:000000000000:q"), 400, invalid, "to Lambda functions only"),
        (to(&format!("{lambda}:f")), 400, invalid, "You can't specify the function as a destination for itself."),
        (
            to(&format!("{lambda}:none")),
            400,
            invalid,
            "The destination ARN arn:aws:lambda:us-east-1:000000000000:function:none is invalid.",
        ),
        (to(&format!("{lambda}:g:none")), 400, invalid, "is invalid."),
        (
            json!({ "DestinationConfig": { "OnFailure": "g" } }),
            400,
            "SerializationException",
            "destinationConfig.onFailure: STRING_VALUE",
        ),
    ];
    for (body, status, kind, text) in cases {
        let answer = host.call("PUT", PATH, &body).await;
        let message = answer.2["message"].as_str().or(answer.2["Message"].as_str()).unwrap_or_default();
        assert_eq!((answer.0, answer.1.as_str()), (status, kind), "{body}");
        assert!(message.contains(text), "{message}");
    }
    for path in ["/2019-09-25/functions/none/event-invoke-config", "/2019-09-25/functions/f:none/event-invoke-config"] {
        let answer = host.call("PUT", path, &json!({ "MaximumRetryAttempts": 1 })).await;
        assert_eq!((answer.0, &answer.2["Message"]), (404, &json!("The function doesn't exist.")));
    }
    assert_eq!(host.ok("GET", &format!("{PATH}/list"), &Value::Null).await["FunctionEventInvokeConfigs"], json!([]));
}
