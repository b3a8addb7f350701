//! The invocation record that a destination gets [D: "Capturing records of Lambda asynchronous invocations"].

use serde::Serialize;
use serde_json::value::RawValue;
use stagecoach_base::UnixMillis;
use stagecoach_store::NewEvent;

use super::schedule::Condition;
use crate::api::invoke::LARGEST_EVENT;
use crate::model::function::timestamp;

/// How an event ended.
pub(super) struct Record<'a> {
    pub(super) event: &'a NewEvent,
    /// ARN of the function with the qualifier it was invoked by.
    pub(super) arn: String,
    pub(super) condition: Condition,
    /// How often it was invoked.
    pub(super) invoked: u32,
    /// The version that ran last, and its payload; `None` when it did not run last time.
    pub(super) answer: Option<(&'a str, &'a [u8])>,
    pub(super) failed: bool,
    pub(super) now: UnixMillis,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shape<'a> {
    version: &'a str,
    timestamp: String,
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_payload: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<ResponseContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_payload: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    condition: &'a str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext<'a> {
    status_code: u16,
    executed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_error: Option<&'a str>,
}

impl Record<'_> {
    /// The record; one that is larger than an event may be comes without payloads.
    pub(super) fn text(&self) -> String {
        let whole = self.json(true);
        if whole.len() <= LARGEST_EVENT {
            return whole;
        }
        tracing::warn!(request = %self.event.id, "a destination gets a record without payloads: they are too large");
        self.json(false)
    }

    fn json(&self, payloads: bool) -> String {
        let shape = Shape {
            version: "1.0",
            timestamp: timestamp(self.now).replace("+0000", "Z"),
            request_context: RequestContext {
                request_id: &self.event.id,
                function_arn: &self.arn,
                condition: self.condition.as_str(),
                approximate_invoke_count: self.invoked,
            },
            request_payload: payloads.then(|| raw(&self.event.payload)),
            response_context: self.answer.map(|(version, _)| ResponseContext {
                status_code: 200,
                executed_version: version,
                function_error: self.failed.then_some("Unhandled"),
            }),
            response_payload: self.answer.filter(|_| payloads).map(|(_, payload)| raw(payload)),
        };
        serde_json::to_string(&shape).unwrap_or_default()
    }
}

/// JSON as it was sent; what is no JSON becomes a string.
fn raw(bytes: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let quoted = || serde_json::value::to_raw_value(&text).unwrap_or_else(|_| RawValue::NULL.to_owned());
    RawValue::from_string(text.clone()).unwrap_or_else(|_| quoted())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_documented() {
        let event = NewEvent { id: "r1".into(), payload: b"{\"n\":1.10}".to_vec(), ..NewEvent::default() };
        let record = Record {
            event: &event,
            arn: "arn:f:$LATEST".into(),
            condition: Condition::RetriesExhausted,
            invoked: 3,
            answer: Some(("$LATEST", b"{\"errorMessage\":\"no\"}")),
            failed: true,
            now: UnixMillis(1_573_755_365_568),
        };

        assert_eq!(
            record.text(),
            r#"{"version":"1.0","timestamp":"2019-11-14T18:16:05.568Z","requestContext":{"requestId":"r1","functionArn":"arn:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"n":1.10},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no"}}"#
        );
        let unanswered = Record { answer: None, ..record };
        assert!(unanswered.text().ends_with(r#""requestPayload":{"n":1.10}}"#));
        let payload = format!("\"{}\"", "x".repeat(LARGEST_EVENT)).into_bytes();
        let large = NewEvent { payload, ..event.clone() };
        assert!(!Record { event: &large, ..unanswered }.text().contains("Payload"));
    }

    #[test]
    fn a_payload_that_is_no_json_is_a_string() {
        assert_eq!(raw(b"no \"json\"").get(), r#""no \"json\"""#);
    }
}
