//! A parsed call: the operation, its labels, its query, its body.

use bytes::Bytes;
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use stagecoach_base::{AwsError, ErrorCode};

use crate::{Op, Operation, Routed, page};

/// One call of one operation.
#[derive(Clone, Debug)]
pub struct Call {
    routed: Routed,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    /// Raw payload.
    pub body: Bytes,
}

impl Call {
    /// Puts a routed request together; `path` is raw, `query` is what follows `?`.
    pub fn new(routed: Routed, path: &str, query: &str, headers: HeaderMap, body: Bytes) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query =
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (unescape(k), unescape(v)));
        Self { path: path.to_owned(), query: query.collect(), routed, headers, body }
    }

    /// The operation's row.
    pub fn operation(&self) -> &'static Operation {
        self.routed.operation
    }

    /// Which operation.
    pub fn op(&self) -> Op {
        self.routed.operation.op
    }

    /// A path label, decoded; empty for a name the operation's path does not have.
    pub fn label(&self, name: &str) -> &str {
        self.routed.labels.iter().find(|(label, _)| *label == name).map_or("", |(_, value)| value)
    }

    /// The first path label, decoded: the API, plan, key or domain that the call is about. Empty for calls without labels.
    pub fn first_label(&self) -> &str {
        self.routed.labels.first().map_or("", |(_, value)| value)
    }

    /// The path as sent, still percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a repeated query parameter.
    pub fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter is the literal `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A request header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `limit`, clamped to 1..=500; 25 by default. Out of range is no error [V x] (rest-admin-api §2.3).
    pub fn limit(&self) -> u32 {
        let asked = self.query("limit").and_then(|text| text.parse::<i64>().ok());
        asked.map_or(page::DEFAULT, |limit| {
            u32::try_from(limit.clamp(1, i64::from(page::LARGEST))).unwrap_or(page::DEFAULT)
        })
    }

    /// The id after which the page starts, from `position`.
    ///
    /// # Errors
    /// 400 for a token that this gateway did not make.
    pub fn position(&self) -> Result<Option<String>, AwsError> {
        self.query("position").filter(|token| !token.is_empty()).map(page::decode).transpose()
    }

    /// The body as a JSON object; an empty body is null.
    ///
    /// # Errors
    /// `SerializationException` for anything else.
    pub fn json_body(&self) -> Result<Value, AwsError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Null) => Ok(Value::Null),
            Ok(object @ Value::Object(_)) => Ok(object),
            Ok(_) => {
                Err(AwsError::new(ErrorCode::Serialization, "Start of structure or map found where not expected."))
            }
            Err(error) => {
                Err(AwsError::new(ErrorCode::Serialization, format!("The request body is not valid JSON: {error}")))
            }
        }
    }
}

fn unescape(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;

    fn call(query: &str, body: &str) -> Call {
        Call::new(
            route("GET", "/restapis/abc/resources", "").unwrap(),
            "/restapis/abc/resources",
            query,
            HeaderMap::new(),
            Bytes::from(body.to_owned()),
        )
    }

    #[test]
    fn query_parameters_repeat_and_are_decoded() {
        let call = call("embed=methods&embed=x%20y&flag=true&empty", "");

        assert_eq!(call.query_all("embed").collect::<Vec<_>>(), ["methods", "x y"]);
        assert!(call.flag("flag") && !call.flag("empty"));
        assert_eq!(call.label("restapi_id"), "abc");
    }

    #[test]
    fn limits_are_clamped_not_refused() {
        let limits =
            ["", "limit=-1", "limit=0", "limit=7", "limit=9999", "limit=x"].map(|query| call(query, "").limit());

        assert_eq!(limits, [25, 1, 1, 7, 500, 25]);
    }

    #[test]
    fn bodies_are_objects_or_nothing() {
        assert_eq!(call("", " \n").json_body().unwrap(), Value::Null);
        assert_eq!(call("", "{\"a\":1}").json_body().unwrap()["a"], 1);
        for wrong in ["[]", "\"x\"", "{", "\u{0}"] {
            assert_eq!(call("", wrong).json_body().unwrap_err().code(), ErrorCode::Serialization);
        }
    }
}
