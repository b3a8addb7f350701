//! How many documents an account may have. AWS's numbers make no sense to whoever runs the machines, so nothing is limited
//! unless asked; AWS's texts are kept (rest-admin-api §6).

use stagecoach_base::{AwsError, ErrorCode};
use stagecoach_resources::v1::RestApi;
use stagecoach_store::Write;

use crate::documents::Access;

/// Limits of an account; zero is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotas {
    /// APIs of the account.
    pub rest_apis: usize,
    /// Resources of an API, its root among them.
    pub resources: usize,
}

impl Quotas {
    /// Whether the account may have one API more.
    ///
    /// # Errors
    /// 400 with AWS's text [R Miserlou/Zappa#628].
    pub(crate) async fn another_api(self, write: &mut Write) -> Result<(), AwsError> {
        if self.rest_apis == 0 || write.all::<RestApi>("").await?.len() < self.rest_apis {
            return Ok(());
        }
        Err(AwsError::bad_request(
            "Maximum number of APIs has been reached.  Please contact AWS if you need additional APIs.",
        ))
    }

    /// Whether an API may have `count` resources.
    ///
    /// # Errors
    /// `LimitExceededException` with AWS's text [R boto/boto3#1296].
    pub(crate) fn resources(self, count: usize) -> Result<(), AwsError> {
        match self.resources == 0 || count <= self.resources {
            true => Ok(()),
            false => Err(AwsError::new(
                ErrorCode::LimitExceeded,
                "Maximum number of Resources for this API has been reached.  Please contact AWS if you need additional \
                 Resources.",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_limited_unless_asked() {
        let two = Quotas { resources: 2, ..Quotas::default() };

        assert!(Quotas::default().resources(10_000).is_ok() && two.resources(2).is_ok());
        assert_eq!(two.resources(3).unwrap_err().code().status(), 429);
    }
}
