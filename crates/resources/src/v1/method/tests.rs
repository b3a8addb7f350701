use serde_json::{Value, json};
use stagecoach_base::Verb;

use super::*;
use crate::patch::parse as operations;

fn authorizer(id: &str, kind: &str) -> Authorizer {
    serde_json::from_value(json!({ "id": id, "name": id, "type": kind })).unwrap()
}

fn parts() -> Parts {
    let authorizers =
        vec![authorizer("tok", "TOKEN"), authorizer("req", "REQUEST"), authorizer("cog", "COGNITO_USER_POOLS")];
    Parts { authorizers, validators: Vec::new(), models: vec![Model::standard("Pet", "", "{}")] }
}

fn made(body: &Value) -> Result<Method, AwsError> {
    put(parse("GET", body)?, &parts())
}

fn patched(method: &Method, list: &Value) -> Result<Method, AwsError> {
    patch(method, &operations(&json!({ "patchOperations": list }), "UpdateMethod").unwrap(), &parts())
}

/// Recording test_update_method: an authorizer on an open method is ignored, and may come before the type that takes it.
#[test]
fn what_is_checked_is_the_final_state() {
    let open = Method::new(Verb::Get);
    let id = json!({ "op": "replace", "path": "/authorizerId", "value": "tok" });
    let custom = json!({ "op": "replace", "path": "/authorizationType", "value": "CUSTOM" });

    let ignored = patched(&open, &json!([id])).unwrap();
    let set = patched(&open, &json!([id, custom])).unwrap();
    let refused = patched(&open, &json!([custom])).unwrap_err();

    assert_eq!((ignored.authorizer_id, set.authorizer_id.as_deref()), (None, Some("tok")));
    assert!(refused.message().starts_with("Invalid authorizer ID specified."), "{refused}");
}

#[test]
fn an_authorization_type_takes_authorizers_of_its_own_kind() {
    let body = |kind: &str, id: &str| json!({ "authorizationType": kind, "authorizerId": id });

    for (kind, id) in [("CUSTOM", "tok"), ("custom", "req"), ("COGNITO_USER_POOLS", "cog")] {
        assert_eq!(made(&body(kind, id)).unwrap().authorization_type, kind.to_uppercase());
    }
    for (kind, id) in
        [("CUSTOM", "cog"), ("COGNITO_USER_POOLS", "tok"), ("JWT", "tok"), ("CUSTOM", "nope"), ("MAGIC", "tok")]
    {
        assert!(made(&body(kind, id)).is_err(), "{kind} {id}");
    }
}

/// rest-admin-api §2.4: a verb is checked after the look-ups, a type before everything.
#[test]
fn a_bad_verb_is_no_constraint_and_a_bad_type_comes_before_a_missing_member() {
    let verb = parse("WRONG", &json!({ "authorizationType": "NONE" })).unwrap();
    let types = parse("GET", &json!({ "apiKeyRequired": 1 })).unwrap_err();

    assert!(put(verb, &parts()).unwrap_err().message().starts_with("Invalid HttpMethod specified."));
    assert!(types.message().starts_with("class com.amazon.coral.value.json.numbers.TruncatingBigNumber"), "{types}");
}

/// rest-admin-api §2.5: only the literal `true` is true; the last entry that goes takes the map with it.
#[test]
fn flags_are_coerced_and_empty_maps_disappear() {
    let method = made(&json!({ "authorizationType": "NONE", "requestModels": { "application/json": "Pet" } })).unwrap();
    let list = json!([
        { "op": "replace", "path": "/apiKeyRequired", "value": "TRUE" },
        { "op": "remove", "path": "/requestModels/application~1json" },
        { "op": "add", "path": "/requestParameters/method.request.header.x", "value": "true" },
    ]);

    let changed = patched(&method, &list).unwrap();

    assert!(!changed.api_key_required && changed.request_models.is_none());
    assert!(changed.request_parameters.unwrap()["method.request.header.x"]);
}
