use serde_json::json;

use super::canary::{CANARY_ID, CANARY_OVERRIDES};
use super::*;
use crate::patch::{Op, PatchOperation};
use crate::v1::deployment::Input;

fn op(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
}

fn stage() -> Stage {
    Stage::new("dev", "d1".into(), 1)
}

#[test]
fn a_promotion_moves_the_stage_and_keeps_the_canary() {
    let copy = |from: &str, path: &str| PatchOperation {
        op: Op::Copy,
        path: Some(path.into()),
        value: None,
        from: Some(from.into()),
    };
    let canary = [
        op(Op::Replace, "/canarySettings/deploymentId", "d2"),
        op(Op::Replace, "/canarySettings/percentTraffic", "10.0"),
        op(Op::Replace, "/canarySettings/stageVariableOverrides/a", "2"),
    ];
    let promotion = [
        op(Op::Replace, "/canarySettings/percentTraffic", "0.0"),
        copy(CANARY_ID, "/deploymentId"),
        copy(CANARY_OVERRIDES, "/variables"),
    ];

    let with_canary = patch(&stage(), &canary, 2).unwrap();
    let promoted = patch(&with_canary, &promotion, 3).unwrap();

    assert_eq!(promoted.deployment_id, "d2");
    assert_eq!(promoted.variables.unwrap()["a"], "2");
    assert!(promoted.canary_settings.is_some_and(|canary| canary.percent_traffic == 0.0));
}

/// rest-data-plane §10.1
#[test]
fn a_log_format_is_one_line_that_names_the_request() {
    let set = |format: &str| patch(&stage(), &[op(Op::Replace, "/accessLogSettings/format", format)], 2);
    let text = |format: &str| set(format).unwrap_err().message().to_owned();

    let accepted = ["$context.requestId", "a $context.extendedRequestId\n", "${context.requestId}\r\n"].map(set);

    assert!(accepted.iter().all(Result::is_ok));
    assert!(
        text("$context.requestId\n$context.status").starts_with(
            "Access Log format must be single line, new line character is allowed only at end of the format"
        )
    );
    assert_eq!(
        text("$context.status"),
        "Access Log format must include either $context.requestId or $context.extendedRequestId : '$context.status'"
    );
}

#[test]
fn a_promotion_without_a_canary_is_refused() {
    let copy =
        PatchOperation { op: Op::Copy, path: Some("/deploymentId".into()), value: None, from: Some(CANARY_ID.into()) };

    let error = patch(&stage(), &[copy], 2).unwrap_err();

    assert_eq!(error.message(), "Promotion not available. Canary does not exist.");
}

#[test]
fn method_settings_start_from_the_wildcard_and_are_removed_whole() {
    let wildcard = op(Op::Replace, "/*/*/caching/enabled", "true");
    let own = op(Op::Replace, "/~1pets/GET/throttling/burstLimit", "7");

    let changed = patch(&stage(), &[wildcard, own], 2).unwrap();
    let leaf = patch(&changed, &[op(Op::Remove, "/~1pets/GET/throttling/burstLimit", "")], 3).unwrap_err();
    let removed = patch(&changed, &[op(Op::Remove, "/~1pets/GET", "")], 3).unwrap();

    let setting = &changed.method_settings["~1pets/GET"];
    assert!(setting.caching_enabled && setting.throttling_burst_limit == 7);
    assert_eq!(
        leaf.message(),
        "Cannot remove method setting ~1pets/GET/throttling/burstLimit because there is no method setting for this \
         method "
    );
    assert_eq!(removed.method_settings.len(), 1);
}

#[test]
fn a_failing_operation_changes_nothing_and_names_its_path() {
    let error = patch(&stage(), &[op(Op::Replace, "/tags/x", "1")], 2).unwrap_err();
    let added = patch(&stage(), &[op(Op::Add, "/canarySettings/percentTraffic", "1")], 2).unwrap_err();

    assert!(error.message().starts_with("Invalid method setting path: /tags/x. Must be one of: [/deploymentId"));
    assert_eq!(added.message(), "Invalid add operation with path: /canarySettings/percentTraffic");
}

/// rest-admin-api §2.4: types, then constraints, then rules.
#[test]
fn a_new_stage_is_read_constrained_and_checked_in_that_order() {
    let all = json!({ "stageName": "a.b", "cacheClusterSize": "9", "tags": { "a": 1 } });
    let two = json!({ "stageName": "a.b", "cacheClusterSize": "9", "canarySettings": { "percentTraffic": 101 } });
    let rule = json!({ "stageName": "ab", "deploymentId": "d", "canarySettings": { "percentTraffic": 101 } });

    let texts = [all, two, rule].map(|body| create(&body, 1).unwrap_err().message().to_owned());

    assert!(texts[0].contains("TruncatingBigNumber"), "{texts:?}");
    assert!(texts[1].starts_with("1 validation error detected: Value '9' at 'createStageInput.cacheClusterSize'"));
    assert!(texts[2].contains("percentTraffic"), "{texts:?}");
}

/// rest-admin-api §3.11: a cluster is available at once, keeps its size when it is off, and takes AWS's sizes only.
#[test]
fn the_cache_cluster_is_switched_and_sized() {
    let on = patch(&stage(), &[op(Op::Replace, "/cacheClusterEnabled", "true")], 2).unwrap();
    let sized = patch(&on, &[op(Op::Replace, "/cacheClusterSize", "1.6")], 3).unwrap();
    let off = patch(&sized, &[op(Op::Replace, "/cacheClusterEnabled", "no")], 4).unwrap();

    assert_eq!((on.cache_cluster_status.as_str(), on.cache_cluster_size.as_deref()), ("AVAILABLE", Some("0.5")));
    assert_eq!((off.cache_cluster_status.as_str(), off.cache_cluster_size.as_deref()), ("NOT_AVAILABLE", Some("1.6")));
    assert!(patch(&on, &[op(Op::Replace, "/cacheClusterSize", "7")], 5).is_err());
}

/// rest-admin-api §4.2: a deployment moves an existing stage and applies what else it says of it; the rest stays.
#[test]
fn a_deployment_applies_what_it_says_of_an_existing_stage() {
    let mut before = stage();
    before.description = Some("kept".into());
    before.variables = Some([("a".to_owned(), "1".to_owned())].into());
    let plain = Input::parse(&json!({ "stageName": "dev" })).unwrap();
    let full =
        json!({ "stageName": "dev", "stageDescription": "new", "variables": { "b": "2" }, "tracingEnabled": true });

    let moved = apply_deployment(Some(before.clone()), &plain, "d2", 2).unwrap().unwrap();
    let changed = apply_deployment(Some(before), &Input::parse(&full).unwrap(), "d2", 2).unwrap().unwrap();

    assert_eq!((moved.deployment_id.as_str(), moved.description.as_deref()), ("d2", Some("kept")));
    assert_eq!((changed.description.as_deref(), changed.tracing_enabled), (Some("new"), true));
    assert_eq!(changed.variables.unwrap().keys().collect::<Vec<_>>(), ["a", "b"]);
}

/// rest-admin-api §4.2: a canary replaces an earlier one wholesale and leaves the stage where it is.
#[test]
fn a_canary_replaces_an_earlier_one() {
    let first = json!({ "stageName": "dev", "canarySettings": { "percentTraffic": 10.0, "stageVariableOverrides": { "a": "1" } } });
    let second = json!({ "stageName": "dev", "canarySettings": { "percentTraffic": 5.0, "useStageCache": true } });

    let with = apply_deployment(Some(stage()), &Input::parse(&first).unwrap(), "d2", 2).unwrap();
    let with = apply_deployment(with, &Input::parse(&second).unwrap(), "d3", 3).unwrap().unwrap();

    let shown = serde_json::to_value(&with).unwrap();
    assert_eq!(with.deployment_id, "d1");
    assert_eq!(shown["canarySettings"], json!({ "percentTraffic": 5.0, "deploymentId": "d3", "useStageCache": true }));
}

/// rest-admin-api §3.11: Terraform sends -1 for a throttle that is not set.
#[test]
fn a_throttle_of_minus_one_is_unset_and_other_negatives_are_refused() {
    let unset = [
        op(Op::Replace, "/*/*/throttling/rateLimit", "-1.000000"),
        op(Op::Replace, "/*/*/throttling/burstLimit", "-1"),
    ];

    let changed = patch(&stage(), &unset, 2).unwrap();

    let setting = &changed.method_settings["*/*"];
    assert!(setting.throttling_burst_limit == -1 && setting.throttling_rate_limit == -1.0);
    for (leaf, value) in
        [("throttling/rateLimit", "-2"), ("throttling/burstLimit", "x"), ("caching/ttlInSeconds", "3601")]
    {
        assert!(patch(&stage(), &[op(Op::Replace, &format!("/*/*/{leaf}"), value)], 2).is_err(), "{leaf}");
    }
}

/// rest-data-plane §9: a size change drops all entries.
#[test]
fn another_cache_cluster_starts_a_generation_and_other_changes_do_not() {
    let mut known = patch(&stage(), &[op(Op::Replace, "/cacheClusterEnabled", "true")], 2).unwrap();
    known.start_generations(7);
    let generation = |path: &str, value: &str| {
        let mut changed = patch(&known, &[op(Op::Replace, path, value)], 3).unwrap();
        changed.start_generations(8);
        (changed.cache_generation, changed.authorizer_cache_generation)
    };

    let (resized, off) = (generation("/cacheClusterSize", "1.6"), generation("/cacheClusterEnabled", "false"));
    let (same, other) = (generation("/cacheClusterSize", "0.5"), generation("/description", "x"));

    assert_eq!((resized, off), ((Some(8), Some(7)), (Some(8), Some(7))));
    assert_eq!((same, other), ((Some(7), Some(7)), (Some(7), Some(7))));
}
