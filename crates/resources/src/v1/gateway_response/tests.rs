use serde_json::json;

use super::*;
use crate::patch;

fn operation(op: &str, path: &str, value: Option<&str>) -> Vec<PatchOperation> {
    let body = json!({ "patchOperations": [{ "op": op, "path": path, "value": value }] });
    patch::parse(&body, "UpdateGatewayResponse").unwrap()
}

fn made(kind: &str, body: &Value) -> GatewayResponse {
    put(parse(kind, body).unwrap()).unwrap()
}

/// test_gateway_response_put.
#[test]
fn a_put_fills_gaps_with_the_type_s_own() {
    let stored =
        made("MISSING_AUTHENTICATION_TOKEN", &json!({ "responseParameters": { "gatewayresponse.header.x": "'a'" } }));

    let shown = shown(&stored);

    assert_eq!(shown.status_code.as_deref(), Some("403"));
    assert_eq!(shown.response_templates["application/json"], "{\"message\":$context.error.messageString}");
    assert!(!shown.default_response && stored.status_code.is_none() && stored.response_templates.is_empty());
}

/// test_gateway_response_put: a customised DEFAULT_5XX shows in every 5xx type that is not customised itself.
#[test]
fn uncustomised_types_take_the_looks_of_their_default() {
    let fifth = made("DEFAULT_5XX", &json!({ "statusCode": "599", "responseTemplates": { "application/json": "x" } }));
    let own = made("AUTHORIZER_FAILURE", &json!({ "responseParameters": { "gatewayresponse.header.foo": "'bar'" } }));
    let customised = [fifth, own];

    let taken = effective("API_CONFIGURATION_ERROR", &customised);
    let kept = effective("AUTHORIZER_FAILURE", &customised);
    let other = effective("ACCESS_DENIED", &customised);

    assert_eq!((taken.status_code.as_deref(), taken.default_response), (Some("599"), true));
    assert_eq!(taken.response_templates["application/json"], "x");
    assert_eq!((kept.status_code.as_deref(), kept.default_response), (Some("500"), false));
    assert_eq!((other.status_code.as_deref(), other.default_response), (Some("403"), true));
    assert_eq!(effective("DEFAULT_4XX", &customised).status_code, None);
    assert_eq!(all().len(), 21);
}

/// test_update_gateway_response.
#[test]
fn the_first_patch_customises_a_type() {
    let changed = patch("DEFAULT_4XX", None, &operation("replace", "/statusCode", Some("444"))).unwrap();
    let template =
        patch("DEFAULT_4XX", Some(&changed), &operation("add", "/responseTemplates/application~1xml", Some("<a/>")));

    assert_eq!((changed.status_code.as_deref(), changed.default_response), (Some("444"), false));
    let template = template.unwrap();
    assert_eq!(template.response_templates.keys().collect::<Vec<_>>(), ["application/json", "application/xml"]);
    assert_eq!(template.status_code.as_deref(), Some("444"));
}

/// test_update_gateway_response; rest-admin-api §2.6, rows of GatewayResponse PATCH.
#[test]
fn wrong_patches_have_aws_s_texts() {
    let own = made("DEFAULT_4XX", &json!({ "responseParameters": { "gatewayresponse.header.x": "'a'" } }));
    let text = |op: &str, path: &str, value: Option<&str>| {
        patch("DEFAULT_4XX", Some(&own), &operation(op, path, value)).unwrap_err().message().to_owned()
    };

    assert_eq!(text("add", "/statusCode", Some("444")), "Invalid patch path /statusCode");
    assert_eq!(text("remove", "/statusCode", None), "Invalid patch path /statusCode");
    assert_eq!(text("add", "/wrongPath", Some("x")), "Invalid patch path /wrongPath");
    assert_eq!(
        text("replace", "/responseParameters/gatewayresponse.header.y", Some("'b'")),
        "Invalid parameter name specified"
    );
    assert_eq!(
        text("replace", "/responseTemplates/application~1json", None),
        "Invalid null or empty value in responseTemplates"
    );
    assert_eq!(
        text("replace", "/responseParameters/gatewayresponse.header.x", None),
        "Invalid null or empty value in responseParameters"
    );
    assert!(text("replace", "/statusCode", Some("x")).starts_with("Invalid status code specified"));
}

/// rest-admin-api §2.4: body items come before URI items.
#[test]
fn constraints_of_body_and_uri_are_told_together() {
    let error = parse("WRONG", &json!({ "statusCode": "600" })).unwrap_err();

    assert!(error.message().starts_with(
        "2 validation errors detected: Value '600' at 'putGatewayResponseInput.statusCode' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [1-5]\\d\\d; Value 'WRONG' at 'responseType' failed to satisfy \
         constraint: Member must satisfy enum value set: [REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, "
    ));
}

#[test]
fn parameters_map_headers_to_literals_and_values_of_the_request() {
    let of =
        |key: &str, value: &str| put(parse("THROTTLED", &json!({ "responseParameters": { key: value } })).unwrap());

    for (key, value) in [
        ("gatewayresponse.header.a", "'x'"),
        ("gatewayresponse.header.a", "method.request.path.p"),
        ("gatewayresponse.header.a", "method.input.params.petId"),
        ("gatewayresponse.path.a", "context.requestId"),
        ("gatewayresponse.querystring.a", "stageVariables.x"),
    ] {
        assert!(of(key, value).is_ok(), "{key} {value}");
    }
    for (key, value) in [
        ("method.response.header.a", "'x'"),
        ("gatewayresponse.header.a", "x"),
        ("gatewayresponse.header.a", "'"),
        ("gatewayresponse.header.a", "method.request.header.a b"),
        ("gatewayresponse.header.a", "method.request.body"),
    ] {
        assert!(
            of(key, value).unwrap_err().message().starts_with("Invalid mapping expression specified"),
            "{key} {value}"
        );
    }
}
