//! How inner errors become AWS errors, in one place. The cause is logged here, once; the client learns only the class.

use std::fmt::Display;

use stagecoach_base::{AwsError, ErrorCode};
use stagecoach_store::StoreError;

/// AWS's text for a lost race [R hashicorp/terraform-provider-aws#27027]; clients retry on it.
pub(crate) const CONCURRENT: &str =
    "Unable to complete operation due to concurrent modification. Please try again later.";

/// A store failure: a conflict the client may retry, or an outage.
#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(failure::store)`")]
pub(crate) fn store(error: StoreError) -> AwsError {
    if error.is_conflict() {
        return AwsError::conflict(CONCURRENT);
    }
    tracing::error!(error = %error, "the store failed");
    AwsError::new(
        ErrorCode::ServiceUnavailable,
        "The control plane's database is not available. Please try again later.",
    )
}

/// Something that cannot happen with data this program wrote.
pub(crate) fn unexpected(error: impl Display) -> AwsError {
    tracing::error!(error = %error, "internal error");
    AwsError::internal()
}
