//! The pipeline: parse → locate → guards → integrate → finish (rest-data-plane §1.1).

use std::rc::Rc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use stagecoach_base::Verb;
use stagecoach_plan::GatewayResponseType;

use crate::body::{ReplyBody, RequestBody};
use crate::coding::{self, Coding};
use crate::core::Core;
use crate::exchange::{Exchange, Ids, Notes, Wire};
use crate::execution::{ExecutionLog, traffic};
use crate::failure::{self, Failure};
use crate::front::Peer;
use crate::guard::Seen;
use crate::ids::{self, RequestId};
use crate::{cache, cors, explain, guard, headers, integrate, locate};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
pub(crate) const EXTENDED_ID: HeaderName = HeaderName::from_static("x-amz-apigw-id");
/// Names the API of a request to a VPC endpoint's own name [V integrations/test_create_execute_api_vpc_endpoint].
const API_ID: HeaderName = HeaderName::from_static("x-apigw-api-id");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Answers one request.
pub(crate) async fn handle(core: &Rc<Core>, peer: &Peer, request: Request<Incoming>) -> Response<ReplyBody> {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    peer.activity.names.advance();
    let seen = match guard::check(&parts) {
        Ok(seen) => seen,
        Err(refusal) => return refused(refusal),
    };
    let mut record = if seen.explain { explain::begin(core, &mut parts, started) } else { None };
    let limit = core.shared.options.max_payload;
    let body = RequestBody::new(body, limit);
    let ids = draw_ids(core, &parts, seen);
    if body.announces_too_much() {
        return finish_unlocated(core, &ids, started, failure::too_large(limit));
    }
    let mut exchange = match locate(core, peer, parts, seen, ids, started, &mut record) {
        Ok(exchange) => exchange,
        Err(failure) => {
            let mut response = failure::render(&failure, None);
            if let Some(log) = record {
                explain::not_located(&core.shared, &ids, &log, &mut response);
            }
            return finish_unlocated(core, &ids, started, response);
        }
    };
    let routed = coding::of_request(&exchange).and_then(|codings| route(&mut exchange).map(|()| codings));
    let offer = coding::offer(&exchange);
    if exchange.view.logs || exchange.execution.is_some() {
        traffic::open(core, &mut exchange);
    }
    let answered = match routed {
        Ok(codings) if codings.is_empty() && is_plain(&exchange) => {
            integrate::integrate(core, &mut exchange, body).await
        }
        Ok(codings) => Box::pin(prepared(core, &mut exchange, body, &codings)).await,
        Err(failure) => refuse(failure, &exchange),
    };
    let mut response = answered.unwrap_or_else(|failure| give_up(&failure, &mut exchange, limit));
    if let Some(offer) = offer {
        response = Box::pin(coding::compressed(response, offer)).await;
    }
    finish(core, exchange, response)
}

/// Whether nobody reads a record of the request and the method cache has no part in it: what most requests are.
fn is_plain(exchange: &Exchange) -> bool {
    exchange.execution.is_none() && cache::method_cache(&exchange.view, exchange).is_none()
}

/// Integrates what a body is without its codings, recorded where somebody reads the record, unless the method cache has the
/// answer. That is asked before whatever the method does, validation included (rest-data-plane §1.1, step 12).
async fn prepared(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    body: RequestBody,
    codings: &[Coding],
) -> Result<Response<ReplyBody>, Failure> {
    let body = match codings {
        [] => body,
        codings => coding::decoded(body, codings, core.shared.options.max_payload).await?,
    };
    let body = traffic::request(core, exchange, body).await?;
    cache::serve(core, exchange, body).await
}

fn refused(refusal: guard::Refusal) -> Response<ReplyBody> {
    let body = format!("{{\"message\":\"{}\"}}", refusal.message);
    let mut response = Response::new(ReplyBody::Full(Bytes::from(body)));
    *response.status_mut() = refusal.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A client that frames oddly is not heard again on this connection.
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn draw_ids(core: &Core, parts: &Parts, seen: Seen) -> Ids {
    let mut random = core.random.borrow_mut();
    let given = if seen.request_id { parts.headers.get(REQUEST_ID) } else { None };
    let adopted = given.and_then(|id| RequestId::adopt(id.as_bytes()));
    let request = adopted.unwrap_or_else(|| RequestId::draw(&mut random));
    Ids { request, extended: ids::extended_id(&mut random) }
}

/// Which stage, and whether its canary: one draw fixes snapshot and variables for the whole request.
fn locate(
    core: &Core,
    peer: &Peer,
    parts: Parts,
    seen: Seen,
    ids: Ids,
    started: Instant,
    record: &mut Option<Box<ExecutionLog>>,
) -> Result<Box<Exchange>, Failure> {
    // 403 {"message":"Forbidden"} for every API and stage that is not there (rest-data-plane §12.2).
    let forbidden = || Failure::early(GatewayResponseType::WafFiltered);
    let host = host(&parts).ok_or_else(forbidden)?;
    let table = core.table();
    let place = locate::locate(host.to_str().unwrap_or_default(), parts.uri.path()).ok_or_else(forbidden)?;
    let named = if place.is_endpoint() { parts.headers.get(API_ID) } else { None };
    let api = named.and_then(|api| api.to_str().ok()).unwrap_or(place.api);
    let view = table.get(api, place.stage).cloned().ok_or_else(forbidden)?;
    let rest = place.rest;
    let draw = view.canary.as_ref().map(|_| core.random.borrow_mut().u32());
    let canary = view.canary.as_ref().zip(draw).map(|(canary, draw)| u64::from(draw) < canary.below);
    let release = match (&view.canary, canary) {
        (Some(side), Some(true)) => side.release.clone(),
        _ => view.base.clone(),
    };
    let mut exchange = Box::new(Exchange {
        view,
        release,
        canary,
        method: None,
        verb: None,
        uri: parts.uri,
        headers: parts.headers,
        names: peer.activity.names.clone(),
        user_agent: None,
        origin: None,
        host,
        seen,
        forwarded: peer.forwarded.clone(),
        rest,
        variables: Vec::new(),
        tls: peer.tls,
        wire: Wire::of(parts.version, peer.agreed),
        ids,
        started,
        wall: core.wall(started),
        notes: Notes::default(),
        execution: record.take(),
        test: false,
    });
    exchange.verb = verb(&parts.method, &exchange);
    if seen.dropped {
        headers::ingest(&mut exchange.headers);
    }
    if exchange.view.cors.is_some() {
        exchange.origin = exchange.headers.get(ORIGIN).cloned();
    }
    if core.log.is_some() {
        exchange.note_user_agent();
    }
    if let Some(log) = exchange.log() {
        explain::located(log, &exchange, draw);
    }
    Ok(exchange)
}

/// The target's authority wins over the Host header (RFC 9112 §3.2.2).
fn host(parts: &Parts) -> Option<HeaderValue> {
    match parts.uri.authority() {
        Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
        None => parts.headers.get(HOST).cloned(),
    }
}

/// `X-HTTP-Method-Override` replaces the verb before matching; ANY is no verb of a request.
fn verb(method: &http::Method, exchange: &Exchange) -> Option<Verb> {
    let given = if exchange.seen.method_override { exchange.headers.get(METHOD_OVERRIDE) } else { None };
    let given = given.and_then(|value| value.to_str().ok());
    given.unwrap_or(method.as_str()).parse().ok().filter(|verb| *verb != Verb::Any)
}

fn route(exchange: &mut Exchange) -> Result<(), Failure> {
    if exchange.release.api.disable_execute_api_endpoint {
        return Err(Failure::early(GatewayResponseType::WafFiltered));
    }
    let found = exchange.verb.and_then(|verb| exchange.release.find(exchange.path(), verb));
    let (method, found) = found.ok_or_else(|| Failure::early(GatewayResponseType::MissingAuthenticationToken))?;
    let guarded = guard::run(&method.guards);
    exchange.method = Some(found.method);
    exchange.variables = found.variables;
    guarded
}

/// A preflight that no method answers may be the gateway's own business.
fn refuse(failure: Failure, exchange: &Exchange) -> Result<Response<ReplyBody>, Failure> {
    let unrouted = failure.kind == GatewayResponseType::MissingAuthenticationToken;
    Some(exchange).filter(|_| unrouted).and_then(cors::preflight).ok_or(failure)
}

fn give_up(failure: &Failure, exchange: &mut Exchange, limit: usize) -> Response<ReplyBody> {
    if !failure.cause.is_empty() {
        tracing::debug!(
            request.id = exchange.ids.request.as_str(),
            api = exchange.view.settings.api_id,
            stage = exchange.view.settings.stage,
            cause = %failure.cause,
            "a request failed"
        );
        if failure.is_of_the_integration() {
            exchange.notes.integration_error = Some(failure.cause.clone());
        }
    }
    let response = match failure.is_at_the_door() {
        true => failure::too_large(limit),
        false => failure::render(failure, Some(exchange)),
    };
    traffic::gave_up(exchange, failure, &response);
    response
}

fn add_ids(response: &mut Response<ReplyBody>, ids: &Ids) {
    let headers = response.headers_mut();
    if let (Ok(request), Ok(extended)) =
        (HeaderValue::from_bytes(ids.request.as_bytes()), HeaderValue::from_bytes(&ids.extended))
    {
        headers.insert(REQUEST_ID, request);
        headers.insert(EXTENDED_ID, extended);
    }
}

/// A worker that leaves says so on every answer, so that clients come back elsewhere before it closes anything.
fn say_goodbye(core: &Core, response: &mut Response<ReplyBody>) {
    if core.shared.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// What every answer gets.
fn seal(core: &Core, ids: &Ids, started: Instant, response: &mut Response<ReplyBody>) {
    add_ids(response, ids);
    say_goodbye(core, response);
    core.metrics.answered(response.status(), started.elapsed());
}

fn finish_unlocated(
    core: &Core,
    ids: &Ids,
    started: Instant,
    mut response: Response<ReplyBody>,
) -> Response<ReplyBody> {
    seal(core, ids, started, &mut response);
    response
}

fn finish(core: &Rc<Core>, exchange: Box<Exchange>, mut response: Response<ReplyBody>) -> Response<ReplyBody> {
    cors::complete(&exchange, response.headers_mut());
    seal(core, &exchange.ids, exchange.started, &mut response);
    if core.log.is_some() || exchange.execution.is_some() {
        return traffic::conclude(core, exchange, response);
    }
    response
}
