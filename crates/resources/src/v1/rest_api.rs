//! RestApi (rest-admin-api §3.1).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use stagecoach_base::{AwsError, Scope};

use super::{Model, Resource, model, tags};
use crate::input::{Constraints, Members};
use crate::patch::{self, Change, Family, Op, PatchOperation, Row};
use crate::{ApiTree, Document, policy};

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
const COMPRESSION: &str = "Invalid minimum compression size, must be between 0 and 10485760";

/// A new API from the body of CreateRestApi. `created_s` is epoch seconds.
///
/// # Errors
/// rest-admin-api §2.6, rows of CreateRestApi: constraints first, then description, compression, endpoint [V a].
pub fn create(body: &Value, id: String, root_id: String, created_s: i64, scope: &Scope) -> Result<RestApi, AwsError> {
    let input = Members::of(body)?;
    let (name, description, source) = (input.text("name")?, input.text("description")?, input.text("apiKeySource")?);
    let endpoint = input.structure("endpointConfiguration")?;
    let types = endpoint.map(|e| e.texts("types")).transpose()?.flatten();
    let ip_type = endpoint.map(|e| e.text("ipAddressType")).transpose()?.flatten();
    let mut constraints = Constraints::of("CreateRestApi");
    constraints.required("name", name.is_some());
    constraints.one_of("apiKeySource", source.as_deref(), &KEY_SOURCES);
    constraints.each_of("endpointConfiguration.types", types.as_deref().unwrap_or_default(), &ENDPOINT_TYPES);
    constraints.one_of("endpointConfiguration.ipAddressType", ip_type.as_deref(), &IP_TYPES);
    constraints.check()?;
    if description.as_deref() == Some("") {
        return Err(AwsError::bad_request("Description cannot be an empty string"));
    }
    let mut api = RestApi::new(id, root_id, name.unwrap_or_default(), created_s);
    api.minimum_compression_size = input.integer("minimumCompressionSize")?.map(compression).transpose()?;
    api.endpoint_configuration = endpoint_configuration(types, ip_type)?;
    if let Some(endpoint) = endpoint {
        api.endpoint_configuration.vpc_endpoint_ids = endpoint.texts("vpcEndpointIds")?.unwrap_or_default();
    }
    api.policy = input.text("policy")?.map(|text| policy::normalise(&text, &api.id, scope)).transpose()?;
    api.description = description;
    api.version = input.text("version")?;
    api.binary_media_types = input.texts("binaryMediaTypes")?.unwrap_or_default();
    api.api_key_source = source.unwrap_or(api.api_key_source);
    api.tags = tags::given(input)?;
    api.disable_execute_api_endpoint = input.flag("disableExecuteApiEndpoint")?.unwrap_or_default();
    api.security_policy = input.text("securityPolicy")?;
    api.endpoint_access_mode = input.text("endpointAccessMode")?;
    Ok(api)
}

fn compression(size: i64) -> Result<u32, AwsError> {
    u32::try_from(size).ok().filter(|size| *size <= 10_485_760).ok_or_else(|| AwsError::bad_request(COMPRESSION))
}

fn endpoint_configuration(
    types: Option<Vec<String>>,
    ip_type: Option<String>,
) -> Result<EndpointConfiguration, AwsError> {
    let types = types.unwrap_or_else(|| EndpointConfiguration::default().types);
    match types.as_slice() {
        [] => Err(AwsError::bad_request("REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.")),
        [only] => {
            let private = only == "PRIVATE";
            let ip_address_type = ip_type.unwrap_or_else(|| if private { "dualstack" } else { "ipv4" }.to_owned());
            check_private(private, &ip_address_type)?;
            Ok(EndpointConfiguration { types, ip_address_type, vpc_endpoint_ids: Vec::new() })
        }
        _ => Err(AwsError::bad_request("Cannot create an api with multiple Endpoint Types.")),
    }
}

fn check_private(private: bool, ip_type: &str) -> Result<(), AwsError> {
    match private && ip_type == "ipv4" {
        true => Err(AwsError::bad_request("Only dualstack ipAddressType is supported for Private APIs.")),
        false => Ok(()),
    }
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

/// Applies UpdateRestApi.
///
/// # Errors
/// rest-admin-api §2.6, rows of UpdateRestApi.
pub fn patch(api: &RestApi, operations: &[PatchOperation], scope: &Scope) -> Result<RestApi, AwsError> {
    let changed = patch::apply(api, operations, TABLE, Family::B, scope)?;
    let endpoint = &changed.endpoint_configuration;
    check_private(endpoint.types.iter().any(|kind| kind == "PRIVATE"), &endpoint.ip_address_type)?;
    Ok(changed)
}

const A: Op = Op::Add;
const R: Op = Op::Replace;
const D: Op = Op::Remove;
type Done = Result<(), AwsError>;

const TABLE: &[Row<RestApi, Scope>] = &[
    Row { path: "/name", ops: &[R], apply: |api, change, _| set_name(api, change) },
    Row {
        path: "/description",
        ops: &[A, R, D],
        apply: |api, change, _| {
            api.description = change.text();
            Ok(())
        },
    },
    Row { path: "/policy", ops: &[R], apply: set_policy },
    Row { path: "/apiKeySource", ops: &[R], apply: |api, change, _| set_key_source(api, change) },
    Row {
        path: "/disableExecuteApiEndpoint",
        ops: &[R],
        apply: |api, change, _| {
            api.disable_execute_api_endpoint = change.flag();
            Ok(())
        },
    },
    Row {
        path: "/securityPolicy",
        ops: &[R],
        apply: |api, change, _| {
            api.security_policy = change.text();
            Ok(())
        },
    },
    Row {
        path: "/endpointAccessMode",
        ops: &[R],
        apply: |api, change, _| {
            api.endpoint_access_mode = change.text();
            Ok(())
        },
    },
    Row { path: "/minimumCompressionSize", ops: &[R], apply: |api, change, _| set_compression(api, change) },
    Row { path: "/binaryMediaTypes/{}", ops: &[A, R, D], apply: |api, change, _| change_media_types(api, change) },
    // AWS refuses add and remove with a text of their own, which the row's function gives.
    Row { path: "/endpointConfiguration/types/{}", ops: &[A, R, D], apply: |api, change, _| set_type(api, change) },
    Row { path: "/endpointConfiguration/ipAddressType", ops: &[R], apply: |api, change, _| set_ip_type(api, change) },
    Row { path: "/endpointConfiguration/vpcEndpointIds", ops: &[A, D], apply: |api, change, _| vpc_ids(api, change) },
    Row {
        path: "/endpointConfiguration/vpcEndpointIds/{}",
        ops: &[A, D],
        apply: |api, change, _| vpc_ids(api, change),
    },
];

fn set_name(api: &mut RestApi, change: &Change<'_>) -> Done {
    api.name = change.text().ok_or_else(|| AwsError::bad_request("Name cannot be empty"))?;
    Ok(())
}

fn set_policy(api: &mut RestApi, change: &Change<'_>, scope: &Scope) -> Done {
    api.policy = change.text().map(|text| policy::normalise(&text, &api.id, scope)).transpose()?;
    Ok(())
}

fn set_key_source(api: &mut RestApi, change: &Change<'_>) -> Done {
    let source = change.value.filter(|value| KEY_SOURCES.contains(value));
    let invalid = || AwsError::bad_request("Invalid ApiKeySource specified. Valid options are HEADER,AUTHORIZER");
    api.api_key_source = source.ok_or_else(invalid)?.to_owned();
    Ok(())
}

/// No value, or an empty one, switches compression off [V a, CH, ZP].
fn set_compression(api: &mut RestApi, change: &Change<'_>) -> Done {
    let number = |text: String| text.parse().map_err(|_| AwsError::bad_request(COMPRESSION)).and_then(compression);
    api.minimum_compression_size = change.text().map(number).transpose()?;
    Ok(())
}

/// Replace removes the key and appends the value [V a].
fn change_media_types(api: &mut RestApi, change: &Change<'_>) -> Done {
    let types = &mut api.binary_media_types;
    types.retain(|known| known != change.key);
    match change.op {
        Op::Remove => {}
        Op::Replace => types.push(change.text().unwrap_or_else(|| change.key.to_owned())),
        _ => types.push(change.key.to_owned()),
    }
    Ok(())
}

fn set_type(api: &mut RestApi, change: &Change<'_>) -> Done {
    if change.op != Op::Replace {
        return Err(AwsError::bad_request("Invalid patch operation specified. Must be 'add'|'remove'|'replace'"));
    }
    let invalid = || AwsError::bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE");
    let kind = change.value.filter(|value| ENDPOINT_TYPES.contains(value)).ok_or_else(invalid)?;
    api.endpoint_configuration.types = vec![kind.to_owned()];
    if kind == "PRIVATE" {
        api.endpoint_configuration.ip_address_type = "dualstack".into();
    }
    Ok(())
}

fn set_ip_type(api: &mut RestApi, change: &Change<'_>) -> Done {
    let invalid = || AwsError::bad_request("ipAddressType must be either ipv4 or dualstack.");
    api.endpoint_configuration.ip_address_type =
        change.value.filter(|value| IP_TYPES.contains(value)).ok_or_else(invalid)?.to_owned();
    Ok(())
}

/// Terraform sends the id as the value, without a key in the path.
fn vpc_ids(api: &mut RestApi, change: &Change<'_>) -> Done {
    let id = if change.key.is_empty() { change.value.unwrap_or_default() } else { change.key };
    let ids = &mut api.endpoint_configuration.vpc_endpoint_ids;
    ids.retain(|known| known != id);
    if change.op == Op::Add && !id.is_empty() {
        ids.push(id.to_owned());
    }
    Ok(())
}
