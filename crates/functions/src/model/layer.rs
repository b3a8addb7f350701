//! Layers and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stagecoach_base::{Digest, Scope, UnixMillis};

use crate::errors::{self, Code, LambdaError};
use crate::model::function::timestamp;
use crate::model::name::is_number;
use crate::model::policy::Policy;

/// Characters of a name at most [M].
const LONGEST: usize = 140;

/// The document of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Layer {
    pub(crate) name: String,
    /// Number of the next version; never used twice.
    pub(crate) next_version: u64,
}

/// The document of one version of a layer: nothing but its policy ever changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LayerVersion {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) description: String,
    pub(crate) license: Option<String>,
    /// `CompatibleRuntimes`.
    pub(crate) runtimes: Vec<String>,
    /// `CompatibleArchitectures`.
    pub(crate) architectures: Vec<String>,
    /// Name of the package.
    pub(crate) code: Digest,
    /// Size of the package, bytes.
    pub(crate) code_size: u64,
    pub(crate) created: UnixMillis,
    pub(crate) policy: Policy,
    /// `RevisionId` of the policy.
    pub(crate) policy_revision: String,
}

/// A layer version as a function uses it. It holds what running takes: a version may be deleted, and goes on working for the
/// functions that have it [D].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attached {
    /// ARN of the version.
    pub arn: String,
    /// Name of its package.
    pub code: Digest,
    /// Size of its package, bytes.
    pub code_size: u64,
}

impl LayerVersion {
    pub(crate) fn arn(&self, scope: &Scope) -> String {
        version_arn(scope, &self.name, self.version)
    }

    /// `LayerVersionsListItem`.
    pub(crate) fn shape(&self, scope: &Scope) -> Map<String, Value> {
        let mut shape = Map::new();
        shape.insert("LayerVersionArn".into(), self.arn(scope).into());
        shape.insert("Version".into(), self.version.into());
        shape.insert("Description".into(), self.description.as_str().into());
        shape.insert("CreatedDate".into(), timestamp(self.created).into());
        for (member, list) in [("CompatibleRuntimes", &self.runtimes), ("CompatibleArchitectures", &self.architectures)]
        {
            if !list.is_empty() {
                shape.insert(member.into(), json!(list));
            }
        }
        if let Some(license) = &self.license {
            shape.insert("LicenseInfo".into(), license.as_str().into());
        }
        shape
    }

    /// As a function uses it.
    pub(crate) fn attached(&self, scope: &Scope) -> Attached {
        Attached { arn: self.arn(scope), code: self.code, code_size: self.code_size }
    }
}

/// `arn:aws:lambda:{region}:{account}:layer:{name}`.
pub(crate) fn layer_arn(scope: &Scope, name: &str) -> String {
    format!("arn:{}:lambda:{}:{}:layer:{name}", scope.partition, scope.region, scope.account)
}

/// ARN of one version.
pub(crate) fn version_arn(scope: &Scope, name: &str, version: u64) -> String {
    format!("{}:{version}", layer_arn(scope, name))
}

/// The layer in a path: its name, or its ARN.
///
/// # Errors
/// 400 for neither; 403 for another account's or region's.
pub(crate) fn name(text: &str, scope: &Scope) -> Result<String, LambdaError> {
    let named = match text.strip_prefix("arn:") {
        None => Some(text),
        Some(rest) => match rest.splitn(6, ':').collect::<Vec<_>>()[..] {
            [_, "lambda", region, account, "layer", name] if is_name(name) => {
                own(text, region, account, scope)?;
                Some(name)
            }
            _ => None,
        },
    };
    named.filter(|name| is_name(name)).map(str::to_owned).ok_or_else(|| {
        LambdaError::constraint(
            text,
            "layerName",
            "Member must satisfy regular expression pattern: (arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:\
             [a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+",
        )
    })
}

/// Region, account, name and number in the ARN of a layer version; `None` for anything else.
pub(crate) fn parts(arn: &str) -> Option<(&str, &str, &str, u64)> {
    match arn.splitn(8, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "lambda", region, account, "layer", name, number] if is_name(name) && is_number(number) => {
            Some((region, account, name, number.parse().ok()?))
        }
        _ => None,
    }
}

/// Refuses what is not this host's own.
pub(crate) fn own(arn: &str, region: &str, account: &str, scope: &Scope) -> Result<(), LambdaError> {
    if account == scope.account && region == scope.region {
        return Ok(());
    }
    Err(LambdaError::new(Code::AccessDenied, errors::no_layer_access(arn)))
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_named_by_name_or_arn_and_a_version_by_its_arn() {
        let (scope, arn) = (Scope::default(), "arn:aws:lambda:us-east-1:000000000000:layer:l-1");

        assert_eq!((name("l-1", &scope), name(arn, &scope)), (Ok("l-1".into()), Ok("l-1".into())));
        assert_eq!(parts(&version_arn(&scope, "l-1", 7)), Some(("us-east-1", "000000000000", "l-1", 7)));
        for wrong in
            ["", "a b", "l:1", "arn:aws:lambda:us-east-1:000000000000:layer:", &format!("{arn}:1"), &"x".repeat(141)]
        {
            assert_eq!(name(wrong, &scope).unwrap_err().code, Code::Validation, "{wrong}");
        }
        assert_eq!(name(&arn.replace("0000:layer", "1111:layer"), &scope).unwrap_err().code, Code::AccessDenied);
        for wrong in [arn, "", "x:1", &format!("{arn}:latest"), &format!("{arn}:1:2")] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
