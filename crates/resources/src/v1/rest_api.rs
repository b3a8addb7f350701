//! RestApi (rest-admin-api §3.1).

#[cfg(test)]
mod tests;
mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, Scope};

use super::{Model, Resource, model, tags};
use crate::input::{self, Constraints, Members};
use crate::{ApiTree, Document, policy};

pub use update::patch;

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

const ENDPOINT_TYPES: [&str; 3] = ["PRIVATE", "EDGE", "REGIONAL"];
const IP_TYPES: [&str; 2] = ["ipv4", "dualstack"];
const KEY_SOURCES: [&str; 2] = ["HEADER", "AUTHORIZER"];
/// Of the endpoint, here and for domain names.
pub(super) const ACCESS_MODES: [&str; 2] = ["BASIC", "STRICT"];
/// In the order of the service model; the one in which AWS prints them is not known.
pub(super) const SECURITY_POLICIES: [&str; 14] = [
    "TLS_1_0",
    "TLS_1_2",
    "SecurityPolicy_TLS13_1_3_2025_09",
    "SecurityPolicy_TLS13_1_3_FIPS_2025_09",
    "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_FIPS_PFS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_Ext2_FIPS_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_PQ_2025_09",
    "SecurityPolicy_TLS13_1_2_2021_06",
    "SecurityPolicy_TLS13_2025_EDGE",
    "SecurityPolicy_TLS12_PFS_2025_EDGE",
    "SecurityPolicy_TLS12_2018_EDGE",
];
const COMPRESSION: &str = "Invalid minimum compression size, must be between 0 and 10485760";

/// What CreateRestApi says of the endpoint.
struct Endpoint {
    types: Option<Vec<String>>,
    ip_type: Option<String>,
    vpc_endpoint_ids: Vec<String>,
}

impl Endpoint {
    fn read(input: Members<'_>) -> Result<Self, AwsError> {
        let Some(endpoint) = input.structure("endpointConfiguration")? else {
            return Ok(Self { types: None, ip_type: None, vpc_endpoint_ids: Vec::new() });
        };
        Ok(Self {
            types: endpoint.texts("types")?,
            ip_type: endpoint.text("ipAddressType")?,
            vpc_endpoint_ids: endpoint.texts("vpcEndpointIds")?.unwrap_or_default(),
        })
    }
}

/// A new API from the body of CreateRestApi. `created_s` is epoch seconds.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateRestApi: types first, then constraints, then description, compression, endpoint [V a].
pub fn create(body: &Value, id: String, root_id: String, created_s: i64, scope: &Scope) -> Result<RestApi, AwsError> {
    let input = Members::of(body)?;
    let endpoint = Endpoint::read(input)?;
    let size = input.integer("minimumCompressionSize")?;
    let policy = input.text("policy")?;
    let mut api = read(input, id, root_id, created_s)?;
    constrain(input, &api, &endpoint)?;
    if api.description.as_deref() == Some("") {
        return Err(AwsError::bad_request("Description cannot be an empty string"));
    }
    api.minimum_compression_size = size.map(compression).transpose()?;
    api.endpoint_configuration = endpoint_configuration(endpoint)?;
    tags::check(&api.tags)?;
    api.policy = policy.map(|text| policy::normalise(&text, &api.id, scope)).transpose()?;
    Ok(api)
}

/// The members that need no more than their type.
fn read(input: Members<'_>, id: String, root_id: String, created_s: i64) -> Result<RestApi, AwsError> {
    let mut api = RestApi::new(id, root_id, input.text("name")?.unwrap_or_default(), created_s);
    api.description = input.text("description")?;
    api.version = input.text("version")?;
    api.binary_media_types = input.texts("binaryMediaTypes")?.unwrap_or_default();
    api.api_key_source = input.text("apiKeySource")?.unwrap_or(api.api_key_source);
    api.tags = input.map("tags", input::text)?.unwrap_or_default();
    api.disable_execute_api_endpoint = input.flag("disableExecuteApiEndpoint")?.unwrap_or_default();
    api.security_policy = input.text("securityPolicy")?;
    api.endpoint_access_mode = input.text("endpointAccessMode")?;
    Ok(api)
}

fn constrain(input: Members<'_>, api: &RestApi, endpoint: &Endpoint) -> Result<(), AwsError> {
    let mut constraints = Constraints::of("CreateRestApi");
    constraints.required("name", input.has("name"));
    constraints.one_of("apiKeySource", Some(&api.api_key_source), &KEY_SOURCES);
    constraints.each_of("endpointConfiguration.types", endpoint.types.as_deref().unwrap_or_default(), &ENDPOINT_TYPES);
    constraints.one_of("endpointConfiguration.ipAddressType", endpoint.ip_type.as_deref(), &IP_TYPES);
    constraints.one_of("securityPolicy", api.security_policy.as_deref(), &SECURITY_POLICIES);
    constraints.one_of("endpointAccessMode", api.endpoint_access_mode.as_deref(), &ACCESS_MODES);
    constraints.check()
}

fn compression(size: i64) -> Result<u32, AwsError> {
    u32::try_from(size).ok().filter(|size| *size <= 10_485_760).ok_or_else(|| AwsError::bad_request(COMPRESSION))
}

fn endpoint_configuration(given: Endpoint) -> Result<EndpointConfiguration, AwsError> {
    let types = given.types.unwrap_or_else(|| EndpointConfiguration::default().types);
    let private = match types.as_slice() {
        [] => {
            return Err(AwsError::bad_request(
                "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
            ));
        }
        [only] => only == "PRIVATE",
        _ => return Err(AwsError::bad_request("Cannot create an api with multiple Endpoint Types.")),
    };
    let ip_address_type = given.ip_type.unwrap_or_else(|| if private { "dualstack" } else { "ipv4" }.to_owned());
    let made = EndpointConfiguration { types, ip_address_type, vpc_endpoint_ids: given.vpc_endpoint_ids };
    check_endpoint(&made)?;
    Ok(made)
}

/// What the members mean together, whichever call changed them.
fn check_endpoint(endpoint: &EndpointConfiguration) -> Result<(), AwsError> {
    let private = endpoint.types.iter().any(|kind| kind == "PRIVATE");
    if private && endpoint.ip_address_type == "ipv4" {
        return Err(AwsError::bad_request("Only dualstack ipAddressType is supported for Private APIs."));
    }
    if !private && !endpoint.vpc_endpoint_ids.is_empty() {
        // AWS documents the rule, not its text.
        return Err(AwsError::bad_request("VPC endpoint ids are only supported for Private APIs."));
    }
    Ok(())
}

/// The API to copy, when CreateRestApi names one.
///
/// # Errors
/// `SerializationException`.
pub fn clone_source(body: &Value) -> Result<Option<String>, AwsError> {
    Members::of(body)?.text("cloneFrom")
}

/// A new API with the definition of `source`.
pub fn clone(source: &ApiTree, api: RestApi) -> ApiTree {
    let (old_root, new_root) = (source.api.root_resource_id.clone(), api.root_resource_id.clone());
    let renamed = |id: &str| if id == old_root { new_root.clone() } else { id.to_owned() };
    let mut tree = ApiTree { api, ..source.clone() };
    let (from, to) = (source.api.id.as_str(), tree.api.id.clone());
    for model in &mut tree.models {
        model.schema = model.schema.as_deref().map(|schema| model::relinked(schema, from, &to));
    }
    for resource in &mut tree.resources {
        resource.id = renamed(&resource.id);
        resource.parent_id = resource.parent_id.as_deref().map(renamed);
    }
    for at in &mut tree.methods {
        at.resource_id = renamed(&at.resource_id);
        if let Some(integration) = &mut at.method.method_integration {
            integration.cache_namespace = renamed(&integration.cache_namespace);
        }
    }
    tree
}

/// A new API as CreateRestApi leaves it: the root resource and the models `Empty` and `Error` (rest-admin-api §3.7).
pub fn empty(api: RestApi) -> ApiTree {
    let root = Resource { id: api.root_resource_id.clone(), parent_id: None, path_part: None, path: "/".into() };
    let models = vec![
        Model::standard("Empty", "This is a default empty schema model", EMPTY_SCHEMA),
        Model::standard("Error", "This is a default error schema model", ERROR_SCHEMA),
    ];
    ApiTree {
        api,
        resources: vec![root],
        methods: Vec::new(),
        models,
        validators: Vec::new(),
        authorizers: Vec::new(),
        gateway_responses: Vec::new(),
        documentation_parts: Vec::new(),
        documentation_version: None,
    }
}

const EMPTY_SCHEMA: &str = r#"{
  "$schema": "http://json-schema.org/draft-04/schema#",
  "title" : "Empty Schema",
  "type" : "object"
}"#;
const ERROR_SCHEMA: &str = r#"{
  "$schema" : "http://json-schema.org/draft-04/schema#",
  "title" : "Error Schema",
  "type" : "object",
  "properties" : {
    "message" : { "type" : "string" }
  }
}"#;
