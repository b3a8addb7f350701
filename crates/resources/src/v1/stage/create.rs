//! CreateStage, and what CreateDeployment does to a stage (rest-admin-api §3.11, §4.2).

use std::collections::BTreeMap;

use serde_json::Value;
use stagecoach_base::AwsError;

use super::{CanarySettings, Cors, Stage};
use crate::input::{self, Constraints, Members};
use crate::v1::deployment::{CACHE_SIZES, CanaryInput, Input, check_percent};
use crate::v1::tags;

/// Variables a stage may have.
const MOST_VARIABLES: usize = 100;

/// A new stage from the body of CreateStage. `now_s` is epoch seconds.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateStage: types first, then constraints, then rules.
pub fn create(body: &Value, now_s: i64) -> Result<Stage, AwsError> {
    let input = Members::of(body)?;
    let (made, canary) = read(input, now_s)?;
    let mut constraints = Constraints::of("CreateStage");
    constraints.one_of("cacheClusterSize", made.cache_cluster_size.as_deref(), &CACHE_SIZES);
    constraints.check()?;
    check_name(&made.stage_name)?;
    if made.deployment_id.is_empty() {
        return Err(AwsError::bad_request("DeploymentId cannot be empty"));
    }
    tags::check(&made.tags)?;
    Cors::of(&made.tags)?;
    let own = made.deployment_id.clone();
    let canary = canary.map(|canary| settings(canary.clone(), canary.deployment_id.unwrap_or(own)));
    let mut stage = Stage { canary_settings: canary.transpose()?, ..made };
    stage.settle_cache();
    check_variables(&stage)?;
    Ok(stage)
}

/// The members, each of its type.
fn read(input: Members<'_>, now_s: i64) -> Result<(Stage, Option<CanaryInput>), AwsError> {
    let name = input.text("stageName")?.unwrap_or_default();
    let mut stage = Stage::new(&name, input.text("deploymentId")?.unwrap_or_default(), now_s);
    stage.description = input.text("description")?.filter(|text| !text.is_empty());
    stage.cache_cluster_enabled = input.flag("cacheClusterEnabled")?.unwrap_or_default();
    stage.cache_cluster_size = input.text("cacheClusterSize")?;
    stage.variables = input.map("variables", input::text)?;
    stage.documentation_version = input.text("documentationVersion")?.filter(|text| !text.is_empty());
    stage.tracing_enabled = input.flag("tracingEnabled")?.unwrap_or_default();
    stage.tags = input.map("tags", input::text)?.unwrap_or_default();
    Ok((stage, CanaryInput::read(input)?))
}

fn settings(canary: CanaryInput, deployment_id: String) -> Result<CanarySettings, AwsError> {
    Ok(CanarySettings {
        percent_traffic: check_percent(canary.percent_traffic)?,
        deployment_id: Some(deployment_id),
        stage_variable_overrides: canary.overrides,
        use_stage_cache: canary.use_stage_cache,
    })
}

fn check_name(name: &str) -> Result<&str, AwsError> {
    let fits = (1..=128).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    // The text predates hyphens, which AWS accepts [R].
    if fits { Ok(name) } else { Err(AwsError::bad_request("Stage name only allows a-zA-Z0-9_")) }
}

/// Names are word characters, values a closed set of characters (rest-admin-api §2.6).
///
/// # Errors
/// AWS's 400s.
pub(super) fn check_variables(stage: &Stage) -> Result<(), AwsError> {
    let overrides = stage.canary_settings.iter().filter_map(|canary| canary.stage_variable_overrides.as_ref());
    for variables in stage.variables.iter().chain(overrides) {
        if variables.len() > MOST_VARIABLES {
            return Err(AwsError::bad_request(format!("A stage can have at most {MOST_VARIABLES} variables.")));
        }
        variables.iter().try_for_each(check_variable)?;
    }
    Ok(())
}

fn check_variable((name, value): (&String, &String)) -> Result<(), AwsError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(word) {
        return Err(AwsError::bad_request(format!(
            "Invalid stage variable name: {name}.  Please use names with only word characters."
        )));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || " -._~:/?#&=,".contains(c);
    if value.len() > 512 || !value.chars().all(allowed) {
        return Err(AwsError::bad_request(format!(
            "Invalid stage variable value: {value}.  Please use values with alphanumeric characters and the symbols ' ', \
             -', '.', '_', ':', '/', '?', '&', '=', and ','."
        )));
    }
    Ok(())
}

/// What a new deployment does to the stage it names: creates it, moves it, or becomes its canary; `None` when it names
/// none. `existing` is the stage of that name, `now_s` epoch seconds.
///
/// A deployment without canary settings moves the stage and leaves a canary alone: AWS's answer is not known, and this
/// surprises least (rest-admin-api §4.2).
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateDeployment.
pub fn apply_deployment(
    existing: Option<Stage>,
    input: &Input,
    deployment_id: &str,
    now_s: i64,
) -> Result<Option<Stage>, AwsError> {
    let name = input.stage_name.as_deref();
    let mut stage = match (&input.canary, name, existing) {
        (Some(_), None | Some(""), _) => return Err(canary_without_stage(name)),
        (Some(_), Some(name), None) => return Err(canary_on_unknown_stage(name)),
        (Some(canary), _, Some(mut stage)) => {
            stage.canary_settings = Some(settings(canary.clone(), deployment_id.to_owned())?);
            stage
        }
        (None, None | Some(""), _) => return Ok(None),
        (None, Some(name), None) => Stage::new(check_name(name)?, deployment_id.to_owned(), now_s),
        (None, Some(_), Some(stage)) => Stage { deployment_id: deployment_id.to_owned(), ..stage },
    };
    if input.stage_description.is_some() {
        stage.description.clone_from(&input.stage_description);
    }
    if let Some(variables) = &input.variables {
        merge(&mut stage.variables, variables);
    }
    if let Some(tracing) = input.tracing_enabled {
        stage.tracing_enabled = tracing;
    }
    stage.set_cache(input.cache_cluster_enabled, input.cache_cluster_size.clone());
    stage.last_updated_date = now_s;
    check_variables(&stage)?;
    Ok(Some(stage))
}

/// Lays `new` over the variables there are.
pub(super) fn merge(variables: &mut Option<BTreeMap<String, String>>, new: &BTreeMap<String, String>) {
    if !new.is_empty() {
        variables.get_or_insert_default().extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

fn canary_without_stage(name: Option<&str>) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid deployment content specified.Non null and non empty stageName must be provided for canary deployment. \
         Provided value is {}",
        name.unwrap_or("null")
    ))
}

fn canary_on_unknown_stage(name: &str) -> AwsError {
    AwsError::bad_request(format!(
        "Invalid deployment content specified.Stage {name} must already be created before making a canary release \
         deployment"
    ))
}

impl Stage {
    /// A stage with AWS's defaults. `now_s` is epoch seconds.
    pub fn new(name: &str, deployment_id: String, now_s: i64) -> Self {
        Self {
            deployment_id,
            client_certificate_id: None,
            stage_name: name.to_owned(),
            description: None,
            cache_cluster_enabled: false,
            cache_cluster_size: None,
            cache_cluster_status: "NOT_AVAILABLE".into(),
            method_settings: BTreeMap::new(),
            variables: None,
            documentation_version: None,
            access_log_settings: None,
            canary_settings: None,
            tracing_enabled: false,
            tags: BTreeMap::new(),
            created_date: now_s,
            last_updated_date: now_s,
            cache_generation: None,
            authorizer_cache_generation: None,
        }
    }

    /// Switches the cache cluster; another one begins empty (rest-data-plane §9).
    pub(super) fn set_cache(&mut self, enabled: Option<bool>, size: Option<String>) {
        let before = (self.cache_cluster_enabled, self.cache_cluster_size.clone());
        self.cache_cluster_enabled = enabled.unwrap_or(self.cache_cluster_enabled);
        if size.is_some() {
            self.cache_cluster_size = size;
        }
        self.settle_cache();
        if before != (self.cache_cluster_enabled, self.cache_cluster_size.clone()) {
            self.cache_generation = None;
        }
    }

    /// A cluster is available at once, so that clients that poll for it go on; one that is on has a size.
    fn settle_cache(&mut self) {
        self.cache_cluster_status = if self.cache_cluster_enabled { "AVAILABLE" } else { "NOT_AVAILABLE" }.into();
        if self.cache_cluster_enabled {
            self.cache_cluster_size.get_or_insert_with(|| "0.5".into());
        }
    }
}
