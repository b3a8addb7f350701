//! TestInvokeAuthorizer.

use std::rc::Rc;
use std::time::Duration;

use http::HeaderMap;
use stagecoach_base::Verb;
use stagecoach_plan::ir::{self, Integration, IntegrationType, Passthrough, Plan};
use stagecoach_plan::target::{LambdaTarget, UriTemplate};
use stagecoach_plan::test_invoke::{AuthorizerTest, AuthorizerTestResult, METHOD_ARN_STAGE, TestError};
use stagecoach_plan::{CompileLimits, Release};

use super::request;
use crate::authorizer::identity::{self, Missing};
use crate::authorizer::output::{self, Output};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::execution::mask;
use crate::failure::Failure;
use crate::integrate::lambda::{self, Invocation, Invoked};
use crate::integrate::{http as http_integration, lambda_event};

/// How long a function may take: the ceiling of every integration.
const WITHIN: Duration = Duration::from_secs(29);

/// Why an authorizer lets nobody in.
enum Refused {
    /// 401.
    Unauthorized,
    /// 500, with the line that says why.
    Configuration(String),
}

/// Shows the request to the draft authorizer.
pub(super) async fn run(core: &Rc<Core>, test: AuthorizerTest) -> Result<AuthorizerTestResult, TestError> {
    let release = stand_in()?;
    let mut exchange = request::exchange(core, test.settings.clone(), release, Verb::Get, &test.request)?;
    if let Some(log) = exchange.log() {
        log.authorizer(&test.id, &exchange);
    }
    let decided = decide(core, &mut exchange, &test).await;
    Ok(result(&exchange, decided))
}

/// A test has no method; this one stands in for it (rest-admin-api §7).
fn stand_in() -> Result<Release, TestError> {
    let integration = Integration {
        kind: IntegrationType::Mock,
        http_method: None,
        uri: None,
        credentials: None,
        vpc_link: None,
        timeout_ms: 0,
        stream: false,
        passthrough: Passthrough::default(),
        content_handling: None,
        request_parameters: Default::default(),
        request_templates: Default::default(),
        responses: Vec::new(),
        insecure_skip_verification: false,
        cache_key_parameters: Vec::new(),
        cache_namespace: None,
    };
    let method = ir::Method {
        path: "/".into(),
        verb: Verb::Get,
        resource_id: Some("test-invoke-resource-id".into()),
        operation_name: None,
        guards: Vec::new(),
        request_parameters: Default::default(),
        request_models: Default::default(),
        integration,
        responses: Default::default(),
    };
    let plan = Plan {
        format: ir::FORMAT,
        api: ir::Api::default(),
        methods: vec![method],
        models: Default::default(),
        validators: Default::default(),
        authorizers: Default::default(),
        gateway_responses: Default::default(),
    };
    Release::compile(&plan, &CompileLimits::default()).map_err(|_| TestError::Gone)
}

async fn decide(core: &Rc<Core>, exchange: &mut Exchange, test: &AuthorizerTest) -> Result<Output, Refused> {
    let shown = shown_identity(exchange, test)?;
    let event = match test.authorizer.kind.as_str() {
        "TOKEN" => {
            let token = shown.first().map(|(_, token)| token.as_str()).unwrap_or_default();
            lambda_event::authorizer_token(token, &method_arn(exchange))
        }
        "REQUEST" => {
            let arn = method_arn(exchange);
            let trace = http_integration::trace(core, exchange);
            let routed = exchange.release.clone();
            let method = routed.method(0).ok_or_else(|| configuration("no method was routed"))?;
            lambda_event::authorizer_request(exchange, method, &trace, &arn)
        }
        kind => return Err(configuration(format_args!("this gateway does not verify {kind} tokens yet"))),
    };
    let target = target(exchange, &test.authorizer)?;
    let (scope, api) = (&exchange.view.scope, &exchange.view.settings.api_id);
    let source = scope.execute_api(api, "authorizers", &test.id, "");
    let invocation =
        Invocation { target: &target, source: Some(source), event, headers: HeaderMap::new(), within: WITHIN };
    let invoked = lambda::invoke(core, exchange, invocation).await.map_err(|failure| failed(&failure))?;
    if let Some(log) = exchange.log() {
        log.value("Authorizer result body before parsing", &String::from_utf8_lossy(&invoked.body));
    }
    judge(&invoked)
}

/// Reads the identity and logs it, masked. A source that is not there is 401 before anything is called.
fn shown_identity(exchange: &Exchange, test: &AuthorizerTest) -> Result<Vec<(String, String)>, Refused> {
    let authorizer = &test.authorizer;
    let configured = authorizer.identity_source.as_deref();
    let request = authorizer.kind == "REQUEST";
    let sources = if request { configured.unwrap_or_default() } else { identity::token_source(configured) };
    let shown = match identity::read(exchange, sources, |name| test.context.get(name).cloned()) {
        Ok(shown) => shown,
        // Without a result cache the function decides what it needs (rest-data-plane §7.2).
        Err(Missing::Value) if request && authorizer.ttl_seconds == 0 => Vec::new(),
        Err(Missing::Value) => return Err(Refused::Unauthorized),
        Err(Missing::Expression(text)) => return Err(configuration(format_args!("Invalid identity source: {text}"))),
    };
    if let Some(log) = exchange.log() {
        let masked: Vec<(&str, String)> = shown.iter().map(|(name, value)| (name.as_str(), mask(value))).collect();
        let text =
            if request { crate::execution::map(masked) } else { masked.into_iter().map(|(_, text)| text).collect() };
        log.value("Incoming identity", &text);
    }
    let expression = authorizer.options.get("identityValidationExpression").and_then(|value| value.as_str());
    for (_, token) in shown.iter().filter(|_| authorizer.kind == "TOKEN") {
        if !identity::fits(expression, token).map_err(configuration)? {
            return Err(Refused::Unauthorized);
        }
    }
    Ok(shown)
}

/// `…:{api}/ESTestInvoke-stage/GET/…`.
fn method_arn(exchange: &Exchange) -> String {
    let api = &exchange.view.settings.api_id;
    exchange.view.scope.execute_api(api, METHOD_ARN_STAGE, exchange.verb_text(), &exchange.event_path())
}

fn target(exchange: &Exchange, authorizer: &ir::Authorizer) -> Result<LambdaTarget, Refused> {
    let template = UriTemplate::parse(authorizer.uri.as_deref().unwrap_or_default());
    let uri = template.render(|_| None, |name| exchange.stage_variable(name));
    LambdaTarget::parse(&uri).ok_or_else(|| configuration("Invalid authorizer URI"))
}

fn configuration(cause: impl std::fmt::Display) -> Refused {
    Refused::Configuration(format!("Execution failed due to configuration error: {cause}"))
}

/// A function that could not be called.
fn failed(failure: &Failure) -> Refused {
    Refused::Configuration(
        failure
            .log_line()
            .unwrap_or("Execution failed due to configuration error: Authorizer error".into())
            .into_owned(),
    )
}

/// What the function said (rest-data-plane §7.3, "outcome mapping").
fn judge(invoked: &Invoked) -> Result<Output, Refused> {
    match invoked.status {
        200..=299 => {}
        401 | 403 => return Err(configuration("Invalid permissions on Lambda function")),
        429 => return Err(configuration("Rate Exceeded.")),
        _ => return Err(configuration("Authorizer error")),
    }
    if invoked.function_error {
        return Err(match lambda::error_message(invoked).as_deref() {
            Some("Unauthorized") => Refused::Unauthorized,
            _ => configuration("Authorizer error"),
        });
    }
    output::parse(&invoked.body).map_err(|problem| configuration(format_args!("Invalid JSON in response: {problem}")))
}

fn result(exchange: &Exchange, decided: Result<Output, Refused>) -> AuthorizerTestResult {
    let (id, mut result) = (exchange.ids.request.as_str(), AuthorizerTestResult::default());
    let line = |text: String| {
        if let Some(log) = exchange.log() {
            log.line(text);
        }
    };
    match decided {
        // The policy is shown, not applied: it speaks of stages and methods that a test does not have.
        Ok(output) => {
            line(format!("Using valid authorizer policy for principal: {}", mask(&output.principal_id)));
            line("Successfully completed authorizer execution".into());
            result.policy = Some(output.policy.to_string());
            result.principal_id = Some(output.principal_id);
            // Which member shows the context is not recorded; this one holds lists of texts by name.
            result.authorization = output.context.into_iter().map(|(name, value)| (name, vec![value])).collect();
        }
        Err(Refused::Unauthorized) => {
            line(format!("Unauthorized request: {id}"));
            line("Unauthorized".into());
            result.client_status = 401;
        }
        Err(Refused::Configuration(why)) => {
            line(why);
            line("AuthorizerConfigurationException".into());
            result.client_status = 500;
        }
    }
    result.log = exchange.log().map(|log| log.text(id)).unwrap_or_default();
    result.latency_ms = u64::try_from(exchange.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    result
}
