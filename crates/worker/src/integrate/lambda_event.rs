//! The Lambda proxy event, payload 1.0 (rest-data-plane §6.6).

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use serde::ser::{Serialize as Serialized, SerializeMap, Serializer};
use stagecoach_plan::Method;

use crate::exchange::Exchange;
use crate::headers;
use crate::names::Names;
use crate::query::Query;

/// Names and values, those of a name together in the order they came in, names in the order of their bytes.
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Pairs<'a> {
    fn new(mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self(pairs)
    }

    /// `None` when there are none: `null` in an event.
    fn some(&self) -> Option<&Self> {
        Some(self).filter(|pairs| !pairs.0.is_empty())
    }
}

/// The last value of each name.
struct Single<'a>(&'a Pairs<'a>);

impl Serialized for Single<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups = self.0.0.chunk_by(|(a, _), (b, _)| a == b);
        serializer.collect_map(groups.filter_map(<[_]>::last).map(|(name, value)| (name, value)))
    }
}

/// All values of each name.
struct Multi<'a>(&'a Pairs<'a>);

impl Serialized for Multi<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for group in self.0.0.chunk_by(|(a, _), (b, _)| a == b) {
            if let Some((name, _)) = group.first() {
                map.serialize_entry(name, &Values(group))?;
            }
        }
        map.end()
    }
}

struct Values<'a>(&'a [(Cow<'a, str>, Cow<'a, str>)]);

impl Serialized for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(_, value)| value))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    resource: &'a str,
    path: String,
    http_method: &'a str,
    headers: Option<Single<'a>>,
    multi_value_headers: Option<Multi<'a>>,
    query_string_parameters: Option<Single<'a>>,
    multi_value_query_string_parameters: Option<Multi<'a>>,
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    stage_variables: Option<&'a BTreeMap<String, String>>,
    request_context: Context<'a>,
    body: Option<Cow<'a, str>>,
    is_base64_encoded: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    resource_id: &'a str,
    resource_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<&'a str>,
    http_method: &'a str,
    extended_request_id: &'a str,
    request_time: String,
    path: String,
    account_id: &'a str,
    protocol: &'static str,
    stage: &'a str,
    domain_prefix: &'a str,
    request_time_epoch: i64,
    request_id: &'a str,
    identity: Identity<'a>,
    domain_name: &'a str,
    deployment_id: &'a str,
    api_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_canary_request: Option<&'static str>,
}

/// All members are there, `null` when unused.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key_id: Option<&'a str>,
    cognito_identity_pool_id: Option<&'a str>,
    account_id: Option<&'a str>,
    cognito_identity_id: Option<&'a str>,
    caller: Option<&'a str>,
    source_ip: &'a str,
    principal_org_id: Option<&'a str>,
    access_key: Option<&'a str>,
    cognito_authentication_type: Option<&'a str>,
    cognito_authentication_provider: Option<&'a str>,
    user_arn: Option<&'a str>,
    user_agent: Option<&'a str>,
    user: Option<&'a str>,
}

/// The event's JSON.
pub(crate) fn build(exchange: &Exchange, method: &Method, trace: &HeaderValue, body: &Bytes) -> Bytes {
    let (names, query) = (exchange.names.current(), exchange.query());
    let (headers, query) = (header_values(exchange, &names, trace), query_values(&query));
    let binary = exchange.release.binary.matches(headers::media_type(&exchange.headers, CONTENT_TYPE));
    let text = if binary { STANDARD.encode(body).into() } else { String::from_utf8_lossy(body) };
    let path_parameters: BTreeMap<_, _> = exchange.variables().collect();
    let event = Event {
        resource: &method.path,
        path: exchange.event_path(),
        http_method: exchange.verb_text(),
        headers: headers.some().map(Single),
        multi_value_headers: headers.some().map(Multi),
        query_string_parameters: query.some().map(Single),
        multi_value_query_string_parameters: query.some().map(Multi),
        path_parameters: Some(path_parameters).filter(|map| !map.is_empty()),
        stage_variables: Some(exchange.stage_variables()).filter(|map| !map.is_empty()),
        request_context: context(exchange, method),
        body: Some(text).filter(|_| !body.is_empty()),
        is_base64_encoded: binary && !body.is_empty(),
    };
    let mut json = Vec::with_capacity(ROOM + body.len());
    // String keys only, into memory: serialising cannot fail.
    drop(serde_json::to_writer(&mut json, &event));
    json.into()
}

/// Bytes of most events beside the body.
const ROOM: usize = 3 * 1024;

/// What a REQUEST authorizer is sent (rest-data-plane §7.2): maps are `{}` when empty, and there is never a body.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizerEvent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    method_arn: &'a str,
    resource: &'a str,
    path: String,
    http_method: &'a str,
    headers: Single<'a>,
    multi_value_headers: Multi<'a>,
    query_string_parameters: Single<'a>,
    multi_value_query_string_parameters: Multi<'a>,
    path_parameters: BTreeMap<&'a str, &'a str>,
    stage_variables: &'a BTreeMap<String, String>,
    request_context: Context<'a>,
}

/// The event of a REQUEST authorizer.
pub(crate) fn authorizer_request(exchange: &Exchange, method: &Method, trace: &HeaderValue, method_arn: &str) -> Bytes {
    let (names, query) = (exchange.names.current(), exchange.query());
    let (headers, query) = (header_values(exchange, &names, trace), query_values(&query));
    let event = AuthorizerEvent {
        kind: "REQUEST",
        method_arn,
        resource: &method.path,
        path: exchange.event_path(),
        http_method: exchange.verb_text(),
        headers: Single(&headers),
        multi_value_headers: Multi(&headers),
        query_string_parameters: Single(&query),
        multi_value_query_string_parameters: Multi(&query),
        path_parameters: exchange.variables().collect(),
        stage_variables: exchange.stage_variables(),
        request_context: context(exchange, method),
    };
    serde_json::to_vec(&event).unwrap_or_default().into()
}

/// The event of a TOKEN authorizer (rest-data-plane §7.1).
pub(crate) fn authorizer_token(token: &str, method_arn: &str) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Event<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        authorization_token: &'a str,
        method_arn: &'a str,
    }
    let event = Event { kind: "TOKEN", authorization_token: token, method_arn };
    serde_json::to_vec(&event).unwrap_or_default().into()
}

fn query_values<'a>(query: &'a Query<'_>) -> Pairs<'a> {
    Pairs::new(query.pairs().map(|(name, value)| (name.into(), value.into())).collect())
}

/// The client's headers as it spelled them, with the gateway's own.
fn header_values<'a>(exchange: &'a Exchange, names: &'a Names, trace: &'a HeaderValue) -> Pairs<'a> {
    // What a test was given has the spelling it was given in, and came over no connection: nothing is added.
    if let Some(log) = exchange.log().filter(|_| exchange.test) {
        let pair = |(name, value): (&HeaderName, &'a HeaderValue)| (log.spelled(name.as_str()).into(), lossy(value));
        return Pairs::new(exchange.headers.iter().map(pair).collect());
    }
    let mut pairs = Vec::with_capacity(exchange.headers.len() + 5);
    for (name, value) in &exchange.headers {
        if exchange.test || !OURS.contains(&name.as_str()) {
            pairs.push((names.spelled(name.as_str()).into(), lossy(value)));
        }
    }
    if exchange.test {
        return Pairs::new(pairs);
    }
    // HTTP/2 has a host without a header.
    if !exchange.headers.contains_key(HOST) {
        pairs.push(("Host".into(), exchange.host().into()));
    }
    let [address, port] = &exchange.forwarded;
    let own = lossy(address);
    let before = exchange.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    pairs.push(("X-Amzn-Trace-Id".into(), lossy(trace)));
    pairs.push(("X-Forwarded-Port".into(), lossy(port)));
    pairs.push(("X-Forwarded-Proto".into(), if exchange.tls { "https" } else { "http" }.into()));
    pairs.push(("X-Forwarded-For".into(), before.map_or(own.clone(), |before| format!("{before}, {own}").into())));
    Pairs::new(pairs)
}

/// What the gateway says of the connection itself.
const OURS: [&str; 4] = ["x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-for"];

fn lossy(value: &HeaderValue) -> Cow<'_, str> {
    String::from_utf8_lossy(value.as_bytes())
}

/// A test has AWS's stand-ins for a key and an address.
fn identity(exchange: &Exchange) -> Identity<'_> {
    let agent = exchange.headers.get("user-agent").and_then(|agent| agent.to_str().ok());
    Identity {
        api_key: exchange.test.then_some("test-invoke-api-key"),
        api_key_id: exchange.test.then_some("test-invoke-api-key-id"),
        source_ip: exchange.source_ip(),
        user_agent: agent,
        ..Identity::default()
    }
}

fn context<'a>(exchange: &'a Exchange, method: &'a Method) -> Context<'a> {
    let settings = &exchange.view.settings;
    Context {
        resource_id: exchange.resource_id(),
        resource_path: &method.path,
        operation_name: method.operation_name.as_deref(),
        http_method: exchange.verb_text(),
        extended_request_id: exchange.ids.extended(),
        request_time: exchange.request_time(),
        path: exchange.full_path(),
        account_id: &settings.account,
        protocol: "HTTP/1.1",
        stage: &settings.stage,
        domain_prefix: exchange.host().split('.').next().unwrap_or_default(),
        request_time_epoch: exchange.wall.0,
        request_id: exchange.ids.request.as_str(),
        identity: identity(exchange),
        domain_name: exchange.host(),
        deployment_id: exchange.deployment_id(),
        api_id: &settings.api_id,
        is_canary_request: exchange.canary.map(|canary| if canary { "true" } else { "false" }),
    }
}
