//! Documents to a snapshot: the only place where AWS's shapes become the plan's.
//!
//! Must not know: the store, the feed, the clock. The same documents lower to the same bytes; ids that are random (API,
//! root resource, deployment) are left out or made relative.

mod canonical;
mod check;
mod method;
mod settings;

use std::collections::BTreeMap;

use stagecoach_plan::ir;
use stagecoach_resources::v1::{Authorizer, GatewayResponse, Method, RestApi};
use stagecoach_resources::{ApiTree, policy};

pub use check::{Problem, check};
pub use method::summary;
pub use settings::stage_settings;

/// Lowers documents that passed [`check`].
pub fn lower(tree: &ApiTree) -> ir::Plan {
    let mut methods: Vec<ir::Method> = tree.methods.iter().filter_map(|at| method::lower(tree, at)).collect();
    methods.sort_by(|a, b| (&a.path, a.verb).cmp(&(&b.path, b.verb)));
    let models = tree.models.iter().filter_map(|model| {
        let schema = model.schema.as_deref()?;
        Some((model.name.clone(), canonical::schema(schema, &tree.api.id)))
    });
    let validators = tree.validators.iter().map(|validator| {
        let lowered =
            ir::Validator { body: validator.validate_request_body, parameters: validator.validate_request_parameters };
        (validator.id.clone(), lowered)
    });
    ir::Plan {
        format: ir::FORMAT,
        api: api(&tree.api),
        methods,
        models: models.collect(),
        validators: validators.collect(),
        authorizers: tree.authorizers.iter().map(|a| (a.id.clone(), authorizer(a))).collect(),
        gateway_responses: tree.gateway_responses.iter().map(gateway_response).collect(),
    }
}

fn api(api: &RestApi) -> ir::Api {
    ir::Api {
        binary_media_types: api.binary_media_types.clone(),
        minimum_compression_size: api.minimum_compression_size,
        api_key_source: api.api_key_source.clone(),
        disable_execute_api_endpoint: api.disable_execute_api_endpoint,
        policy: api.policy.as_deref().map(|text| policy::relative(text, &api.id)),
    }
}

/// Lowers one authorizer.
pub fn authorizer(authorizer: &Authorizer) -> ir::Authorizer {
    let mut options = authorizer.options.clone();
    let mut text = |name: &str| options.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (uri, identity_source) = (text("authorizerUri"), text("identitySource"));
    let ttl = options.remove("authorizerResultTtlInSeconds").and_then(|ttl| ttl.as_u64());
    ir::Authorizer {
        kind: authorizer.kind.clone(),
        name: authorizer.name.clone(),
        uri,
        identity_source,
        // 300 when unset (rest-admin-api §3.9).
        ttl_seconds: ttl.and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(300),
        options,
    }
}

fn gateway_response(response: &GatewayResponse) -> (String, ir::GatewayResponse) {
    let lowered = ir::GatewayResponse {
        status: response.status_code.as_deref().and_then(|status| status.parse().ok()),
        parameters: response.response_parameters.clone(),
        templates: response.response_templates.clone(),
    };
    (response.response_type.clone(), lowered)
}

/// The verb of a stored method; documents hold only valid ones.
fn verb(method: &Method) -> Option<stagecoach_base::Verb> {
    method.http_method.parse().ok()
}

/// An optional map without the difference between absent and empty.
fn map<V: Clone>(map: Option<&BTreeMap<String, V>>) -> BTreeMap<String, V> {
    map.cloned().unwrap_or_default()
}
