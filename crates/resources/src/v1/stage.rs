//! Stage: a named pointer to a deployment, with live settings (rest-admin-api §3.11).

mod canary;
mod cors;
mod create;
mod settings;
#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Document;

pub use cors::Cors;
pub use create::{apply_deployment, create};
pub use update::patch;

/// A stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// What it serves.
    pub deployment_id: String,
    /// Client certificate shown to back ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate_id: Option<String>,
    /// `[a-zA-Z0-9_-]{1,128}`.
    pub stage_name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Method cache on.
    pub cache_cluster_enabled: bool,
    /// Kept even when the cluster is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_cluster_size: Option<String>,
    /// `NOT_AVAILABLE` or `AVAILABLE`.
    pub cache_cluster_status: String,
    /// `{resource}/{VERB}` exactly as addressed, or `*/*`.
    #[serde(default)]
    pub method_settings: BTreeMap<String, MethodSetting>,
    /// Stage variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, String>>,
    /// Documentation version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documentation_version: Option<String>,
    /// Access log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log_settings: Option<AccessLogSettings>,
    /// Canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_settings: Option<CanarySettings>,
    /// Active tracing.
    pub tracing_enabled: bool,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Epoch seconds.
    pub created_date: i64,
    /// Epoch seconds.
    pub last_updated_date: i64,
    /// Ours, never shown: which entries of the method cache count. `None`: the next write starts a generation, so that
    /// no entry made before it is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_generation: Option<u64>,
    /// The same for results of authorizers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorizer_cache_generation: Option<u64>,
}

/// `accessLogSettings`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessLogSettings {
    /// `$context` variables in a single line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Log group or stream ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_arn: Option<String>,
}

/// `canarySettings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanarySettings {
    /// 0.0 to 100.0.
    pub percent_traffic: f64,
    /// What canary requests are served by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_id: Option<String>,
    /// Laid over the stage's variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_variable_overrides: Option<BTreeMap<String, String>>,
    /// Share the stage's cache.
    pub use_stage_cache: bool,
}

/// One entry of `methodSettings`; all fields appear at first touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodSetting {
    /// Detailed metrics.
    pub metrics_enabled: bool,
    /// OFF, ERROR, INFO; absent until set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging_level: Option<String>,
    /// Log whole messages.
    pub data_trace_enabled: bool,
    /// Requests; -1: unset.
    pub throttling_burst_limit: i64,
    /// Requests per second; -1: unset.
    pub throttling_rate_limit: f64,
    /// Use the method cache.
    pub caching_enabled: bool,
    /// Seconds.
    pub cache_ttl_in_seconds: u32,
    /// Accepted, kept.
    pub cache_data_encrypted: bool,
    /// Invalidation needs authorization.
    pub require_authorization_for_cache_control: bool,
    /// FAIL_WITH_403, SUCCEED_WITH_RESPONSE_HEADER, SUCCEED_WITHOUT_RESPONSE_HEADER.
    pub unauthorized_cache_control_header_strategy: String,
}

impl Default for MethodSetting {
    /// AWS's values at first touch [V c,f].
    fn default() -> Self {
        Self {
            metrics_enabled: false,
            logging_level: None,
            data_trace_enabled: false,
            throttling_burst_limit: 5000,
            throttling_rate_limit: 10000.0,
            caching_enabled: false,
            cache_ttl_in_seconds: 300,
            cache_data_encrypted: false,
            require_authorization_for_cache_control: true,
            unauthorized_cache_control_header_strategy: "SUCCEED_WITH_RESPONSE_HEADER".into(),
        }
    }
}

/// Whether a change of a stage switches the log of a method on.
pub fn begins_logging(before: &Stage, after: &Stage) -> bool {
    let logs = |stage: &Stage, key: &str| {
        let level = stage.method_settings.get(key).and_then(|setting| setting.logging_level.as_deref());
        level.is_some_and(|level| level != "OFF")
    };
    after.method_settings.keys().any(|key| logs(after, key) && !logs(before, key))
}

impl Stage {
    /// Whoever is without a generation starts `next`, a number that no earlier write had.
    pub fn start_generations(&mut self, next: u64) {
        self.cache_generation.get_or_insert(next);
        self.authorizer_cache_generation.get_or_insert(next);
    }
}

impl Document for Stage {
    const KIND: &'static str = "stage";
}
