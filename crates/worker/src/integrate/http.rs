//! HTTP and HTTP_PROXY (rest-data-plane §3.3, §6.4).

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method as HttpMethod, Request, Response, Uri};
use stagecoach_base::Verb;
use stagecoach_plan::Method;
use stagecoach_plan::binary::Conversion;
use stagecoach_plan::target::Endpoint;

use super::convert::convert;
use super::mapped::Mapped;
use super::respond::{Outcome, respond};
use super::{payload, unreadable};
use crate::body::{ReplyBody, RequestBody, UpstreamBody, UpstreamReply};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::upstream::{self, Call};
use crate::{headers, ids};

pub(crate) const API_ID: HeaderName = HeaderName::from_static("x-amzn-apigateway-api-id");
pub(crate) const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// HTTP_PROXY: the request goes on as it came, the answer comes back as it is.
pub(crate) async fn proxy(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    method: &Method,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let verb = call_verb(exchange, method);
    let types = conversions(exchange, method);
    let (mapped, body) = if types.is_none_or(|types| !types.request.rewrites()) && !method.integration.reads_body() {
        (Mapped::evaluate(exchange, method, None)?, UpstreamBody::Stream(body))
    } else {
        let bytes = Box::pin(body.collect()).await.map_err(|error| unreadable(&error))?;
        let mapped = Mapped::evaluate(exchange, method, Some(&bytes))?;
        (mapped, UpstreamBody::Full(types.map_or(Ok(bytes.clone()), |types| rewritten(bytes, types.request))?))
    };
    let body = if carries_body(&verb) { body } else { UpstreamBody::Full(Bytes::new()) };
    let endpoint = endpoint(exchange, method, &mapped)?;
    let uri = target(&endpoint, exchange.uri.query(), &mapped.query())?;
    let trace = trace(core, exchange);
    let headers = exchange.take_headers();
    let mut headers = forward_headers(headers, exchange, trace);
    finish_headers(&mut headers, &endpoint, mapped.headers);
    let request = request(verb, uri, headers, body);
    let call = Call { endpoint: &endpoint, insecure: method.integration.insecure_skip_verification, trusted: false };
    let mut response = upstream::send(core, exchange, call, request, method.integration.timeout).await?;
    let answered = std::mem::take(response.headers_mut());
    *response.headers_mut() = headers::http_proxy_response(answered);
    let mut response = answer(core, exchange, method, types, response).await?;
    // Generated when there is no other value [V §3.4].
    response.headers_mut().entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

/// What the client gets of a back end's answer: within the limit and converted, or streamed.
async fn answer(
    core: &Core,
    exchange: &Exchange,
    method: &Method,
    types: Option<Conversions>,
    response: Response<UpstreamReply>,
) -> Result<Response<ReplyBody>, Failure> {
    if method.integration.stream {
        // However much, and as it comes: nothing is converted (rest-data-plane §3.8, "response streaming").
        let idle = core.shared.options.stream_idle.of(&exchange.view.settings.endpoint_type);
        return Ok(response.map(|body| ReplyBody::Upstream(body.streamed(idle))));
    }
    let (head, body) = response.into_parts();
    let body = body.limited(core.shared.options.max_payload).map_err(|error| upstream::broken(&error))?;
    let response = Response::from_parts(head, body);
    match types {
        None => Ok(response.map(ReplyBody::Upstream)),
        Some(types) => Box::pin(converted(core, exchange, types, response)).await,
    }
}

/// What happens to the bodies of an HTTP_PROXY call.
#[derive(Clone, Copy)]
struct Conversions {
    request: Conversion,
    /// Whether the client accepts a binary type.
    accept: bool,
}

/// `None` for an API that knows text only: its bytes pass both ways, whatever they are.
fn conversions(exchange: &Exchange, method: &Method) -> Option<Conversions> {
    let (types, handling) = (&exchange.release.binary, method.integration.content_handling);
    if types.is_empty() && handling.is_none() {
        return None;
    }
    let binary = |name| types.matches(headers::media_type(&exchange.headers, name));
    let request = Conversion::of_request(binary(header::CONTENT_TYPE), handling);
    Some(Conversions { request, accept: binary(header::ACCEPT) })
}

/// Base64 both ways; everything else passes untouched.
fn rewritten(body: Bytes, how: Conversion) -> Result<Bytes, Failure> {
    if how.rewrites() { Ok(convert(body, how)?.bytes) } else { Ok(body) }
}

/// The answer as the client's `Accept` wants it, with `contentHandling` none (rest-data-plane §3.5).
async fn converted(
    core: &Core,
    exchange: &Exchange,
    types: Conversions,
    response: Response<UpstreamReply>,
) -> Result<Response<ReplyBody>, Failure> {
    let payload = exchange.release.binary.matches(headers::media_type(response.headers(), header::CONTENT_TYPE));
    let how = Conversion::of_response(payload, types.accept, None);
    if !how.rewrites() || response.body().is_end_stream() {
        return Ok(response.map(ReplyBody::Upstream));
    }
    let (parts, body) = response.into_parts();
    let body = body.collect(core.shared.options.max_payload).await.map_err(|error| upstream::broken(&error))?;
    Ok(Response::from_parts(parts, ReplyBody::Full(rewritten(body, how)?)))
}

/// HTTP: only what is mapped goes on, and comes back.
pub(crate) async fn mapped(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    method: &Method,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let verb = call_verb(exchange, method);
    let bytes = body.collect().await.map_err(|error| unreadable(&error))?;
    let mut mapped = Mapped::evaluate(exchange, method, Some(&bytes))?;
    let (payload, overrides) = payload::request(core, exchange, method, bytes)?;
    mapped.overlay(method, &overrides)?;
    let body = if carries_body(&verb) { payload } else { Bytes::new() };
    let endpoint = endpoint(exchange, method, &mapped)?;
    let uri = target(&endpoint, None, &mapped.query())?;
    let trace = trace(core, exchange);
    let mut headers = own_headers(exchange, &verb, &trace);
    finish_headers(&mut headers, &endpoint, mapped.headers);
    let request = request(verb, uri, headers, UpstreamBody::Full(body));
    let call = Call { endpoint: &endpoint, insecure: method.integration.insecure_skip_verification, trusted: false };
    let response = upstream::send(core, exchange, call, request, method.integration.timeout).await?;
    let (parts, body) = response.into_parts();
    let body = body.collect(core.shared.options.max_payload).await.map_err(|error| upstream::broken(&error))?;
    if let Some(log) = exchange.log() {
        log.endpoint_body(&body);
    }
    let select = Some(parts.status.as_str().to_owned());
    let outcome = Outcome { select, headers: parts.headers, body, overrides };
    let mut response = respond(core, exchange, method, outcome)?;
    add_trace(&mut response, &trace);
    Ok(response)
}

/// The trace id of a request, made or kept.
pub(crate) fn trace(core: &Core, exchange: &mut Exchange) -> HeaderValue {
    let incoming = if exchange.seen.trace { exchange.headers.get(TRACE) } else { None };
    let incoming = incoming.and_then(|value| value.to_str().ok());
    let value = ids::trace_id(incoming, exchange.wall, &mut core.random.borrow_mut());
    if core.log.is_some() || exchange.execution.is_some() {
        exchange.notes.trace = value.to_str().ok().map(str::to_owned);
    }
    value
}

/// HTTP, AWS and AWS_PROXY answers carry the trace id (rest-data-plane §3.4).
pub(crate) fn add_trace(response: &mut Response<ReplyBody>, trace: &HeaderValue) {
    response.headers_mut().insert(TRACE, trace.clone());
}

/// The integration's verb, the client's when it has none.
fn call_verb(exchange: &Exchange, method: &Method) -> HttpMethod {
    match method.integration.verb.or(exchange.verb) {
        Some(Verb::Put) => HttpMethod::PUT,
        Some(Verb::Post) => HttpMethod::POST,
        Some(Verb::Delete) => HttpMethod::DELETE,
        Some(Verb::Patch) => HttpMethod::PATCH,
        Some(Verb::Options) => HttpMethod::OPTIONS,
        Some(Verb::Head) => HttpMethod::HEAD,
        Some(Verb::Get | Verb::Any) | None => HttpMethod::GET,
    }
}

fn carries_body(verb: &HttpMethod) -> bool {
    !matches!(*verb, HttpMethod::GET | HttpMethod::HEAD | HttpMethod::OPTIONS)
}

/// A mapped header; an illegal target fails the request (rest-data-plane §3.3).
pub(crate) fn header(
    name: &str,
    value: Option<String>,
    aws: bool,
) -> Result<Option<(HeaderName, HeaderValue)>, Failure> {
    if headers::is_illegal_target(name, aws) {
        return Err(Failure::configuration(format!("{name} header already present")));
    }
    if headers::is_dropped_target(name, aws) {
        return Ok(None);
    }
    let name = HeaderName::from_bytes(name.as_bytes()).ok();
    Ok(name.zip(value.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok())))
}

/// The endpoint: constant, or filled in with path mappings and stage variables.
fn endpoint<'a>(exchange: &Exchange, method: &'a Method, mapped: &Mapped) -> Result<Cow<'a, Endpoint>, Failure> {
    if let Some(endpoint) = &method.integration.endpoint {
        return Ok(Cow::Borrowed(endpoint));
    }
    // A placeholder that no mapping feeds fails the request, also when the method's path has a variable of its name
    // [V http/test_http_proxy_integration_request_data_mappings].
    let unfed = Cell::new(false);
    let path = |name: &str| {
        let found = mapped.path.iter().find(|(known, _)| &**known == name);
        unfed.set(unfed.get() || found.is_none());
        found.map(|(_, value)| Cow::Owned(value.clone()))
    };
    let text = method.integration.uri.render(path, |name| exchange.stage_variable(name));
    let endpoint = Endpoint::parse(&text).filter(|_| !unfed.get());
    endpoint.map(Cow::Owned).ok_or_else(|| Failure::configuration("Invalid endpoint address"))
}

/// Path and query of the call: what the URI itself holds, then the client's, then the mapped ones.
fn target(endpoint: &Endpoint, client: Option<&str>, mapped: &str) -> Result<Uri, Failure> {
    if client.is_none_or(str::is_empty) && mapped.is_empty() {
        return Ok(Uri::from(endpoint.target.clone()));
    }
    let invalid = |_| Failure::configuration("Invalid endpoint address");
    let parts = [&*endpoint.query, client.unwrap_or_default(), mapped];
    let mut text =
        String::with_capacity(endpoint.path.len() + 1 + parts.iter().map(|part| part.len() + 1).sum::<usize>());
    text.push_str(&endpoint.path);
    for (index, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        text.push_str(part);
    }
    Uri::try_from(text).map_err(invalid)
}

/// HTTP_PROXY: all the client sent, with the gateway's own added. Built anew with room for everything: growing the
/// client's map and taking out of it costs more.
fn forward_headers(headers: HeaderMap, exchange: &Exchange, trace: HeaderValue) -> HeaderMap {
    let mut sent = HeaderMap::with_capacity(headers.len() + 8);
    let (mut accepts, mut chain) = (false, Vec::new());
    for (name, value) in headers::entries(headers) {
        match name.as_str() {
            // A body is decoded by now; the client's coding is not the call's (rest-data-plane §3.3, §3.7).
            "host"
            | "via"
            | "content-encoding"
            | "x-amzn-trace-id"
            | "x-amzn-apigateway-api-id"
            | "x-forwarded-port"
            | "x-forwarded-proto" => {}
            "x-forwarded-for" => chain.push(value),
            "accept" => {
                accepts = true;
                sent.append(name, value);
            }
            _ => drop(sent.append(name, value)),
        }
    }
    let [address, port] = exchange.forwarded.clone();
    sent.append(TRACE, trace);
    sent.append(FORWARDED_FOR, chained(&chain, address));
    sent.append(FORWARDED_PORT, port);
    sent.append(FORWARDED_PROTO, HeaderValue::from_static(if exchange.tls { "https" } else { "http" }));
    sent.append(API_ID, exchange.view.api_id.clone());
    if !accepts {
        sent.append(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    sent
}

/// The caller's address behind whatever chain came in.
fn chained(before: &[HeaderValue], own: HeaderValue) -> HeaderValue {
    if before.is_empty() {
        return own;
    }
    let parts = before.iter().chain([&own]).filter_map(|value| value.to_str().ok());
    HeaderValue::from_str(&parts.collect::<Vec<_>>().join(", ")).unwrap_or(own)
}

/// HTTP: the gateway's own headers only.
fn own_headers(exchange: &Exchange, verb: &HttpMethod, trace: &HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if carries_body(verb) {
        let given = exchange.headers.get(header::CONTENT_TYPE).cloned();
        let value = given.unwrap_or_else(|| HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, value);
    }
    headers.insert(header::USER_AGENT, exchange.view.agent.clone());
    headers.insert(API_ID, exchange.view.api_id.clone());
    headers.insert(TRACE, trace.clone());
    headers
}

/// The endpoint's host, then the mapped headers over everything.
fn finish_headers(headers: &mut HeaderMap, endpoint: &Endpoint, mapped: Vec<(HeaderName, HeaderValue)>) {
    headers.insert(header::HOST, endpoint.host.clone());
    for (name, _) in &mapped {
        headers.remove(name);
    }
    headers.extend(mapped);
}

/// A call's request.
pub(crate) fn request(verb: HttpMethod, uri: Uri, headers: HeaderMap, body: UpstreamBody) -> Request<UpstreamBody> {
    let mut request = Request::new(body);
    *request.method_mut() = verb;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    request
}
