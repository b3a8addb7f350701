//! Packages that nobody refers to go, from disk and store; no other does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_base::Digest;
use stagecoach_functions::{Host as Processes, HostOptions, Invoker};
use stagecoach_store::{Author, Blob};

use crate::F;
use crate::host::{Host, clock, entropy, function, later, over, zip};

const HOUR: Duration = Duration::from_secs(3600);

/// A function of one file.
async fn create(host: &Host, name: &str, text: &str) -> Digest {
    let mut body = function(name);
    body["Code"] = json!({ "ZipFile": zip(&[("app.py", text)]) });
    digest(&host.ok("POST", "/2015-03-31/functions", &body).await["CodeSha256"])
}

async fn update(host: &Host, text: &str) -> Digest {
    let code = json!({ "ZipFile": zip(&[("app.py", text)]) });
    digest(&host.ok("PUT", &format!("{F}/code"), &code).await["CodeSha256"])
}

fn digest(sha256: &Value) -> Digest {
    Digest::from_bytes(&STANDARD.decode(sha256.as_str().unwrap()).unwrap()).unwrap()
}

fn folders(host: &Host) -> BTreeSet<String> {
    let entries = std::fs::read_dir(host.home.path().join("code")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn names(packages: &[Digest]) -> BTreeSet<String> {
    packages.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn folders_go_when_no_version_layer_or_environment_has_them() {
    let host = Host::new().await;
    let layer = json!({ "Content": { "ZipFile": zip(&[("python/x.py", "")]) } });
    let layer = host.ok("POST", "/2018-10-31/layers/l/versions", &layer).await;
    let (one, two) = (create(&host, "f", "one").await, digest(&layer["Content"]["CodeSha256"]));
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Layers": [layer["LayerVersionArn"]] })).await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("DELETE", "/2018-10-31/layers/l/versions/1", &Value::Null).await;
    let three = update(&host, "two").await;
    host.send("POST", &format!("{F}/invocations"), &[], Bytes::new()).await;
    let four = update(&host, "three").await;

    let kept = host.functions.sweep_disk(Duration::ZERO).await.unwrap();
    let all = folders(&host);
    host.fake.calls.lock().unwrap().clear();
    let removed = host.functions.sweep_disk(Duration::ZERO).await.unwrap();

    assert_eq!((kept, all), (0, names(&[one, two, three, four])), "version 1, its layer, an environment, and $LATEST");
    assert_eq!((removed, folders(&host)), (1, names(&[one, two, four])));
    host.ok("DELETE", F, &Value::Null).await;
    assert_eq!(host.functions.sweep_disk(Duration::ZERO).await.unwrap(), 3);
    assert!(folders(&host).is_empty());
}

#[tokio::test]
async fn a_folder_goes_an_hour_after_it_was_last_wanted_and_a_part_of_one_as_well() {
    let host = Host::new().await;
    let one = create(&host, "f", "one").await;
    let two = update(&host, "two").await;
    let part = format!(".{one}-0000000000000001");
    std::fs::create_dir(host.home.path().join("code").join(&part)).unwrap();
    let both = names(&[one, two]).union(&BTreeSet::from([part])).cloned().collect::<BTreeSet<_>>();

    host.functions.sweep_disk(HOUR).await.unwrap();
    later(3_599_000);
    update(&host, "one").await;
    update(&host, "two").await;
    host.functions.sweep_disk(HOUR).await.unwrap();
    let wanted = folders(&host);
    later(3_599_000);
    host.functions.sweep_disk(HOUR).await.unwrap();
    let still = folders(&host);
    later(1000);
    host.functions.sweep_disk(HOUR).await.unwrap();

    assert_eq!(wanted, both, "the first package was wanted again");
    assert_eq!(still, names(&[one, two]), "the part was nobody's");
    assert_eq!(folders(&host), names(&[two]));
}

#[tokio::test]
async fn blobs_go_an_hour_after_nobody_refers_to_them_and_never_those_of_others() {
    let host = Host::new().await;
    let shared = STANDARD.decode(zip(&[("app.py", "shared")])).unwrap();
    let mut write = host.store.write(Author::default(), 1).await.unwrap();
    write.put_blob(&Blob::pack(&shared).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let one = create(&host, "f", "one").await;
    create(&host, "g", "one").await;
    let other = create(&host, "h", "shared").await;
    for name in ["f", "h"] {
        host.ok("DELETE", &format!("/2015-03-31/functions/{name}"), &Value::Null).await;
    }
    let sweep = async || host.functions.sweep_store(HOUR).await.unwrap();
    let there = async |blob: &Digest| host.store.has_blob(blob).await.unwrap();

    let used = [sweep().await, {
        later(3_600_000);
        sweep().await
    }];
    host.ok("DELETE", "/2015-03-31/functions/g", &Value::Null).await;
    let fresh = sweep().await;
    let kept = there(&one).await;
    later(3_600_000);
    let old = sweep().await;

    assert_eq!((used, fresh, kept, old), ([0, 0], 0, true, 1));
    assert_eq!((there(&one).await, there(&other).await), (false, true), "what was there before a function came stays");
    assert_eq!(create(&host, "f", "one").await, one);
    assert!(there(&one).await, "a package that comes again is kept again");
    later(3_600_000);
    assert_eq!((sweep().await, there(&one).await), (0, true));
}

#[tokio::test]
async fn a_waiting_environment_keeps_its_package_until_it_ends() {
    let mut host = Host::new().await;
    let processes = Arc::new(Processes::new(HostOptions::new(host.home.path().join("scratch"), clock(), entropy())));
    let invoker: Arc<dyn Invoker> = processes.clone();
    host.functions = over(&host.store, invoker, host.home.path());
    let code = |answer: &str| format!("def handler(event, context):\n    return {answer:?}\n");
    let one = create(&host, "f", &code("one")).await;
    let invoke = async || host.send("POST", &format!("{F}/invocations"), &[], Bytes::new()).await.body;

    let first = invoke().await;
    let two = update(&host, &code("two")).await;
    host.functions.sweep_disk(Duration::ZERO).await.unwrap();
    let waiting = folders(&host);
    let second = invoke().await;
    let mut left = folders(&host);
    for _ in 0..500 {
        host.functions.sweep_disk(Duration::ZERO).await.unwrap();
        left = folders(&host);
        if left.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    processes.shutdown().await;
    assert_eq!((&first[..], &second[..]), (&b"\"one\""[..], &b"\"two\""[..]));
    assert_eq!((waiting, left), (names(&[one, two]), names(&[two])));
}
