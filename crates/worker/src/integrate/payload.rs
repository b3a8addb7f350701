//! The payload of a non-proxy integration: template choice, conversion, rendering (rest-data-plane §3.5, §5.3).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use stagecoach_plan::integration::{Integration, Response};
use stagecoach_plan::ir::ContentHandling;
use stagecoach_plan::templates::Choice;
use stagecoach_plan::{GatewayResponseType, Method};
use stagecoach_vtl::gateway::{self, Overrides};
use stagecoach_vtl::{RenderError, Template};

use super::facts::Message;
use crate::core::Core;
use crate::exchange::Exchange;
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
    let binary = headers::is_binary(&exchange.release.api.binary_media_types, given);
    let body = convert_request(body, binary, integration)?;
    match integration.templates.for_request(given.unwrap_or("application/json"), integration.passthrough) {
        Choice::Pass => Ok((body, Overrides::default())),
        Choice::Render(template, _) => {
            let mut overrides = Overrides::default();
            let payload = render(core, exchange, template, &body, &mut overrides);
            Ok((payload.map_err(|error| failed(exchange, "Unable to transform request", &error))?, overrides))
        }
        Choice::Refuse => {
            Err(Failure::late(GatewayResponseType::UnsupportedMediaType, "no template for the media type"))
        }
    }
}

/// A template without references costs a copy.
fn render(
    core: &Core,
    exchange: &Exchange,
    template: &Template,
    body: &Bytes,
    overrides: &mut Overrides,
) -> Result<Bytes, RenderError> {
    match template.constant() {
        Some(text) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        None => {
            let limits = &core.shared.options.templates;
            gateway::transform(template, &Message { exchange, body }, overrides, limits).map(Bytes::from)
        }
    }
}

/// 500 with AWS's text for the log (rest-data-plane §5.8); what the template did wrong goes to our own.
fn failed(exchange: &Exchange, cause: &'static str, error: &RenderError) -> Failure {
    tracing::debug!(request.id = exchange.ids.request.as_str(), %error, "a mapping template failed");
    Failure::configuration(cause)
}

fn convert_request(body: Bytes, binary: bool, integration: &Integration) -> Result<Bytes, Failure> {
    match (binary, integration.content_handling) {
        (false, Some(ContentHandling::ConvertToBinary)) => decode(&body),
        (true, Some(ContentHandling::ConvertToText)) => Ok(STANDARD.encode(&body).into()),
        _ => Ok(body),
    }
}

fn decode(body: &Bytes) -> Result<Bytes, Failure> {
    STANDARD.decode(body).map(Bytes::from).map_err(|_| Failure::configuration("Unable to base64 decode the body."))
}

/// What the client is sent, and the media type of the template that made it.
pub(crate) fn response<'a>(
    core: &Core,
    exchange: &Exchange,
    row: &'a Response,
    body: Bytes,
    backend_type: Option<&str>,
    overrides: &mut Overrides,
) -> Result<(Bytes, Option<&'a str>), Failure> {
    let types = &exchange.release.api.binary_media_types;
    let accept = headers::media_type(&exchange.headers, ACCEPT);
    let binary = (headers::is_binary(types, backend_type), headers::is_binary(types, accept));
    let body = convert_response(body, binary, row.content_handling)?;
    match row.templates.for_response(accept.unwrap_or("application/json")) {
        Choice::Render(template, media_type) => {
            let payload = render(core, exchange, template, &body, overrides);
            let failed = |error| failed(exchange, "Unable to transform response", &error);
            Ok((payload.map_err(failed)?, Some(media_type)))
        }
        Choice::Pass | Choice::Refuse => Ok((body, None)),
    }
}

/// The recorded matrix of (payload, accept) × contentHandling [V s3/TestApiGatewayS3BinarySupport].
fn convert_response(
    body: Bytes,
    (payload, accept): (bool, bool),
    handling: Option<ContentHandling>,
) -> Result<Bytes, Failure> {
    match (payload, accept, handling) {
        (false, _, Some(ContentHandling::ConvertToBinary)) | (false, true, None) => decode(&body),
        (true, _, Some(ContentHandling::ConvertToText)) | (true, false, None) => Ok(STANDARD.encode(&body).into()),
        _ => Ok(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_converted_as_recorded() {
        let convert = |binary, handling| convert_response(Bytes::from_static(b"YQ=="), binary, handling).unwrap();
        let (to_text, to_binary) = (Some(ContentHandling::ConvertToText), Some(ContentHandling::ConvertToBinary));

        assert_eq!(convert((false, false), None), "YQ==");
        assert_eq!(convert((false, true), None), "a");
        assert_eq!(convert((false, true), to_text), "YQ==");
        assert_eq!(convert((true, false), None), STANDARD.encode("YQ=="));
        assert_eq!(convert((true, true), to_binary), "YQ==");
        assert!(convert_response(Bytes::from_static(b"!"), (false, false), to_binary).is_err());
    }
}
