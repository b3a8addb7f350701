//! A definition read from a file, before it becomes an API.

use stagecoach_resources::v1::documentation::Location;
use stagecoach_resources::v1::{Authorizer, GatewayResponse, Method, Model, RequestValidator};

/// What a file defines. Ids of parts are derived from their names; references between models are still `#/…/Name`.
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// `info.title`.
    pub title: String,
    /// `info.description`.
    pub description: Option<String>,
    /// `info.version`.
    pub version: Option<String>,
    /// `x-amazon-apigateway-binary-media-types`; `None` when the file does not say.
    pub binary_media_types: Option<Vec<String>>,
    /// `x-amazon-apigateway-minimum-compression-size`.
    pub minimum_compression_size: Option<u32>,
    /// `x-amazon-apigateway-api-key-source`.
    pub api_key_source: Option<String>,
    /// `x-amazon-apigateway-policy`, normalised but for the API's id.
    pub policy: Option<String>,
    /// `x-amazon-apigateway-endpoint-configuration`.
    pub disable_execute_api_endpoint: Option<bool>,
    /// `x-amazon-apigateway-endpoint-configuration`.
    pub vpc_endpoint_ids: Vec<String>,
    /// `x-amazon-apigateway-security-policy`.
    pub security_policy: Option<String>,
    /// `x-amazon-apigateway-endpoint-access-mode`.
    pub endpoint_access_mode: Option<String>,
    /// Full paths, base path applied, methods or not.
    pub paths: Vec<String>,
    /// Methods with their paths.
    pub methods: Vec<MethodOf>,
    /// Schemas.
    pub models: Vec<Model>,
    /// Validators.
    pub validators: Vec<RequestValidator>,
    /// Authorizers.
    pub authorizers: Vec<Authorizer>,
    /// Gateway responses.
    pub gateway_responses: Vec<GatewayResponse>,
    /// Documentation; `None` when the caller asked to leave it alone.
    pub documentation: Option<Documentation>,
}

/// Documentation of a file: what it lists, and what its descriptions say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documentation {
    /// `x-amazon-apigateway-documentation.version`.
    pub version: Option<String>,
    /// One per location.
    pub parts: Vec<Part>,
}

/// A documentation part without an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is about.
    pub location: Location,
    /// JSON text.
    pub properties: String,
}

/// A method of a definition. Its integration's cache namespace is empty when the file names none.
#[derive(Clone, Debug)]
pub struct MethodOf {
    /// Full path.
    pub path: String,
    /// The method.
    pub method: Method,
}
