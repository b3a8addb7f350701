//! UpdateUsagePlan (rest-admin-api §3.12). The limits of one method of one stage are addressed by paths that Terraform does
//! not escape (`/apiStages/a1:dev/throttle//pets/GET/rateLimit`), so they are read from both ends.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stagecoach_base::AwsError;

use super::{
    ApiStage, PERIODS, QuotaSettings, ThrottleSettings, UsagePlan, check_quota, check_throttle, empty_name, throttle,
    unknown_stage,
};
use crate::input::Members;
use crate::patch::{self, Change, Family, Op, PatchOperation, Row, unescape};

type Done = Result<(), AwsError>;
const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;

/// Stages that exist, as (API, stage).
pub type Known = BTreeSet<(String, String)>;

/// The stages that operations add or remove, as (API, stage): what the caller looks up for [`patch`].
pub fn named_stages(operations: &[PatchOperation]) -> Vec<(&str, &str)> {
    let of_plan = operations.iter().filter(|operation| operation.path.as_deref() == Some(STAGES));
    of_plan.filter_map(|operation| split(operation.value.as_deref())).collect()
}

fn split(value: Option<&str>) -> Option<(&str, &str)> {
    value?.split_once(':').filter(|(api, stage)| !api.is_empty() && !stage.is_empty())
}

/// Applies UpdateUsagePlan; `known` are those of [`named_stages`] that exist.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateUsagePlan.
pub fn patch(plan: &UsagePlan, operations: &[PatchOperation], known: &Known) -> Result<UsagePlan, AwsError> {
    let mut copy = plan.clone();
    for operation in operations {
        copy = apply(&copy, operation, known)?;
    }
    copy.throttle.as_ref().map_or(Ok(()), check_throttle)?;
    copy.quota.as_ref().map_or(Ok(()), check_quota)?;
    Ok(copy)
}

fn apply(plan: &UsagePlan, operation: &PatchOperation, known: &Known) -> Result<UsagePlan, AwsError> {
    let path = operation.path.as_deref().unwrap_or("null");
    let at = MethodPath::parse(path);
    // The row of a method's limits is found by the shape of its path, not by the path.
    let row_path = at.as_ref().map_or(path, |at| at.row);
    let row = PatchOperation { path: operation.path.as_ref().map(|_| row_path.to_owned()), ..operation.clone() };
    let context = Context { at, known: known.clone() };
    // AWS's text names the path as sent; the rows' shapes only stand in the list that follows it.
    patch::apply(plan, &[row], TABLE, Family::A, &context).map_err(|error| match error.message().split_once(row_path) {
        Some((head, tail)) if error.message().starts_with("Invalid patch path") => {
            AwsError::bad_request(format!("{head}{path}{tail}"))
        }
        _ => error,
    })
}

struct Context {
    at: Option<MethodPath>,
    known: Known,
}

const STAGES: &str = "/apiStages";
const METHOD: &str = "/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>";
const METHOD_RATE: &str = "/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/rateLimit";
const METHOD_BURST: &str = "/apiStages/<apidId:stageName>/throttle/<resourcePath>/<httpMethod>/burstLimit";
const STAGE_THROTTLE: &str = "/apiStages/<apidId:stageName>/throttle";

/// In the order AWS prints the removable ones [R boto/boto3#2629].
const TABLE: &[Row<UsagePlan, Context>] = &[
    Row { path: "/name", ops: &[R], apply: |plan, change, _| set_name(plan, change) },
    Row {
        path: "/description",
        ops: &[R],
        apply: |plan, change, _| {
            plan.description = change.text();
            Ok(())
        },
    },
    Row { path: STAGES, ops: &[A, D], apply: change_stages },
    Row { path: "/quota/limit", ops: &[A, R], apply: |plan, change, _| set_limit(plan, change) },
    Row { path: "/quota/offset", ops: &[A, R], apply: |plan, change, _| set_offset(plan, change) },
    Row { path: "/quota/period", ops: &[A, R], apply: |plan, change, _| set_period(plan, change) },
    Row {
        path: "/quota",
        ops: &[D],
        apply: |plan, _, _| {
            plan.quota = None;
            Ok(())
        },
    },
    Row {
        path: "/throttle/rateLimit",
        ops: &[A, R],
        apply: |plan, change, _| set_rate(plan.throttle.get_or_insert_default(), change),
    },
    Row {
        path: "/throttle/burstLimit",
        ops: &[A, R],
        apply: |plan, change, _| set_burst(plan.throttle.get_or_insert_default(), change),
    },
    Row {
        path: "/throttle",
        ops: &[D],
        apply: |plan, _, _| {
            plan.throttle = None;
            Ok(())
        },
    },
    Row {
        path: "/productCode",
        ops: &[A, R, D],
        apply: |plan, change, _| {
            plan.product_code = change.text();
            Ok(())
        },
    },
    Row { path: METHOD, ops: &[D], apply: |plan, _, context| remove_method(plan, context) },
    Row {
        path: METHOD_RATE,
        ops: &[A, R],
        apply: |plan, change, context| set_rate(method_limits(plan, context)?, change),
    },
    Row {
        path: METHOD_BURST,
        ops: &[A, R],
        apply: |plan, change, context| set_burst(method_limits(plan, context)?, change),
    },
    Row { path: STAGE_THROTTLE, ops: &[A, R, D], apply: stage_throttle },
];

/// A path under `/apiStages/{api}:{stage}/throttle`.
struct MethodPath {
    api: String,
    stage: String,
    /// `{path}/{VERB}`; empty for the whole map.
    method: String,
    row: &'static str,
}

impl MethodPath {
    fn parse(path: &str) -> Option<Self> {
        let (stage, rest) = path.strip_prefix("/apiStages/")?.split_once("/throttle")?;
        let (api, stage) = split(Some(stage))?;
        let rest = unescape(rest);
        let leaves = [("/rateLimit", METHOD_RATE), ("/burstLimit", METHOD_BURST), ("", METHOD)];
        let (method, row) = match rest.strip_prefix('/') {
            Some(rest) => leaves.iter().find_map(|(end, row)| Some((rest.strip_suffix(end)?, *row)))?,
            None if rest.is_empty() => ("", STAGE_THROTTLE),
            None => return None,
        };
        if row != STAGE_THROTTLE && !method.rsplit_once('/').is_some_and(|(_, verb)| is_verb(verb)) {
            return None;
        }
        Some(Self { api: api.to_owned(), stage: stage.to_owned(), method: method.to_owned(), row })
    }
}

fn is_verb(text: &str) -> bool {
    text == "*" || (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn held<'a>(plan: &'a mut UsagePlan, context: &'a Context) -> Result<(&'a mut ApiStage, &'a str), AwsError> {
    let at = context.at.as_ref().ok_or_else(invalid_stage)?;
    let missing = unknown_stage(&at.api, &at.stage, &plan.id);
    let stage = plan.api_stages.iter_mut().find(|held| held.api_id == at.api && held.stage == at.stage);
    stage.map(|stage| (stage, at.method.as_str())).ok_or(missing)
}

fn method_limits<'a>(plan: &'a mut UsagePlan, context: &'a Context) -> Result<&'a mut ThrottleSettings, AwsError> {
    let (stage, method) = held(plan, context)?;
    Ok(stage.throttle.get_or_insert_default().entry(method.to_owned()).or_default())
}

/// Removing limits that are not there changes nothing.
fn remove_method(plan: &mut UsagePlan, context: &Context) -> Done {
    let (stage, method) = held(plan, context)?;
    if let Some(limits) = &mut stage.throttle {
        limits.remove(method);
    }
    stage.throttle.take_if(|limits| limits.is_empty());
    Ok(())
}

/// The value is JSON text of the whole map.
fn stage_throttle(plan: &mut UsagePlan, change: &Change<'_>, context: &Context) -> Done {
    let (stage, _) = held(plan, context)?;
    let limits = match change.op {
        Op::Remove => BTreeMap::new(),
        _ => limits(change.value.unwrap_or_default())?,
    };
    stage.throttle = Some(limits).filter(|limits| !limits.is_empty());
    Ok(())
}

fn limits(text: &str) -> Result<BTreeMap<String, ThrottleSettings>, AwsError> {
    let invalid = || AwsError::bad_request("Invalid throttle settings specified");
    let map: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let map = map.as_object().ok_or_else(invalid)?;
    map.iter().map(|(method, value)| Ok((method.clone(), throttle(Members::of(value)?)?))).collect()
}

fn invalid_stage() -> AwsError {
    AwsError::bad_request("Invalid API Stage specified")
}

/// The value is `{apiId}:{stage}` [V c]. Adding a stage that is there already changes nothing.
fn change_stages(plan: &mut UsagePlan, change: &Change<'_>, context: &Context) -> Done {
    let (api, stage) = split(change.value).ok_or_else(invalid_stage)?;
    let there = plan.holds(api, stage);
    let fits =
        if change.op == Op::Remove { there } else { context.known.contains(&(api.to_owned(), stage.to_owned())) };
    if !fits {
        return Err(unknown_stage(api, stage, &plan.id));
    }
    if change.op == Op::Remove {
        plan.forget(api, Some(stage));
    } else if !there {
        plan.api_stages.push(ApiStage { api_id: api.to_owned(), stage: stage.to_owned(), throttle: None });
    }
    Ok(())
}

fn set_name(plan: &mut UsagePlan, change: &Change<'_>) -> Done {
    plan.name = change.text().ok_or_else(empty_name)?;
    Ok(())
}

/// A number in a patch; AWS's text for another value is not known.
fn number<T: std::str::FromStr>(change: &Change<'_>) -> Result<T, AwsError> {
    let value = change.value.unwrap_or("null");
    let field = change.path.rsplit('/').next().unwrap_or_default();
    value.trim().parse().map_err(|_| AwsError::bad_request(format!("Invalid {field} specified: {value}")))
}

fn set_rate(limits: &mut ThrottleSettings, change: &Change<'_>) -> Done {
    limits.rate_limit = Some(number(change)?);
    check_throttle(limits)
}

fn set_burst(limits: &mut ThrottleSettings, change: &Change<'_>) -> Done {
    limits.burst_limit = Some(number(change)?);
    check_throttle(limits)
}

/// The first change of a quota creates it [V c].
fn quota(plan: &mut UsagePlan) -> &mut QuotaSettings {
    plan.quota.get_or_insert_default()
}

fn set_limit(plan: &mut UsagePlan, change: &Change<'_>) -> Done {
    quota(plan).limit = Some(number(change)?);
    Ok(())
}

fn set_offset(plan: &mut UsagePlan, change: &Change<'_>) -> Done {
    quota(plan).offset = number(change)?;
    Ok(())
}

fn set_period(plan: &mut UsagePlan, change: &Change<'_>) -> Done {
    let period = change.value.filter(|value| PERIODS.contains(value));
    let invalid = || AwsError::bad_request("Invalid quota period specified. Valid options are DAY,WEEK,MONTH");
    quota(plan).period = Some(period.ok_or_else(invalid)?.to_owned());
    Ok(())
}
