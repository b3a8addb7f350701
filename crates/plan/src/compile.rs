//! [`Plan`] to [`Release`]: the same function on the control plane before a deployment is accepted and on a worker.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderValue;

use crate::binary::BinaryTypes;
use crate::cache_key::CacheKey;
use crate::expression::{HeaderMapping, RequestMapping, Side};
use crate::gateway::GatewayResponseType;
use crate::integration::{Integration, Response};
use crate::ir::{self, IntegrationType, Plan};
use crate::release::{self, GatewayResponse, GatewayTemplate, Method, Release};
use crate::router::{Router, variable_names};
use crate::schema::Schemas;
use crate::selection::Selection;
use crate::substitution::Substitution;
use crate::target::{Endpoint, LambdaTarget, UriTemplate};
use crate::templates::Templates;
use crate::validation::{self, Validation};

/// Ceilings the operator chose.
#[derive(Clone, Copy, Debug)]
pub struct CompileLimits {
    /// Methods of one API.
    pub methods: usize,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { methods: 100_000 }
    }
}

/// Something in a plan that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}")]
pub struct Problem {
    /// `GET /pets`, or what else has it.
    pub at: String,
    /// What is wrong.
    pub message: String,
}

type Compiled<T> = Result<T, String>;

impl Release {
    /// Compiles a plan.
    ///
    /// # Errors
    /// Every problem found, in the order of the plan.
    pub fn compile(plan: &Plan, limits: &CompileLimits) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if plan.methods.len() > limits.methods {
            let message = format!("has {} methods, more than the {} allowed", plan.methods.len(), limits.methods);
            return Err(vec![Problem { at: "API".into(), message }]);
        }
        let (mut router, mut methods) = (Router::default(), Vec::with_capacity(plan.methods.len()));
        let schemas = validation::schemas(plan);
        for (index, method) in plan.methods.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let routed = router.insert(&method.path, method.verb, number).map_err(|error| error.to_string());
            match routed.and_then(|()| compile_method(plan, method, &schemas)) {
                Ok(method) => methods.push(method),
                Err(message) => problems.push(Problem { at: format!("{} {}", method.verb, method.path), message }),
            }
        }
        let gateway_responses = compile_gateway_responses(&plan.gateway_responses, &mut problems);
        match problems.is_empty() {
            true => {
                let binary = BinaryTypes::new(&plan.api.binary_media_types);
                let kept_headers = release::kept_headers(&gateway_responses);
                Ok(Self { api: plan.api.clone(), binary, router, methods, gateway_responses, kept_headers })
            }
            false => Err(problems),
        }
    }
}

fn compile_method(plan: &Plan, method: &ir::Method, schemas: &Schemas) -> Compiled<Method> {
    Ok(Method {
        path: method.path.as_str().into(),
        verb: method.verb,
        resource_id: method.resource_id.as_deref().map(Into::into),
        operation_name: method.operation_name.as_deref().map(Into::into),
        guards: method.guards.clone(),
        variables: variable_names(&method.path).map(Into::into).collect(),
        validation: Validation::compile(plan, method, schemas)?,
        integration: compile_integration(method)?,
    })
}

fn compile_integration(method: &ir::Method) -> Compiled<Integration> {
    let plan = &method.integration;
    let uri = UriTemplate::parse(plan.uri.as_deref().unwrap_or_default());
    let mapping = |(key, value): (&String, &String)| RequestMapping::parse(key, value).map_err(|e| e.to_string());
    let parameters = plan.request_parameters.iter().map(mapping).collect::<Compiled<Vec<_>>>()?;
    let mut selection = Selection::default();
    let mut rows: Vec<&ir::IntegrationResponse> = plan.responses.iter().collect();
    rows.sort_by_key(|row| row.status);
    let mut responses = Vec::with_capacity(rows.len());
    for (index, row) in rows.into_iter().enumerate() {
        let pattern = row.selection_pattern.as_deref();
        let invalid = |error: Box<fancy_regex::Error>| {
            format!("selection pattern `{}` is not supported: {error}", pattern.unwrap_or_default())
        };
        selection.add(pattern, index).map_err(invalid)?;
        responses.push(compile_response(row, method)?);
    }
    Ok(Integration {
        kind: plan.kind,
        verb: plan.http_method.filter(|verb| *verb != stagecoach_base::Verb::Any),
        endpoint: endpoint(plan.kind, &uri)?,
        lambda: uri.constant().filter(|_| is_aws(plan.kind)).and_then(LambdaTarget::parse),
        uri,
        credentials: plan.credentials.as_deref().map(UriTemplate::parse),
        vpc_link: plan.vpc_link.is_some(),
        timeout: Duration::from_millis(u64::from(plan.timeout_ms)),
        stream: plan.stream
            || (plan.kind == IntegrationType::AwsProxy && plan.uri.as_deref().is_some_and(LambdaTarget::is_streaming)),
        passthrough: plan.passthrough,
        content_handling: plan.content_handling,
        cache_key: CacheKey::new(plan.cache_namespace.as_deref(), &plan.cache_key_parameters, &parameters),
        parameters,
        templates: templates(&plan.request_templates, "request")?,
        responses,
        selection,
        insecure_skip_verification: plan.insecure_skip_verification,
    })
}

fn is_aws(kind: IntegrationType) -> bool {
    matches!(kind, IntegrationType::Aws | IntegrationType::AwsProxy)
}

/// A constant URL is checked here; a template only once it is filled in.
fn endpoint(kind: IntegrationType, uri: &UriTemplate) -> Compiled<Option<Endpoint>> {
    match (kind, uri.constant()) {
        (IntegrationType::Http | IntegrationType::HttpProxy, Some(url)) => {
            Endpoint::parse(url).map(Some).ok_or_else(|| format!("`{url}` is not an HTTP endpoint"))
        }
        _ => Ok(None),
    }
}

fn compile_response(row: &ir::IntegrationResponse, method: &ir::Method) -> Compiled<Response> {
    let mapping = |(key, value): (&String, &String)| {
        HeaderMapping::parse(key, "method.response.", value, Side::Response).map_err(|error| error.to_string())
    };
    // A header that the method response does not declare is not sent, were it mapped before the declaration went.
    let declared = method.responses.get(&row.status);
    let sent = row.parameters.iter().filter(|(key, _)| declared.is_none_or(|it| it.parameters.contains_key(*key)));
    Ok(Response {
        status: row.status,
        declared: declared.is_some(),
        parameters: sent.map(mapping).collect::<Compiled<_>>()?,
        templates: templates(&row.templates, "response")?,
        content_handling: row.content_handling,
    })
}

fn templates(texts: &BTreeMap<String, String>, side: &str) -> Compiled<Templates> {
    Templates::parse(texts).map_err(|(media_type, error)| format!("the {side} template for {media_type}: {error}"))
}

fn compile_gateway_responses(
    plan: &BTreeMap<String, ir::GatewayResponse>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'static str, GatewayResponse> {
    let mut compiled = BTreeMap::new();
    for (name, response) in plan {
        match (GatewayResponseType::parse(name), compile_gateway_response(response)) {
            (Some(kind), Ok(response)) => drop(compiled.insert(kind.facts().name, response)),
            (None, _) => problems.push(Problem { at: name.clone(), message: "is no gateway response type".into() }),
            (_, Err(message)) => problems.push(Problem { at: format!("gateway response {name}"), message }),
        }
    }
    compiled
}

fn compile_gateway_response(response: &ir::GatewayResponse) -> Compiled<GatewayResponse> {
    // Paths and query strings are accepted as targets and mean nothing in an answer (rest-data-plane §2.2, rule 3).
    let headers = response.parameters.iter().filter(|(key, _)| !is_idle_target(key));
    let mapping = |(key, value): (&String, &String)| {
        HeaderMapping::parse(key, "gatewayresponse.", value, Side::Gateway).map_err(|error| error.to_string())
    };
    let template = |(media_type, text): (&String, &String)| {
        let content_type = HeaderValue::from_str(media_type).map_err(|_| format!("`{media_type}` is no media type"))?;
        Ok(GatewayTemplate { media_type: media_type.as_str().into(), content_type, text: Substitution::parse(text) })
    };
    Ok(GatewayResponse {
        status: response.status,
        parameters: headers.map(mapping).collect::<Compiled<_>>()?,
        templates: response.templates.iter().map(template).collect::<Compiled<_>>()?,
    })
}

fn is_idle_target(key: &str) -> bool {
    key.starts_with("gatewayresponse.path.") || key.starts_with("gatewayresponse.querystring.")
}
