//! The API over the real host: a package goes in, its code runs.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use stagecoach_functions::{Host as Processes, HostOptions, Invoker};

use crate::F;
use crate::host::{Host, clock, entropy, function, over, zip};

const CODE: &str = "import os\ndef handler(event, context):\n    \
    return {'sum': event['a'] + event['b'], 'colour': os.environ['COLOUR'], 'arn': context.invoked_function_arn}\n";

#[tokio::test]
async fn python_code_is_uploaded_invoked_and_replaced() {
    let mut host = Host::new().await;
    let options = HostOptions::new(host.home.path().join("scratch"), clock(), entropy());
    let processes = Arc::new(Processes::new(options));
    let invoker: Arc<dyn Invoker> = processes.clone();
    host.functions = over(&host.store, invoker, host.home.path());
    let mut body = function("f");
    body["Code"] = json!({ "ZipFile": zip(&[("app.py", CODE)]) });
    host.ok("POST", "/2015-03-31/functions", &body).await;

    let path = format!("{F}/invocations");
    let first = host.send("POST", &path, &[], Bytes::from_static(b"{\"a\":1,\"b\":2}")).await;
    let broken = host.send("POST", &path, &[], Bytes::from_static(b"{}")).await;
    let code = json!({ "ZipFile": zip(&[("app.py", "def handler(event, context):\n    return 'new'\n")]) });
    host.ok("PUT", &format!("{F}/code"), &code).await;
    let second = host.send("POST", &path, &[], Bytes::new()).await;

    let answer: Value = serde_json::from_slice(&first.body).unwrap();
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    assert_eq!(answer, json!({ "sum": 3, "colour": "red", "arn": arn }));
    assert_eq!((broken.status, &broken.headers["x-amz-function-error"]), (200, &"Unhandled".parse().unwrap()));
    assert_eq!(serde_json::from_slice::<Value>(&broken.body).unwrap()["errorType"], "KeyError");
    assert_eq!(second.body, "\"new\"");
    processes.shutdown().await;
}
