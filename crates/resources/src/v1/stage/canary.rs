//! The canary of a stage (rest-admin-api §4.4): created by its first change, promoted by two copies.

use stagecoach_base::AwsError;

use super::create::merge;
use super::{CanarySettings, Stage};
use crate::v1::deployment::check_percent;

type Done = Result<(), AwsError>;

/// The canary; the first touch creates it on the stage's own deployment [V k].
pub(super) fn canary(stage: &mut Stage) -> &mut CanarySettings {
    let deployment_id = Some(stage.deployment_id.clone());
    stage.canary_settings.get_or_insert(CanarySettings {
        percent_traffic: 0.0,
        deployment_id,
        stage_variable_overrides: None,
        use_stage_cache: false,
    })
}

pub(super) fn set_percent(stage: &mut Stage, value: Option<&str>) -> Done {
    let percent = value.and_then(|value| value.parse().ok()).unwrap_or(f64::NAN);
    canary(stage).percent_traffic = check_percent(percent)?;
    Ok(())
}

pub(super) fn set_override(stage: &mut Stage, key: &str, value: Option<&str>) {
    let overrides = canary(stage).stage_variable_overrides.get_or_insert_default();
    overrides.insert(key.to_owned(), value.unwrap_or_default().to_owned());
}

pub(super) const CANARY_ID: &str = "/canarySettings/deploymentId";
pub(super) const CANARY_OVERRIDES: &str = "/canarySettings/stageVariableOverrides";

/// Promotion: no generic JSON Patch copy, but two pairs of paths (rest-admin-api §4.4).
pub(super) fn copy(stage: &mut Stage, path: &str, from: Option<&str>) -> Done {
    let known = matches!(path, "/deploymentId" | "/variables") && matches!(from, Some(CANARY_ID | CANARY_OVERRIDES));
    if !known {
        return Err(AwsError::bad_request(format!(
            "Invalid copy operation with path: {path} and from {}. Valid copy:path are [/deploymentId, /variables] and \
             valid copy:from are [{CANARY_ID}, {CANARY_OVERRIDES}]",
            from.unwrap_or("null")
        )));
    }
    let missing = || AwsError::bad_request("Promotion not available. Canary does not exist.");
    let canary = stage.canary_settings.clone().ok_or_else(missing)?;
    if path == "/deploymentId" {
        if let Some(id) = canary.deployment_id {
            stage.deployment_id = id;
        }
    } else {
        merge(&mut stage.variables, &canary.stage_variable_overrides.unwrap_or_default());
    }
    Ok(())
}
