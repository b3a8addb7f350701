//! Layers and the functions that use them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_base::Digest;

use crate::F;
use crate::host::{Host, function, over, zip};

const LAYERS: &str = "/2018-10-31/layers";
const L: &str = "/2018-10-31/layers/l/versions";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:layer:l";

fn layer(text: &str) -> Value {
    json!({
        "Content": { "ZipFile": zip(&[("python/extra.py", text)]) }, "Description": text, "LicenseInfo": "MIT",
        "CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"],
    })
}

async fn publish(host: &Host, text: &str) -> Value {
    host.ok("POST", L, &layer(text)).await
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|version| version["Version"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn layer_versions_are_published_read_listed_and_deleted() {
    let host = Host::new().await;

    let (one, two) = (publish(&host, "one").await, publish(&host, "two").await);
    let read = host.ok("GET", &format!("{L}/1"), &Value::Null).await;
    let by_arn = host.ok("GET", &format!("{LAYERS}?find=LayerVersion&Arn={ARN}:1"), &Value::Null).await;
    let by_layer_arn = host.ok("GET", &format!("{LAYERS}/{}/versions/1", ARN.replace(':', "%3A")), &Value::Null).await;

    assert_eq!((&one["Version"], &two["LayerVersionArn"]), (&json!(1), &json!(format!("{ARN}:2"))));
    let (mut shown, created) = (read.clone(), "2023-11-14T22:13:20.000+0000");
    let content = shown.as_object_mut().unwrap().remove("Content").unwrap();
    let described = json!({
        "LayerArn": ARN, "LayerVersionArn": format!("{ARN}:1"), "Version": 1, "Description": "one", "CreatedDate": created,
        "CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"], "LicenseInfo": "MIT",
    });
    assert_eq!((shown, content["CodeSize"].is_u64()), (described, true));
    assert_eq!((&read, &by_arn, &by_layer_arn), (&one, &one, &one));

    let page = host.ok("GET", &format!("{L}?MaxItems=1"), &Value::Null).await;
    let marker = page["NextMarker"].as_str().unwrap();
    let last = host.ok("GET", &format!("{L}?MaxItems=1&Marker={marker}"), &Value::Null).await;
    assert_eq!((numbers(&page["LayerVersions"]), numbers(&last["LayerVersions"])), (vec![2], vec![1]));
    assert_eq!(last["NextMarker"], Value::Null);
    assert_eq!(host.call("DELETE", &format!("{L}/2"), &Value::Null).await.0, 204);
    assert_eq!(host.call("DELETE", &format!("{L}/2"), &Value::Null).await.0, 204, "again");
    let gone = host.call("GET", &format!("{L}/2"), &Value::Null).await;
    assert_eq!((gone.0, &gone.2["Message"]), (404, &json!("The resource you requested does not exist.")));
    assert_eq!(publish(&host, "three").await["Version"], 3, "a number is never used twice");
}

#[tokio::test]
async fn layers_are_listed_with_the_newest_version_that_fits() {
    let host = Host::new().await;
    let node = json!({ "Content": { "ZipFile": zip(&[("a", "b")]) }, "CompatibleRuntimes": ["nodejs20.x"] });
    publish(&host, "one").await;
    host.ok("POST", L, &node).await;
    host.ok("POST", &format!("{LAYERS}/k/versions"), &node).await;
    let listed = async |query: &str| {
        let answer = host.ok("GET", &format!("{LAYERS}{query}"), &Value::Null).await;
        let layers = answer["Layers"].as_array().unwrap().clone();
        let version = |layer: &Value| (layer["LayerName"].clone(), layer["LatestMatchingVersion"]["Version"].clone());
        (layers.iter().map(version).collect::<Vec<_>>(), answer["NextMarker"].as_str().map(str::to_owned))
    };

    let all = listed("").await;
    let python = listed("?CompatibleRuntime=python3.12").await;
    let arm = listed("?CompatibleArchitecture=arm64").await;
    let first = listed("?MaxItems=1").await;
    let second = listed(&format!("?MaxItems=1&Marker={}", first.1.clone().unwrap())).await;
    host.ok("DELETE", &format!("{LAYERS}/k/versions/1"), &Value::Null).await;

    assert_eq!(all, (vec![(json!("k"), json!(1)), (json!("l"), json!(2))], None));
    assert_eq!((python.0, arm.0), (vec![(json!("l"), json!(1))], vec![]));
    assert_eq!((first.0, second), (vec![(json!("k"), json!(1))], (vec![(json!("l"), json!(2))], None)));
    assert_eq!(listed("").await.0, [(json!("l"), json!(2))], "a layer without versions is not listed");
}

#[tokio::test]
async fn a_function_runs_with_its_layers_even_when_they_are_deleted_and_on_another_host() {
    let host = Host::new().await;
    let (one, two) =
        (publish(&host, "X = 1").await, host.ok("POST", &format!("{LAYERS}/k/versions"), &layer("X = 2")).await);
    let mut body = function("f");
    body["Layers"] = json!([one["LayerVersionArn"], two["LayerVersionArn"]]);

    let created = host.ok("POST", "/2015-03-31/functions", &body).await;
    host.ok("DELETE", &format!("{L}/1"), &Value::Null).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Host { functions: over(&host.store, host.fake.clone(), elsewhere.path()), ..host };
    other.send("POST", &format!("{F}/invocations"), &[], Bytes::new()).await;

    let shown = json!([
        { "Arn": one["LayerVersionArn"], "CodeSize": one["Content"]["CodeSize"] },
        { "Arn": two["LayerVersionArn"], "CodeSize": two["Content"]["CodeSize"] },
    ]);
    assert_eq!(created["Layers"], shown);
    let layers = other.fake.calls.lock().unwrap().last().unwrap().0.layers.clone();
    let read = |index: usize| std::fs::read_to_string(layers[index].join("python/extra.py")).unwrap();
    assert_eq!((read(0).as_str(), read(1).as_str()), ("X = 1", "X = 2"));
    assert!(layers[0].starts_with(elsewhere.path()));
    let without = other.ok("PUT", &format!("{F}/configuration"), &json!({ "Layers": [] })).await;
    assert_eq!(without.get("Layers"), None);
}

#[tokio::test]
async fn layers_that_cannot_be_used_are_refused_with_awss_words() {
    let host = Host::new().await;
    publish(&host, "one").await;
    publish(&host, "two").await;
    host.create("f").await;
    let refused = async |layers: Value| {
        let (_, kind, answer) = host.call("PUT", &format!("{F}/configuration"), &json!({ "Layers": layers })).await;
        let text = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default().to_owned();
        (kind, text)
    };
    let many: Vec<String> = (0..6).map(|number| format!("{ARN}{number}:1")).collect();
    let other = ARN.replace("000000000000", "111111111111");

    let cases = [
        (
            json!([format!("{ARN}:9")]),
            "InvalidParameterValueException",
            format!("Layer version {ARN}:9 does not exist."),
        ),
        (json!(many), "InvalidParameterValueException", "Cannot reference more than 5 layers.".into()),
        (
            json!([format!("{ARN}:1"), format!("{ARN}:2")]),
            "InvalidParameterValueException",
            format!(
                "Two different versions of the same layer are not allowed to be referenced in the same function. {ARN}:1 and \
                 {ARN}:2 are versions of the same layer."
            ),
        ),
        (json!([ARN]), "ValidationException", format!("Value '[{ARN}]' at 'layers' failed to satisfy constraint")),
        (json!([format!("{other}:1")]), "AccessDeniedException", "lambda:GetLayerVersion".into()),
        (
            json!([format!("{}:1", ARN.replace("us-east-1", "eu-west-1"))]),
            "InvalidParameterValueException",
            "Layers are expected to be in region us-east-1.".into(),
        ),
    ];
    for (layers, kind, text) in cases {
        let answer = refused(layers).await;
        assert!(answer.0 == kind && answer.1.contains(&text), "{answer:?}");
    }
    assert_eq!(host.ok("GET", &format!("{F}/configuration"), &Value::Null).await.get("Layers"), None);
    let wrong = json!({ "Content": { "ZipFile": zip(&[("a", "b")]) }, "CompatibleRuntimes": ["cobol85"] });
    let (status, _, answer) = host.call("POST", L, &wrong).await;
    assert!(status == 400 && answer["message"].as_str().unwrap().contains("at 'compatibleRuntimes'"), "{answer}");
}

#[tokio::test]
async fn package_and_layers_together_have_the_limit_of_one_package() {
    let host = Host::new().await;
    let mut arns = Vec::new();
    for name in ["a", "b"] {
        let body = json!({ "Content": { "ZipFile": zip(&[("name", name)]) } });
        let made = host.ok("POST", &format!("{LAYERS}/{name}/versions"), &body).await;
        // As if it had been that large: what is measured is what is on disk.
        let digest = STANDARD.decode(made["Content"]["CodeSha256"].as_str().unwrap()).unwrap();
        let folder = host.home.path().join("code").join(Digest::from_bytes(&digest).unwrap().to_string());
        std::fs::File::create(folder.join("half")).unwrap().set_len(131_071_999).unwrap();
        arns.push(made["LayerVersionArn"].as_str().unwrap().to_owned());
    }
    let mut body = function("f");
    body["Code"] = json!({ "ZipFile": zip(&[("app.py", "")]) });
    host.ok("POST", "/2015-03-31/functions", &body).await;

    let fitting = host.call("PUT", &format!("{F}/configuration"), &json!({ "Layers": arns })).await;
    let code = host.call("PUT", &format!("{F}/code"), &json!({ "ZipFile": zip(&[("app.py", "1")]) })).await;
    body["FunctionName"] = "g".into();
    body["Layers"] = json!(arns);
    body["Code"] = json!({ "ZipFile": zip(&[("app.py", "2")]) });
    let created = host.call("POST", "/2015-03-31/functions", &body).await;

    let text = "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. The actual size is 262144001 bytes.";
    assert_eq!(fitting.0, 200, "{}", fitting.2);
    assert_eq!((code.0, &code.2["message"]), (400, &json!(text)));
    assert_eq!((created.0, &created.2["message"]), (400, &json!(text)));
}

#[tokio::test]
async fn a_layer_version_has_a_policy() {
    let host = Host::new().await;
    publish(&host, "one").await;
    let path = format!("{L}/1/policy");
    let asked = json!({ "StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "111111111111", "OrganizationId": "o-0123456789" });

    let none = host.call("GET", &path, &Value::Null).await;
    let added = host.ok("POST", &path, &asked).await;
    let twice = host.call("POST", &path, &asked).await;
    let stale = host.call("DELETE", &format!("{path}/s?RevisionId=x"), &Value::Null).await;
    let read = host.ok("GET", &path, &Value::Null).await;
    let removed = host.call("DELETE", &format!("{path}/s"), &Value::Null).await;

    let statement: Value = serde_json::from_str(added["Statement"].as_str().unwrap()).unwrap();
    assert_eq!(
        statement,
        json!({
            "Sid": "s", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
            "Action": "lambda:GetLayerVersion", "Resource": format!("{ARN}:1"),
            "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-0123456789" } },
        })
    );
    let policy: Value = serde_json::from_str(read["Policy"].as_str().unwrap()).unwrap();
    assert_eq!((&policy["Statement"], &read["RevisionId"]), (&json!([statement]), &added["RevisionId"]));
    assert_eq!((none.0, twice.0, stale.0, removed.0), (404, 409, 412, 204));
    let missing = host.call("POST", &format!("{L}/7/policy"), &asked).await;
    assert_eq!((missing.0, &missing.2["Message"]), (404, &json!(format!("Layer version {ARN}:7 does not exist."))));
}
