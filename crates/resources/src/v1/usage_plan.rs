//! UsagePlan (rest-admin-api §3.12) and UsagePlanKey (§3.13).

mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::AwsError;

use super::tags;
use crate::Document;
use crate::input::{Constraints, Members};

pub use update::{Known, named_stages, patch};

/// Who may call which stages, how fast and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsagePlan {
    /// Six characters.
    pub id: String,
    /// Not unique.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Stages the plan's keys open.
    #[serde(default)]
    pub api_stages: Vec<ApiStage>,
    /// Per key; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<ThrottleSettings>,
    /// Per key; absent: unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaSettings>,
    /// AWS Marketplace product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_code: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A stage in a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiStage {
    /// API.
    pub api_id: String,
    /// Stage name.
    pub stage: String,
    /// `{path}/{VERB}` → limits of that method, `/pets/GET`, `//GET` for the root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<BTreeMap<String, ThrottleSettings>>,
}

/// `throttle`. A burst above the rate is allowed [V x].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ThrottleSettings {
    /// Requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst_limit: Option<i64>,
    /// Requests per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<f64>,
}

/// `quota`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaSettings {
    /// Requests a period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Days by which a period begins later: of the week from Sunday, of the month from the first.
    #[serde(default)]
    pub offset: i64,
    /// DAY, WEEK or MONTH.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
}

/// A key in a plan. Name and value are the key's own, read when shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsagePlanKey {
    /// The key's id.
    pub id: String,
    /// `API_KEY`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Ours, never on the wire: sorts in the order of creation; lists are newest first [V x].
    pub sequence: String,
}

impl Document for UsagePlan {
    const KIND: &'static str = "usageplan";
}
impl Document for UsagePlanKey {
    const KIND: &'static str = "usageplankey";
}

/// The periods of a quota.
pub(crate) const PERIODS: [&str; 3] = ["DAY", "WEEK", "MONTH"];

impl UsagePlan {
    /// Whether the plan has a stage.
    pub fn holds(&self, api: &str, stage: &str) -> bool {
        self.api_stages.iter().any(|held| held.api_id == api && held.stage == stage)
    }

    /// Forgets one stage of an API, or all of them; false when there was none.
    pub fn forget(&mut self, api: &str, stage: Option<&str>) -> bool {
        let before = self.api_stages.len();
        self.api_stages.retain(|held| held.api_id != api || stage.is_some_and(|name| held.stage != name));
        self.api_stages.len() != before
    }
}

/// 404 of a plan [V c].
pub fn unknown() -> AwsError {
    AwsError::not_found("Invalid Usage Plan ID specified")
}

/// 404 of a key that is not in the plan; AWS's text is not known.
pub fn unknown_key() -> AwsError {
    AwsError::not_found("Invalid Usage Plan Key identifier specified")
}

/// 404 of a stage that does not exist, or that the plan does not have [V c].
pub fn unknown_stage(api: &str, stage: &str, plan: &str) -> AwsError {
    AwsError::not_found(format!("Invalid API Stage {{api: {api}, stage: {stage}}} specified for usageplan {plan}"))
}

/// 400 of a plan that still has stages [R aws/aws-sdk-js#3841].
pub fn in_use(plan: &UsagePlan) -> Option<AwsError> {
    let first = plan.api_stages.first()?;
    let (id, api, stage) = (&plan.id, &first.api_id, &first.stage);
    Some(AwsError::bad_request(format!(
        "Cannot delete Usage Plan {id} because there are API Stages associated with it, including {api}:{stage}"
    )))
}

/// 409 of a key that the plan has already; AWS's text is not known.
pub fn key_exists() -> AwsError {
    AwsError::conflict("Usage Plan Key already exists")
}

/// 409 when a key would be in two plans of one stage [D]; the text is remembered from public reports, not re-checked.
pub fn ambiguous(plan: &str, api: &str, stage: &str) -> AwsError {
    AwsError::conflict(format!(
        "Usage Plan {plan} cannot be added because API Key cannot reference multiple Usage Plans with the same API Stage: \
         {api}:{stage}"
    ))
}

/// The first stage that `plan` shares with another plan of the same key.
pub fn shared_stage<'a>(plan: &'a UsagePlan, other: &UsagePlan) -> Option<&'a ApiStage> {
    plan.api_stages.iter().find(|held| plan.id != other.id && other.holds(&held.api_id, &held.stage))
}

/// A new plan from the body of CreateUsagePlan. That its stages exist is the caller's to check.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateUsagePlan.
pub fn create(body: &Value, id: String) -> Result<UsagePlan, AwsError> {
    let input = Members::of(body)?;
    let (name, quota) = (input.text("name")?, input.structure("quota")?);
    let period = quota.map(|quota| quota.text("period")).transpose()?.flatten();
    let mut constraints = Constraints::of("CreateUsagePlan");
    constraints.required("name", name.is_some());
    constraints.one_of("quota.period", period.as_deref(), &PERIODS);
    constraints.check()?;
    let plan = UsagePlan {
        id,
        name: name.filter(|name| !name.is_empty()).ok_or_else(empty_name)?,
        description: input.text("description")?.filter(|text| !text.is_empty()),
        api_stages: api_stages(input.list("apiStages")?)?,
        throttle: input.structure("throttle")?.map(throttle).transpose()?,
        quota: quota.map(|quota| quota_settings(quota, period)).transpose()?,
        product_code: None,
        tags: tags::given(input)?,
    };
    plan.quota.as_ref().map_or(Ok(()), check_quota)?;
    Ok(plan)
}

fn empty_name() -> AwsError {
    AwsError::bad_request("Usage Plan name must not be empty")
}

/// AWS forgets to fill in this text [R aws/aws-sdk#354].
const UNFORMATTED: &str = "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s";

/// Each stage once: a second mention of one says nothing new.
fn api_stages(values: &[Value]) -> Result<Vec<ApiStage>, AwsError> {
    let mut stages: Vec<ApiStage> = Vec::new();
    for value in values {
        let stage = api_stage(value)?;
        if !stages.iter().any(|held| held.api_id == stage.api_id && held.stage == stage.stage) {
            stages.push(stage);
        }
    }
    Ok(stages)
}

fn api_stage(value: &Value) -> Result<ApiStage, AwsError> {
    let input = Members::of(value)?;
    let there = |name| Ok::<_, AwsError>(input.text(name)?.filter(|text| !text.is_empty()));
    let (Some(api_id), Some(stage)) = (there("apiId")?, there("stage")?) else {
        return Err(AwsError::bad_request(UNFORMATTED));
    };
    let limits = input.map("throttle", |value| throttle(Members::of(value)?))?;
    Ok(ApiStage { api_id, stage, throttle: limits.filter(|limits| !limits.is_empty()) })
}

fn throttle(input: Members<'_>) -> Result<ThrottleSettings, AwsError> {
    let settings =
        ThrottleSettings { burst_limit: input.integer("burstLimit")?, rate_limit: input.double("rateLimit")? };
    check_throttle(&settings)?;
    Ok(settings)
}

fn quota_settings(input: Members<'_>, period: Option<String>) -> Result<QuotaSettings, AwsError> {
    Ok(QuotaSettings { limit: input.integer("limit")?, offset: input.integer("offset")?.unwrap_or_default(), period })
}

/// Limits are not negative, but for -1, which clients send for "unset" [TF]; AWS's text is not known.
fn check_throttle(settings: &ThrottleSettings) -> Result<(), AwsError> {
    let burst_fits = settings.burst_limit.is_none_or(|burst| burst >= -1);
    let rate_fits = settings.rate_limit.is_none_or(|rate| rate.is_finite() && (rate >= 0.0 || rate == -1.0));
    match burst_fits && rate_fits {
        true => Ok(()),
        false => Err(AwsError::bad_request("Usage Plan throttle limits must not be negative")),
    }
}

/// Offsets by period, as Terraform checks them before it sends them.
const OFFSETS: [(&str, i64, &str); 3] = [
    ("DAY", 0, "Usage Plan quota offset must be zero in the DAY period"),
    ("WEEK", 6, "Usage Plan quota offset must be between zero and six inclusive in the WEEK period"),
    ("MONTH", 27, "Usage Plan quota offset must be between zero and 27 inclusive in the MONTH period"),
];

fn check_quota(quota: &QuotaSettings) -> Result<(), AwsError> {
    if quota.limit.is_some_and(|limit| limit < 0) {
        return Err(AwsError::bad_request("Usage Plan quota limit must not be negative"));
    }
    let period = quota.period.as_deref().unwrap_or("MONTH");
    match OFFSETS.iter().find(|(name, most, _)| *name == period && !(0..=*most).contains(&quota.offset)) {
        Some((_, _, text)) => Err(AwsError::bad_request(*text)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
