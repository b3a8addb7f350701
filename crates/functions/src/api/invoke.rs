//! Invoke.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use serde_json::json;
use stagecoach_base::Digest;
use stagecoach_wire::Reply;
use tokio::sync::mpsc;

use super::documents::{Cx, Outcome, reply};
use super::routes::Route;
use super::{Functions, events, permissions, put};
use crate::errors::{self, Code, LambdaError};
use crate::model::Target;
use crate::model::function::Version;
use crate::package::{Folders, is_there};
use crate::{Answer, FunctionError, Invocation, InvokeError, Invoked, Runnable, Runtime};

/// Bytes of an event's payload at most: 256 KiB, now 1 MiB [D]; by InvokeAsync still 256 KiB [M].
pub(super) const LARGEST_EVENT: usize = 1_048_576;
const LARGEST_ASYNC: usize = 262_144;
/// Values of `X-Amz-Invocation-Type`, and bytes of their payloads at most.
const KINDS: [(&str, usize); 3] = [("RequestResponse", 6_291_456), ("DryRun", 6_291_456), ("Event", LARGEST_EVENT)];

/// An invocation that was checked and may begin.
pub(super) struct Prepared {
    /// `X-Amz-Invocation-Type`.
    pub(super) kind: &'static str,
    pub(super) target: Target,
    pub(super) runnable: Arc<Runnable>,
    pub(super) invocation: Invocation,
}

/// Finds the version, checks payload and permission, and sees to the package.
pub(super) async fn prepare(cx: &Cx<'_>, streaming: bool) -> Result<Prepared, LambdaError> {
    let target = cx.target()?;
    let kind = cx.call.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let known = KINDS.into_iter().find(|(name, _)| *name == kind);
    let (kind, largest) = known.ok_or_else(|| {
        let constraint = "Member must satisfy enum value set: [Event, RequestResponse, DryRun]";
        LambdaError::constraint(kind, "invocationType", constraint)
    })?;
    prepare_as(cx, target, kind, payload(&cx.call.body, largest, "InvokeFunction")?, streaming).await
}

async fn prepare_as(
    cx: &Cx<'_>,
    target: Target,
    kind: &'static str,
    payload: Bytes,
    streaming: bool,
) -> Result<Prepared, LambdaError> {
    let route = cx.functions.routes.find(cx.functions, &target).await?;
    if let Some(source) = cx.call.header("x-amz-source-arn") {
        permissions::may_invoke(cx, &target, &route.statements, source)?;
    }
    let runnable = cx.functions.runnable(&route, cx.id).await?;
    let invocation = Invocation {
        request_id: cx.id.to_owned(),
        invoked_arn: target.arn(cx.scope()),
        payload,
        client_context: client_context(cx)?,
        trace_id: cx.call.header("x-amzn-trace-id").map(str::to_owned),
        streaming,
    };
    Ok(Prepared { kind, target, runnable, invocation })
}

/// InvokeAsync, which AWS deprecated for `InvocationType: Event`. It hands no trace id on [M].
pub(super) async fn invoke_async(cx: &Cx<'_>) -> Outcome {
    let payload = payload(&cx.call.body, LARGEST_ASYNC, "InvokeAsync")?;
    let Prepared { target, invocation, .. } = prepare_as(cx, cx.target()?, "Event", payload, false).await?;
    events::accept(cx, target, Invocation { trace_id: None, client_context: None, ..invocation }).await?;
    Ok(reply(cx, &json!({ "Status": 202 })))
}

/// Invoke.
pub(super) async fn invoke(cx: &Cx<'_>) -> Outcome {
    let Prepared { kind, target, runnable, invocation } = prepare(cx, false).await?;
    match kind {
        "DryRun" => return Ok(executed(Reply::empty(204), &runnable).into()),
        "Event" => return events::accept(cx, target, invocation).await.map(|()| Reply::empty(202).into()),
        _ => {}
    }
    let invoked = cx.functions.parts.invoker.invoke(Arc::clone(&runnable), invocation).await.map_err(refused)?;
    let tail = cx.call.header("x-amz-log-type") == Some("Tail");
    Ok(executed(answer(invoked, tail).await, &runnable).into())
}

/// The event: JSON, `{}` when nothing was sent.
fn payload(body: &Bytes, largest: usize, operation: &str) -> Result<Bytes, LambdaError> {
    if body.len() > largest {
        let message = format!("Request must be smaller than {largest} bytes for the {operation} operation");
        return Err(LambdaError::new(Code::RequestTooLarge, message));
    }
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => Ok(body.clone()),
        Err(error) => Err(LambdaError::new(
            Code::InvalidRequestContent,
            format!("Could not parse request body into json: Could not parse payload into json: {error}"),
        )),
    }
}

/// `X-Amz-Client-Context`: base64 of JSON.
fn client_context(cx: &Cx<'_>) -> Result<Option<String>, LambdaError> {
    let Some(sent) = cx.call.header("x-amz-client-context").filter(|sent| !sent.is_empty()) else { return Ok(None) };
    let text = STANDARD.decode(sent).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    let refused =
        || LambdaError::new(Code::InvalidRequestContent, "Client context must be a valid Base64-encoded JSON object.");
    text.map(Some).ok_or_else(refused)
}

impl Functions {
    /// The version that serves the request `id`, ready to run.
    pub(super) async fn runnable(&self, route: &Route, id: &str) -> Result<Arc<Runnable>, LambdaError> {
        let version = route.version(id);
        let runtime: Result<Runtime, _> = version.settings.runtime.parse();
        let runtime = runtime.map_err(|error| LambdaError::new(Code::InvalidRuntime, error.to_string()))?;
        let code = self.code(version).await?;
        let runnable = Arc::new(version.runnable(&route.function, &self.parts.scope, runtime, code));
        self.held.add(&runnable);
        Ok(runnable)
    }

    /// The version's package and layers on this host.
    pub(super) async fn code(&self, version: &Version) -> Result<Folders, LambdaError> {
        let mut layers = Vec::new();
        for layer in &version.settings.layers {
            layers.push(self.unpacked(&layer.code).await?);
        }
        Ok(Folders { package: self.unpacked(&version.code).await?, layers })
    }

    /// A package on this host; another host may have taken it in.
    pub(super) async fn unpacked(&self, package: &Digest) -> Result<PathBuf, LambdaError> {
        let place = self.packages.wanted(package);
        if is_there(&place).await {
            return Ok(place);
        }
        // One of many cold invocations reads and unpacks, the others wait: off the warm path, and on this package's lock only.
        let turn = self.packages.turn(package);
        let _turn = turn.lock().await;
        if is_there(&place).await {
            return Ok(place);
        }
        let zip = self.parts.store.blob(package).await?;
        let zip =
            zip.ok_or_else(|| LambdaError::new(Code::Service, "The function's package is gone from the store."))?;
        self.packages.unpack(package, zip, self.parts.entropy.next_u64()).await
    }
}

/// What a client is told when nothing ran.
pub(super) fn refused(error: InvokeError) -> LambdaError {
    match error {
        InvokeError::Throttled(reason) => LambdaError {
            reason: Some(reason.as_str()),
            ..LambdaError::new(Code::TooManyRequests, errors::RATE_EXCEEDED)
        },
        InvokeError::NotRunnable(why) => LambdaError::new(Code::InvalidRuntime, why),
        InvokeError::Stopping => LambdaError::new(Code::ServiceUnavailable, InvokeError::Stopping.to_string()),
    }
}

/// Names the version that ran.
pub(super) fn executed(mut reply: Reply, runnable: &Runnable) -> Reply {
    put(&mut reply.headers, "x-amz-executed-version", &runnable.version);
    reply
}

/// 200, whatever the function did; a failure is told by a header.
async fn answer(invoked: Invoked, tail: bool) -> Reply {
    let mut headers = HeaderMap::new();
    let (body, failed) = match invoked.answer {
        Answer::Whole(body) => (body, false),
        Answer::Failed(body) => (body, true),
        Answer::Stream(chunks) => gather(chunks).await,
    };
    put(&mut headers, "content-type", "application/json");
    if failed {
        put(&mut headers, "x-amz-function-error", "Unhandled");
    }
    if tail {
        put(&mut headers, "x-amz-log-result", &STANDARD.encode(&invoked.log_tail));
    }
    Reply { status: 200, headers, body }
}

/// All of a stream that nobody asked for.
pub(super) async fn gather(mut chunks: mpsc::Receiver<Result<Bytes, FunctionError>>) -> (Bytes, bool) {
    let mut whole = BytesMut::new();
    while let Some(chunk) = chunks.recv().await {
        match chunk {
            Ok(bytes) => whole.extend_from_slice(&bytes),
            Err(error) => return (Bytes::from(error.details), true),
        }
    }
    (whole.freeze(), false)
}
