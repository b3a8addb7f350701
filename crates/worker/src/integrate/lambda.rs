//! AWS_PROXY and AWS towards Lambda: the Invoke API of whoever runs functions (rest-data-plane §6.5, §6.6).

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method as HttpMethod, Response, Uri};
use stagecoach_base::Verb;
use stagecoach_plan::expression::Location;
use stagecoach_plan::target::{Endpoint, LambdaTarget};
use stagecoach_plan::{GatewayResponseType, Method};
use stagecoach_sigv4::{Credentials, Signer};
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
    let invocation = Invocation::of(exchange, method, &target, event, HeaderMap::new());
    let mut response = if integration.stream {
        let answered = call(core, exchange, invocation, STREAMING).await?;
        lambda_stream::read(exchange, answered).await?
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
    let Invocation { target, source, event, mut headers, within } = invocation;
    let endpoints = &core.shared.options.lambda;
    let endpoint = endpoints.iter().find(|endpoint| endpoint.matches(&target.function));
    let endpoint = endpoint.ok_or_else(|| unserved(core, &target.function))?;
    let (path, query) = invoke_path(&target.function, operation);
    let path = format!("{}{path}", endpoint.url.path);
    own_headers(&mut headers, exchange, source.as_deref(), &endpoint.url);
    let signer = Signer {
        credentials: Credentials::clone(&endpoint.credentials.get()),
        region: target.region.clone(),
        service: "lambda".into(),
    };
    signer.sign(&HttpMethod::POST, &path, &query, &mut headers, &event, exchange.wall);
    let text = if query.is_empty() { path } else { format!("{path}?{query}") };
    let uri = Uri::try_from(text).map_err(|_| Failure::configuration("Invalid Lambda function ARN"))?;
    let request = http_integration::request(HttpMethod::POST, uri, headers, UpstreamBody::Full(event));
    let call = Call { endpoint: &endpoint.url, insecure: false, trusted: true };
    let response = upstream::send(core, exchange, call, request, within).await?;
    let id = response.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok());
    exchange.notes.endpoint_request_id = id.map(str::to_owned);
    Ok(response)
}

/// A function that no endpoint runs: the operator reads which, the client nothing but AWS's 500.
fn unserved(core: &Core, function: &str) -> Failure {
    if core.may_complain() {
        tracing::warn!(function, "no --lambda-endpoint runs a function that is called");
    }
    Failure::configuration(format!("no --lambda-endpoint runs {function}"))
}

/// `/2015-03-31/functions/{arn}/invocations` and the like, the alias or version as `Qualifier`.
fn invoke_path(function: &str, (version, action): Operation) -> (String, String) {
    // arn:aws:lambda:region:account:function:name[:qualifier]
    let (name, qualifier) = match function.match_indices(':').nth(6) {
        Some((at, _)) => (function.get(..at).unwrap_or(function), function.get(at + 1..).unwrap_or_default()),
        None => (function, ""),
    };
    let path = format!("/{version}/functions/{}/{action}", encode::segment(name));
    let mut query = String::new();
    if !qualifier.is_empty() {
        encode::push_pair(&mut query, "Qualifier", qualifier);
    }
    (path, query)
}

/// Headers of the Invoke call (rest-data-plane §6.5).
fn own_headers(headers: &mut HeaderMap, exchange: &Exchange, source: Option<&str>, endpoint: &Endpoint) {
    let settings = &exchange.view.settings;
    if let Some(log) = exchange.log() {
        // Lower case on these calls, as recorded.
        log.spell("x-amzn-apigateway-api-id");
    }
    // A mapping may set these two (rest-data-plane §3.3).
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    if let Ok(agent) = HeaderValue::from_str(&format!("AmazonAPIGateway_{}", settings.api_id)) {
        headers.entry(header::USER_AGENT).or_insert(agent);
    }
    let pairs = [
        ("host", &*endpoint.authority),
        ("x-amzn-apigateway-api-id", &settings.api_id),
        ("x-amzn-lambda-integration-tag", exchange.ids.request.as_str()),
    ];
    let source = source.map(|arn| [("x-amz-source-arn", arn), ("x-amz-source-account", &settings.account)]);
    for (name, value) in pairs.into_iter().chain(source.into_iter().flatten()) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_qualifier_travels_as_a_parameter() {
        let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";

        let (path, query) = invoke_path(&format!("{arn}:live"), BUFFERED);

        assert_eq!(
            path,
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/invocations"
        );
        assert_eq!(query, "Qualifier=live");
        assert_eq!(invoke_path(arn, STREAMING).1, "");
    }
}
