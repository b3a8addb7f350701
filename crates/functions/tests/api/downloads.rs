//! `Location` of packages: who has the URL has the package, for a while.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;
use stagecoach_base::Digest;

use crate::F;
use crate::host::{Host, later, over};

async fn location(host: &Host) -> String {
    let reply = host.send("GET", F, &[("host", "lambda.test:8081")], Bytes::new()).await;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    answer["Code"]["Location"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_location_of_a_function_is_its_package() {
    let host = Host::new().await;
    let created = host.create("f").await;

    let url = location(&host).await;
    let path = url.strip_prefix("http://lambda.test:8081").unwrap();
    let package = host.send("GET", path, &[], Bytes::new()).await;

    assert!(stagecoach_functions::owns(path.split('?').next().unwrap()));
    assert_eq!((package.status, &package.headers["content-type"]), (200, &"application/zip".parse().unwrap()));
    assert_eq!(created["CodeSha256"], STANDARD.encode(Digest::of(&package.body).as_bytes()));
    assert_eq!(
        host.ok("GET", F, &Value::Null).await["Code"].get("Location"),
        None,
        "nobody can follow a URL without a host"
    );
}

#[tokio::test]
async fn every_host_over_a_store_takes_the_url_and_nobody_takes_another() {
    let host = Host::new().await;
    host.create("f").await;
    let url = location(&host).await;
    let path = url.strip_prefix("http://lambda.test:8081").unwrap().to_owned();
    let home = tempfile::tempdir().unwrap();
    let other = Host { functions: over(&host.store, host.fake.clone(), home.path()), ..host };
    let status = async |path: &str| other.send("GET", path, &[], Bytes::new()).await.status;

    let (file, query) = path.split_once('?').unwrap();
    let (expires, signature) = query.strip_prefix("expires=").unwrap().split_once("&signature=").unwrap();
    let later = expires.parse::<i64>().unwrap() + 1;
    let another = file.replace(&file[file.len() - 64..], &Digest::of(b"another").to_string());

    assert_eq!(status(&path).await, 200);
    assert_eq!(status(&format!("{file}?expires={later}&signature={signature}")).await, 403);
    assert_eq!(status(&format!("{another}?{query}")).await, 403);
    assert_eq!(status(file).await, 403);
    assert_eq!(other.send("PUT", &path, &[], Bytes::new()).await.status, 403);
}

#[tokio::test]
async fn a_url_ends_after_ten_minutes() {
    let host = Host::new().await;
    host.create("f").await;
    let url = location(&host).await;
    let path = url.strip_prefix("http://lambda.test:8081").unwrap().to_owned();

    later(600_000);
    let last = host.send("GET", &path, &[], Bytes::new()).await;
    later(1000);
    let late = host.send("GET", &path, &[], Bytes::new()).await;

    assert_eq!((last.status, late.status), (200, 403));
    assert!(String::from_utf8_lossy(&late.body).contains("Request has expired"));
}
