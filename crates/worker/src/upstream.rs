//! Calls to back ends over this core's own connections.

mod address;
mod connect;
mod pool;
pub(crate) mod tls;

use std::rc::Rc;
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use stagecoach_plan::GatewayResponseType;
use stagecoach_plan::target::Endpoint;

pub(crate) use pool::{Lease, Pool};

use crate::body::{BodyError, FirstContent, UpstreamBody, UpstreamReply};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::execution::event::Event;
use crate::failure::Failure;

/// Where a call goes.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// Skip certificate checks.
    pub(crate) insecure: bool,
    /// The operator named the endpoint, not an API's definition: it may have a private address.
    pub(crate) trusted: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(
        "{0} resolves to no address that is allowed; private, loopback and link-local ones need --allow-private-upstreams"
    )]
    Refused(String),
    #[error("cannot resolve {0}: {1}")]
    Resolve(String, std::io::Error),
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] hyper::Error),
}

impl SendError {
    /// Whether there is nothing to connect to.
    fn is_of_the_address(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Resolve(..))
    }
}

/// Sends a request; the deadline covers everything up to the end of the answer, but for a body that is still coming from
/// the client: AWS has all of it before its clock starts.
pub(crate) async fn send(
    core: &Rc<Core>,
    exchange: &mut Exchange,
    call: Call<'_>,
    mut request: Request<UpstreamBody>,
    within: Duration,
) -> Result<Response<UpstreamReply>, Failure> {
    if let Some(log) = exchange.log() {
        log.endpoint_request(call.endpoint, &request);
    }
    let started = Instant::now();
    let arrival = request.body_mut().arrival(started);
    let due = || arrival.as_ref().map_or(started, |last| last.get()) + within;
    let mut deadline = core.deadlines.at(due());
    let mut attempt = std::pin::pin!(attempt(core, call, request));
    let sent = loop {
        tokio::select! {
            biased;
            sent = &mut attempt => break Some(sent),
            () = &mut deadline => match due() {
                later if later > Instant::now() => deadline = core.deadlines.at(later),
                _ => break None,
            },
        }
    };
    if arrival.is_some() {
        deadline = core.deadlines.at(due());
    }
    let mut first = None;
    if core.log.is_some() || exchange.execution.is_some() {
        exchange.notes.integration_latency_ms = Some(started.elapsed().as_millis());
        first = Some(FirstContent::since(started));
        exchange.notes.first_content = first.clone();
    }
    let Some(sent) = sent else {
        return Err(Failure::late(GatewayResponseType::IntegrationTimeout, "Execution failed due to a timeout error"));
    };
    let (response, lease) = sent.map_err(|error| {
        if let Some(log) = exchange.log() {
            if error.is_of_the_address() {
                log.withdraw_endpoint_request();
            }
            log.event(Event::Trouble { problem: error.to_string() });
        }
        if call.trusted { unreachable_lambda(core, call, &error) } else { unreachable_endpoint(&error) }
    })?;
    exchange.notes.integration_status = Some(response.status().as_u16());
    if let Some(log) = exchange.log() {
        log.endpoint_response(&response, started.elapsed(), lease.is_reused());
    }
    Ok(response.map(|incoming| UpstreamReply::new(incoming, lease, deadline).timed(first)))
}

/// Tries pooled connections first. One that the back end closed while it was idle gives the request back unsent, and the
/// next one is tried; a request that was sent is never sent twice.
async fn attempt(
    core: &Rc<Core>,
    call: Call<'_>,
    mut request: Request<UpstreamBody>,
) -> Result<(Response<Incoming>, Lease), SendError> {
    loop {
        let mut lease = match core.pool.take(call).await {
            Some(lease) => lease,
            // Boxed: rare, and its TLS handshake would make every request's future large.
            None => Box::pin(core.pool.connect(call)).await?,
        };
        match lease.send(request).await {
            Ok(response) => return Ok((response, lease)),
            Err(mut unsent) => match unsent.take_message().filter(|_| lease.is_reused()) {
                Some(message) => request = message,
                None => return Err(SendError::Broken(unsent.into_error())),
            },
        }
    }
}

fn unreachable_endpoint(error: &SendError) -> Failure {
    use std::error::Error;
    let too_large = |error: &hyper::Error| {
        matches!(error.source().and_then(|cause| cause.downcast_ref::<BodyError>()), Some(BodyError::TooLarge(_)))
    };
    match error {
        SendError::Broken(error) if too_large(error) => Failure::early(GatewayResponseType::RequestTooLarge),
        // AWS's one text for a name or an address that it does not call; ours says which, where the operator looks. The
        // recorded endpoint had passed PutIntegration and failed only when it was called [V
        // api/test_failed_invoke_test_method]: it may well have been a name without an address, and a recording wins over
        // the 504 that rest-data-plane §6.4 infers for one. Connections that are refused or break are 504s [F].
        SendError::Refused(_) | SendError::Resolve(..) => {
            tracing::debug!(error = %error, "an endpoint was not called");
            Failure::configuration("Invalid endpoint address")
        }
        // 504 with a text of its own (rest-data-plane §6.4).
        other => Failure::late(GatewayResponseType::IntegrationFailure, other.to_string())
            .status(504)
            .message("Network error communicating with endpoint"),
    }
}

/// A Lambda endpoint that is not there, or breaks off, is a service that failed: 502, as when it says so itself
/// (rest-data-plane §6.5). The function may have run; it is not called again.
fn unreachable_lambda(core: &Core, call: Call<'_>, error: &SendError) -> Failure {
    if core.may_complain(&call.endpoint.authority) {
        tracing::warn!(endpoint = %call.endpoint.authority, %error, "a Lambda endpoint cannot be reached");
    }
    broke_off()
}

fn broke_off() -> Failure {
    let cause = "Execution failed due to a network error communicating with endpoint";
    Failure::late(GatewayResponseType::Default5xx, cause).status(502)
}

/// What a function may answer with, bytes: a payload with room for base64 and escapes.
pub(crate) fn largest_envelope(core: &Core) -> usize {
    core.shared.options.max_payload.saturating_mul(2)
}

/// As [`broken`]; what is too large or broken off is 502, as whatever else a function must not answer (rest-data-plane §6.6).
pub(crate) fn broken_function(error: &BodyError) -> Failure {
    match error {
        BodyError::TooLarge(_) => Failure::late(GatewayResponseType::Default5xx, error.to_string()).status(502),
        BodyError::Transport(_) => broke_off(),
        other => broken(other),
    }
}

/// An answer whose body could not be read to its end, or is too large: 500 (rest-data-plane §6.4).
pub(crate) fn broken(error: &BodyError) -> Failure {
    match error {
        BodyError::TimedOut | BodyError::Idle(_) => {
            Failure::late(GatewayResponseType::IntegrationTimeout, "Execution failed due to a timeout error")
        }
        other => Failure::late(GatewayResponseType::IntegrationFailure, other.to_string()),
    }
}
