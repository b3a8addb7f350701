//! The snapshot: what a deployment freezes (rest-admin-api §4.1, left column), as immutable JSON named by its SHA-256.
//!
//! No API id, deployment id, date or stage datum is in here, and the root resource's random id is left out, so an
//! unchanged API (also one exported and imported again) compiles to the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stagecoach_base::Verb;

/// Format number of [`Plan`]; a worker lists the formats it can load.
pub const FORMAT: u32 = 1;

/// A whole API as deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`] at the time of writing.
    pub format: u32,
    /// API-wide options.
    pub api: Api,
    /// Sorted by (path, verb).
    pub methods: Vec<Method>,
    /// By model name; JSON Schema text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
    /// By validator id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub validators: BTreeMap<String, Validator>,
    /// By authorizer id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub authorizers: BTreeMap<String, Authorizer>,
    /// Customised gateway responses by type name (`DEFAULT_4XX`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
}

/// API-wide options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Api {
    /// Media types treated as bytes, in the API's order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub binary_media_types: Vec<String>,
    /// Bytes; absent: no compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_compression_size: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// Refuse the default host (403 Forbidden).
    pub disable_execute_api_endpoint: bool,
    /// Resource policy, normalised JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Method {
    /// Resource template, `/pets/{id}`; the root is `/`.
    pub path: String,
    /// GET … ANY.
    pub verb: Verb,
    /// Absent for the root resource, whose random id travels in [`crate::StageSettings::root_resource_id`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// `operationName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_name: Option<String>,
    /// In evaluation order, fixed by lowering.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<Guard>,
    /// `method.request.{location}.{name}` → required.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_parameters: BTreeMap<String, bool>,
    /// Content type → model name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_models: BTreeMap<String, String>,
    /// What is called.
    pub integration: Integration,
    /// Declared method responses by status code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub responses: BTreeMap<u16, MethodResponse>,
}

/// A check that a request passes before it is mapped. Order of variants = order of evaluation (rest-data-plane §1.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Guard {
    /// The API's resource policy.
    Policy,
    /// An authorizer or IAM.
    #[serde(rename_all = "camelCase")]
    Authorize {
        /// AWS_IAM, CUSTOM, COGNITO_USER_POOLS, JWT.
        authorization_type: String,
        /// Key into [`Plan::authorizers`]; absent for AWS_IAM.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authorizer_id: Option<String>,
        /// Scopes, any of which suffices.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scopes: Vec<String>,
    },
    /// An API key of a usage plan of this stage.
    ApiKey,
    /// Stage, method and account rate limits; the numbers are in the stage's settings.
    Throttle,
    /// A request validator.
    #[serde(rename_all = "camelCase")]
    Validate {
        /// Key into [`Plan::validators`].
        validator_id: String,
    },
}

/// A declared method response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct MethodResponse {
    /// `method.response.header.{name}` → required.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, bool>,
    /// Content type → model name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
}

/// Integration types AWS closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IntegrationType {
    /// No back end.
    #[serde(rename = "MOCK")]
    Mock,
    /// HTTP with mapping.
    #[serde(rename = "HTTP")]
    Http,
    /// HTTP passed through.
    #[serde(rename = "HTTP_PROXY")]
    HttpProxy,
    /// AWS service (Lambda included) with mapping.
    #[serde(rename = "AWS")]
    Aws,
    /// Lambda proxy event.
    #[serde(rename = "AWS_PROXY")]
    AwsProxy,
}

/// Passthrough behaviours (rest-data-plane §5.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Passthrough {
    /// Pass the body when no template matches.
    #[default]
    WhenNoMatch,
    /// Pass it only when there is no template at all.
    WhenNoTemplates,
    /// 415 when no template matches.
    Never,
}

/// `contentHandling`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ContentHandling {
    /// Text becomes bytes.
    ConvertToBinary,
    /// Bytes become base64 text.
    ConvertToText,
}

/// What a method calls, and how its answer is mapped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Integration {
    /// MOCK … AWS_PROXY.
    #[serde(rename = "type")]
    pub kind: IntegrationType,
    /// Verb of the call; absent or ANY: the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_method: Option<Verb>,
    /// URL or integration ARN; `${stageVariables.x}` and `{path}` placeholders are still in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Role ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// VPC link id (or a stage variable) when `connectionType` is VPC_LINK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_link: Option<String>,
    /// ms.
    pub timeout_ms: u32,
    /// `STREAM` instead of `BUFFERED`.
    #[serde(default)]
    pub stream: bool,
    /// What happens to a body no template matches.
    pub passthrough: Passthrough,
    /// Conversion of the request body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<ContentHandling>,
    /// `integration.request.{path|querystring|header}.{name}` → expression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_parameters: BTreeMap<String, String>,
    /// Content type → template; `""` forces passthrough.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub request_templates: BTreeMap<String, String>,
    /// Sorted by status code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub responses: Vec<IntegrationResponse>,
    /// Skip chain and host-name checks of the back end's certificate.
    #[serde(default)]
    pub insecure_skip_verification: bool,
    /// Names that key the method cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cache_key_parameters: Vec<String>,
    /// Cache namespace; absent: the resource's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_namespace: Option<String>,
}

/// One row of the integration response table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IntegrationResponse {
    /// What the client gets.
    pub status: u16,
    /// Java regular expression over the whole text; absent or empty: the default row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection_pattern: Option<String>,
    /// `method.response.header.{name}` → expression.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Content type → template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
    /// Conversion of the response body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_handling: Option<ContentHandling>,
}

/// A request validator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validator {
    /// Check the body against its model.
    pub body: bool,
    /// Check required parameters.
    pub parameters: bool,
}

/// An authorizer, frozen by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authorizer {
    /// TOKEN, REQUEST, COGNITO_USER_POOLS, JWT.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name.
    pub name: String,
    /// Invocation ARN of a Lambda authorizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Comma-separated identity source expressions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_source: Option<String>,
    /// Seconds; 300 when unset.
    pub ttl_seconds: u32,
    /// Everything else the type needs, as AWS names it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, serde_json::Value>,
}

/// A customised gateway response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GatewayResponse {
    /// Absent: the type's own default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `gatewayresponse.header.{name}` → expression.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Content type → template text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub templates: BTreeMap<String, String>,
}
