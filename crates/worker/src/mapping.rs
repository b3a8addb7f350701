//! Evaluation of parameter mappings (rest-data-plane §4.2).

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use stagecoach_plan::expression::Expression;
use stagecoach_vtl::{Heap, Limits, Path, Value};

use crate::exchange::Exchange;
use crate::query::Query;

/// What expressions read: the client's request or the integration's response.
pub(crate) struct Source<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Query<'a>,
    pub(crate) body: Option<&'a Bytes>,
}

/// The body was to be parsed and is no JSON.
#[derive(Debug)]
pub(crate) struct InvalidJson;

impl<'a> Source<'a> {
    /// The client's request.
    pub(crate) fn request(exchange: &'a Exchange, body: Option<&'a Bytes>) -> Self {
        Self { exchange, headers: &exchange.headers, query: exchange.query(), body }
    }

    /// An integration's response.
    pub(crate) fn response(exchange: &'a Exchange, headers: &'a HeaderMap, body: &'a Bytes) -> Self {
        Self { exchange, headers, query: Query::parse(""), body: Some(body) }
    }

    /// The value of an expression; `None` when its source is missing, and the target is then left out.
    pub(crate) fn value(&self, expression: &Expression) -> Result<Option<String>, InvalidJson> {
        Ok(match expression {
            Expression::Header(name) => self.header_values(name).next_back().map(Cow::into_owned),
            Expression::MultiValueHeader(name) => {
                let values: Vec<_> = self.header_values(name).collect();
                Some(values.join(",")).filter(|_| !values.is_empty())
            }
            Expression::Query(name) => self.query.last(name).map(str::to_owned),
            Expression::MultiValueQuery(name) => {
                let values: Vec<&str> = self.query.all(name).collect();
                Some(values.join(",")).filter(|_| !values.is_empty())
            }
            Expression::Path(name) => self.exchange.variable(name).map(str::to_owned),
            Expression::StageVariable(name) => self.exchange.stage_variable(name).map(str::to_owned),
            Expression::Context(name) => self.exchange.context(name).map(Cow::into_owned),
            Expression::Static(text) => Some(text.to_string()),
            Expression::Body => Some(self.body_text()),
            Expression::BodyPath(path) => self.body_value(path)?,
        })
    }

    /// Every value, for targets that repeat.
    pub(crate) fn values(&self, expression: &Expression) -> Result<Vec<String>, InvalidJson> {
        match expression {
            Expression::MultiValueQuery(name) => Ok(self.query.all(name).map(str::to_owned).collect()),
            other => Ok(self.value(other)?.into_iter().collect()),
        }
    }

    fn header_values(&self, name: &str) -> impl DoubleEndedIterator<Item = Cow<'_, str>> {
        self.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// An empty body reads as `{}`.
    fn body_text(&self) -> String {
        match self.body {
            Some(body) if !body.is_empty() => String::from_utf8_lossy(body).into_owned(),
            _ => "{}".to_owned(),
        }
    }

    /// Parsed only when it looks like JSON; other text has no members.
    fn body_value(&self, path: &Path) -> Result<Option<String>, InvalidJson> {
        let text = self.body_text();
        if !text.trim_start().starts_with(['{', '[', '"', '\'']) {
            return Ok(None);
        }
        let mut heap = Heap::new(Limits::default());
        let document = heap.read_json(&text).ok().flatten().ok_or(InvalidJson)?;
        let found = path.find(&mut heap, &document).map_err(|_| InvalidJson)?;
        found.map_or(Ok(None), |value| written(&mut heap, &value))
    }
}

/// Scalars as written, objects and arrays as JSON text, null as missing.
fn written(heap: &mut Heap, value: &Value) -> Result<Option<String>, InvalidJson> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text.to_string())),
        value => heap.json(value).map(Some).map_err(|_| InvalidJson),
    }
}
