//! AWS_PROXY with response streaming: a JSON prelude, eight NUL bytes, then the client's body as the function writes it
//! (rest-data-plane §3.8, "Response streaming").

use bytes::{Bytes, BytesMut};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue, SET_COOKIE};
use memchr::memmem;
use serde_json::{Map, Value};

use super::lambda_reply::{self, malformed};
use crate::body::{BodyError, EventsReply, ReplyBody, UpstreamReply};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::upstream;

/// What the stream is framed as.
const EVENT_STREAM: &[u8] = b"application/vnd.amazon.eventstream";
/// Between the prelude and the body.
const SEPARATOR: [u8; 8] = [0; 8];
/// Largest prelude, bytes: ours; AWS limits headers to 10,240.
const LARGEST_PRELUDE: usize = 64 * 1024;
/// Members of a prelude; any other is malformed, as for answers that are not streamed.
const MEMBERS: [&str; 4] = ["statusCode", "headers", "multiValueHeaders", "cookies"];

/// The client's answer from the head of a function's stream.
pub(super) async fn read(
    exchange: &mut Exchange,
    response: Response<UpstreamReply>,
) -> Result<Response<ReplyBody>, Failure> {
    let (parts, body) = response.into_parts();
    lambda_reply::accepted(parts.status.as_u16(), exchange)?;
    let kind = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.starts_with(EVENT_STREAM) {
        return Err(malformed("Malformed Lambda proxy response: the endpoint did not stream"));
    }
    let mut events = EventsReply::new(body);
    let (prelude, begun) = prelude(exchange, &mut events).await?;
    let object: Map<String, Value> =
        serde_json::from_slice(&prelude).map_err(|_| malformed("Malformed Lambda proxy response"))?;
    let mut response = lambda_reply::head(exchange, &object, &MEMBERS)?;
    for cookie in cookies(&object)? {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response.map(|()| ReplyBody::Events(Box::new(events.resume(begun)))))
}

/// Waits for the whole prelude; answers it, and what of the body came with it.
async fn prelude(exchange: &Exchange, events: &mut EventsReply) -> Result<(Bytes, Bytes), Failure> {
    let mut read = BytesMut::new();
    loop {
        // The separator may be cut by a chunk's end.
        let from = read.len().saturating_sub(SEPARATOR.len());
        let chunk = match events.next().await {
            Some(chunk) => chunk.map_err(|error| broken(exchange, &error))?,
            None => return Err(malformed("Malformed Lambda proxy response: the stream ended within its prelude")),
        };
        read.extend_from_slice(&chunk);
        if let Some(at) = memmem::find(read.get(from..).unwrap_or_default(), &SEPARATOR) {
            let mut begun = read.split_off(from + at).freeze();
            let body = begun.split_off(SEPARATOR.len());
            return Ok((read.freeze(), body));
        }
        if read.len() > LARGEST_PRELUDE {
            return Err(malformed(format!(
                "Malformed Lambda proxy response: no prelude within {LARGEST_PRELUDE} bytes"
            )));
        }
    }
}

/// A stream that broke before the client got anything.
fn broken(exchange: &Exchange, error: &BodyError) -> Failure {
    match error {
        BodyError::Function(message) => lambda_reply::function_error(exchange, message),
        BodyError::Events(_) => malformed(format!("Malformed Lambda proxy response: {error}")),
        other => upstream::broken_function(other),
    }
}

fn cookies(object: &Map<String, Value>) -> Result<Vec<HeaderValue>, Failure> {
    let wrong = || malformed("Malformed Lambda proxy response");
    let cookies = match object.get("cookies") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(cookies)) => cookies,
        Some(_) => return Err(wrong()),
    };
    let value = |cookie: &Value| cookie.as_str().and_then(|text| HeaderValue::from_str(text).ok()).ok_or_else(wrong);
    cookies.iter().map(value).collect()
}
