//! The payload of a non-proxy integration: template choice, conversion, rendering (rest-data-plane §3.5, §5.3).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use stagecoach_plan::binary::Conversion;
use stagecoach_plan::integration::Response;
use stagecoach_plan::ir::IntegrationType;
use stagecoach_plan::templates::Choice;
use stagecoach_plan::{GatewayResponseType, Method};
use stagecoach_vtl::gateway::{self, Overrides};
use stagecoach_vtl::{RenderError, Template};

use super::convert::{Converted, convert};
use super::facts::Message;
use crate::core::Core;
use crate::exchange::Exchange;
use crate::execution::event::Event;
use crate::failure::Failure;
use crate::headers;

/// What the integration is sent, and what the template overrides.
pub(crate) fn request(
    core: &Core,
    exchange: &Exchange,
    method: &Method,
    body: Bytes,
) -> Result<(Bytes, Overrides), Failure> {
    let integration = &method.integration;
    let given = headers::media_type(&exchange.headers, CONTENT_TYPE);
    let binary = exchange.release.binary.matches(given);
    let body = convert(body, Conversion::of_request(binary, integration.content_handling))?;
    let choice = integration.templates.for_request(given.unwrap_or("application/json"), integration.passthrough);
    if let Some(log) = exchange.log() {
        log.template("request", choice);
    }
    match choice {
        Choice::Pass => Ok((body.bytes, Overrides::default())),
        Choice::Render(template, _) => {
            let mut overrides = Overrides::default();
            let payload = render(core, exchange, template, &body, &mut overrides);
            Ok((payload.map_err(|problem| failed(exchange, "Unable to transform request", &problem))?, overrides))
        }
        Choice::Refuse => {
            Err(Failure::late(GatewayResponseType::UnsupportedMediaType, "no template for the media type"))
        }
    }
}

/// Why a template rendered nothing.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("the body is bytes, which no template reads")]
    Raw,
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// A template without references costs a copy.
fn render(
    core: &Core,
    exchange: &Exchange,
    template: &Template,
    body: &Converted,
    overrides: &mut Overrides,
) -> Result<Bytes, Problem> {
    match template.constant() {
        // Recorded for every template, also one that looks at nothing [V s3/TestApiGatewayS3BinarySupport].
        _ if body.raw => Err(Problem::Raw),
        Some(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        None => {
            let limits = &core.shared.options.templates;
            Ok(gateway::transform(template, &Message { exchange, body: &body.bytes }, overrides, limits)?.into())
        }
    }
}

/// 500 with AWS's text for the log (rest-data-plane §5.8); what the template did wrong goes to our own.
fn failed(exchange: &Exchange, cause: &'static str, problem: &Problem) -> Failure {
    tracing::debug!(request.id = exchange.ids.request.as_str(), %problem, "a mapping template failed");
    if let Some(log) = exchange.log() {
        log.event(Event::Trouble { problem: problem.to_string() });
    }
    Failure::configuration(cause)
}

/// What the client is sent, and the media type of the template that made it.
pub(crate) fn response<'a>(
    core: &Core,
    exchange: &Exchange,
    method: &Method,
    row: &'a Response,
    body: Bytes,
    backend_type: Option<&str>,
    overrides: &mut Overrides,
) -> Result<(Bytes, Option<&'a str>), Failure> {
    let types = &exchange.release.binary;
    let accept = headers::media_type(&exchange.headers, ACCEPT);
    let how = match method.integration.kind {
        // Without a back end there is nothing to convert.
        IntegrationType::Mock => Conversion::Text,
        _ => Conversion::of_response(types.matches(backend_type), types.matches(accept), row.content_handling),
    };
    let body = convert(body, how)?;
    let choice = row.templates.for_response(headers::accepted(&exchange.headers));
    if let Some(log) = exchange.log() {
        log.template("response", choice);
    }
    match choice {
        Choice::Render(template, media_type) => {
            let payload = render(core, exchange, template, &body, overrides);
            let failed = |problem| failed(exchange, "Unable to transform response", &problem);
            Ok((payload.map_err(failed)?, Some(media_type)))
        }
        Choice::Pass | Choice::Refuse => Ok((body.bytes, None)),
    }
}
