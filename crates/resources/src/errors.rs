//! AWS's texts for what is not there, there already, or in use (rest-admin-api §2.6).

use stagecoach_base::AwsError;

/// 404 of an API that does not exist.
pub fn unknown_api(account: &str, id: &str) -> AwsError {
    AwsError::not_found(format!("Invalid API identifier specified {account}:{id}"))
}

/// 404 of a resource, and of the API above it in resource, method and integration calls [V a].
pub fn unknown_resource() -> AwsError {
    AwsError::not_found("Invalid Resource identifier specified")
}

/// 404 of a method [V a].
pub fn unknown_method() -> AwsError {
    AwsError::not_found("Invalid Method identifier specified")
}

/// 404 of an integration [V a].
pub fn unknown_integration() -> AwsError {
    AwsError::not_found("Invalid Integration identifier specified")
}

/// 404 of a method response or an integration response [V a].
pub fn unknown_status() -> AwsError {
    AwsError::not_found("Invalid Response status code specified")
}

/// 404 of a deployment.
pub fn unknown_deployment() -> AwsError {
    AwsError::not_found("Invalid Deployment identifier specified")
}

/// 404 of a stage.
pub fn unknown_stage() -> AwsError {
    AwsError::not_found("Invalid stage identifier specified")
}

/// 409 of a second PutMethod.
pub fn method_exists() -> AwsError {
    AwsError::conflict("Method already exists for this resource")
}

/// 409 of a second CreateStage.
pub fn stage_exists() -> AwsError {
    AwsError::conflict("Stage already exists")
}

/// 400 of a deployment that a stage points at [V c].
pub fn deployment_in_use() -> AwsError {
    AwsError::bad_request("Active stages pointing to this deployment must be moved or deleted")
}

/// 400 of a stage that names no deployment [V k].
pub fn missing_deployment() -> AwsError {
    AwsError::bad_request("Deployment id does not exist")
}
