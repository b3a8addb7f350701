//! InvokeWithResponseStream: the answer as an event stream, chunk by chunk as the function writes it.

use bytes::Bytes;
use serde_json::{Map, Value};
use stagecoach_base::eventstream::Message;
use stagecoach_wire::Reply;
use tokio::sync::mpsc;

use super::documents::{Cx, Outcome};
use super::invoke::{executed, prepare, refused};
use super::{Answered, put};
use crate::{Answer, FunctionError};

/// Chunks on their way to a slow client; then the function waits.
const AHEAD: usize = 8;

/// InvokeWithResponseStream.
pub(super) async fn invoke(cx: &Cx<'_>) -> Outcome {
    let prepared = prepare(cx, true).await?;
    if prepared.kind == "DryRun" {
        return Ok(executed(Reply::empty(204), &prepared.runnable).into());
    }
    let runnable = prepared.runnable.clone();
    let invoked = cx.functions.parts.invoker.invoke(prepared.runnable, prepared.invocation).await.map_err(refused)?;
    let mut head = executed(Reply::empty(200), &runnable);
    put(&mut head.headers, "content-type", "application/vnd.amazon.eventstream");
    let (sender, body) = mpsc::channel(AHEAD);
    tokio::spawn(pass(invoked.answer, sender));
    Ok(Answered::Stream(head, body))
}

/// Passes an answer on; ends when the client is gone.
async fn pass(answer: Answer, client: mpsc::Sender<Bytes>) {
    let mut failure = None;
    match answer {
        Answer::Whole(body) => drop(client.send(chunk(body)).await),
        Answer::Failed(body) => failure = Some(told(&body)),
        Answer::Stream(mut chunks) => {
            while let Some(next) = chunks.recv().await {
                match next {
                    Ok(bytes) => {
                        if client.send(chunk(bytes)).await.is_err() {
                            return;
                        }
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
    }
    drop(client.send(complete(failure)).await);
}

fn chunk(bytes: Bytes) -> Bytes {
    Message::event("PayloadChunk", "application/octet-stream", bytes).encode()
}

fn complete(failure: Option<FunctionError>) -> Bytes {
    let mut shape = Map::new();
    if let Some(FunctionError { code, details }) = failure {
        shape.insert("ErrorCode".into(), code.into());
        shape.insert("ErrorDetails".into(), details.into());
    }
    Message::event("InvokeComplete", "application/json", Value::Object(shape).to_string().into()).encode()
}

/// The error in a failure's payload.
fn told(body: &[u8]) -> FunctionError {
    let parsed: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = parsed["errorType"].as_str().unwrap_or("Unhandled").to_owned();
    FunctionError { code, details: String::from_utf8_lossy(body).into_owned() }
}
