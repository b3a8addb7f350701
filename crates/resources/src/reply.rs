//! Documents as AWS shows them (rest-admin-api §2.2).

mod account;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::policy;
use crate::v1::{Deployment, Integration, IntegrationResponse, Method, MethodResponse, Resource, RestApi, Stage};

pub use account::{
    account, api_key, base_path_mapping, client_certificate, domain_name, sdk_type, usage_plan, usage_plan_key,
    vpc_link,
};

/// Which call shows a document with tags; `tags` differs (rest-admin-api §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// `tags` only when given.
    Create,
    /// `tags` always.
    Single,
    /// `tags` only when not empty.
    List,
}

/// A document that is shown as it is stored.
pub fn value(document: &impl Serialize) -> Value {
    // These types have string keys only, so serialising cannot fail.
    serde_json::to_value(document).unwrap_or_default()
}

/// A RestApi.
pub fn rest_api(api: &RestApi, kind: ReplyKind) -> Value {
    let mut shown = value(api);
    if let Some(text) = &api.policy {
        shown["policy"] = policy::escaped(text).into();
    }
    if kind == ReplyKind::Single && api.tags.is_empty() {
        shown["tags"] = json!({});
    }
    shown
}

/// A resource; `resourceMethods` appears when it has methods, in full with `embed`.
pub fn resource(resource: &Resource, methods: &[Method], embed: bool) -> Value {
    let mut shown = value(resource);
    if !methods.is_empty() {
        let entry = |m: &Method| (m.http_method.clone(), if embed { method(m) } else { json!({}) });
        shown["resourceMethods"] = Value::Object(methods.iter().map(entry).collect::<Map<_, _>>());
    }
    shown
}

/// A method with its responses and its integration.
pub fn method(method: &Method) -> Value {
    value(method)
}

/// A method response.
pub fn method_response(response: &MethodResponse) -> Value {
    value(response)
}

/// An integration with its responses.
pub fn integration(integration: &Integration) -> Value {
    value(integration)
}

/// An integration response.
pub fn integration_response(response: &IntegrationResponse) -> Value {
    value(response)
}

/// A deployment; `apiSummary` only with `embed=apisummary`.
pub fn deployment(deployment: &Deployment, embed: bool) -> Value {
    let mut shown = json!({ "id": deployment.id });
    if let Some(description) = &deployment.description {
        shown["description"] = description.as_str().into();
    }
    shown["createdDate"] = deployment.created_date.into();
    if embed {
        shown["apiSummary"] = value(&deployment.api_summary);
    }
    shown
}

/// A stage, without what is ours.
pub fn stage(stage: &Stage) -> Value {
    let mut shown = value(stage);
    if let Some(members) = shown.as_object_mut() {
        members.retain(|name, _| name != "cacheGeneration" && name != "authorizerCacheGeneration");
    }
    shown
}
