//! The Lambda wire API, over SQLite and a fake invoker. Texts marked as recorded are those of AWS
//! (dependencies §3.4 and §3.5: recordings of `test_lambda_api`).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod downloads;
mod event_config;
mod events;
mod host;
mod invoking;
mod layers;
mod objects;
mod provisioning;
mod rules;
mod streaming;
mod sweeping;
mod whole;

use host::{Host, function, zip};
use serde_json::{Value, json};

const F: &str = "/2015-03-31/functions/f";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:f";

#[tokio::test]
async fn a_function_is_created_read_listed_and_deleted() {
    let host = Host::new().await;

    let created = host.create("f").await;
    let again = host.call("POST", "/2015-03-31/functions", &function("f")).await;

    assert_eq!((&created["FunctionArn"], &created["Version"]), (&json!(ARN), &json!("$LATEST")));
    assert_eq!((&created["State"], &created["LastUpdateStatus"]), (&json!("Active"), &json!("Successful")));
    assert_eq!(created["LastModified"], "2023-11-14T22:13:20.000+0000");
    assert_eq!((again.0, again.1.as_str()), (409, "ResourceConflictException"));
    assert_eq!(again.2, json!({ "Type": "User", "message": "Function already exist: f" }));
    let read = host.ok("GET", F, &Value::Null).await;
    assert_eq!(read["Configuration"], created);
    assert_eq!(host.ok("GET", &format!("{F}/configuration"), &Value::Null).await, created);

    host.create("g").await;
    let page = host.ok("GET", "/2015-03-31/functions?MaxItems=1", &Value::Null).await;
    assert_eq!(page["Functions"].as_array().unwrap().len(), 1);
    let marker = page["NextMarker"].as_str().unwrap();
    let last = host.ok("GET", &format!("/2015-03-31/functions?Marker={marker}"), &Value::Null).await;
    assert_eq!((&last["Functions"][0]["FunctionName"], &last["NextMarker"]), (&json!("g"), &Value::Null));

    let (status, ..) = host.call("DELETE", F, &Value::Null).await;
    let gone = host.call("GET", F, &Value::Null).await;
    assert_eq!((status, gone.0), (204, 404));
    assert_eq!(gone.2, json!({ "Type": "User", "Message": format!("Function not found: {ARN}") }));
    assert_eq!(*host.fake.retired.lock().unwrap(), [ARN]);
}

#[tokio::test]
async fn bad_functions_are_refused_with_awss_words() {
    let host = Host::new().await;
    let refused = async |change: &dyn Fn(&mut Value)| {
        let mut body = function("f");
        change(&mut body);
        let (status, kind, answer) = host.call("POST", "/2015-03-31/functions", &body).await;
        assert!((400..500).contains(&status), "{status} {answer}");
        (kind, answer["message"].as_str().unwrap_or_default().to_owned())
    };

    let texts = [
        refused(&|body| body["Runtime"] = Value::Null).await,
        refused(&|body| body["Code"] = json!({ "S3Bucket": "code", "S3Key": "k" })).await,
        refused(&|body| body["Code"] = json!({ "ZipFile": "bm8gemlw" })).await,
        refused(&|body| body["Code"] = json!({ "ZipFile": zip(&[("../x", "y")]) })).await,
        refused(&|body| body["Timeout"] = json!(901)).await,
        refused(&|body| body["Role"] = json!("r")).await,
        refused(&|body| body["Environment"] = json!({ "Variables": { "AWS_REGION": "x" } })).await,
        refused(&|body| body["Runtime"] = json!("java21")).await,
        refused(&|body| body["FunctionName"] = json!("a b")).await,
    ];

    let wanted = [
        ("InvalidParameterValueException", "mandatory parameters"),
        ("InvalidParameterValueException", "no S3 endpoint"),
        ("InvalidParameterValueException", "Could not unzip uploaded file."),
        ("InvalidParameterValueException", "leaves the package"),
        ("ValidationException", "less than or equal to 900"),
        ("ValidationException", "at 'role'"),
        ("InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"),
        ("InvalidParameterValueException", "java21"),
        ("ValidationException", "at 'functionName'"),
    ];
    for ((kind, text), (wanted_kind, part)) in texts.iter().zip(wanted) {
        assert!(kind == wanted_kind && text.contains(part), "{kind} {text}");
    }
    assert_eq!(host.ok("GET", "/2015-03-31/functions", &Value::Null).await["Functions"], json!([]));
}

#[tokio::test]
async fn code_and_configuration_change_under_a_revision_id() {
    let host = Host::new().await;
    let first = host.create("f").await;
    let code = |revision: &Value| json!({ "ZipFile": zip(&[("app.py", "new")]), "RevisionId": revision });

    let dry = host.ok("PUT", &format!("{F}/code"), &json!({ "ZipFile": zip(&[("a", "b")]), "DryRun": true })).await;
    let second = host.ok("PUT", &format!("{F}/code"), &code(&first["RevisionId"])).await;
    let stale = host.call("PUT", &format!("{F}/code"), &code(&first["RevisionId"])).await;
    let third = host.ok("PUT", &format!("{F}/configuration"), &json!({ "MemorySize": 512 })).await;

    assert_ne!(dry["CodeSha256"], first["CodeSha256"]);
    assert_ne!((&second["CodeSha256"], &second["RevisionId"]), (&first["CodeSha256"], &first["RevisionId"]));
    assert_eq!((stale.0, stale.1.as_str()), (412, "PreconditionFailedException"));
    assert_eq!((&third["MemorySize"], &third["CodeSha256"]), (&json!(512), &second["CodeSha256"]));
    assert_eq!(third["Environment"], json!({ "Variables": { "COLOUR": "red" } }));
}

#[tokio::test]
async fn a_version_is_published_once_for_the_same_code() {
    let host = Host::new().await;
    host.create("f").await;
    let publish = async || host.ok("POST", &format!("{F}/versions"), &json!({ "Description": "one" })).await;

    let (one, same) = (publish().await, publish().await);
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": 9 })).await;
    let two = publish().await;

    assert_eq!((&one["Version"], &one["Description"]), (&json!("1"), &json!("one")));
    assert_eq!((&same, &two["Version"]), (&one, &json!("2")));
    assert_eq!(one["FunctionArn"], format!("{ARN}:1"));
    let listed = host.ok("GET", &format!("{F}/versions"), &Value::Null).await;
    let numbers: Vec<&Value> =
        listed["Versions"].as_array().unwrap().iter().map(|version| &version["Version"]).collect();
    assert_eq!(numbers, ["$LATEST", "1", "2"]);
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "1" })).await;
    assert_eq!(host.call("DELETE", &format!("{F}?Qualifier=1"), &Value::Null).await.0, 409);
    assert_eq!(host.call("DELETE", &format!("{F}?Qualifier=2"), &Value::Null).await.0, 204);
    assert_eq!(host.call("GET", &format!("{F}?Qualifier=2"), &Value::Null).await.0, 404);
    assert_eq!(publish().await["Version"], "3", "a number is never used twice");
}

#[tokio::test]
async fn aliases_are_checked_as_recorded() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    let alias = |name: &str, version: &str, weights: Value| json!({ "Name": name, "FunctionVersion": version, "RoutingConfig": { "AdditionalVersionWeights": weights } });
    let path = format!("{F}/aliases");

    let created = host.ok("POST", &path, &json!({ "Name": "live", "FunctionVersion": "1", "Description": "d" })).await;

    assert_eq!((&created["AliasArn"], created.get("RoutingConfig")), (&json!(format!("{ARN}:live")), None));
    let cases: [(Value, u16, &str, String); 8] = [
        (
            alias("a", "1", json!({ "1": 0.5, "2": 0.5 })),
            400,
            "InvalidParameterValueException",
            "Number of items in AdditionalVersionWeights cannot be greater than 1".into(),
        ),
        (alias("a", "1", json!({ "2": 1.5 })), 400, "ValidationException", "less than or equal to 1".into()),
        (
            alias("a", "1", json!({ "1": 0.5 })),
            400,
            "InvalidParameterValueException",
            "Invalid function version 1. Function version 1 is already included in routing configuration.".into(),
        ),
        (
            alias("a", "$LATEST", json!({ "1": 0.5 })),
            400,
            "InvalidParameterValueException",
            "$LATEST is not supported for an alias pointing to more than 1 version".into(),
        ),
        (alias("a", "10", json!({})), 404, "ResourceNotFoundException", format!("Function not found: {ARN}:10")),
        (
            alias("a", "1", json!({ "10": 0.5 })),
            404,
            "ResourceNotFoundException",
            format!("Function not found: {ARN}:10"),
        ),
        (alias("live", "1", json!({})), 409, "ResourceConflictException", format!("Alias already exists: {ARN}:live")),
        (alias("123", "1", json!({})), 400, "ValidationException", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)".into()),
    ];
    for (body, status, kind, text) in cases {
        let answer = host.call("POST", &path, &body).await;
        let message = answer.2["message"].as_str().or(answer.2["Message"].as_str()).unwrap_or_default();
        assert_eq!((answer.0, answer.1.as_str()), (status, kind), "{body}");
        assert!(message.contains(&text), "{message}");
    }
    let missing = host.call("GET", &format!("{path}/none"), &Value::Null).await;
    assert_eq!(missing.2["Message"], format!("Cannot find alias arn: {ARN}:none"));
    let stale = host.call("PUT", &format!("{path}/live"), &json!({ "RevisionId": "x" })).await;
    assert_eq!(stale.0, 412);
    assert_eq!(host.ok("GET", &path, &Value::Null).await["Aliases"][0], created);
    assert_eq!(host.call("DELETE", &format!("{path}/live"), &Value::Null).await.0, 204);
}

#[tokio::test]
async fn permissions_are_kept_per_qualifier_as_recorded() {
    let host = Host::new().await;
    host.create("f").await;
    let (path, source) = (format!("{F}/policy"), "arn:aws:execute-api:us-east-1:000000000000:abc/*");
    let permission = json!({
        "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": source, "SourceAccount": "000000000000",
    });

    let none = host.call("GET", &path, &Value::Null).await;
    let added = host.ok("POST", &path, &permission).await;
    let twice = host.call("POST", &path, &permission).await;
    let read = host.ok("GET", &path, &Value::Null).await;

    assert_eq!((none.0, &none.2["Message"]), (404, &json!("The resource you requested does not exist.")));
    let statement: Value = serde_json::from_str(added["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(
        statement,
        json!({
            "Sid": "s3", "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": ARN,
            "Condition": { "StringEquals": { "AWS:SourceAccount": "000000000000" }, "ArnLike": { "AWS:SourceArn": source } },
        })
    );
    let policy: Value = serde_json::from_str(read["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy, json!({ "Version": "2012-10-17", "Id": "default", "Statement": [statement] }));
    assert_eq!(twice.0, 409);
    assert_eq!(
        twice.2["message"],
        "The statement id (s3) provided already exists. Please provide a new statement id, or \
        remove the existing statement."
    );
    assert_eq!(host.call("GET", &format!("{path}?Qualifier=live"), &Value::Null).await.0, 404);
    assert_eq!(host.call("DELETE", &format!("{path}/none"), &Value::Null).await.0, 404);
    assert_eq!(host.call("DELETE", &format!("{path}/s3?RevisionId=x"), &Value::Null).await.0, 412);
    assert_eq!(host.call("DELETE", &format!("{path}/s3"), &Value::Null).await.0, 204);
    assert_eq!(host.call("GET", &path, &Value::Null).await.0, 404);
}

#[tokio::test]
async fn concurrency_tags_and_account_settings_are_kept() {
    let host = Host::new().await;
    host.create("f").await;
    let (path, tags) = ("/2017-10-31/functions/f/concurrency", format!("/2017-03-31/tags/{}", ARN.replace(':', "%3A")));

    let reserved = host.ok("PUT", path, &json!({ "ReservedConcurrentExecutions": 5 })).await;
    let too_many = host.call("PUT", path, &json!({ "ReservedConcurrentExecutions": 950 })).await;
    host.ok("POST", &tags, &json!({ "Tags": { "a": "1", "b": "2" } })).await;
    host.ok("DELETE", &format!("{tags}?tagKeys=a"), &Value::Null).await;

    assert_eq!(reserved, json!({ "ReservedConcurrentExecutions": 5 }));
    assert!(too_many.2["message"].as_str().unwrap().contains("below its minimum value of ["));
    let read = host.ok("GET", F, &Value::Null).await;
    assert_eq!((&read["Concurrency"], &read["Tags"]), (&reserved, &json!({ "b": "2" })));
    assert_eq!(host.ok("GET", &tags, &Value::Null).await, json!({ "Tags": { "b": "2" } }));
    let qualified =
        host.call("PUT", &path.replace("/f/", "/f:1/"), &json!({ "ReservedConcurrentExecutions": 1 })).await;
    assert_eq!(qualified.0, 400);
    let account = host.ok("GET", "/2016-08-19/account-settings", &Value::Null).await;
    assert_eq!(account["AccountLimit"]["UnreservedConcurrentExecutions"], 995);
    assert_eq!(host.call("DELETE", path, &Value::Null).await.0, 204);
    let signing = host.ok("GET", "/2020-06-30/functions/f/code-signing-config", &Value::Null).await;
    assert_eq!(signing, json!({ "FunctionName": "f" }));
}

#[tokio::test]
async fn what_is_not_built_and_what_is_not_lambdas_say_so() {
    let host = Host::new().await;

    let unbuilt = host.call("GET", "/2020-04-22/code-signing-configs", &Value::Null).await;
    let unknown = host.call("GET", "/2015-03-31/nothing", &Value::Null).await;

    assert_eq!(
        (unbuilt.0, &unbuilt.2["message"]),
        (501, &json!("The operation ListCodeSigningConfigs is not supported by this host."))
    );
    assert_eq!((unknown.0, unknown.1.as_str()), (404, "UnknownOperationException"));
    let wrong = host.send("POST", "/2015-03-31/functions", &[], "[".into()).await;
    assert_eq!(wrong.headers["x-amzn-errortype"], "SerializationException");
}

#[tokio::test]
async fn every_write_is_in_the_audit_log() {
    let host = Host::new().await;

    host.create("f").await;

    let audit = host.store.audit_since(0, Some("function:f"), 9).await.unwrap();
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].author.actor.as_str(), audit[0].author.operation.as_str()), ("AKIATEST", "CreateFunction"));
}
