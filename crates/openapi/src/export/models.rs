//! Models of an export.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use stagecoach_base::AwsError;
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::Model;

use super::ExportOptions;

/// `application/json`, `application/hal+json`, with parameters or without.
fn is_json(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

/// The model for JSON bodies among those by media type; plain `application/json` is preferred.
pub(super) fn json(models: &BTreeMap<String, String>) -> Option<&String> {
    let plain = models.get("application/json");
    plain.or_else(|| models.iter().find(|(media_type, _)| is_json(media_type)).map(|(_, name)| name))
}

/// AWS exports JSON bodies only [D DG:api-gateway-export-api].
pub(super) fn check(tree: &ApiTree) -> Result<(), AwsError> {
    for at in &tree.methods {
        let of_responses = at.method.method_responses.values().filter_map(|response| response.response_models.as_ref());
        let mut bodies = at.method.request_models.iter().chain(of_responses);
        if bodies.any(|models| !models.is_empty() && json(models).is_none()) {
            let path = tree.resource(&at.resource_id).map_or("", |resource| &resource.path);
            return Err(AwsError::bad_request(format!(
                "Only found non-JSON body models for method '{}' on resource '{path}'",
                at.method.http_method
            )));
        }
    }
    Ok(())
}

/// Schemas by name: those that something refers to, or all of them when the export is to be complete. A plain export
/// leaves out `$schema`, which is no member of OpenAPI's schemas.
pub(super) fn schemas(tree: &ApiTree, options: &ExportOptions) -> Map<String, Value> {
    let complete = options.extensions.apigateway;
    let used = used(tree);
    let shown = tree
        .models
        .iter()
        .filter(|model| used.contains(model.name.as_str()) || (complete && is_json(&model.content_type)));
    let schema = |model: &Model| {
        let link = link(tree);
        let text = model.schema.clone().unwrap_or_default().replace(&link, options.kind.dialect().schema_prefix());
        let mut schema = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "type": "object" }));
        if let Value::Object(members) = &mut schema {
            members.retain(|member, _| complete || member != "$schema");
        }
        (model.name.clone(), schema)
    };
    shown.map(schema).collect()
}

/// What references between the models of an API begin with.
fn link(tree: &ApiTree) -> String {
    format!("https://apigateway.amazonaws.com/restapis/{}/models/", tree.api.id)
}

/// Models that methods name, and those that these refer to.
fn used(tree: &ApiTree) -> BTreeSet<&str> {
    let by_name: BTreeMap<&str, &Model> = tree.models.iter().map(|model| (model.name.as_str(), model)).collect();
    let link = link(tree);
    let of_responses = |at: &'_ stagecoach_resources::tree::MethodAt| {
        let models = at.method.method_responses.values().filter_map(|response| response.response_models.clone());
        models.chain(at.method.request_models.clone()).flat_map(BTreeMap::into_values).collect::<Vec<_>>()
    };
    let mut waiting: Vec<String> = tree.methods.iter().flat_map(of_responses).collect();
    let mut used = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        let Some((name, model)) = by_name.get_key_value(name.as_str()) else { continue };
        if used.insert(*name) {
            let schema = model.schema.as_deref().unwrap_or_default();
            let targets = schema.split(link.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
            waiting.extend(targets.map(str::to_owned));
        }
    }
    used
}
