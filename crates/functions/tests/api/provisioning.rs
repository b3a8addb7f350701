//! Provisioned concurrency.

use serde_json::{Value, json};

use crate::host::Host;
use crate::{ARN, F};

#[tokio::test]
async fn provisioned_concurrency_follows_its_alias() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": 9 })).await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "1" })).await;
    let path = "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=live";
    let count = json!({ "ProvisionedConcurrentExecutions": 3 });

    let none = host.call("GET", path, &Value::Null).await;
    let put = host.call("PUT", path, &count).await;
    let ready = host.ok("GET", path, &Value::Null).await;
    host.ok("PUT", &format!("{F}/aliases/live"), &json!({ "FunctionVersion": "2" })).await;
    host.functions.reconcile().await.unwrap();
    let all = host.ok("GET", &path.replace("Qualifier=live", "List=ALL"), &Value::Null).await;
    let latest = host.call("PUT", &path.replace("live", "$LATEST"), &count).await;
    let deleted = host.call("DELETE", path, &Value::Null).await;

    assert_eq!((none.0, none.1.as_str()), (404, "ProvisionedConcurrencyConfigNotFoundException"));
    assert_eq!((put.0, &put.2["Status"]), (202, &json!("IN_PROGRESS")));
    assert_eq!((&ready["Status"], &ready["AllocatedProvisionedConcurrentExecutions"]), (&json!("READY"), &json!(3)));
    let listed = &all["ProvisionedConcurrencyConfigs"];
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["FunctionArn"]), (1, &json!(format!("{ARN}:live"))));
    assert_eq!((latest.0, deleted.0), (400, 204));
    let calls = host.fake.provisioned.lock().unwrap();
    let calls: Vec<(&str, usize)> = calls.iter().map(|(version, count)| (version.as_str(), *count)).collect();
    assert_eq!(calls, [("1", 3), ("1", 0), ("2", 3), ("2", 0)]);
}
