//! MOCK: the request template says the status (rest-data-plane §6.3).

use std::rc::Rc;

use http::{HeaderMap, Response};
use stagecoach_plan::Method;

use super::respond::{Outcome, respond};
use super::{payload, unreadable};
use crate::body::{ReplyBody, RequestBody};
use crate::core::Core;
use crate::exchange::Exchange;
use crate::failure::Failure;

/// Answers without a back end.
pub(crate) async fn run(
    core: &Rc<Core>,
    exchange: &Exchange,
    method: &Method,
    body: RequestBody,
) -> Result<Response<ReplyBody>, Failure> {
    let body = match body.is_empty() {
        true => bytes::Bytes::new(),
        false => Box::pin(body.collect()).await.map_err(|error| unreadable(&error))?,
    };
    let (payload, overrides) = payload::request(core, exchange, method, body)?;
    let status = std::str::from_utf8(&payload).ok().and_then(status_code).ok_or_else(|| {
        Failure::configuration(
            "Unable to parse statusCode. It should be an integer that is defined in the request template.",
        )
    })?;
    let (select, headers) = (Some(status.to_string()), HeaderMap::new());
    respond(core, exchange, method, Outcome { select, headers, body: bytes::Bytes::new(), overrides })
}

/// `statusCode` of a template's output: strict JSON first, then AWS's lenient reading.
fn status_code(text: &str) -> Option<i64> {
    if let Some(status) = lone_status(text) {
        return Some(status);
    }
    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        return value.get("statusCode")?.as_i64();
    }
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut status = None;
    for pair in inner.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair.split_once(':').unwrap_or((pair, ""));
        let key = bare(key.trim())?;
        let value = value.trim();
        if key.starts_with(['{', '[']) || !is_closed(value) {
            return None;
        }
        if key == "statusCode" {
            status = Some(value.parse().ok()?);
        }
    }
    status
}

/// What nearly every template says: an object of nothing but a `statusCode` of three digits. Cheaper than reading JSON.
fn lone_status(text: &str) -> Option<i64> {
    let rest = text.trim_ascii().strip_prefix('{')?.trim_ascii_start().strip_prefix("\"statusCode\"")?;
    let digits = rest.trim_ascii_start().strip_prefix(':')?.strip_suffix('}')?.trim_ascii();
    let plain = digits.len() == 3 && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// A key without its quotes, which must pair.
fn bare(key: &str) -> Option<&str> {
    match key.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        Some(quote) => key.strip_prefix(quote)?.strip_suffix(quote),
        None => Some(key).filter(|key| !key.ends_with(['"', '\''])),
    }
}

/// A value that opens with a quote or bracket must end with its partner.
fn is_closed(value: &str) -> bool {
    let partner = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('[') => ']',
        Some('{') => '}',
        _ => return true,
    };
    value.len() > 1 && value.ends_with(partner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forms collected in rest-data-plane §6.3.
    #[test]
    fn the_status_is_read_as_leniently_as_aws_does() {
        let accepted = [
            r#"{"statusCode": 200}"#,
            "\n { \"statusCode\"\t:200 } ",
            r#"{"statusCode": 100, "statusCode": 200}"#,
            "{statusCode: 200}",
            "{'statusCode': 200}",
            r#"{"statusCode": 200 , }"#,
            r#"{"statusCode": 200 ,, }"#,
            r#"{"statusCode": 200, "": ""}"#,
            r#"{"statusCode": 200 , null: null }"#,
            r#"{statusCode: 200, "value": 'goog'}"#,
            "{statusCode: 200, foo}: [ba r]}",
        ];
        let rejected = [
            "statusCode: 200",
            r#"{"statusCode": 200"#,
            r#"{"statusCode': 200 }"#,
            "{'statusCode: 200 }",
            r#"{"statusCode": "200"}"#,
            r#"{"statusCode": 20 0}"#,
            r#"{"statusCode": }"#,
            "{}",
            "",
            "[]",
        ];

        for text in accepted {
            assert_eq!(status_code(text), Some(200), "{text}");
        }
        for text in rejected {
            assert_eq!(status_code(text), None, "{text}");
        }
        assert_eq!(status_code(r#"{"statusCode": -1000}"#), Some(-1000));
    }
}
