//! What a proxy function may answer (rest-data-plane §6.6), as rules in one place.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value};
use stagecoach_plan::GatewayResponseType;

use super::convert;
use super::lambda::Invoked;
use crate::body::ReplyBody;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::headers;

/// Members a function may answer with; any other is malformed [V].
const MEMBERS: [&str; 5] = ["statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"];

/// The client's answer from a function's.
pub(crate) fn read(exchange: &mut Exchange, invoked: &Invoked) -> Result<Response<ReplyBody>, Failure> {
    accepted(invoked.status, exchange)?;
    if invoked.function_error {
        return Err(function_error(exchange, &super::lambda::error_message(invoked).unwrap_or_default()));
    }
    let object: Map<String, Value> =
        serde_json::from_slice(&invoked.body).map_err(|_| malformed("Malformed Lambda proxy response"))?;
    let head = head(exchange, &object, &MEMBERS)?;
    let body = body(exchange, &object)?;
    Ok(head.map(|()| ReplyBody::Full(body)))
}

/// Whether the Lambda service ran the function. The client never sees its status: 500 for a throttle or a refusal, 502 for
/// the rest, but for an event that is too large.
pub(super) fn accepted(status: u16, exchange: &Exchange) -> Result<(), Failure> {
    match status {
        200..=299 => Ok(()),
        401 | 403 => Err(failure("Invalid permissions on Lambda function")),
        429 => {
            if let Some(log) = exchange.log() {
                log.error(refusal(429, exchange));
            }
            Err(failure("Rate Exceeded."))
        }
        413 => Err(Failure::too_long_for_lambda(refusal(413, exchange))),
        status => Err(malformed(refusal(status, exchange))),
    }
}

/// A function that failed, `message` being what it says of it.
pub(super) fn function_error(exchange: &Exchange, message: &str) -> Failure {
    let id = request_id(exchange);
    malformed(format!(
        "Lambda execution failed with status 200 due to customer function error: {message}. Lambda request id: {id}"
    ))
}

/// Status and headers of a function's object, which may have `known` members.
pub(super) fn head(
    exchange: &mut Exchange,
    object: &Map<String, Value>,
    known: &[&str],
) -> Result<Response<()>, Failure> {
    if object.keys().any(|key| !known.contains(&key.as_str())) {
        return Err(malformed("Malformed Lambda proxy response"));
    }
    let status = status(object.get("statusCode"))?;
    exchange.notes.service_status = exchange.notes.integration_status.replace(status.as_u16());
    if let Some(log) = exchange.log() {
        let named = ["multiValueHeaders", "headers"].into_iter().filter_map(|name| object.get(name)?.as_object());
        // The multi-value spelling is the one that is written, so it comes last.
        named.rev().flat_map(Map::keys).for_each(|name| log.spell(name));
    }
    let mut answer = headers::aws_proxy_response(merged_headers(object)?);
    if !answer.contains_key(CONTENT_TYPE) {
        answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = answer;
    Ok(response)
}

/// The line of a Lambda service that did not run the function (rest-data-plane §6.5).
fn refusal(status: u16, exchange: &Exchange) -> String {
    format!("Lambda invocation failed with status: {status}. Lambda request id: {}", request_id(exchange))
}

fn request_id(exchange: &Exchange) -> &str {
    exchange.notes.endpoint_request_id.as_deref().unwrap_or_default()
}

fn failure(cause: &'static str) -> Failure {
    Failure::late(GatewayResponseType::IntegrationFailure, cause)
}

/// 502, customisable as DEFAULT_5XX.
pub(super) fn malformed(cause: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::late(GatewayResponseType::Default5xx, cause).status(502)
}

fn status(value: Option<&Value>) -> Result<StatusCode, Failure> {
    let number = match value {
        None | Some(Value::Null) => Some(200),
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let status =
        number.filter(|number| (100..=599).contains(number)).and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or_else(|| malformed("Malformed Lambda proxy response"))
}

fn members<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, Failure> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(malformed("Malformed Lambda proxy response")),
    }
}

/// Same name in both: the list first, then the single one [V `…overwrite`].
fn merged_headers(object: &Map<String, Value>) -> Result<HeaderMap, Failure> {
    let mut merged = HeaderMap::new();
    for (name, values) in members(object, "multiValueHeaders")?.into_iter().flatten() {
        let values = values.as_array().ok_or_else(|| malformed("Malformed Lambda proxy response"))?;
        for value in values {
            append(&mut merged, name, value)?;
        }
    }
    for (name, value) in members(object, "headers")?.into_iter().flatten() {
        append(&mut merged, name, value)?;
    }
    Ok(merged)
}

fn append(headers: &mut HeaderMap, name: &str, value: &Value) -> Result<(), Failure> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => return Ok(()),
        Value::Object(_) | Value::Array(_) => return Err(malformed("Malformed Lambda proxy response")),
    };
    let pair = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(&text).ok());
    let (name, value) = pair.ok_or_else(|| malformed("Malformed Lambda proxy response"))?;
    headers.append(name, value);
    Ok(())
}

/// Decoded when the function says so and the client accepts a binary type; as it is otherwise [V].
fn body(exchange: &Exchange, object: &Map<String, Value>) -> Result<Bytes, Failure> {
    let text = match object.get("body") {
        None | Some(Value::Null) => return Ok(Bytes::new()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(malformed("Malformed Lambda proxy response")),
    };
    let accept = headers::media_type(&exchange.headers, ACCEPT);
    let binary = exchange.release.binary.matches(accept);
    let encoded = object.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or_default();
    match binary && encoded {
        true => convert::decode(text.as_bytes()),
        false => Ok(Bytes::copy_from_slice(text.as_bytes())),
    }
}
