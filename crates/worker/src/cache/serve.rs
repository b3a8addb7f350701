//! A request for a cached method: look up, else run and keep (rest-data-plane §1.1, steps 12 and 18).

use std::rc::Rc;

use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, WARNING};
use stagecoach_plan::ir::IntegrationType;
use stagecoach_plan::{GatewayResponseType, Method};

use super::entry::{self, Entry};
use super::plan::{MethodCache, Unauthorized};
use super::store::ResponseCache;
use crate::body::{ReplyBody, RequestBody};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::execution::event::Event;
use crate::failure::Failure;
use crate::integrate::http::{TRACE, add_trace, trace};
use crate::integrate::{self, Routed};
use crate::table::StageView;
use crate::upstream;

/// [F, secondary] rest-data-plane §9.
const IGNORED: HeaderValue =
    HeaderValue::from_static("199 Cache-control headers were ignored because the caller was unauthorized.");

/// How the routed request is cached; `None` for most.
pub(crate) fn method_cache<'a>(view: &'a StageView, exchange: &Exchange) -> Option<&'a MethodCache> {
    let cache = match (exchange.canary, &view.canary) {
        (Some(true), Some(canary)) => canary.cache.as_ref(),
        _ => view.cache.as_ref(),
    };
    cache?.find(exchange.method?, exchange.verb?)
}

/// Answers a routed request; without a cache the integration does.
pub(crate) async fn serve(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let (view, routed) = (exchange.view.clone(), Routed::of(exchange)?);
    let (Some(cache), Some(settings)) = (&core.shared.cache, method_cache(&view, exchange)) else {
        return integrate::integrate(core, exchange, body).await;
    };
    let asked = invalidates(&exchange.headers);
    let ignored = settings.unauthorized.filter(|_| asked);
    if ignored == Some(Unauthorized::Refuse) {
        return Err(forbidden(exchange));
    }
    let lookup = Lookup { cache, settings, method: routed.method()?, replace: asked && ignored.is_none() };
    let mut response = lookup.answer(core, exchange, body).await?;
    if ignored == Some(Unauthorized::Warn) {
        response.headers_mut().append(WARNING, IGNORED);
    }
    Ok(response)
}

/// `max-age=0` and nothing else: other directives have no documented effect.
fn invalidates(headers: &HeaderMap) -> bool {
    let asks = |value: &HeaderValue| {
        let mut directives = value.as_bytes().split(|byte| *byte == b',');
        directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"max-age=0"))
    };
    headers.get_all(CACHE_CONTROL).iter().any(asks)
}

/// AWS documents the status only; the text is that of a refused call (rest-data-plane §2.3) for the action that is missing.
fn forbidden(exchange: &Exchange) -> Failure {
    let (scope, settings) = (&exchange.view.scope, &exchange.view.settings);
    let arn = scope.execute_api(&settings.api_id, &settings.stage, exchange.verb_text(), &exchange.event_path());
    // The owner's account is masked but for its last four digits.
    let shown = scope.account.get(scope.account.len().saturating_sub(4)..).unwrap_or_default();
    let arn = arn.replacen(&scope.account, &format!("********{shown}"), 1);
    Failure::early(GatewayResponseType::AccessDenied).message(format!(
        "User: anonymous is not authorized to perform: execute-api:InvalidateCache on resource: {arn}"
    ))
}

/// A request that may be answered from the cache.
struct Lookup<'a> {
    cache: &'a ResponseCache,
    settings: &'a MethodCache,
    method: &'a Method,
    /// Whether the client may, and wants to, have the entry replaced.
    replace: bool,
}

impl Lookup<'_> {
    async fn answer(
        &self,
        core: &Rc<Core>,
        exchange: &mut Exchange,
        body: RequestBody,
    ) -> Result<Response<ReplyBody>, Failure> {
        let key = &self.method.integration.cache_key;
        let parameters = key.parameters.as_deref().unwrap_or_default();
        let (key, body) = if key.reads_body() {
            let bytes = body.collect().await.map_err(|error| integrate::unreadable(&error))?;
            let key = self.settings.key(exchange, parameters, Some(&bytes));
            (key, RequestBody::whole(bytes, core.shared.options.max_payload))
        } else {
            (self.settings.key(exchange, parameters, None), body)
        };
        let Some(key) = key else { return integrate::integrate(core, exchange, body).await };
        let found = if self.replace { None } else { self.cache.get(&key, exchange.started).await };
        core.metrics.looked_up(found.is_some());
        if let Some(log) = exchange.log() {
            let missed = if self.replace { "replace" } else { "miss" };
            log.event(Event::Cache { outcome: if found.is_some() { "hit" } else { missed } });
        }
        match found {
            Some(entry) => Ok(self.again(core, exchange, &entry)),
            None => {
                let response = integrate::integrate(core, exchange, body).await?;
                self.keep(core, key, response).await
            }
        }
    }

    /// A kept answer, with this request's trace id where answers of its kind carry one.
    fn again(&self, core: &Core, exchange: &mut Exchange, entry: &Entry) -> Response<ReplyBody> {
        let mut response = entry.response();
        if self.is_traced() {
            let trace = trace(core, exchange);
            add_trace(&mut response, &trace);
        }
        response
    }

    /// Whether the gateway adds a trace id; one that an HTTP_PROXY back end sends is its own (rest-data-plane §3.4).
    fn is_traced(&self) -> bool {
        matches!(self.method.integration.kind, IntegrationType::Http | IntegrationType::Aws | IntegrationType::AwsProxy)
    }

    /// Keeps an answer that may be kept. One that still comes in is waited for, up to the size of an entry.
    async fn keep(
        &self,
        core: &Core,
        key: Vec<u8>,
        response: Response<ReplyBody>,
    ) -> Result<Response<ReplyBody>, Failure> {
        if !entry::is_kept(response.status(), response.headers()) {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = body.gather(entry::LARGEST_BODY).await.map_err(|error| upstream::broken(&error))?;
        if let Some(bytes) = body.at_hand().filter(|bytes| bytes.len() <= entry::LARGEST_BODY) {
            let entry = self.entry(core, &head, bytes);
            self.cache.insert(key.into(), entry).await;
        }
        Ok(Response::from_parts(head, body))
    }

    fn entry(&self, core: &Core, head: &http::response::Parts, body: &Bytes) -> Entry {
        let now = core.shared.clock.now();
        if !self.is_traced() {
            return Entry::new(head.status, &head.headers, body, now, self.settings.ttl);
        }
        let mut headers = head.headers.clone();
        headers.remove(TRACE);
        Entry::new(head.status, &headers, body, now, self.settings.ttl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_max_age_0_invalidates() {
        let asks = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(CACHE_CONTROL, HeaderValue::from_static("public"));
            headers.append(CACHE_CONTROL, HeaderValue::from_static(text));
            invalidates(&headers)
        };

        assert!(["max-age=0", "no-store, Max-Age=0", " max-age=0 ,x"].into_iter().all(asks));
        assert!(!["no-cache", "max-age=00", "max-age=05", "max-age", "x-max-age=0", ""].into_iter().any(asks));
        assert!(!invalidates(&HeaderMap::new()));
    }
}
