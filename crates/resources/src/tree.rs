//! A whole API's documents in memory: what import writes, export and lowering read.

use crate::v1::{
    Authorizer, DocumentationPart, DocumentationVersion, GatewayResponse, Method, Model, RequestValidator, Resource,
    RestApi,
};

/// Everything under one RestApi that a deployment freezes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiTree {
    /// The API itself.
    pub api: RestApi,
    /// All resources, the root included.
    pub resources: Vec<Resource>,
    /// All methods, in any order; each names its resource.
    pub methods: Vec<MethodAt>,
    /// Models.
    #[serde(default)]
    pub models: Vec<Model>,
    /// Request validators.
    #[serde(default)]
    pub validators: Vec<RequestValidator>,
    /// Authorizers.
    #[serde(default)]
    pub authorizers: Vec<Authorizer>,
    /// Customised gateway responses.
    #[serde(default)]
    pub gateway_responses: Vec<GatewayResponse>,
    /// Documentation parts of the draft; no part of a snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documentation_parts: Vec<DocumentationPart>,
    /// For an export only: the version that the stage shows, with its parts. Never stored with a tree.
    #[serde(skip)]
    pub documentation_version: Option<DocumentationVersion>,
}

/// A method and the resource that holds it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MethodAt {
    /// Id of the resource.
    pub resource_id: String,
    /// The method aggregate.
    pub method: Method,
}

impl ApiTree {
    /// The resource with `path`.
    pub fn resource_by_path(&self, path: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.path == path)
    }

    /// Path and verb of the method that `uses` something: of several, the last in path order, as AWS names it [V a].
    pub fn last_method(&self, uses: impl Fn(&&MethodAt) -> bool) -> Option<(&str, &str)> {
        let named = |at: &&MethodAt| self.resource(&at.resource_id).map_or("", |resource| resource.path.as_str());
        let users = self.methods.iter().filter(uses).map(|at| (named(&at), at.method.http_method.as_str()));
        users.max()
    }

    /// The resource with `id`.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id == id)
    }
}
