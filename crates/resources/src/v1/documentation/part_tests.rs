//! Documentation parts: bodies, patches and merging.

use serde_json::json;

use super::*;
use crate::patch;
use crate::v1::documentation::{Filter, undocumented, version};

fn made(all: &[DocumentationPart], location: &Value) -> Result<DocumentationPart, AwsError> {
    create(all, parse(&json!({ "location": location, "properties": "{\"description\":\"d\"}" }))?)
}

/// rest-admin-api §2.4, doc location.
#[test]
fn constraints_are_told_together() {
    let body = json!({ "location": { "type": "X", "statusCode": "600" } });

    let error = parse(&body).unwrap_err();

    assert_eq!(
        error.message(),
        "3 validation errors detected: Value 'X' at 'createDocumentationPartInput.location.type' failed to satisfy \
         constraint: Member must satisfy enum value set: [RESPONSE_BODY, RESPONSE, METHOD, MODEL, AUTHORIZER, \
         RESPONSE_HEADER, RESOURCE, PATH_PARAMETER, REQUEST_BODY, QUERY_PARAMETER, API, REQUEST_HEADER]; Value '600' at \
         'createDocumentationPartInput.location.statusCode' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: ^([1-5]\\d\\d|\\*|\\s*)$; Value null at 'createDocumentationPartInput.properties' failed to \
         satisfy constraint: Member must not be null"
    );
}

/// AWS's reference of DocumentationPartLocation.
#[test]
fn every_type_takes_its_own_members() {
    for good in [
        json!({ "type": "API" }),
        json!({ "type": "MODEL", "name": "Pet" }),
        json!({ "type": "RESOURCE", "path": "/pets" }),
        json!({ "type": "METHOD", "path": "/pets", "method": "*" }),
        json!({ "type": "REQUEST_BODY", "path": "/pets", "method": "POST" }),
        json!({ "type": "RESPONSE_HEADER", "path": "/", "method": "GET", "statusCode": "200", "name": "x" }),
        json!({ "type": "RESPONSE" }),
    ] {
        assert!(made(&[], &good).is_ok(), "{good}");
    }
    for (bad, why) in [
        (json!({ "type": "API", "path": "/" }), "path is not valid for type 'API'"),
        (json!({ "type": "MODEL" }), "name is required for type 'MODEL'"),
        (json!({ "type": "RESOURCE", "path": "/", "method": "GET" }), "method is not valid for type 'RESOURCE'"),
        (json!({ "type": "METHOD", "name": "x" }), "name is not valid for type 'METHOD'"),
        (json!({ "type": "REQUEST_BODY", "statusCode": "200" }), "statusCode is not valid for type 'REQUEST_BODY'"),
        (json!({ "type": "RESOURCE", "path": "pets" }), "path must start with a slash"),
        (json!({ "type": "METHOD", "method": "FETCH" }), "method must be a verb or *"),
    ] {
        let error = made(&[], &bad).unwrap_err();
        assert_eq!(error.message(), format!("Invalid documentation part location: {why}"));
    }
}

/// rest-admin-api §2.6, rows of CreateDocumentationPart.
#[test]
fn a_location_has_one_part_however_it_is_written() {
    let api = made(&[], &json!({ "type": "API" })).unwrap();
    let method = made(&[], &json!({ "type": "METHOD", "path": "/", "method": "*" })).unwrap();

    let again = made(&[api], &json!({ "type": "API" })).unwrap_err();
    let same = made(&[method], &json!({ "type": "METHOD" })).unwrap_err();

    assert_eq!(
        (again.code().status(), again.message()),
        (409, "Documentation part already exists for the specified location: type 'API'.")
    );
    assert_eq!(same.code().status(), 409);
    let bare = made(&[], &json!({ "type": "METHOD", "method": "GET" })).unwrap().location;
    assert_eq!((bare.path.as_deref(), bare.method.as_deref()), (Some("/"), Some("GET")));
}

/// test_invalid_update_documentation_part; an empty value: rest-admin-api §3.20.
#[test]
fn properties_are_json_and_all_that_a_patch_changes() {
    let part = made(&[], &json!({ "type": "API" })).unwrap();
    let apply = |op: &str, path: &str, value: &str| {
        let body = json!({ "patchOperations": [{ "op": op, "path": path, "value": value }] });
        patch(&part, &patch::parse(&body, "UpdateDocumentationPart").unwrap())
    };
    let text = |op: &str, path: &str, value: &str| apply(op, path, value).unwrap_err().message().to_owned();

    let changed = apply("replace", "/properties", "{ \"a\": 1 }").unwrap();

    assert_eq!((changed.properties.as_str(), &changed.id), ("{ \"a\": 1 }", &part.id));
    assert_eq!(
        text("add", "/properties", "{}"),
        "Invalid patch path  '/properties' specified for op 'add'. Please choose supported operations"
    );
    assert_eq!(
        text("replace", "/invalidPath", "{}"),
        "Invalid patch path  '/invalidPath' specified for op 'replace'. Must be one of: [/properties]"
    );
    assert_eq!(text("replace", "/properties", ""), "Documentation part properties must be non-empty");
    assert!(text("replace", "/properties", "[1]").ends_with("a valid JSON object"));
}

#[test]
fn lists_are_filtered_and_undocumented_places_are_found() {
    let mut tree = crate::v1::rest_api::empty(crate::v1::RestApi::new("abc".into(), "root".into(), "n".into(), 0));
    let mut method = crate::v1::Method::new(stagecoach_base::Verb::Get);
    method.request_parameters = Some([("method.request.querystring.q".to_owned(), true)].into());
    tree.methods.push(crate::tree::MethodAt { resource_id: "root".into(), method });
    tree.documentation_parts.push(made(&[], &json!({ "type": "METHOD", "path": "/", "method": "GET" })).unwrap());
    let filter = Filter { kind: Some("METHOD".into()), path: Some("/pets".into()), ..Filter::default() };

    let open = undocumented(&tree);

    let kinds: Vec<&str> = open.iter().map(|location| location.kind.as_str()).collect();
    assert_eq!(kinds, ["API", "MODEL", "MODEL", "QUERY_PARAMETER", "RESOURCE"]);
    assert!(!filter.takes(&tree.documentation_parts[0]));
    assert!(Filter { path: Some("/".into()), ..filter }.takes(&tree.documentation_parts[0]));
    assert!(Filter { status: Some("NO".into()), ..Filter::default() }.check().is_err());
}

#[test]
fn versions_are_named_once_and_hide_their_parts() {
    let input = version::parse(&json!({ "documentationVersion": "v1" })).unwrap();
    let make = |taken| version::create(&input, Vec::new(), taken, 7);

    let made = make(false).unwrap();

    assert_eq!(version::shown(&made), json!({ "version": "v1", "createdDate": 7 }));
    assert_eq!(make(true).unwrap_err().code().status(), 409);
    assert!(version::parse(&json!({})).is_err());
}
