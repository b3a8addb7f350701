//! Evaluation of parameter mappings (rest-data-plane §4.2).

use std::borrow::Cow;
use std::cell::RefCell;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use stagecoach_plan::expression::{Expression, HeaderMapping};
use stagecoach_plan::substitution::{Part, Substitution};
use stagecoach_vtl::{Heap, Limits, Path, Value};

use crate::exchange::Exchange;
use crate::query::Query;

/// What expressions read: the client's request or the integration's response.
pub(crate) struct Source<'a> {
    pub(crate) exchange: &'a Exchange,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Query<'a>,
    body: Body<'a>,
}

/// A body; parsed once, and only for what asks.
struct Body<'a> {
    bytes: Option<&'a Bytes>,
    parsed: RefCell<Option<Parsed>>,
}

/// `None` inside: text that is not taken for JSON.
type Parsed = Result<Option<(Heap, Value)>, InvalidJson>;

/// The body was to be parsed and is no JSON.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InvalidJson;

impl<'a> Source<'a> {
    /// The client's request.
    pub(crate) fn request(exchange: &'a Exchange, body: Option<&'a Bytes>) -> Self {
        Self { exchange, headers: &exchange.headers, query: exchange.query(), body: Body::of(body) }
    }

    /// An integration's response.
    pub(crate) fn response(exchange: &'a Exchange, headers: &'a HeaderMap, body: &'a Bytes) -> Self {
        Self { exchange, headers, query: Query::parse(""), body: Body::of(Some(body)) }
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
            Expression::Input(name) => self.input(name).map(Cow::into_owned),
            Expression::StageVariable(name) => self.exchange.stage_variable(name).map(str::to_owned),
            Expression::Context(name) => self.exchange.context(name).map(Cow::into_owned),
            Expression::Static(text) => Some(text.to_string()),
            Expression::Body => Some(self.body.whole()?),
            Expression::BodyPath(path) => self.body.value(path)?,
            Expression::ErrorMessagePath(path) => self.body.error_value(path)?,
        })
    }

    /// The value of a header that goes to the client; one that is no header value is left out.
    pub(crate) fn header(&self, mapping: &HeaderMapping) -> Result<Option<HeaderValue>, InvalidJson> {
        if let Some(constant) = &mapping.constant {
            return Ok(Some(constant.clone()));
        }
        let value = self.value(&mapping.source)?;
        Ok(value.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok()))
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

    /// What `$input.params('name')` finds.
    fn input(&self, name: &str) -> Option<Cow<'_, str>> {
        let path = self.exchange.variable(name).or_else(|| self.query.last(name));
        path.map(Cow::Borrowed).or_else(|| self.header_values(name).next_back())
    }

    /// A text with its values put in; what is missing leaves nothing.
    pub(crate) fn substitute(&self, text: &Substitution) -> String {
        let mut whole = String::new();
        for part in text.parts() {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Value(value) => whole.push_str(&self.value(value).ok().flatten().unwrap_or_default()),
            }
        }
        whole
    }
}

impl<'a> Body<'a> {
    fn of(bytes: Option<&'a Bytes>) -> Self {
        Self { bytes, parsed: RefCell::new(None) }
    }

    /// Without the blanks around it; an empty one reads as `{}`.
    fn text(&self) -> Cow<'a, str> {
        let bytes = self.bytes.map_or(&b""[..], |bytes| bytes.trim_ascii());
        if bytes.is_empty() { Cow::Borrowed("{}") } else { String::from_utf8_lossy(bytes) }
    }

    /// Even as a whole it must be JSON when it looks like it (rest-data-plane §4.3).
    fn whole(&self) -> Result<String, InvalidJson> {
        self.parsed(|_| Ok(()))?;
        Ok(self.text().into_owned())
    }

    /// Text that is not taken for JSON has no members.
    fn value(&self, path: &Path) -> Result<Option<String>, InvalidJson> {
        Ok(self.parsed(|(heap, document)| find(heap, document, path))?.flatten())
    }

    /// Within `errorMessage`, which may be a JSON document in a text.
    fn error_value(&self, path: &Path) -> Result<Option<String>, InvalidJson> {
        let found = self.parsed(|(heap, document)| {
            let Value::Map(document) = document else { return Ok(None) };
            let message = match heap.get(*document, "errorMessage").cloned() {
                Some(Value::Text(text)) => heap.read_json(&text).ok().flatten(),
                message => message,
            };
            message.map_or(Ok(None), |message| find(heap, &message, path))
        });
        Ok(found?.flatten())
    }

    /// Runs `look` on the document, where the body is one.
    fn parsed<T>(
        &self,
        look: impl FnOnce(&mut (Heap, Value)) -> Result<T, InvalidJson>,
    ) -> Result<Option<T>, InvalidJson> {
        let mut parsed = self.parsed.borrow_mut();
        match parsed.get_or_insert_with(|| parse(&self.text())) {
            Ok(document) => document.as_mut().map(look).transpose(),
            Err(invalid) => Err(*invalid),
        }
    }
}

/// JSON, when the first character is one of `{ [ " '` (rest-data-plane §4.3).
fn parse(text: &str) -> Parsed {
    if !text.starts_with(['{', '[', '"', '\'']) {
        return Ok(None);
    }
    let mut heap = Heap::new(Limits::default());
    let document = heap.read_json(text).ok().flatten().ok_or(InvalidJson)?;
    Ok(Some((heap, document)))
}

fn find(heap: &mut Heap, document: &Value, path: &Path) -> Result<Option<String>, InvalidJson> {
    let found = path.find(heap, document).map_err(|_| InvalidJson)?;
    found.map_or(Ok(None), |value| written(heap, &value))
}

/// Scalars as written, objects and arrays as JSON text, null as missing.
fn written(heap: &mut Heap, value: &Value) -> Result<Option<String>, InvalidJson> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) => Ok(Some(text.to_string())),
        value => heap.json(value).map(Some).map_err(|_| InvalidJson),
    }
}
