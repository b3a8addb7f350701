//! An integration's outcome to the client's answer: select, map, transform (rest-data-plane §1.1, steps 16 and 17).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use stagecoach_plan::Method;
use stagecoach_plan::headers::response_name;
use stagecoach_vtl::gateway::Overrides;

use super::payload;
use crate::body::ReplyBody;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::execution::event::Event;
use crate::failure::Failure;
use crate::headers;
use crate::mapping::Source;

/// What a non-proxy integration answered.
pub(crate) struct Outcome {
    /// What selection patterns are tried on; `None` for a Lambda function that succeeded.
    pub(crate) select: Option<String>,
    /// The back end's headers.
    pub(crate) headers: HeaderMap,
    /// The back end's body.
    pub(crate) body: Bytes,
    /// What the request template overrides.
    pub(crate) overrides: Overrides,
}

/// The client's answer.
pub(crate) fn respond(
    core: &Core,
    exchange: &Exchange,
    method: &Method,
    mut outcome: Outcome,
) -> Result<Response<ReplyBody>, Failure> {
    let integration = &method.integration;
    let index = integration.selection.select(outcome.select.as_deref());
    let row = index.and_then(|index| integration.responses.get(index)).ok_or_else(|| {
        Failure::configuration(format!(
            "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: {}",
            outcome.select.as_deref().unwrap_or("200")
        ))
    })?;
    if let Some(log) = exchange.log() {
        let outcome = outcome.select.clone().unwrap_or_default();
        let pattern = index.and_then(|index| integration.selection.pattern(index)).map(str::to_owned);
        log.event(Event::Selected { outcome, pattern, status: row.status });
    }
    if !row.declared {
        let text = format!("Output mapping refers to an invalid method response: {}", row.status);
        return Err(Failure::configuration(text));
    }
    let backend_type = headers::media_type(&outcome.headers, CONTENT_TYPE);
    let mapped = map_headers(exchange, row, &outcome)?;
    let (body, template_type) =
        payload::response(core, exchange, method, row, outcome.body.clone(), backend_type, &mut outcome.overrides)?;
    let mut response = Response::new(ReplyBody::Full(body));
    let status = outcome.overrides.status.unwrap_or(row.status);
    *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Failure::configuration("bad status"))?;
    *response.headers_mut() = mapped;
    if let Some(log) = exchange.log() {
        outcome.overrides.response_header.iter().for_each(|(name, _)| log.spell(name));
    }
    override_headers(response.headers_mut(), row, &outcome.overrides);
    if !response.headers().contains_key(CONTENT_TYPE) {
        let value = template_type.and_then(|text| HeaderValue::from_str(text).ok());
        let value = value.unwrap_or_else(|| HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CONTENT_TYPE, value);
    }
    Ok(response)
}

/// A template's header replaces a mapped one of the same spelling; one that differs in case is sent beside it
/// (rest-data-plane §5.5).
fn override_headers(headers: &mut HeaderMap, row: &stagecoach_plan::integration::Response, overrides: &Overrides) {
    for (name, values) in &overrides.response_header {
        let Some(sent) = response_name(name) else { continue };
        let respelled = |mapped: &str| mapped != name && mapped.eq_ignore_ascii_case(name);
        if !row.parameters.iter().any(|mapping| respelled(&mapping.name)) {
            headers.remove(&sent);
        }
        for value in values.iter().filter_map(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            headers.append(sent.clone(), value);
        }
    }
}

/// Only mapped headers pass; some are renamed (rest-data-plane §3.4).
fn map_headers(
    exchange: &Exchange,
    row: &stagecoach_plan::integration::Response,
    outcome: &Outcome,
) -> Result<HeaderMap, Failure> {
    if let Some(log) = exchange.log() {
        row.parameters.iter().for_each(|mapping| log.spell(&mapping.name));
    }
    let mut mapped = HeaderMap::new();
    let source = Source::response(exchange, &outcome.headers, &outcome.body);
    for mapping in &row.parameters {
        let value = source.header(mapping).map_err(|_| Failure::configuration("Unable to transform response"))?;
        if let (Some(name), Some(value)) = (&mapping.sent, value) {
            mapped.insert(name, value);
        }
    }
    Ok(mapped)
}
