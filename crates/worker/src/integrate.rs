//! Integrations: what a method calls, and the mapping around it.

pub(crate) mod convert;
pub(crate) mod facts;
pub(crate) mod http;
pub(crate) mod lambda;
pub(crate) mod lambda_event;
pub(crate) mod lambda_reply;
mod lambda_stream;
pub(crate) mod mapped;
pub(crate) mod mock;
pub(crate) mod payload;
pub(crate) mod respond;

use std::rc::Rc;
use std::sync::Arc;

use ::http::Response;
use stagecoach_plan::ir::IntegrationType;
use stagecoach_plan::{GatewayResponseType, Method, Release};

use crate::body::{BodyError, ReplyBody, RequestBody};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::{upstream, validate};

/// The routed method together with the release that owns it, so that both outlive the exchange's borrows.
pub(crate) struct Routed {
    release: Arc<Release>,
    index: u32,
}

impl Routed {
    pub(crate) fn of(exchange: &Exchange) -> Result<Self, Failure> {
        let index = exchange.method.ok_or_else(|| Failure::configuration("no method was routed"))?;
        Ok(Self { release: exchange.release.clone(), index })
    }

    pub(crate) fn method(&self) -> Result<&Method, Failure> {
        self.release.method(self.index).ok_or_else(|| Failure::configuration("the routed method is gone"))
    }
}

/// Validates the request, where the method asks for it, and runs the method's integration.
pub(crate) async fn integrate(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let routed = Routed::of(exchange)?;
    let method = routed.method()?;
    let body = match &method.validation {
        Some(validation) => Box::pin(validate::run(exchange, validation, body)).await?,
        None => body,
    };
    if method.integration.vpc_link {
        return Err(Failure::not_built("VPC links"));
    }
    // A future is moved as a whole when a request starts: those that buffer bodies are boxed, to keep the others small.
    let response = match method.integration.kind {
        IntegrationType::HttpProxy => return http::proxy(core, exchange, method, body).await,
        IntegrationType::Http => Box::pin(http::mapped(core, exchange, method, body)).await,
        IntegrationType::Mock => mock::run(core, exchange, method, body).await,
        IntegrationType::AwsProxy => Box::pin(lambda::proxy(core, exchange, method, body)).await,
        IntegrationType::Aws => Box::pin(lambda::mapped(core, exchange, method, body)).await,
    }?;
    within_limit(response, method.integration.kind, core.shared.options.max_payload)
}

/// The payload limit of answers that are at hand, mapped as they are (rest-data-plane §3.8): 502 where a function made
/// it, 500 otherwise.
fn within_limit(
    response: Response<ReplyBody>,
    kind: IntegrationType,
    limit: usize,
) -> Result<Response<ReplyBody>, Failure> {
    if response.body().at_hand().is_none_or(|bytes| bytes.len() <= limit) {
        return Ok(response);
    }
    let error = BodyError::TooLarge(limit as u64);
    match kind {
        IntegrationType::AwsProxy | IntegrationType::Aws => Err(upstream::broken_function(&error)),
        IntegrationType::Http | IntegrationType::HttpProxy | IntegrationType::Mock => Err(upstream::broken(&error)),
    }
}

/// A client's body that could not be read.
pub(crate) fn unreadable(error: &BodyError) -> Failure {
    match error {
        BodyError::TooLarge(_) => Failure::early(GatewayResponseType::RequestTooLarge),
        other => {
            Failure::early(GatewayResponseType::Default4xx).message(format!("The body could not be read: {other}"))
        }
    }
}

/// A mapping that met a body which is no JSON: 400 on the request side (rest-data-plane §4.3).
pub(crate) fn invalid_json(_: crate::mapping::InvalidJson) -> Failure {
    Failure::late(GatewayResponseType::Default4xx, "Invalid JSON in request body")
        .message("Invalid JSON in request body")
}
