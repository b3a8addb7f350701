//! The Lambda proxy event, payload 1.0 (rest-data-plane §6.6).

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use stagecoach_plan::Method;

use crate::exchange::Exchange;
use crate::headers;

type Single = BTreeMap<String, String>;
type Multi = BTreeMap<String, Vec<String>>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    resource: &'a str,
    path: String,
    http_method: &'a str,
    headers: Option<Single>,
    multi_value_headers: Option<Multi>,
    query_string_parameters: Option<Single>,
    multi_value_query_string_parameters: Option<Multi>,
    path_parameters: Option<BTreeMap<&'a str, &'a str>>,
    stage_variables: Option<&'a BTreeMap<String, String>>,
    request_context: Context<'a>,
    body: Option<String>,
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
    source_ip: String,
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
    let multi = header_values(exchange, trace);
    let multi_query = query_values(exchange);
    let binary = exchange.release.binary.matches(headers::media_type(&exchange.headers, CONTENT_TYPE));
    let text = if binary { STANDARD.encode(body) } else { String::from_utf8_lossy(body).into_owned() };
    let variables = exchange.stage_variables();
    let path_parameters: BTreeMap<_, _> = exchange.variables().collect();
    let event = Event {
        resource: &method.path,
        path: exchange.event_path(),
        http_method: exchange.verb_text(),
        headers: Some(last(&multi)).filter(|map| !map.is_empty()),
        multi_value_headers: Some(multi).filter(|map| !map.is_empty()),
        query_string_parameters: Some(last(&multi_query)).filter(|map| !map.is_empty()),
        multi_value_query_string_parameters: Some(multi_query).filter(|map| !map.is_empty()),
        path_parameters: Some(path_parameters).filter(|map| !map.is_empty()),
        stage_variables: Some(variables).filter(|map| !map.is_empty()),
        request_context: context(exchange, method),
        body: Some(text).filter(|_| !body.is_empty()),
        is_base64_encoded: binary && !body.is_empty(),
    };
    // String keys only: serialising cannot fail.
    serde_json::to_vec(&event).unwrap_or_default().into()
}

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
    headers: Single,
    multi_value_headers: Multi,
    query_string_parameters: Single,
    multi_value_query_string_parameters: Multi,
    path_parameters: BTreeMap<&'a str, &'a str>,
    stage_variables: &'a BTreeMap<String, String>,
    request_context: Context<'a>,
}

/// The event of a REQUEST authorizer.
pub(crate) fn authorizer_request(exchange: &Exchange, method: &Method, trace: &HeaderValue, method_arn: &str) -> Bytes {
    let (headers, query) = (header_values(exchange, trace), query_values(exchange));
    let event = AuthorizerEvent {
        kind: "REQUEST",
        method_arn,
        resource: &method.path,
        path: exchange.event_path(),
        http_method: exchange.verb_text(),
        headers: last(&headers),
        multi_value_headers: headers,
        query_string_parameters: last(&query),
        multi_value_query_string_parameters: query,
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

fn query_values(exchange: &Exchange) -> Multi {
    let mut values = Multi::new();
    for (name, value) in exchange.query().pairs() {
        values.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    values
}

/// The last value of each name.
fn last(multi: &Multi) -> Single {
    multi.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone()))).collect()
}

fn header_values(exchange: &Exchange, trace: &HeaderValue) -> Multi {
    let (mut multi, names) = (Multi::new(), exchange.names.current());
    for (name, value) in &exchange.headers {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        // What a test was given has the spelling it was given in.
        let spelled = exchange.log().filter(|_| exchange.test).map(|log| log.spelled(name.as_str()));
        multi.entry(spelled.unwrap_or_else(|| names.spelled(name.as_str()).to_owned())).or_default().push(text);
    }
    // A test's request came over no connection: the event holds the headers it was given.
    if exchange.test {
        return multi;
    }
    // HTTP/2 has a host without a header.
    if !exchange.headers.contains_key("host") {
        multi.insert("Host".to_owned(), vec![exchange.host().to_owned()]);
    }
    let ours = ["x-amzn-trace-id", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-for"];
    multi.retain(|name, _| !ours.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let scheme = if exchange.tls { "https" } else { "http" };
    let mut put = |name: &str, value: String| drop(multi.insert(name.to_owned(), vec![value]));
    put("X-Amzn-Trace-Id", String::from_utf8_lossy(trace.as_bytes()).into_owned());
    put("X-Forwarded-Port", exchange.local_port.to_string());
    put("X-Forwarded-Proto", scheme.to_owned());
    let before = exchange.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let own = exchange.source_ip();
    put("X-Forwarded-For", before.map_or(own.clone(), |before| format!("{before}, {own}")));
    multi
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
