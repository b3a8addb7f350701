//! Amazon Resource Names and the account and region they carry.

/// The partition, region and account that ARNs and host names carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Partition, `aws`.
    pub partition: String,
    /// Region, `us-east-1` by default.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Default for Scope {
    fn default() -> Self {
        Self { partition: "aws".into(), region: "us-east-1".into(), account: "000000000000".into() }
    }
}

impl Scope {
    /// `arn:aws:apigateway:{region}::{path}`; `path` starts with a slash. The account field is empty (rest-admin-api §3).
    pub fn apigateway(&self, path: &str) -> String {
        format!("arn:{}:apigateway:{}::{path}", self.partition, self.region)
    }

    /// `arn:aws:execute-api:{region}:{account}:{api}/{stage}/{verb}{path}`: what policies and Lambda permissions match.
    pub fn execute_api(&self, api: &str, stage: &str, verb: &str, path: &str) -> String {
        format!("arn:{}:execute-api:{}:{}:{api}/{stage}/{verb}{path}", self.partition, self.region, self.account)
    }
}
