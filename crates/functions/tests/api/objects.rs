//! Packages by bucket and key, from an S3 of this test's own that checks signatures.

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use stagecoach_functions::{S3, S3Endpoint};
use stagecoach_sigv4::{Credentials, verify};
use tokio::net::TcpListener;

use crate::F;
use crate::host::{Host, clock, function, zip};

const SECRET: &str = "s3-secret";

fn answer(request: Request<Incoming>, package: &Bytes) -> (u16, Bytes) {
    let (parts, _) = request.into_parts();
    let error = |status, code, message| {
        (
            status,
            Bytes::from(format!(
                "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
            )),
        )
    };
    let at = clock().wall();
    if verify(&parts, b"", Some(SECRET), at).is_err() {
        return error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.");
    }
    match (parts.uri.path(), parts.uri.query()) {
        ("/code/a%20b/f.zip", None) => (200, package.clone()),
        ("/code/versioned.zip", Some("versionId=v%2F1")) => (200, package.clone()),
        ("/code/huge.zip", None) => (200, Bytes::from(vec![0; 262_144_001])),
        ("/code/secret.zip", None) => error(403, "AccessDenied", "Access Denied"),
        _ => error(404, "NoSuchKey", "The specified key does not exist."),
    }
}

/// Serves until the test ends.
async fn bucket(package: Bytes) -> S3Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let package = package.clone();
            let service = service_fn(move |request| {
                let (status, body) = answer(request, &package);
                async move { Ok::<_, Infallible>(Response::builder().status(status).body(Full::new(body)).unwrap()) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    endpoint
}

fn package() -> Bytes {
    Bytes::from(STANDARD.decode(zip(&[("app.py", "def handler(event, context): return 'from S3'")])).unwrap())
}

async fn host(secret: &str) -> Host {
    let host = Host::new().await;
    let credentials = Credentials { access_key: "AKIDS3".into(), secret: secret.into(), token: None };
    let s3 = S3::new(bucket(package()).await, "us-east-1".into(), credentials, clock());
    Host { functions: host.functions.fetching_from(Arc::new(s3)), ..host }
}

fn named(key: &str) -> Value {
    let mut body = function("f");
    body["Code"] = json!({ "S3Bucket": "code", "S3Key": key });
    body
}

#[tokio::test]
async fn a_package_is_fetched_by_bucket_key_and_version() {
    let host = host(SECRET).await;

    let created = host.ok("POST", "/2015-03-31/functions", &named("a b/f.zip")).await;
    let by_version = json!({ "S3Bucket": "code", "S3Key": "versioned.zip", "S3ObjectVersion": "v/1" });
    let updated = host.ok("PUT", &format!("{F}/code"), &by_version).await;

    let sha256 = STANDARD.encode(stagecoach_base::Digest::of(&package()).as_bytes());
    assert_eq!((&created["CodeSha256"], &updated["CodeSha256"]), (&json!(sha256), &json!(sha256)));
    assert_eq!(created["CodeSize"], package().len());
}

#[tokio::test]
async fn what_s3_refuses_is_told_in_awss_words_and_nothing_is_written() {
    let right = host(SECRET).await;
    let wrong = host("another").await;
    let create = async |host: &Host, key: &str| {
        let (status, kind, answer) = host.call("POST", "/2015-03-31/functions", &named(key)).await;
        let text = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default().to_owned();
        (status, kind, text)
    };

    let missing = create(&right, "none.zip").await;
    let denied = create(&right, "secret.zip").await;
    let huge = create(&right, "huge.zip").await;
    let unsigned = create(&wrong, "a b/f.zip").await;

    let parameter = "InvalidParameterValueException".to_owned();
    let told =
        "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.";
    assert_eq!(missing, (400, parameter.clone(), told.to_owned()));
    assert_eq!((denied.0, denied.1.as_str()), (403, "AccessDeniedException"));
    assert!(denied.2.starts_with("Your access has been denied by S3,"), "{}", denied.2);
    assert_eq!(huge, (400, parameter, "Unzipped size must be smaller than 262144000 bytes".to_owned()));
    assert!(unsigned.0 == 400 && unsigned.2.contains("S3 Error Code: SignatureDoesNotMatch."), "{}", unsigned.2);
    assert_eq!(right.ok("GET", "/2015-03-31/functions", &Value::Null).await["Functions"], json!([]));
}

#[tokio::test]
async fn an_s3_that_is_not_there_and_names_that_are_none_are_refused() {
    let host = Host::new().await;
    let credentials = Credentials { access_key: "a".into(), secret: "s".into(), token: None };
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}").parse().unwrap();
    let s3 = S3::new(endpoint, "us-east-1".into(), credentials, clock());
    let host = Host { functions: host.functions.fetching_from(Arc::new(s3)), ..host };
    let create = async |code: Value| {
        let mut body = function("f");
        body["Code"] = code;
        let (status, _, answer) = host.call("POST", "/2015-03-31/functions", &body).await;
        (status, answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default().to_owned())
    };

    let unreachable = create(json!({ "S3Bucket": "code", "S3Key": "k" })).await;
    let bucket = create(json!({ "S3Bucket": "evil.test/x", "S3Key": "k" })).await;
    let half = create(json!({ "S3Bucket": "code" })).await;
    let both = create(json!({ "S3Bucket": "code", "S3Key": "k", "ZipFile": zip(&[("a", "b")]) })).await;

    assert!(unreachable.0 == 500 && unreachable.1.contains(&closed.to_string()), "{}", unreachable.1);
    assert!(bucket.0 == 400 && bucket.1.contains("at 'code.s3Bucket'"), "{}", bucket.1);
    assert_eq!(half, (400, "Please provide a source for function code.".into()));
    assert!(both.1.starts_with("Please do not provide other FunctionCode parameters"), "{}", both.1);
}

#[tokio::test]
async fn more_packages_than_there_is_room_for_take_turns() {
    let host = Arc::new(host(SECRET).await);

    let mut creating = tokio::task::JoinSet::new();
    for number in 0..12 {
        let host = Arc::clone(&host);
        let mut body = named("a b/f.zip");
        body["FunctionName"] = format!("f{number}").into();
        creating.spawn(async move { host.call("POST", "/2015-03-31/functions", &body).await.0 });
    }

    assert_eq!(creating.join_all().await, [201; 12]);
}
