//! What may be said of a function, page by page and member by member, in AWS's words.

use serde_json::{Value, json};

use crate::F;
use crate::host::{Host, function, zip};

/// All pages of a list, one item each.
async fn paged(host: &Host, path: &str, member: &str) -> Vec<String> {
    let (mut found, mut marker) = (Vec::new(), String::new());
    loop {
        let page = host.ok("GET", &format!("{path}MaxItems=1{marker}"), &Value::Null).await;
        let items = page[member].as_array().unwrap();
        assert_eq!(items.len(), 1, "{page}");
        found.push(format!("{}:{}", items[0]["FunctionName"].as_str().unwrap(), items[0]["Version"].as_str().unwrap()));
        match page["NextMarker"].as_str() {
            Some(next) => marker = format!("&Marker={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn versions_come_page_by_page() {
    let host = Host::new().await;
    for name in ["e", "f", "g"] {
        host.create(name).await;
    }
    for timeout in [1, 2] {
        host.ok("PUT", &format!("{F}/configuration"), &json!({ "Timeout": timeout })).await;
        host.ok("POST", &format!("{F}/versions"), &Value::Null).await;
    }

    let of_one = paged(&host, &format!("{F}/versions?"), "Versions").await;
    let of_none = paged(&host, "/2015-03-31/functions/g/versions?", "Versions").await;
    let of_all = paged(&host, "/2015-03-31/functions?FunctionVersion=ALL&", "Functions").await;
    let whole = host.ok("GET", "/2015-03-31/functions?FunctionVersion=ALL", &Value::Null).await;

    assert_eq!(of_one, ["f:$LATEST", "f:1", "f:2"]);
    assert_eq!(of_none, ["g:$LATEST"]);
    assert_eq!(of_all, ["e:$LATEST", "f:$LATEST", "f:1", "f:2", "g:$LATEST"]);
    assert_eq!((whole["Functions"].as_array().unwrap().len(), &whole["NextMarker"]), (5, &Value::Null));
}

#[tokio::test]
async fn members_out_of_range_are_refused_in_awss_words() {
    let host = Host::new().await;
    host.create("f").await;
    let refused = async |change: Value| {
        let mut body = function("g");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let created = host.call("POST", "/2015-03-31/functions", &body).await;
        assert_eq!(created.0, 400, "{:?}", change.as_object().unwrap().keys());
        (created.1, created.2["message"].as_str().unwrap_or_default().to_owned())
    };
    let value = "x".repeat(4086);

    let cases = [
        (
            json!({ "Runtime": "python2.7" }),
            "InvalidParameterValueException",
            "The runtime parameter of python2.7 is no longer supported",
        ),
        (
            json!({ "Runtime": "cobol85" }),
            "InvalidParameterValueException",
            "Value cobol85 at 'runtime' failed to satisfy constraint",
        ),
        (json!({ "Architectures": ["arm64", "x86_64"] }), "ValidationException", "length less than or equal to 1"),
        (json!({ "Architectures": ["vax"] }), "ValidationException", "Value '[vax]' at 'architectures' failed"),
        (json!({ "EphemeralStorage": { "Size": 511 } }), "ValidationException", "at 'ephemeralStorage.size'"),
        (json!({ "Handler": "a b" }), "ValidationException", r"regular expression pattern: [^\s]+"),
        (json!({ "PackageType": "Tar" }), "ValidationException", "enum value set: [Zip, Image]"),
        (
            json!({ "PackageType": "Image", "Code": { "ImageUri": "r/i:t" } }),
            "InvalidParameterValueException",
            "PackageType Image",
        ),
        (
            json!({ "Environment": { "Variables": { "LONG": value } } }),
            "InvalidParameterValueException",
            "exceeded the 4KB limit. String measured: {\"LONG\":\"xxx",
        ),
        (
            json!({ "Environment": { "Variables": { "AWS_REGION": "a", "LAMBDA_TASK_ROOT": "b" } } }),
            "InvalidParameterValueException",
            "Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT",
        ),
    ];
    for (change, kind, text) in cases {
        let told = refused(change).await;
        assert!(told.0 == kind && told.1.contains(text), "{told:?}");
    }
    let fits = json!({ "Environment": { "Variables": { "LONG": &value[..4085] } }, "Architectures": ["arm64"] });
    let updated = host.ok("PUT", &format!("{F}/configuration"), &fits).await;
    assert_eq!(updated["Environment"], fits["Environment"], "4096 bytes as JSON");
    let code = json!({ "ZipFile": zip(&[("a", "b")]), "Architectures": ["vax"] });
    assert_eq!(host.call("PUT", &format!("{F}/code"), &code).await.0, 400);
}
