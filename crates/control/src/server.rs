//! The admin listener: bytes to calls, calls to handlers, replies to bytes. Native endpoints live under
//! `/_stagecoach/v1/`; everything else is AWS's surface.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt;
use stagecoach_base::{AwsError, ErrorCode, id, limits};
use stagecoach_wire::{Call, Reply, route};
use tokio::net::TcpListener;

use crate::call::Cx;
use crate::{Control, beside, native, table};

/// The admin surface as a router, for a listener or an in-process call.
pub fn router(control: Arc<Control>) -> Router {
    Router::new().merge(native::router(control.clone())).fallback(aws).with_state(control)
}

/// Serves the admin surface until `shutdown` resolves; requests in flight are finished.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    control: Arc<Control>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(control)).with_graceful_shutdown(shutdown).await
}

async fn aws(State(control): State<Arc<Control>>, request: Request) -> Response {
    let path = request.uri().path();
    if let Some(service) = control.beside.as_ref().filter(|service| service.owns(path)) {
        let Control { auth, clock, entropy, .. } = &*control;
        return beside::checked(service.as_ref(), auth, clock.as_ref(), entropy.as_ref(), request).await;
    }
    let started = control.clock.now();
    let (parts, body) = request.into_parts();
    let request_id = id::uuid(control.entropy.as_ref());
    let answered = answer(&control, &parts, body, &request_id).await;
    let (operation, reply) = match answered {
        Ok(done) => done,
        Err((operation, error)) => (operation, Reply::error(&error)),
    };
    let took = control.clock.now().duration_since(started);
    tracing::debug!(operation, status = reply.status, duration_ms = took.as_millis(), request_id, "admin call");
    respond(reply, &request_id)
}

type Answered = Result<(&'static str, Reply), (&'static str, AwsError)>;

async fn answer(control: &Arc<Control>, parts: &Parts, body: Body, request_id: &str) -> Answered {
    let body = read_body(body).await.map_err(|error| ("", error))?;
    let actor = control.auth.authenticate(control.clock.wall(), parts, &body).await.map_err(|error| ("", error))?;
    let path = parts.uri.path();
    if path.starts_with("/_stagecoach/") {
        return Err(("", native::unknown(path)));
    }
    let query = parts.uri.query().unwrap_or_default();
    let routed = route(parts.method.as_str(), path, query).map_err(|error| ("", AwsError::from(error)))?;
    let name = routed.operation.name;
    let call = Call::new(routed, path, query, parts.headers.clone(), body);
    match table::handler(call.op()) {
        Some(handler) => {
            let cx = Cx {
                control: control.clone(),
                actor,
                at: control.clock.wall(),
                call,
                request_id: request_id.to_owned(),
            };
            handler(cx).await.map(|reply| (name, reply)).map_err(|error| (name, error))
        }
        None => Err((name, not_built(name))),
    }
}

/// The whole body, or 413.
pub(crate) async fn read_body(body: Body) -> Result<Bytes, AwsError> {
    read_up_to(body, limits::PAYLOAD_BYTES).await
}

/// The whole body of fewer than `limit` bytes, or 413.
pub(crate) async fn read_up_to(body: Body, limit: usize) -> Result<Bytes, AwsError> {
    let (mut body, mut kept, mut seen) = (body, BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(|error| AwsError::bad_request(format!("The body could not be read: {error}")))?;
        let Ok(data) = data.into_data() else { continue };
        seen += data.len();
        // What is too much is still read for a while: a client that is writing would not see the answer otherwise.
        if seen < limit {
            kept.extend_from_slice(&data);
        } else if seen < READ_ON * limit {
            kept = BytesMut::new();
        } else {
            break;
        }
    }
    if seen < limit { Ok(kept.freeze()) } else { Err(too_large(limit)) }
}

/// Limits' worth of a body after which the connection is given up.
const READ_ON: usize = 4;

fn too_large(limit: usize) -> AwsError {
    AwsError::new(ErrorCode::RequestTooLarge, format!("Request body exceeds {limit} bytes."))
}

/// An operation AWS has and we have not: said plainly, never pretended.
fn not_built(operation: &str) -> AwsError {
    AwsError::new(ErrorCode::NotImplemented, format!("The operation {operation} is not implemented by this gateway."))
}

pub(crate) fn respond(reply: Reply, request_id: &str) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = reply.headers;
    if let Ok(value) = http::HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", value.clone());
        response.headers_mut().insert("x-amz-apigw-id", value);
    }
    response
}
