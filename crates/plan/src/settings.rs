//! What takes effect without a deployment (rest-admin-api §4.1, right column): the settings a STAGE pointer carries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Settings of one stage, as signed canonical JSON inside its pointer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StageSettings {
    /// RestApi id.
    pub api_id: String,
    /// Name of the API, for logs.
    pub api_name: String,
    /// Id of the API's root resource (random, so not in the snapshot).
    pub root_resource_id: String,
    /// Stage name.
    pub stage: String,
    /// Twelve digits.
    pub account: String,
    /// Region.
    pub region: String,
    /// EDGE, REGIONAL or PRIVATE.
    pub endpoint_type: String,
    /// Deployment the base snapshot came from.
    pub deployment_id: String,
    /// Stage variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Present while the stage has canary settings; its snapshot is the pointer's CANARY blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// `{resource path}/{VERB}` or `*/*`, normalised: the path has its leading slash (`/pets/GET`, `//GET` for the root).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub method_settings: BTreeMap<String, MethodSettings>,
    /// Access log format; absent: the default JSON line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_format: Option<String>,
    /// X-Ray style tracing.
    pub tracing: bool,
    /// Whether the stage has a cache cluster; without one no method is cached (rest-data-plane §9).
    pub cache_cluster: bool,
    /// Entries of the method cache count only if they were made under this number: a flush and another cluster change it.
    pub cache_generation: u64,
    /// The same for results of authorizers.
    pub authorizer_cache_generation: u64,
    /// Preflights the gateway answers by itself; absent: none, as on AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// What pages of other origins may do, where the gateway answers preflights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cors {
    /// `scheme://host[:port]`, the host perhaps `*.example.com`; or `*`.
    pub origins: Vec<String>,
    /// Verbs; none: all that a path has methods for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Request headers; none: AWS's usual ones; `*`: whatever is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Response headers a page may read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose: Vec<String>,
    /// Cookies and the like.
    pub credentials: bool,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

impl StageSettings {
    /// The settings of a method: its own, else those of `*/*`.
    pub fn of_method(&self, path: &str, verb: &str) -> Option<&MethodSettings> {
        self.method_settings.get(&format!("{path}/{verb}")).or_else(|| self.method_settings.get("*/*"))
    }
}

/// Canary settings of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Canary {
    /// Deployment the canary snapshot came from.
    pub deployment_id: String,
    /// 0.0 to 100.0.
    pub percent: f64,
    /// Laid over the stage's variables for canary requests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, String>,
    /// Whether canary requests may use the stage's cache.
    pub use_stage_cache: bool,
}

/// Method settings of a stage (rest-admin-api §3.11).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodSettings {
    /// Requests per second; absent: unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<f64>,
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_limit: Option<i64>,
    /// OFF, ERROR, INFO.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging_level: Option<String>,
    /// Log whole requests and responses.
    pub data_trace: bool,
    /// Detailed metrics.
    pub metrics: bool,
    /// Use the method cache.
    pub caching: bool,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_ttl_seconds: Option<u32>,
    /// Invalidation needs authorization.
    pub require_authorization_for_cache_control: bool,
    /// What an unauthorized invalidation gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unauthorized_cache_control: Option<String>,
}
