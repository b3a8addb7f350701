//! One method and its integration.

use stagecoach_plan::ir::{self, Guard, IntegrationType, Passthrough};
use stagecoach_resources::ApiTree;
use stagecoach_resources::tree::MethodAt;
use stagecoach_resources::v1::deployment::Summary;
use stagecoach_resources::v1::{Integration, IntegrationResponse, Method, MethodResponse, Resource};

use crate::{map, verb};
use stagecoach_resources::v1::deployment::MethodSummary;

/// `None` for a method whose resource or integration is missing, which `check` refuses.
pub(crate) fn lower(tree: &ApiTree, at: &MethodAt) -> Option<ir::Method> {
    let (resource, method) = (tree.resource(&at.resource_id)?, &at.method);
    Some(ir::Method {
        path: resource.path.clone(),
        verb: verb(method)?,
        resource_id: resource.parent_id.is_some().then(|| resource.id.clone()),
        operation_name: method.operation_name.clone(),
        guards: guards(tree, method),
        request_parameters: map(method.request_parameters.as_ref()),
        request_models: map(method.request_models.as_ref()),
        integration: integration(method.method_integration.as_ref()?, resource)?,
        responses: method.method_responses.values().filter_map(response).collect(),
    })
}

/// In the order requests meet them (rest-data-plane §1.1).
fn guards(tree: &ApiTree, method: &Method) -> Vec<Guard> {
    let mut guards = Vec::new();
    if tree.api.policy.is_some() {
        guards.push(Guard::Policy);
    }
    if method.authorization_type != "NONE" {
        guards.push(Guard::Authorize {
            authorization_type: method.authorization_type.clone(),
            authorizer_id: method.authorizer_id.clone(),
            scopes: method.authorization_scopes.clone(),
        });
    }
    if method.api_key_required {
        guards.push(Guard::ApiKey);
    }
    guards.push(Guard::Throttle);
    guards.extend(method.request_validator_id.clone().map(|validator_id| Guard::Validate { validator_id }));
    guards
}

fn response(response: &MethodResponse) -> Option<(u16, ir::MethodResponse)> {
    let lowered = ir::MethodResponse {
        parameters: map(response.response_parameters.as_ref()),
        models: map(response.response_models.as_ref()),
    };
    Some((response.status_code.parse().ok()?, lowered))
}

fn integration(integration: &Integration, resource: &Resource) -> Option<ir::Integration> {
    let own_namespace = integration.cache_namespace == resource.id || integration.cache_namespace.is_empty();
    Some(ir::Integration {
        kind: kind(&integration.kind)?,
        http_method: integration.http_method.as_deref().and_then(|verb| verb.parse().ok()),
        uri: integration.uri.clone(),
        credentials: integration.credentials.clone(),
        vpc_link: integration
            .connection_id
            .clone()
            .filter(|_| integration.connection_type.as_deref() == Some("VPC_LINK")),
        timeout_ms: integration.timeout_in_millis,
        stream: integration.response_transfer_mode.as_deref() == Some("STREAM"),
        passthrough: passthrough(&integration.passthrough_behavior),
        content_handling: content_handling(integration.content_handling.as_deref()),
        request_parameters: map(integration.request_parameters.as_ref()),
        request_templates: templates(integration.request_templates.as_ref()),
        responses: integration.integration_responses.values().filter_map(integration_response).collect(),
        insecure_skip_verification: integration.tls_config.as_ref().is_some_and(|tls| tls.insecure_skip_verification),
        cache_key_parameters: integration.cache_key_parameters.clone(),
        cache_namespace: Some(integration.cache_namespace.clone()).filter(|_| !own_namespace),
    })
}

fn integration_response(response: &IntegrationResponse) -> Option<ir::IntegrationResponse> {
    Some(ir::IntegrationResponse {
        status: response.status_code.parse().ok()?,
        selection_pattern: response.selection_pattern.clone().filter(|pattern| !pattern.is_empty()),
        parameters: map(response.response_parameters.as_ref()),
        templates: templates(response.response_templates.as_ref()),
        content_handling: content_handling(response.content_handling.as_deref()),
    })
}

/// A template put as `""` is stored as null and forces pass-through (rest-data-plane §5.3).
fn templates(
    templates: Option<&std::collections::BTreeMap<String, Option<String>>>,
) -> std::collections::BTreeMap<String, String> {
    let entries = templates.into_iter().flatten();
    entries.map(|(media_type, text)| (media_type.clone(), text.clone().unwrap_or_default())).collect()
}

fn kind(text: &str) -> Option<IntegrationType> {
    Some(match text {
        "MOCK" => IntegrationType::Mock,
        "HTTP" => IntegrationType::Http,
        "HTTP_PROXY" => IntegrationType::HttpProxy,
        "AWS" => IntegrationType::Aws,
        "AWS_PROXY" => IntegrationType::AwsProxy,
        _ => return None,
    })
}

fn passthrough(text: &str) -> Passthrough {
    match text {
        "NEVER" => Passthrough::Never,
        "WHEN_NO_TEMPLATES" => Passthrough::WhenNoTemplates,
        _ => Passthrough::WhenNoMatch,
    }
}

fn content_handling(text: Option<&str>) -> Option<ir::ContentHandling> {
    match text? {
        "CONVERT_TO_BINARY" => Some(ir::ContentHandling::ConvertToBinary),
        "CONVERT_TO_TEXT" => Some(ir::ContentHandling::ConvertToText),
        _ => None,
    }
}

/// `apiSummary` of the deployment that these documents become: path → VERB → facts.
pub fn summary(tree: &ApiTree) -> Summary {
    let mut summary = Summary::new();
    for at in &tree.methods {
        let Some(resource) = tree.resource(&at.resource_id) else { continue };
        let facts = MethodSummary {
            authorization_type: at.method.authorization_type.clone(),
            api_key_required: at.method.api_key_required,
        };
        summary.entry(resource.path.clone()).or_default().insert(at.method.http_method.clone(), facts);
    }
    summary
}
