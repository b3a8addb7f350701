//! RestApi (rest-admin-api §3.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Document;

/// An API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestApi {
    /// Ten lower-case letters and digits.
    pub id: String,
    /// Not unique.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// Never empty when present.
    pub description: Option<String>,
    /// Epoch seconds.
    pub created_date: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// Set by create and import only.
    pub version: Option<String>,
    /// Of the last import.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// In the order given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub binary_media_types: Vec<String>,
    /// Bytes, 0..=10485760.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_compression_size: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// Types, ipAddressType, vpcEndpointIds.
    pub endpoint_configuration: EndpointConfiguration,
    /// Normalised JSON text; the wire escapes it once more (rest-admin-api §3.1), which the reply does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Refuse the default host.
    pub disable_execute_api_endpoint: bool,
    /// Id of `/`.
    pub root_resource_id: String,
    /// TLS policy name, kept and returned only when a client set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_policy: Option<String>,
    /// BASIC or STRICT, only when set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_access_mode: Option<String>,
    /// `AVAILABLE`.
    pub api_status: String,
}

/// Where the API is reachable from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointConfiguration {
    /// One of EDGE, REGIONAL, PRIVATE.
    pub types: Vec<String>,
    /// `ipv4` or `dualstack`.
    pub ip_address_type: String,
    /// PRIVATE only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpc_endpoint_ids: Vec<String>,
}

impl Default for EndpointConfiguration {
    fn default() -> Self {
        Self { types: vec!["EDGE".into()], ip_address_type: "ipv4".into(), vpc_endpoint_ids: Vec::new() }
    }
}

impl RestApi {
    /// An API with AWS's defaults. `created_date` is epoch seconds.
    pub fn new(id: String, root_resource_id: String, name: String, created_date: i64) -> Self {
        Self {
            id,
            name,
            description: None,
            created_date,
            version: None,
            warnings: Vec::new(),
            binary_media_types: Vec::new(),
            minimum_compression_size: None,
            api_key_source: "HEADER".into(),
            endpoint_configuration: EndpointConfiguration::default(),
            policy: None,
            tags: BTreeMap::new(),
            disable_execute_api_endpoint: false,
            root_resource_id,
            security_policy: None,
            endpoint_access_mode: None,
            api_status: "AVAILABLE".into(),
        }
    }
}

impl Document for RestApi {
    const KIND: &'static str = "restapi";
}
