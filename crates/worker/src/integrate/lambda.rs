//! AWS_PROXY and AWS towards Lambda: the Invoke API of whoever runs functions (rest-data-plane §6.5, §6.6).

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method as HttpMethod, Response, Uri};
use stagecoach_base::Verb;
use stagecoach_plan::expression::Location;
use stagecoach_plan::target::{Endpoint, LambdaTarget};
use stagecoach_plan::{GatewayResponseType, Method};
use stagecoach_sigv4::Target;
use stagecoach_vtl::gateway::Overrides;

use super::respond::{Outcome, respond};
use super::{http as http_integration, invalid_json, lambda_event, lambda_reply, lambda_stream, payload, unreadable};
use crate::body::{ReplyBody, RequestBody, UpstreamBody, UpstreamReply};
use crate::core::Core;
use crate::encode;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::mapping::Source;
use crate::upstream::{self, Call};

/// Headers of a call whose integration maps none, so that their map grows once.
const MOST_HEADERS: usize = 12;

/// What the Invoke API answered.
pub(crate) struct Invoked {
    pub(crate) status: u16,
    /// `x-amz-function-error` was there.
    pub(crate) function_error: bool,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// AWS_PROXY: the request as an event, the function's object as the answer.
pub(crate) async fn proxy(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    method: &Method,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let integration = &method.integration;
    if integration.verb.is_some_and(|verb| verb != Verb::Post) {
        return Err(Failure::late(GatewayResponseType::IntegrationFailure, "Lambda is invoked with POST only"));
    }
    let target = target(exchange, method)?;
    // Mappings are ignored for AWS_PROXY, yet an illegal one still fails the request [V].
    for mapping in integration.mappings(Location::Header) {
        http_integration::header(&mapping.name, None, true)?;
    }
    let body = body.collect().await.map_err(|error| unreadable(&error))?;
    let trace = http_integration::trace(core, exchange);
    let event = lambda_event::build(exchange, method, &trace, &body);
    let invocation = Invocation::of(exchange, method, &target, event, HeaderMap::with_capacity(MOST_HEADERS));
    let mut response = if integration.stream {
        let answered = call(core, exchange, invocation, STREAMING).await?;
        let idle = core.shared.options.stream_idle.of(&exchange.view.settings.endpoint_type);
        lambda_stream::read(exchange, answered.map(|body| body.streamed(idle))).await?
    } else {
        let invoked = invoke(core, exchange, invocation).await?;
        lambda_reply::read(exchange, &invoked)?
    };
    http_integration::add_trace(&mut response, &trace);
    Ok(response)
}

/// AWS towards Lambda: the mapped payload as the event, the function's result as the body. Other services are not built.
pub(crate) async fn mapped(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    method: &Method,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let target = target(exchange, method)?;
    let body = body.collect().await.map_err(|error| unreadable(&error))?;
    let mut headers = HeaderMap::new();
    let source = Source::request(exchange, Some(&body));
    for mapping in method.integration.mappings(Location::Header) {
        let value = source.value(&mapping.source).map_err(invalid_json)?;
        headers.extend(http_integration::header(&mapping.name, value, true)?);
    }
    let (event, overrides) = payload::request(core, exchange, method, body.clone())?;
    let headers = overridden(headers, &overrides)?;
    let trace = http_integration::trace(core, exchange);
    let invocation = Invocation::of(exchange, method, &target, event, headers);
    let invoked = invoke(core, exchange, invocation).await?;
    if matches!(invoked.status, 401 | 403) {
        return Err(Failure::configuration("Invalid permissions on Lambda function"));
    }
    lambda_reply::accepted(invoked.status, exchange)?;
    let select = error_message(&invoked);
    let outcome = Outcome { select, headers: invoked.headers, body: invoked.body, overrides };
    let mut response = respond(core, exchange, method, outcome)?;
    http_integration::add_trace(&mut response, &trace);
    Ok(response)
}

/// Mapped headers with a template's in their place.
fn overridden(mut headers: HeaderMap, overrides: &Overrides) -> Result<HeaderMap, Failure> {
    for (name, values) in &overrides.header {
        headers.remove(name);
        for value in values {
            headers.extend(http_integration::header(name, Some(value.clone()), true)?);
        }
    }
    Ok(headers)
}

/// `errorMessage` of the result is what patterns are tried on; success has none.
pub(crate) fn error_message(invoked: &Invoked) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&invoked.body).ok()?;
    value.get("errorMessage").and_then(|text| text.as_str()).map(str::to_owned)
}

fn target<'a>(exchange: &Exchange, method: &'a Method) -> Result<Cow<'a, LambdaTarget>, Failure> {
    // The caller's own credentials, which only AWS_IAM would bring.
    let role =
        method.integration.credentials.as_ref().map(|role| role.render(|_| None, |name| exchange.stage_variable(name)));
    if role.is_some_and(|role| role.ends_with(":user/*")) {
        return Err(Failure::not_built("integrations with the caller's credentials"));
    }
    if let Some(target) = &method.integration.lambda {
        return Ok(Cow::Borrowed(target));
    }
    let uri = method.integration.uri.render(|_| None, |name| exchange.stage_variable(name));
    if !LambdaTarget::is_lambda(&uri) {
        return Err(Failure::not_built(format_args!("integrations with {uri}")));
    }
    let target = LambdaTarget::parse(&uri).ok_or_else(|| Failure::configuration("Invalid Lambda function ARN"))?;
    Ok(Cow::Owned(target))
}

/// One call of a function.
pub(crate) struct Invocation<'a> {
    pub(crate) target: &'a LambdaTarget,
    /// On whose behalf, for the function's policy: a method's ARN or an authorizer's. `None`: an execution role's.
    pub(crate) source: Option<String>,
    pub(crate) event: Bytes,
    pub(crate) headers: HeaderMap,
    pub(crate) within: Duration,
}

impl<'a> Invocation<'a> {
    /// The call of a method's integration.
    fn of(exchange: &Exchange, method: &Method, target: &'a LambdaTarget, event: Bytes, headers: HeaderMap) -> Self {
        let (settings, scope) = (&exchange.view.settings, &exchange.view.scope);
        // With an execution role it is the role that calls, and its own policy decides (rest-data-plane §6.5).
        let source = method
            .integration
            .credentials
            .is_none()
            .then(|| scope.execute_api(&settings.api_id, &settings.stage, method.verb.as_str(), &method.path));
        Self { target, source, event, headers, within: method.integration.timeout }
    }
}

/// Calls a function and waits for the whole of its answer.
pub(crate) async fn invoke(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    invocation: Invocation<'_>,
) -> Result<Invoked, Failure> {
    let (parts, body) = call(core, exchange, invocation, BUFFERED).await?.into_parts();
    let body =
        body.collect(upstream::largest_envelope(core)).await.map_err(|error| upstream::broken_function(&error))?;
    if let Some(log) = exchange.log() {
        log.endpoint_body(&body);
    }
    let function_error = parts.headers.contains_key("x-amz-function-error");
    Ok(Invoked { status: parts.status.as_u16(), function_error, headers: parts.headers, body })
}

/// An operation of the Lambda API: its version, and the last segment of its path.
type Operation = (&'static str, &'static str);
const BUFFERED: Operation = ("2015-03-31", "invocations");
const STREAMING: Operation = ("2021-11-15", "response-streaming-invocations");

/// Calls a function.
async fn call(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    invocation: Invocation<'_>,
    operation: Operation,
) -> Result<Response<UpstreamReply>, Failure> {
    let Invocation { target: function, source, event, mut headers, within } = invocation;
    let endpoints = &core.shared.options.lambda;
    let endpoint = endpoints.iter().find(|endpoint| endpoint.matches(&function.function));
    let endpoint = endpoint.ok_or_else(|| unserved(core, &function.function))?;
    own_headers(&mut headers, exchange, source.as_deref(), &endpoint.url);
    let target = call_target(&endpoint.url, function, operation)?;
    let (path, query) = (target.path(), target.query().unwrap_or_default());
    let called = Target { method: &HttpMethod::POST, path, query };
    // Now, not when the request began: a body may have come for minutes.
    let now = core.wall(core.shared.clock.now());
    core.signers.sign((endpoint.credentials.get(), &function.region), called, &mut headers, &event, now);
    let uri = Uri::from(target);
    let request = http_integration::request(HttpMethod::POST, uri, headers, UpstreamBody::Full(event));
    let call = Call { endpoint: &endpoint.url, insecure: false, trusted: true };
    let response = upstream::send(core, exchange, call, request, within).await?;
    let id = response.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
    exchange.notes.endpoint_request_id = id.map(str::to_owned);
    Ok(response)
}

/// A function that no endpoint runs: the operator reads which, the client nothing but AWS's 500.
fn unserved(core: &Core, function: &str) -> Failure {
    if core.may_complain(function) {
        tracing::warn!(function, "no --lambda-endpoint runs a function that is called");
    }
    Failure::configuration(format!("no --lambda-endpoint runs {function}"))
}

/// `/2015-03-31/functions/{arn}/invocations` and the like behind the endpoint's own path, the alias or version as `Qualifier`.
fn call_target(
    endpoint: &Endpoint,
    target: &LambdaTarget,
    (version, action): Operation,
) -> Result<PathAndQuery, Failure> {
    // arn:aws:lambda:region:account:function:name[:qualifier]
    let function = target.function.as_str();
    let (name, qualifier) = match function.match_indices(':').nth(6) {
        Some((at, _)) => (function.get(..at).unwrap_or(function), function.get(at + 1..).unwrap_or_default()),
        None => (function, ""),
    };
    let mut text = String::with_capacity(192);
    text.extend([&*endpoint.path, "/", version, "/functions/"]);
    encode::push_segment(&mut text, name);
    text.extend(["/", action]);
    if !qualifier.is_empty() {
        text.push_str("?Qualifier=");
        encode::push_segment(&mut text, qualifier);
    }
    PathAndQuery::try_from(text).map_err(|_| Failure::configuration("Invalid Lambda function ARN"))
}

const INTEGRATION_TAG: HeaderName = HeaderName::from_static("x-amzn-lambda-integration-tag");
const SOURCE_ARN: HeaderName = HeaderName::from_static("x-amz-source-arn");
const SOURCE_ACCOUNT: HeaderName = HeaderName::from_static("x-amz-source-account");

/// Headers of the Invoke call (rest-data-plane §6.5).
fn own_headers(headers: &mut HeaderMap, exchange: &Exchange, source: Option<&str>, endpoint: &Endpoint) {
    let settings = &exchange.view.settings;
    if let Some(log) = exchange.log() {
        // Lower case on these calls, as recorded.
        log.spell("x-amzn-apigateway-api-id");
    }
    // A mapping may set these two (rest-data-plane §3.3).
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    headers.entry(header::USER_AGENT).or_insert_with(|| exchange.view.agent.clone());
    headers.insert(header::HOST, endpoint.host.clone());
    headers.insert(http_integration::API_ID, exchange.view.api_id.clone());
    let mut put =
        |name, value: &str| HeaderValue::from_str(value).is_ok_and(|value| headers.insert(name, value).is_some());
    put(INTEGRATION_TAG, exchange.ids.request.as_str());
    if let Some(arn) = source {
        put(SOURCE_ARN, arn);
        put(SOURCE_ACCOUNT, &settings.account);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_qualifier_travels_as_a_parameter() {
        let target = |function: &str, operation| {
            let target = LambdaTarget { region: String::new(), function: function.to_owned() };
            let mut endpoint = Endpoint::parse("http://a/under").unwrap();
            endpoint.path = "/under".into();
            call_target(&endpoint, &target, operation).unwrap().to_string()
        };
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
        let encoded = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af";

        assert_eq!(
            target(&format!("{arn}:live"), BUFFERED),
            format!("/under/2015-03-31/functions/{encoded}/invocations?Qualifier=live")
        );
        assert_eq!(
            target(arn, STREAMING),
            format!("/under/2021-11-15/functions/{encoded}/response-streaming-invocations")
        );
    }
}
