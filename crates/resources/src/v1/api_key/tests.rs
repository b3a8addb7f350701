use serde_json::json;

use super::*;

fn drawn() -> Drawn {
    Drawn { id: "k123456789".into(), value: "v".repeat(VALUE_LEN), sequence: sequence(1, 0), now_s: 7 }
}

fn op(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
}

fn message(body: &Value) -> String {
    create(body, drawn()).unwrap_err().message().to_owned()
}

#[test]
fn a_new_key_is_disabled_unnamed_and_has_a_generated_value_rest_admin_3_14() {
    let key = create(&json!({ "name": "", "value": "" }), drawn()).unwrap();

    assert!(!key.enabled && key.name.is_none() && key.stage_keys.is_empty());
    assert_eq!((key.value.len(), key.created_date, key.last_updated_date), (VALUE_LEN, 7, 7));
}

#[test]
fn texts_of_create_are_aws_s_rest_admin_2_6() {
    assert_eq!(message(&json!({ "name": "n".repeat(1025) })), "Invalid API Key name, can be at most 1024 characters.");
    assert_eq!(message(&json!({ "value": "v".repeat(19) })), "API Key value should be at least 20 characters");
    assert_eq!(message(&json!({ "value": "v".repeat(129) })), "API Key value exceeds maximum size of 128 characters");
    assert_eq!(message(&json!({ "description": "d".repeat(125_001) })), "Invalid API Key description specified.");
    assert_eq!(exists().message(), "API Key already exists");
    assert_eq!(unknown().message(), "Invalid API Key identifier specified");
}

#[test]
fn the_bounds_themselves_are_allowed() {
    for body in [
        json!({ "name": "n".repeat(1024) }),
        json!({ "value": "v".repeat(20) }),
        json!({ "value": "v".repeat(128) }),
        json!({ "description": "d".repeat(125_000) }),
    ] {
        assert!(create(&body, drawn()).is_ok());
    }
}

#[test]
fn only_the_literal_true_enables_rest_admin_2_5() {
    let key = ApiKey { enabled: true, ..ApiKey::new(drawn()) };

    let shouted = patch(&key, &[op(Op::Replace, "/enabled", "TRUE")], 9).unwrap();
    let enabled = patch(&shouted, &[op(Op::Replace, "/enabled", "true")], 9).unwrap();

    assert!(!shouted.enabled && enabled.enabled && enabled.last_updated_date == 9);
}

#[test]
fn unknown_paths_and_operations_are_refused_in_family_a_rest_admin_2_5() {
    let bad = |change| patch(&ApiKey::new(drawn()), &[change], 9).unwrap_err().message().to_owned();

    assert_eq!(
        bad(op(Op::Replace, "/wrong", "x")),
        "Invalid patch path  '/wrong' specified for op 'replace'. Must be one of: [/description, /enabled, /name, \
         /customerId]"
    );
    assert_eq!(
        bad(op(Op::Move, "/name", "x")),
        "Invalid patch path  '/name' specified for op 'move'. Please choose supported operations"
    );
}

#[test]
fn stages_are_bound_and_unbound_with_a_slash() {
    let key = ApiKey::new(drawn());

    let bound = patch(&key, &[op(Op::Add, "/stages", "a1/dev"), op(Op::Add, "/stages", "a1/dev")], 9).unwrap();
    let unbound = patch(&bound, &[op(Op::Remove, "/stages", "a1/dev")], 9).unwrap();

    assert_eq!(bound.stage_keys, ["a1/dev"]);
    assert_eq!(bound.stages().collect::<Vec<_>>(), [("a1", "dev")]);
    assert!(unbound.stage_keys.is_empty());
    assert!(patch(&key, &[op(Op::Add, "/stages", "a1:dev")], 9).is_err());
}

#[test]
fn names_filter_by_a_case_sensitive_prefix_rest_admin_3_14() {
    let key = ApiKey { name: Some("Test-key".into()), customer_id: Some("c".into()), ..ApiKey::new(drawn()) };

    assert!(matches(&key, Some("Test"), None) && matches(&key, None, Some("c")));
    assert!(!matches(&key, Some("test"), None) && !matches(&key, Some("key"), None) && !matches(&key, None, Some("")));
}

#[test]
fn only_api_keys_can_be_added_to_a_plan() {
    assert_eq!(plan_key_id(&json!({ "keyId": "k", "keyType": "API_KEY" })).unwrap(), "k");
    assert!(plan_key_id(&json!({ "keyId": "k", "keyType": "OTHER" })).is_err());
    assert!(plan_key_id(&json!({})).unwrap_err().message().starts_with("2 validation errors detected: Value null at"));
}
