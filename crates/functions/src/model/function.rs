//! A function and its versions.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stagecoach_base::{Digest, Scope, UnixMillis};

use crate::model::layer::Attached;
use crate::model::name::function_arn;
use crate::package::Folders;
use crate::{Runnable, Runtime};

/// The document of a function: `$LATEST`, and what holds for all versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    /// Its name.
    pub name: String,
    /// `$LATEST`.
    pub latest: Version,
    /// Number of the next version; never used twice.
    pub next_version: u64,
    /// The last published number, and the generation of `$LATEST` it was made of.
    pub published: Option<(u64, u64)>,
    /// Reserved concurrency.
    pub reserved: Option<u32>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// One version's code and configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// `$LATEST` or a number.
    pub version: String,
    /// The configuration.
    pub settings: Settings,
    /// Name of the package.
    pub code: Digest,
    /// Size of the package, bytes.
    pub code_size: u64,
    /// When it was last written.
    pub modified: UnixMillis,
    /// `RevisionId`: changes with every write, permissions included.
    pub revision_id: String,
    /// Store revision of the last write that changed code or settings: what environments belong to.
    pub generation: u64,
}

/// What CreateFunction and UpdateFunctionConfiguration set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// AWS's identifier of the runtime.
    pub runtime: String,
    /// Role ARN; kept and shown, this host has no roles.
    pub role: String,
    /// Handler.
    pub handler: String,
    /// Free text.
    pub description: String,
    /// Seconds one invocation may take.
    pub timeout: u32,
    /// MiB.
    pub memory: u32,
    /// Variables; `None` when the member was never sent.
    pub variables: Option<BTreeMap<String, String>>,
    /// Layers in their order.
    #[serde(default)]
    pub layers: Vec<Attached>,
    /// Members that are kept and shown, but change nothing here.
    pub shown: Map<String, Value>,
}

impl Version {
    /// Ready to run with package and layers unpacked at `code`.
    pub(crate) fn runnable(&self, function: &Function, scope: &Scope, runtime: Runtime, code: Folders) -> Runnable {
        Runnable {
            arn: function_arn(scope, &function.name),
            name: function.name.clone(),
            version: self.version.clone(),
            revision: self.generation.to_string(),
            runtime,
            runtime_name: self.settings.runtime.clone(),
            handler: self.settings.handler.clone(),
            code: code.package,
            layers: code.layers,
            timeout: Duration::from_secs(u64::from(self.settings.timeout)),
            memory_mib: self.settings.memory,
            variables: self.settings.variables.clone().unwrap_or_default(),
            region: scope.region.clone(),
            reserved: function.reserved,
        }
    }

    /// `FunctionConfiguration`. `qualified`: the ARN ends in the version.
    pub(crate) fn shape(&self, name: &str, scope: &Scope, qualified: bool) -> Value {
        let arn = function_arn(scope, name);
        let arn = if qualified { format!("{arn}:{}", self.version) } else { arn };
        let mut shape = Map::new();
        let settings = &self.settings;
        let fixed = json!({
            "FunctionName": name, "FunctionArn": arn, "Runtime": settings.runtime, "Role": settings.role,
            "Handler": settings.handler, "CodeSize": self.code_size, "Description": settings.description,
            "Timeout": settings.timeout, "MemorySize": settings.memory, "LastModified": timestamp(self.modified),
            "CodeSha256": sha256(&self.code), "Version": self.version, "TracingConfig": { "Mode": "PassThrough" },
            "RevisionId": self.revision_id, "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip",
            "Architectures": [ARCHITECTURE], "EphemeralStorage": { "Size": 512 },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" },
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": format!("/aws/lambda/{name}") },
        });
        if let Value::Object(fixed) = fixed {
            shape.extend(fixed);
        }
        for (member, value) in &settings.shown {
            match (shape.get_mut(member).and_then(Value::as_object_mut), value) {
                // What was not said keeps AWS's default.
                (Some(defaults), Value::Object(said)) => defaults.extend(said.clone()),
                _ => drop(shape.insert(member.clone(), value.clone())),
            }
        }
        if !settings.layers.is_empty() {
            let layer = |layer: &Attached| json!({ "Arn": layer.arn, "CodeSize": layer.code_size });
            shape.insert("Layers".into(), settings.layers.iter().map(layer).collect());
        }
        if let Some(variables) = &settings.variables {
            shape.insert("Environment".into(), json!({ "Variables": variables }));
        }
        Value::Object(shape)
    }
}

/// AWS's default, shown unless the caller said otherwise; the code runs on whatever this machine is.
const ARCHITECTURE: &str = "x86_64";

/// `CodeSha256`.
pub(crate) fn sha256(digest: &Digest) -> String {
    STANDARD.encode(digest.as_bytes())
}

/// `2024-05-01T10:00:00.123+0000`.
pub(crate) fn timestamp(at: UnixMillis) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+0000");
    let instant = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000);
    instant.ok().and_then(|instant| instant.format(&format).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_lambda_does() {
        assert_eq!(timestamp(UnixMillis(1_700_000_000_007)), "2023-11-14T22:13:20.007+0000");
    }
}
