use serde_json::{Value, json};
use stagecoach_base::Scope;

use super::*;
use crate::patch::parse;

fn made(body: &Value) -> Result<RestApi, AwsError> {
    create(body, "abcdefghij".into(), "klmnopqrst".into(), 1, &Scope::default())
}

fn patched(api: &RestApi, operations: &Value) -> Result<RestApi, AwsError> {
    let operations = parse(&json!({ "patchOperations": operations }), "UpdateRestApi").unwrap();
    patch(api, &operations, &Scope::default())
}

fn private() -> RestApi {
    made(&json!({ "name": "a", "endpointConfiguration": { "types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1"] } }))
        .unwrap()
}

/// rest-admin-api §2.4: types are read before constraints are checked, constraints before rules.
#[test]
fn types_come_before_constraints_and_constraints_before_rules() {
    let all = json!({ "name": "a", "apiKeySource": "x", "description": "", "tags": { "a": 1 } });
    let two = json!({ "name": "a", "apiKeySource": "x", "description": "" });

    let (all, two) = (made(&all).unwrap_err(), made(&two).unwrap_err());

    assert!(all.message().contains("TruncatingBigNumber"), "{all}");
    assert!(two.message().contains("'createRestApiInput.apiKeySource'"), "{two}");
}

/// rest-admin-api, appendix B: `SecurityPolicy` and `endpointAccessMode` are closed sets.
#[test]
fn security_policies_and_access_modes_are_closed_sets() {
    let wrong = json!({ "name": "a", "securityPolicy": "TLS_9", "endpointAccessMode": "OPEN" });
    let right = json!({ "name": "a", "securityPolicy": "TLS_1_2", "endpointAccessMode": "STRICT" });

    let (wrong, right) = (made(&wrong).unwrap_err(), made(&right).unwrap());
    let changed = patched(&right, &json!([{ "op": "replace", "path": "/securityPolicy", "value": "TLS_9" }]));

    assert!(
        wrong
            .message()
            .starts_with("2 validation errors detected: Value 'TLS_9' at 'createRestApiInput.securityPolicy'")
    );
    assert_eq!(right.endpoint_access_mode.as_deref(), Some("STRICT"));
    assert!(changed.is_err() && made(&json!({ "name": "a" })).unwrap().security_policy.is_none());
}

/// rest-admin-api §3.1: VPC endpoint ids belong to private APIs; Terraform sends them as values.
#[test]
fn vpc_endpoint_ids_belong_to_private_apis() {
    let regional =
        json!({ "name": "a", "endpointConfiguration": { "types": ["REGIONAL"], "vpcEndpointIds": ["vpce-1"] } });
    let add = json!([{ "op": "add", "path": "/endpointConfiguration/vpcEndpointIds", "value": "vpce-2" }]);
    let opened = json!([
        { "op": "replace", "path": "/endpointConfiguration/types/PRIVATE", "value": "REGIONAL" },
        { "op": "remove", "path": "/endpointConfiguration/vpcEndpointIds", "value": "vpce-1" },
    ]);

    let added = patched(&private(), &add).unwrap();
    let opened = patched(&private(), &opened).unwrap();

    assert_eq!(added.endpoint_configuration.vpc_endpoint_ids, ["vpce-1", "vpce-2"]);
    assert_eq!(
        (opened.endpoint_configuration.types.join(""), opened.endpoint_configuration.vpc_endpoint_ids.len()),
        ("REGIONAL".into(), 0)
    );
    assert!(made(&regional).is_err() && patched(&made(&json!({ "name": "a" })).unwrap(), &add).is_err());
}

/// Recording test_update_rest_api_behaviour: replace removes the key and appends the value; `-` is a key like others.
#[test]
fn replacing_a_media_type_moves_it_to_the_end() {
    let api = made(&json!({ "name": "a", "binaryMediaTypes": ["image/png", "image/gif"] })).unwrap();
    let operations = json!([
        { "op": "replace", "path": "/binaryMediaTypes/image~1png", "value": "image/jpeg" },
        { "op": "add", "path": "/binaryMediaTypes/-" },
    ]);

    let changed = patched(&api, &operations).unwrap();

    assert_eq!(changed.binary_media_types, ["image/gif", "image/jpeg", "-"]);
}
