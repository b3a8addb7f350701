//! The doors of the fuzz targets and of the corpus tests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::gateway::{self, Facts, Overrides, Place};
use crate::heap::{Heap, Value};
use crate::limits::{Limits, RenderError};
use crate::path::Path;
use crate::scope::Scope;
use crate::template::Template;

const DOCUMENT: &str = r#"{"a":[1,2.50,"x",null,{"b":"c d"}],"size":true,"t":"The fox"}"#;

/// A scope with one document under every name.
struct Document(Option<Value>);

impl Scope for Document {
    fn variable(&mut self, _: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        if self.0.is_none() {
            self.0 = heap.read_json(DOCUMENT)?;
        }
        Ok(self.0.clone().unwrap_or(Value::Null))
    }

    fn call(&mut self, _: u8, _: &str, _: &[Value], _: &mut Heap) -> Result<Value, RenderError> {
        Ok(Value::Null)
    }
}

/// A request with the document as its body.
struct Request(BTreeMap<String, String>);

impl Facts for Request {
    fn body(&self) -> Cow<'_, str> {
        DOCUMENT.into()
    }

    fn parameter(&self, _: Place, name: &str) -> Option<Cow<'_, str>> {
        (name == "a").then_some("b%20c".into())
    }

    fn parameters(&self, _: Place) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        vec![("a".into(), "b%20c".into())]
    }

    fn context(&self, name: &str) -> Option<Cow<'_, str>> {
        matches!(name, "stage" | "requestTimeEpoch" | "identity.sourceIp" | "identity.apiKey").then_some("17".into())
    }

    fn more_context(&self) -> Option<Cow<'_, str>> {
        Some(r#"{"authorizer":{"a":"1"},"isCanaryRequest":"true"}"#.into())
    }

    fn stage_variables(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

/// What API Gateway makes of a template: the same whether or not `$context` is made before it is asked for.
fn transform(template: &Template) {
    let request = Request(BTreeMap::from([("a".to_owned(), "x".to_owned())]));
    let output = |eagerly| {
        let mut overrides = Overrides::default();
        let output = gateway::render(template, &request, &mut overrides, &limits(), eagerly)?;
        Ok::<_, RenderError>((output, overrides))
    };
    if let (Ok(lazy), Ok(eager)) = (output(false), output(true)) {
        assert_eq!(lazy, eager);
    }
}

/// Renders any text as a template: it ends, its output keeps to the limit, and the same comes out again.
///
/// # Panics
/// When it does not.
pub fn render(text: &str) {
    let Ok(template) = Template::parse(text) else { return };
    let limits = limits();
    let output = |template: &Template| template.render(&mut Document(None), &mut Heap::new(limits));
    let first = output(&template);
    assert!(first.as_ref().is_ok_and(|text| text.len() <= limits.output) || first.is_err());
    assert_eq!(first, output(&template));
    transform(&template);
}

/// Follows the path in the first line through the document in the others, or through one that stands there always: it
/// ends, an indefinite path finds a list, and the same is found again.
///
/// # Panics
/// When it is not so.
pub fn find(text: &str) {
    let (path, document) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(path) = Path::parse(path) else { return };
    let found = |document: &str| {
        let mut heap = Heap::new(limits());
        let root = heap.read_json(document)?;
        let found = root.map_or(Ok(None), |root| path.find(&mut heap, &root))?;
        let listed = path.has_function() || path.is_definite() || matches!(found, None | Some(Value::List(_)));
        assert!(listed, "an indefinite path found no list");
        found.map(|value| heap.json(&value)).transpose()
    };
    for document in [DOCUMENT, document] {
        let first: Result<_, RenderError> = found(document);
        assert_eq!(first, found(document));
    }
}

fn limits() -> Limits {
    Limits { steps: 20_000, memory: 1 << 20, output: 64 << 10, ..Limits::default() }
}
