//! A definition taken on by a new API or by an existing one.

mod documentation;
mod resources;

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_base::{AwsError, Scope};
use stagecoach_resources::tree::MethodAt;
use stagecoach_resources::v1::{Method, Model, Resource, RestApi};
use stagecoach_resources::{ApiTree, policy};

use crate::definition::Definition;

pub use documentation::merge_parts;
use resources::Paths;

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
    if new.endpoint_types.len() > 1 {
        return Err(AwsError::bad_request("Cannot create an api with multiple Endpoint Types."));
    }
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
    if let Some(given) = &definition.documentation {
        tree.documentation_parts = merge_parts(&[], &given.parts, Mode::Overwrite);
    }
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
            // What becomes of documentation is decided with the parts of the file.
            ApiTree { documentation_parts: existing.documentation_parts.clone(), ..empty(existing.api.clone(), root) }
        }
    };
    if !definition.title.is_empty() {
        tree.api.name.clone_from(&definition.title);
    }
    options(&mut tree.api, definition, mode, scope)?;
    let definition = if mode == Mode::Merge { &with_known_ids(definition, existing) } else { definition };
    fill(&mut tree, definition, &existing.resources)?;
    if let Some(given) = &definition.documentation {
        tree.documentation_parts = merge_parts(&existing.documentation_parts, &given.parts, mode);
    }
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

/// Parts of the file that the API has under the same name keep the API's ids: methods that a merge keeps refer to them.
fn with_known_ids(definition: &Definition, existing: &ApiTree) -> Definition {
    let mut definition = definition.clone();
    keep_ids(&mut definition.models, &existing.models, |model| &model.name, |model| &mut model.id);
    let validators =
        keep_ids(&mut definition.validators, &existing.validators, |one| &one.name, |validator| &mut validator.id);
    let authorizers =
        keep_ids(&mut definition.authorizers, &existing.authorizers, |one| &one.name, |authorizer| &mut authorizer.id);
    for of in &mut definition.methods {
        rename(&mut of.method.authorizer_id, &authorizers);
        rename(&mut of.method.request_validator_id, &validators);
    }
    definition
}

/// Answers old ids by the new ones they take the place of.
fn keep_ids<T: Clone>(
    new: &mut [T],
    existing: &[T],
    name: impl Fn(&T) -> &String,
    id: impl Fn(&mut T) -> &mut String,
) -> BTreeMap<String, String> {
    let known: BTreeMap<String, String> =
        existing.iter().map(|item| (name(item).clone(), id(&mut item.clone()).clone())).collect();
    let mut renamed = BTreeMap::new();
    for item in new {
        if let Some(old) = known.get(name(item)) {
            renamed.insert(std::mem::replace(id(item), old.clone()), old.clone());
        }
    }
    renamed
}

fn rename(id: &mut Option<String>, renamed: &BTreeMap<String, String>) {
    if let Some(old) = id.as_ref().and_then(|id| renamed.get(id)) {
        *id = Some(old.clone());
    }
}

/// Resources, methods and parts of the definition, over those of the tree.
fn fill(tree: &mut ApiTree, definition: &Definition, known: &[Resource]) -> Result<(), AwsError> {
    let mut paths = Paths::of(tree, known);
    for path in &definition.paths {
        paths.ensure(tree, path)?;
    }
    let key = |resource_id: &str, method: &Method| (resource_id.to_owned(), method.http_method.clone());
    let at = tree.methods.iter().enumerate().map(|(position, at)| (key(&at.resource_id, &at.method), position));
    let mut positions: BTreeMap<(String, String), usize> = at.collect();
    for of in &definition.methods {
        let resource_id = paths.ensure(tree, &of.path)?;
        let mut method = of.method.clone();
        if let Some(integration) = method.method_integration.as_mut().filter(|i| i.cache_namespace.is_empty()) {
            integration.cache_namespace.clone_from(&resource_id);
        }
        let position = *positions.entry(key(&resource_id, &method)).or_insert(tree.methods.len());
        let made = MethodAt { resource_id, method };
        match tree.methods.get_mut(position) {
            Some(slot) => *slot = made,
            None => tree.methods.push(made),
        }
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
    let base = format!("\"$ref\":\"https://apigateway.amazonaws.com/restapis/{api_id}/models/");
    let link = |text: &String| {
        let text = text.replace("\"$ref\":\"#/definitions/", &base);
        text.replace("\"$ref\":\"#/components/schemas/", &base)
    };
    Model { schema: model.schema.as_ref().map(link), ..model.clone() }
}
