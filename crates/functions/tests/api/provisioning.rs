//! Provisioned concurrency.

use serde_json::{Value, json};
use stagecoach_store::Author;

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

#[tokio::test]
async fn what_the_account_has_left_is_the_most_that_can_be_provisioned() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "1" })).await;
    let path = |qualifier: &str| format!("/2019-09-30/functions/f/provisioned-concurrency?Qualifier={qualifier}");
    let count = |count: u32| json!({ "ProvisionedConcurrentExecutions": count });

    let first = host.call("PUT", &path("live"), &count(600)).await;
    let again = host.call("PUT", &path("live"), &count(700)).await;
    let more = host.call("PUT", &path("1"), &count(201)).await;
    let rest = host.call("PUT", &path("1"), &count(200)).await;

    assert_eq!((first.0, again.0, rest.0), (202, 202, 202));
    assert_eq!((more.0, more.1.as_str()), (400, "InvalidParameterValueException"));
    assert!(more.2["message"].as_str().unwrap().ends_with("unreserved concurrency [200]."), "{more:?}");
    assert_eq!(host.fake.provisioned.lock().unwrap().last(), Some(&("1".to_owned(), 900)));
}

#[tokio::test]
async fn a_version_has_one_name_only() {
    let host = Host::new().await;
    host.create("f").await;
    host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    host.ok("POST", &format!("{F}/aliases"), &json!({ "Name": "live", "FunctionVersion": "1" })).await;

    let deleted = host.call("DELETE", &format!("{F}?Qualifier=01"), &Value::Null).await;
    let read = host.call("GET", &format!("{F}?Qualifier=001"), &Value::Null).await;
    let pointed = host.call("PUT", &format!("{F}/aliases/live"), &json!({ "FunctionVersion": "01" })).await;
    let invoked = host.call("POST", &format!("{F}:live/invocations"), &json!({})).await;

    assert_eq!((deleted.0, read.0, pointed.0, invoked.0), (404, 404, 404, 200));
}

#[tokio::test]
async fn a_function_without_its_package_does_not_keep_others_from_being_changed() {
    let host = Host::new().await;
    for name in ["e", "f"] {
        host.create(name).await;
        host.ok("POST", &format!("/2015-03-31/functions/{name}/versions"), &Value::Null).await;
    }
    let path = "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1";
    host.ok("PUT", path, &json!({ "ProvisionedConcurrentExecutions": 3 })).await;
    let code = host.home.path().join("code");
    let package = std::fs::read_dir(&code).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    let mut write = host.store.write(Author::default(), 1).await.unwrap();
    write.delete_blob(&package.parse().unwrap()).await.unwrap();
    write.commit().await.unwrap();
    std::fs::remove_dir_all(code).unwrap();

    let deleted = host.call("DELETE", "/2015-03-31/functions/e", &Value::Null).await;
    let gone = host.call("GET", "/2015-03-31/functions/e", &Value::Null).await;

    assert_eq!((deleted.0, gone.0), (204, 404));
}
