//! Deployment: a name for a snapshot (rest-admin-api §3.10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, Digest};

use crate::Document;
use crate::input::{self, Constraints, Members};
use crate::patch::{self, Family, Op, PatchOperation, Row};

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployment {
    /// Six characters.
    pub id: String,
    /// Omitted if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Epoch seconds.
    pub created_date: i64,
    /// Shown only with `embed=apisummary`: path → VERB → facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub api_summary: BTreeMap<String, BTreeMap<String, MethodSummary>>,
    /// Ours, never on the wire: the snapshot's name.
    pub digest: Digest,
    /// Ours, never on the wire: the snapshot's size, bytes.
    pub size: u64,
    /// Ours, never on the wire: the snapshot's format number.
    pub format: u32,
    /// Ours, never on the wire: the blob with the documents as deployed (an `ApiTree`), for exports and re-lowering.
    pub definition: Digest,
}

/// One row of `apiSummary`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodSummary {
    /// NONE, AWS_IAM, …
    pub authorization_type: String,
    /// Needs a key.
    pub api_key_required: bool,
}

impl Document for Deployment {
    const KIND: &'static str = "deployment";
}

/// `apiSummary`: path → VERB → facts.
pub type Summary = BTreeMap<String, BTreeMap<String, MethodSummary>>;

/// The body of CreateDeployment. All but the description act on the stage (rest-admin-api §4.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Of the deployment.
    pub description: Option<String>,
    /// The stage to create, move or give a canary.
    pub stage_name: Option<String>,
    /// Of the stage.
    pub stage_description: Option<String>,
    /// Of the stage.
    pub cache_cluster_enabled: Option<bool>,
    /// Of the stage.
    pub cache_cluster_size: Option<String>,
    /// Of the stage.
    pub variables: Option<BTreeMap<String, String>>,
    /// Of the stage.
    pub tracing_enabled: Option<bool>,
    /// Makes the deployment the stage's canary.
    pub canary: Option<CanaryInput>,
}

/// `canarySettings` of CreateDeployment and CreateStage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CanaryInput {
    /// CreateStage only.
    pub deployment_id: Option<String>,
    /// As sent; the stage takes 0.0 to 100.0.
    pub percent_traffic: f64,
    /// Laid over the stage's variables.
    pub overrides: Option<BTreeMap<String, String>>,
    /// Share the stage's cache.
    pub use_stage_cache: bool,
}

/// AWS's cluster sizes, GB.
pub(crate) const CACHE_SIZES: [&str; 8] = ["0.5", "1.6", "6.1", "13.5", "28.4", "58.2", "118", "237"];

impl Input {
    /// Reads the body; an absent one is an empty one.
    ///
    /// # Errors
    /// `SerializationException`, `ValidationException` for a cluster size, 400 for bad variables.
    pub fn parse(body: &Value) -> Result<Self, AwsError> {
        let input = Members::of(body)?;
        let parsed = Self {
            description: input.text("description")?.filter(|text| !text.is_empty()),
            stage_name: input.text("stageName")?,
            stage_description: input.text("stageDescription")?.filter(|text| !text.is_empty()),
            cache_cluster_enabled: input.flag("cacheClusterEnabled")?,
            cache_cluster_size: input.text("cacheClusterSize")?,
            variables: input.map("variables", input::text)?,
            tracing_enabled: input.flag("tracingEnabled")?,
            canary: CanaryInput::read(input)?,
        };
        let mut constraints = Constraints::of("CreateDeployment");
        constraints.one_of("cacheClusterSize", parsed.cache_cluster_size.as_deref(), &CACHE_SIZES);
        constraints.check()?;
        Ok(parsed)
    }
}

impl CanaryInput {
    pub(crate) fn read(input: Members<'_>) -> Result<Option<Self>, AwsError> {
        let Some(canary) = input.structure("canarySettings")? else { return Ok(None) };
        Ok(Some(Self {
            deployment_id: canary.text("deploymentId")?,
            percent_traffic: canary.double("percentTraffic")?.unwrap_or_default(),
            overrides: canary.map("stageVariableOverrides", input::text)?,
            use_stage_cache: canary.flag("useStageCache")?.unwrap_or_default(),
        }))
    }
}

/// 0 to 100.
pub(crate) fn check_percent(percent: f64) -> Result<f64, AwsError> {
    match (0.0..=100.0).contains(&percent) {
        true => Ok(percent),
        false => Err(AwsError::bad_request("Invalid canary percentTraffic, must be between 0.0 and 100.0")),
    }
}

const TABLE: &[Row<Deployment>] = &[Row {
    path: "/description",
    ops: &[Op::Replace],
    apply: |d, c, ()| {
        d.description = c.text();
        Ok(())
    },
}];

/// Applies UpdateDeployment.
///
/// # Errors
/// The patch family's texts.
pub fn patch(deployment: &Deployment, operations: &[PatchOperation]) -> Result<Deployment, AwsError> {
    patch::apply(deployment, operations, TABLE, Family::B, &())
}
