//! A definition taken on by a new API or by an existing one.

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_base::{AwsError, Scope};
use stagecoach_resources::tree::MethodAt;
use stagecoach_resources::v1::{Model, Resource, RestApi, resource};
use stagecoach_resources::{ApiTree, policy};

use crate::definition::Definition;

/// What a new API needs beside its definition.
#[derive(Clone, Debug)]
pub struct NewApi {
    /// RestApi id.
    pub id: String,
    /// Id of the root resource.
    pub root_id: String,
    /// Epoch seconds.
    pub now_s: i64,
    /// `endpointConfigurationTypes`.
    pub endpoint_types: Vec<String>,
    /// For policies.
    pub scope: Scope,
}

/// How PutRestApi treats what is there (rest-admin-api §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keep what the file does not name.
    Merge,
    /// Delete it.
    Overwrite,
}

/// A new API with the definition.
///
/// # Errors
/// 400 for paths that exclude each other, or a policy that is none.
pub fn import(definition: &Definition, new: NewApi) -> Result<ApiTree, AwsError> {
    let mut api = RestApi::new(new.id, new.root_id, definition.title.clone(), new.now_s);
    if let Some(kind) = new.endpoint_types.first() {
        if !matches!(kind.as_str(), "EDGE" | "REGIONAL" | "PRIVATE") {
            return Err(AwsError::bad_request(
                "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE",
            ));
        }
        api.endpoint_configuration.types = vec![kind.clone()];
        if kind == "PRIVATE" {
            api.endpoint_configuration.ip_address_type = "dualstack".into();
        }
    }
    let root = Resource { id: api.root_resource_id.clone(), parent_id: None, path_part: None, path: "/".into() };
    let mut tree = empty(api, root);
    options(&mut tree.api, definition, Mode::Overwrite, &new.scope)?;
    fill(&mut tree, definition, &[])?;
    Ok(tree)
}

/// An existing API with the definition. Ids of paths that stay are kept; so are stages and deployments, which are not
/// part of a tree.
///
/// # Errors
/// As of [`import`].
pub fn merge(definition: &Definition, existing: &ApiTree, mode: Mode, scope: &Scope) -> Result<ApiTree, AwsError> {
    let mut tree = match mode {
        Mode::Merge => existing.clone(),
        Mode::Overwrite => {
            let root = existing.resource_by_path("/").cloned().ok_or_else(AwsError::internal)?;
            // Documentation is kept: a file says nothing about it yet.
            ApiTree { documentation_parts: existing.documentation_parts.clone(), ..empty(existing.api.clone(), root) }
        }
    };
    if !definition.title.is_empty() {
        tree.api.name.clone_from(&definition.title);
    }
    options(&mut tree.api, definition, mode, scope)?;
    fill(&mut tree, definition, &existing.resources)?;
    Ok(tree)
}

fn empty(api: RestApi, root: Resource) -> ApiTree {
    ApiTree {
        api,
        resources: vec![root],
        methods: Vec::new(),
        models: Vec::new(),
        validators: Vec::new(),
        authorizers: Vec::new(),
        gateway_responses: Vec::new(),
        documentation_parts: Vec::new(),
        documentation_version: None,
    }
}

/// API-wide options. A merge appends media types and keeps what the file does not say; an overwrite resets it [V i].
fn options(api: &mut RestApi, definition: &Definition, mode: Mode, scope: &Scope) -> Result<(), AwsError> {
    let keep = mode == Mode::Merge;
    if !keep {
        api.binary_media_types.clear();
    }
    for media_type in definition.binary_media_types.iter().flatten() {
        if !api.binary_media_types.contains(media_type) {
            api.binary_media_types.push(media_type.clone());
        }
    }
    let policy = definition.policy.as_deref().map(|text| policy::normalise(text, &api.id, scope)).transpose()?;
    take(&mut api.policy, policy.as_ref(), keep);
    take(&mut api.description, definition.description.as_ref(), keep);
    take(&mut api.version, definition.version.as_ref(), keep);
    take(&mut api.minimum_compression_size, definition.minimum_compression_size.as_ref(), keep);
    take(&mut api.security_policy, definition.security_policy.as_ref(), true);
    take(&mut api.endpoint_access_mode, definition.endpoint_access_mode.as_ref(), true);
    if let Some(source) = &definition.api_key_source {
        api.api_key_source.clone_from(source);
    }
    if let Some(disable) = definition.disable_execute_api_endpoint {
        api.disable_execute_api_endpoint = disable;
    }
    if !definition.vpc_endpoint_ids.is_empty() {
        api.endpoint_configuration.vpc_endpoint_ids.clone_from(&definition.vpc_endpoint_ids);
    }
    Ok(())
}

fn take<T: Clone>(target: &mut Option<T>, given: Option<&T>, keep: bool) {
    if given.is_some() || !keep {
        *target = given.cloned();
    }
}

/// Resources, methods and parts of the definition, over those of the tree.
fn fill(tree: &mut ApiTree, definition: &Definition, known: &[Resource]) -> Result<(), AwsError> {
    let mut index = Index::of(tree, known);
    for path in &definition.paths {
        index.ensure(tree, path)?;
    }
    for of in &definition.methods {
        let resource_id = index.ensure(tree, &of.path)?;
        let mut method = of.method.clone();
        if let Some(integration) = method.method_integration.as_mut().filter(|i| i.cache_namespace.is_empty()) {
            integration.cache_namespace.clone_from(&resource_id);
        }
        tree.methods.retain(|at| at.resource_id != resource_id || at.method.http_method != method.http_method);
        tree.methods.push(MethodAt { resource_id, method });
    }
    let models: Vec<Model> = definition.models.iter().map(|model| linked(model, &tree.api.id)).collect();
    replace(&mut tree.models, &models, |model| &model.name);
    replace(&mut tree.validators, &definition.validators, |validator| &validator.name);
    replace(&mut tree.authorizers, &definition.authorizers, |authorizer| &authorizer.name);
    replace(&mut tree.gateway_responses, &definition.gateway_responses, |response| &response.response_type);
    Ok(())
}

/// Same name: the file's one takes its place.
fn replace<T: Clone>(all: &mut Vec<T>, new: &[T], name: impl Fn(&T) -> &String) {
    let names: BTreeSet<&String> = new.iter().map(&name).collect();
    all.retain(|item| !names.contains(name(item)));
    all.extend(new.iter().cloned());
}

/// References between models become absolute URLs [V i].
fn linked(model: &Model, api_id: &str) -> Model {
    let base = format!("\"https://apigateway.amazonaws.com/restapis/{api_id}/models/");
    let link = |text: &String| text.replace("\"#/definitions/", &base).replace("\"#/components/schemas/", &base);
    Model { schema: model.schema.as_ref().map(link), ..model.clone() }
}

/// Resources by path while a tree grows.
struct Index {
    ids: BTreeMap<String, String>,
    known: BTreeMap<String, String>,
}

impl Index {
    fn of(tree: &ApiTree, known: &[Resource]) -> Self {
        let by_path = |all: &[Resource]| all.iter().map(|r| (r.path.clone(), r.id.clone())).collect();
        Self { ids: by_path(&tree.resources), known: by_path(known) }
    }

    /// The id of the resource at `path`; it and its missing ancestors are made.
    fn ensure(&mut self, tree: &mut ApiTree, path: &str) -> Result<String, AwsError> {
        if let Some(id) = self.ids.get(path) {
            return Ok(id.clone());
        }
        let (above, part) = path.rsplit_once('/').ok_or_else(AwsError::internal)?;
        let parent_id = self.ensure(tree, if above.is_empty() { "/" } else { above })?;
        let parent = tree.resource(&parent_id).cloned().ok_or_else(AwsError::internal)?;
        let named = |error: AwsError| {
            AwsError::bad_request(format!(
                "Errors found during import:\n\tUnable to create resource at path '{path}': {}",
                error.message()
            ))
        };
        let mut made = resource::create(&tree.resources, &parent.id, part).map_err(named)?;
        // A path that was there before keeps its id, unless something else took it meanwhile.
        if let Some(id) = self.known.get(path).filter(|id| tree.resource(id).is_none()) {
            made.id.clone_from(id);
        }
        self.ids.insert(path.to_owned(), made.id.clone());
        let id = made.id.clone();
        tree.resources.push(made);
        Ok(id)
    }
}
