//! Answers the gateway makes itself: one door for all of them (invariant 5, rest-data-plane §2).

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use serde_json::Value;
use stagecoach_plan::GatewayResponseType;
use stagecoach_plan::release::GatewayResponse;

use crate::body::ReplyBody;
use crate::exchange::Exchange;
use crate::headers;
use crate::mapping::Source;

/// Why a request gets a gateway response.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: GatewayResponseType,
    /// Instead of the type's own.
    status: Option<u16>,
    /// Instead of the type's own.
    error_type: Option<&'static str>,
    /// Instead of the type's own.
    message: Option<Cow<'static, str>>,
    /// Errors made during execution print a blank after the colon (rest-data-plane §2.4).
    during_execution: bool,
    /// `$context.error.validationErrorString`.
    validation: Option<String>,
    /// For the log only: what happened.
    pub(crate) cause: Cow<'static, str>,
}

impl Failure {
    /// A failure before the integration runs.
    pub(crate) fn early(kind: GatewayResponseType) -> Self {
        Self {
            kind,
            status: None,
            error_type: None,
            message: None,
            during_execution: false,
            validation: None,
            cause: "".into(),
        }
    }

    /// A failure while the integration runs.
    pub(crate) fn late(kind: GatewayResponseType, cause: impl Into<Cow<'static, str>>) -> Self {
        Self { during_execution: true, cause: cause.into(), ..Self::early(kind) }
    }

    /// 500 for a configuration that cannot work; the cause is AWS's log text.
    pub(crate) fn configuration(cause: impl Into<Cow<'static, str>>) -> Self {
        Self::late(GatewayResponseType::ApiConfigurationError, cause)
    }

    /// 501 for what this version has not built, by name.
    pub(crate) fn not_built(what: impl std::fmt::Display) -> Self {
        let message = format!("Not implemented by this gateway: {what}");
        Self {
            status: Some(501),
            error_type: Some("NotImplementedException"),
            message: Some(message.clone().into()),
            ..Self::late(GatewayResponseType::Default5xx, message)
        }
    }

    /// 413 for an event that Lambda takes for too large. Seen on AWS with 31 bytes of JSON and this type, unlike a request
    /// that the gateway itself finds too large (rest-data-plane §2.4).
    pub(crate) fn too_long_for_lambda(cause: impl Into<Cow<'static, str>>) -> Self {
        let error_type = Some("BadRequestException");
        Self { error_type, ..Self::late(GatewayResponseType::RequestTooLarge, cause) }
    }

    /// Whether the front door itself refuses the request: AWS does so in plain text, beyond customisation.
    pub(crate) fn is_at_the_door(&self) -> bool {
        self.kind == GatewayResponseType::RequestTooLarge && !self.during_execution
    }

    /// Whether an integration is to blame (rest-data-plane §10.1, `integration.error`).
    pub(crate) fn is_of_the_integration(&self) -> bool {
        let kinds = [GatewayResponseType::IntegrationFailure, GatewayResponseType::IntegrationTimeout];
        kinds.contains(&self.kind) || self.status == Some(502)
    }

    /// With another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// With another text.
    pub(crate) fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// With what a validator says of the body.
    pub(crate) fn validation(mut self, detail: String) -> Self {
        self.validation = Some(detail);
        self
    }

    /// The line of an execution log (rest-data-plane §10.2, "failure"); `None` for a failure that AWS says nothing about.
    pub(crate) fn log_line(&self) -> Option<Cow<'_, str>> {
        let cause = &*self.cause;
        match (self.kind, self.status) {
            _ if cause.is_empty() => None,
            (GatewayResponseType::IntegrationFailure, Some(504)) => {
                Some("Execution failed due to a network error communicating with endpoint".into())
            }
            // Texts that are a whole line already.
            _ if cause.starts_with("Execution failed") || cause.starts_with("Lambda ") => Some(cause.into()),
            (kind, _) if kind.facts().status >= 500 => {
                Some(format!("Execution failed due to configuration error: {cause}").into())
            }
            _ => Some(cause.into()),
        }
    }

    fn text(&self) -> Option<&str> {
        self.message.as_deref().or(self.kind.facts().message)
    }

    fn default_body(&self) -> Bytes {
        let message = self.text().map_or(Value::Null, Value::from);
        let key = if self.kind == GatewayResponseType::AccessDenied { "Message" } else { "message" };
        let blank = if self.during_execution { " " } else { "" };
        format!("{{\"{key}\":{blank}{message}}}").into()
    }
}

/// The response for a failure, with the API's customisation when the request got as far as an API.
pub(crate) fn render(failure: &Failure, exchange: Option<&mut Exchange>) -> Response<ReplyBody> {
    let facts = failure.kind.facts();
    let status = failure.status.unwrap_or(facts.status);
    let error_type = HeaderValue::from_static(failure.error_type.unwrap_or(facts.error_type));
    let Some(exchange) = exchange else { return plain(status, error_type, failure.default_body()) };
    exchange.notes.error_type = Some(facts.name);
    exchange.notes.error_message = failure.text().map(|text| Cow::Owned(text.to_owned()));
    exchange.notes.validation_error = failure.validation.clone();
    let release = exchange.release.clone();
    match release.gateway_response(failure.kind, status) {
        Some(custom) => customised(custom, failure, status, error_type, exchange),
        None => plain(status, error_type, failure.default_body()),
    }
}

fn plain(status: u16, error_type: HeaderValue, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::Full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-amzn-errortype", error_type);
    response
}

fn customised(
    custom: &GatewayResponse,
    failure: &Failure,
    status: u16,
    error_type: HeaderValue,
    exchange: &Exchange,
) -> Response<ReplyBody> {
    let (template, source) = (custom.template(headers::accepted(&exchange.headers)), Source::request(exchange, None));
    let body = template.map_or_else(|| failure.default_body(), |template| source.substitute(&template.text).into());
    let mut response = plain(custom.status.unwrap_or(status), error_type, body);
    if let Some(template) = template {
        response.headers_mut().insert(CONTENT_TYPE, template.content_type.clone());
    }
    for mapping in &custom.parameters {
        if let (Some(name), Ok(Some(value))) = (&mapping.sent, source.header(mapping)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// 413 for a body over the limit: plain text, not customisable (rest-data-plane §2.4).
pub(crate) fn too_large(limit: usize) -> Response<ReplyBody> {
    let body = format!("HTTP content length exceeded {limit} bytes.");
    let mut response = plain(413, HeaderValue::from_static("RequestTooLargeException"), body.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(failure: &Failure) -> String {
        String::from_utf8(failure.default_body().to_vec()).unwrap()
    }

    /// rest-data-plane §2.4
    #[test]
    fn bodies_have_aws_bytes() {
        assert_eq!(
            body(&Failure::early(GatewayResponseType::MissingAuthenticationToken)),
            r#"{"message":"Missing Authentication Token"}"#
        );
        assert_eq!(body(&Failure::early(GatewayResponseType::AuthorizerFailure)), r#"{"message":null}"#);
        assert_eq!(body(&Failure::configuration("x")), r#"{"message": "Internal server error"}"#);
        assert_eq!(
            body(&Failure::late(GatewayResponseType::IntegrationTimeout, "x")).len(),
            r#"{"message": "Endpoint request timed out"}"#.len()
        );
        assert!(body(&Failure::early(GatewayResponseType::AccessDenied)).starts_with(r#"{"Message":"#));
    }

    /// rest-data-plane §2.1 and §2.4, for every type and in both phases.
    #[test]
    fn every_type_has_its_status_its_error_type_and_a_body_in_both_phases() {
        for facts in stagecoach_plan::gateway::FACTS {
            for (failure, blank) in [(Failure::early(facts.kind), ""), (Failure::late(facts.kind, ""), " ")] {
                let response = render(&failure, None);

                let text = facts.message.map_or("null".to_owned(), |text| format!("{text:?}"));
                let key = if facts.name == "ACCESS_DENIED" { "Message" } else { "message" };
                assert_eq!(body(&failure), format!("{{\"{key}\":{blank}{text}}}"), "{}", facts.name);
                assert_eq!(response.status().as_u16(), facts.status, "{}", facts.name);
                assert_eq!(response.headers()["x-amzn-errortype"], facts.error_type, "{}", facts.name);
                assert_eq!(response.headers()[CONTENT_TYPE], "application/json", "{}", facts.name);
            }
        }
    }
}
