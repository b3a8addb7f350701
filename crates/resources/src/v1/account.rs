//! Account (rest-admin-api §3.21).

use serde::{Deserialize, Serialize};
use stagecoach_base::{AwsError, Scope};

use super::usage_plan::ThrottleSettings;
use crate::Document;
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};

/// The account's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Role for logs. Nothing here needs it, but AWS refuses log levels without one: an account begins with one, so that
    /// only those who cleared it are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudwatch_role_arn: Option<String>,
    /// What AWS allows an account; shown, not enforced.
    pub throttle_settings: ThrottleSettings,
    /// `UsagePlans`.
    pub features: Vec<String>,
    /// `4`.
    pub api_key_version: String,
}

const USAGE_PLANS: &str = "UsagePlans";

impl Account {
    /// The settings before anyone changed them.
    pub fn new(scope: &Scope) -> Self {
        let role = format!("arn:{}:iam::{}:role/stagecoach-logs", scope.partition, scope.account);
        Self {
            cloudwatch_role_arn: Some(role),
            throttle_settings: ThrottleSettings { burst_limit: Some(5000), rate_limit: Some(10_000.0) },
            features: vec![USAGE_PLANS.into()],
            api_key_version: "4".into(),
        }
    }
}

impl Document for Account {
    const KIND: &'static str = "account";
}

/// 400 of a log level when the account has no role [R zappa/Zappa#793].
pub fn no_role() -> AwsError {
    AwsError::bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging")
}

/// Applies UpdateAccount.
///
/// # Errors
/// rest-admin-api §2.6, row of UpdateAccount; the family of the other texts is assumed.
pub fn patch(account: &Account, operations: &[PatchOperation]) -> Result<Account, AwsError> {
    patch::apply(account, operations, TABLE, Family::B, &())
}

const TABLE: &[Row<Account>] = &[
    Row { path: "/cloudwatchRoleArn", ops: &[Op::Replace], apply: |account, change, ()| set_role(account, change) },
    Row { path: "/features", ops: &[Op::Add, Op::Remove], apply: |_, change, ()| check_feature(change) },
];

/// `""` clears the role [TF].
fn set_role(account: &mut Account, change: &Change<'_>) -> Result<(), AwsError> {
    let role = change.text();
    if role.as_deref().is_some_and(|role| !role.starts_with("arn:") || !role.contains(":role/")) {
        return Err(AwsError::bad_request("Invalid ARN specified in the request"));
    }
    account.cloudwatch_role_arn = role;
    Ok(())
}

/// There is one feature, and every account has it.
fn check_feature(change: &Change<'_>) -> Result<(), AwsError> {
    let feature = change.value.unwrap_or_default();
    match change.op {
        Op::Remove if feature == USAGE_PLANS => {
            Err(AwsError::bad_request("Usage Plans cannot be disabled once enabled"))
        }
        Op::Add if feature != USAGE_PLANS => {
            Err(AwsError::bad_request(format!("Invalid feature specified: {feature}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(op: Op, path: &str, value: &str) -> PatchOperation {
        PatchOperation { op, path: Some(path.into()), value: Some(value.into()), from: None }
    }

    #[test]
    fn an_account_begins_with_aws_s_limits_rest_admin_3_21() {
        assert_eq!(
            serde_json::to_string(&Account::new(&Scope::default())).unwrap(),
            r#"{"cloudwatchRoleArn":"arn:aws:iam::000000000000:role/stagecoach-logs","throttleSettings":{"burstLimit":5000,"rateLimit":10000.0},"features":["UsagePlans"],"apiKeyVersion":"4"}"#
        );
    }

    #[test]
    fn usage_plans_stay_enabled_rest_admin_2_6() {
        let account = Account::new(&Scope::default());

        let error = patch(&account, &[op(Op::Remove, "/features", "UsagePlans")]).unwrap_err();

        assert_eq!(error.message(), "Usage Plans cannot be disabled once enabled");
        assert_eq!(patch(&account, &[op(Op::Add, "/features", "UsagePlans")]).unwrap(), account);
        assert!(patch(&account, &[op(Op::Add, "/features", "x")]).is_err());
    }

    #[test]
    fn an_empty_role_clears_it() {
        let role = "arn:aws:iam::000000000000:role/logs";

        let set = patch(&Account::new(&Scope::default()), &[op(Op::Replace, "/cloudwatchRoleArn", role)]).unwrap();
        let cleared = patch(&set, &[op(Op::Replace, "/cloudwatchRoleArn", "")]).unwrap();

        assert_eq!((set.cloudwatch_role_arn.as_deref(), cleared.cloudwatch_role_arn), (Some(role), None));
        assert!(patch(&set, &[op(Op::Replace, "/cloudwatchRoleArn", "logs")]).is_err());
    }
}
