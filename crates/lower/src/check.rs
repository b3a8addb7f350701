//! What a deployment needs of documents, in AWS's words (rest-admin-api §2.6, CreateDeployment).

use stagecoach_resources::ApiTree;

/// Why documents cannot be deployed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// AWS's text where it has one.
    pub message: String,
}

/// Checks documents before they are lowered.
///
/// # Errors
/// Every problem.
pub fn check(tree: &ApiTree) -> Result<(), Vec<Problem>> {
    let problem = |message: &str| Problem { message: message.to_owned() };
    if tree.methods.is_empty() {
        return Err(vec![problem("The REST API doesn't contain any methods")]);
    }
    if tree.methods.iter().any(|at| at.method.method_integration.is_none()) {
        return Err(vec![problem("No integration defined for method")]);
    }
    Ok(())
}
