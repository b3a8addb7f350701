//! The seam to whatever keeps packages that calls name by bucket and key.

use bytes::Bytes;

use crate::Pending;
use crate::errors::{self, Code, LambdaError};

/// An object as `Code` and `Content` name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// `S3Bucket`.
    pub bucket: String,
    /// `S3Key`.
    pub key: String,
    /// `S3ObjectVersion`.
    pub version: Option<String>,
}

/// Where packages are fetched from.
pub trait Objects: Send + Sync {
    /// All of an object of at most `largest` bytes.
    fn get<'a>(&'a self, object: &'a ObjectName, largest: usize) -> Pending<'a, Result<Bytes, ObjectError>>;
}

/// Why an object was not fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// S3 refused.
    #[error("{code}: {message}")]
    Refused {
        /// `NoSuchKey`, …
        code: String,
        /// S3's text.
        message: String,
    },
    /// It is larger than was allowed.
    #[error("the object is larger than {0} bytes")]
    TooLarge(usize),
    /// No answer, or one that broke off. Says where and why.
    #[error("{0}")]
    Unreachable(String),
}

impl ObjectError {
    /// What the caller of CreateFunction is told: AWS's texts as seen in its answers.
    pub(crate) fn told(&self, object: &ObjectName) -> LambdaError {
        match self {
            Self::Refused { code, message } if code == "AccessDenied" => LambdaError::new(
                Code::AccessDenied,
                format!(
                    "Your access has been denied by S3, please make sure your request credentials have permission to GetObject \
                     for {}/{}. S3 Error Code: {code}. S3 Error Message: {message}",
                    object.bucket, object.key
                ),
            ),
            Self::Refused { code, message } => LambdaError::invalid(format!(
                "Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}"
            )),
            Self::TooLarge(_) => LambdaError::invalid(errors::UNZIPPED_SIZE),
            Self::Unreachable(why) => LambdaError::new(Code::Service, format!("Error occurred while GetObject: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_awss_words() {
        let object = ObjectName { bucket: "b".into(), key: "k".into(), version: None };
        let refused = |code: &str, message: &str| {
            ObjectError::Refused { code: code.into(), message: message.into() }.told(&object)
        };

        let missing = refused("NoSuchKey", "The specified key does not exist.");
        let denied = refused("AccessDenied", "Access Denied");

        assert_eq!(
            (missing.code.status(), missing.message.as_str()),
            (
                400,
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
            )
        );
        assert_eq!(denied.code.status(), 403);
        assert!(
            denied.message.ends_with("GetObject for b/k. S3 Error Code: AccessDenied. S3 Error Message: Access Denied")
        );
    }
}
