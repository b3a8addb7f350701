use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::patch::{Op, PatchOperation};

fn plan() -> UsagePlan {
    let body = json!({ "name": "gold", "apiStages": [{ "apiId": "a1", "stage": "dev" }] });
    create(&body, "p1".into()).unwrap()
}

fn op(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
}

fn known() -> Known {
    ["dev", "prod"].map(|stage| ("a1".to_owned(), stage.to_owned())).into()
}

fn changed(operations: &[PatchOperation]) -> Result<UsagePlan, String> {
    patch(&plan(), operations, &known()).map_err(|error| error.message().to_owned())
}

#[test]
fn a_plan_shows_doubles_with_a_fraction_and_the_default_offset_recording_usage_plan_crud() {
    let operations = [
        op(Op::Replace, "/throttle/burstLimit", "100"),
        op(Op::Replace, "/throttle/rateLimit", "200"),
        op(Op::Replace, "/quota/period", "MONTH"),
        op(Op::Replace, "/quota/limit", "5000"),
    ];

    let shown = serde_json::to_string(&changed(&operations).unwrap()).unwrap();

    assert_eq!(
        shown,
        r#"{"id":"p1","name":"gold","apiStages":[{"apiId":"a1","stage":"dev"}],"throttle":{"burstLimit":100,"rateLimit":200.0},"quota":{"limit":5000,"offset":0,"period":"MONTH"}}"#
    );
}

#[test]
fn texts_of_stages_are_aws_s_recording_usage_plan_crud() {
    let removed = |value: &str| changed(&[op(Op::Remove, "/apiStages", value)]).unwrap_err();
    let bare = PatchOperation { op: Op::Remove, path: Some("/apiStages".into()), value: None, from: None };

    assert_eq!(changed(&[bare]).unwrap_err(), "Invalid API Stage specified");
    assert_eq!(removed("fakevalue"), "Invalid API Stage specified");
    assert_eq!(removed("a1b:dev"), "Invalid API Stage {api: a1b, stage: dev} specified for usageplan p1");
    assert_eq!(removed("a1:fake"), "Invalid API Stage {api: a1, stage: fake} specified for usageplan p1");
    assert_eq!(
        changed(&[op(Op::Add, "/apiStages", "a2:dev")]).unwrap_err(),
        "Invalid API Stage {api: a2, stage: dev} specified for usageplan p1"
    );
}

#[test]
fn a_stage_without_a_name_is_refused_with_aws_s_unformatted_text_rest_admin_2_6() {
    for stage in [json!({ "apiId": "a1" }), json!({ "apiId": "", "stage": "dev" })] {
        let error = create(&json!({ "name": "x", "apiStages": [stage] }), "p1".into()).unwrap_err();

        assert_eq!(error.message(), "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s");
    }
}

#[test]
fn a_plan_with_stages_is_not_deleted_rest_admin_2_6() {
    let mut plan = plan();

    let refused = in_use(&plan).unwrap();
    plan.forget("a1", None);

    assert_eq!(
        refused.message(),
        "Cannot delete Usage Plan p1 because there are API Stages associated with it, including a1:dev"
    );
    assert!(in_use(&plan).is_none());
    assert_eq!(unknown().message(), "Invalid Usage Plan ID specified");
}

#[test]
fn removable_paths_are_listed_as_aws_prints_them_boto3_2629() {
    let error = changed(&[op(Op::Remove, "/apiStages/a1:dev", "x")]).unwrap_err();

    assert_eq!(
        error,
        "Invalid patch path  '/apiStages/a1:dev' specified for op 'remove'. Must be one of: [/apiStages, /quota, /throttle, \
         /productCode, /apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>, \
         /apiStages/<apidId:stageName>/throttle]"
    );
}

#[test]
fn method_limits_are_addressed_escaped_or_not_rest_admin_3_12() {
    let operations = [
        op(Op::Add, "/apiStages/a1:dev/throttle//pets/GET/rateLimit", "1.5"),
        op(Op::Replace, "/apiStages/a1:dev/throttle/~1pets/GET/burstLimit", "3"),
        op(Op::Add, "/apiStages/a1:dev/throttle///GET/burstLimit", "2"),
    ];

    let limits = changed(&operations).unwrap().api_stages[0].throttle.clone().unwrap();
    let cleared = [
        op(Op::Remove, "/apiStages/a1:dev/throttle//pets/GET", ""),
        op(Op::Remove, "/apiStages/a1:dev/throttle///GET", ""),
    ];
    let cleared = changed(&[&operations[..], &cleared].concat()).unwrap();

    assert_eq!(limits["/pets/GET"], ThrottleSettings { burst_limit: Some(3), rate_limit: Some(1.5) });
    assert_eq!(limits["//GET"], ThrottleSettings { burst_limit: Some(2), rate_limit: None });
    assert_eq!(cleared.api_stages[0].throttle, None);
}

#[test]
fn the_whole_map_of_a_stage_is_replaced_by_json_text_and_removed_rest_admin_3_12() {
    let text = r#"{"/a/GET":{"rateLimit":2,"burstLimit":1}}"#;
    let path = "/apiStages/a1:dev/throttle";

    let replaced = changed(&[op(Op::Replace, path, text)]).unwrap();
    let removed = changed(&[op(Op::Replace, path, text), op(Op::Remove, path, "")]).unwrap();

    assert_eq!(replaced.api_stages[0].throttle.as_ref().unwrap()["/a/GET"].rate_limit, Some(2.0));
    assert_eq!(removed.api_stages[0].throttle, None);
    assert_eq!(changed(&[op(Op::Replace, path, "[]")]).unwrap_err(), "Invalid throttle settings specified");
    assert!(changed(&[op(Op::Remove, "/apiStages/a1:prod/throttle", "")]).is_err());
}

#[test]
fn numbers_and_offsets_out_of_range_are_refused() {
    for (path, value) in [
        ("/throttle/rateLimit", "fast"),
        ("/throttle/rateLimit", "NaN"),
        ("/throttle/rateLimit", "inf"),
        ("/throttle/burstLimit", "-2"),
        ("/quota/limit", ""),
        ("/quota/offset", "28"),
        ("/quota/period", "YEAR"),
    ] {
        assert!(changed(&[op(Op::Replace, path, value)]).is_err(), "{path} {value}");
    }
    let day = json!({ "name": "x", "quota": { "limit": 1, "offset": 1, "period": "DAY" } });
    assert!(create(&day, "p".into()).unwrap_err().message().contains("must be zero in the DAY period"));
    let year = json!({ "name": "x", "quota": { "period": "YEAR" } });
    assert!(create(&year, "p".into()).unwrap_err().message().contains("'createUsagePlanInput.quota.period'"));
}

#[test]
fn plans_of_one_stage_are_told_apart_by_their_keys() {
    let (plan, other) = (plan(), UsagePlan { id: "p2".into(), ..plan() });

    let shared = shared_stage(&plan, &other).unwrap();

    assert_eq!((shared.api_id.as_str(), shared.stage.as_str()), ("a1", "dev"));
    assert!(shared_stage(&plan, &plan).is_none());
    assert_eq!(
        ambiguous("p1", "a1", "dev").message(),
        "Usage Plan p1 cannot be added because API Key cannot reference multiple Usage Plans with the same API Stage: a1:dev"
    );
}

#[test]
fn stages_looked_up_are_those_named_by_value() {
    let operations =
        [op(Op::Add, "/apiStages", "a1:dev"), op(Op::Add, "/apiStages", "x"), op(Op::Replace, "/name", "a:b")];

    assert_eq!(named_stages(&operations), [("a1", "dev")]);
}

proptest! {
    #[test]
    fn any_path_is_answered(path in "/(apiStages|throttle)[/a-zA:~1*GT]{0,30}(/throttle)?[/a-zG~1]{0,12}", value in "[ -~]{0,8}", kind in 0..3usize) {
        let kind = [Op::Add, Op::Replace, Op::Remove][kind];
        drop(changed(&[op(kind, &path, &value)]));
    }
}
