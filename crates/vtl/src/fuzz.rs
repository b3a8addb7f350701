//! The door of the fuzz target and of the corpus test.

use crate::heap::{Heap, Value};
use crate::limits::{Limits, RenderError};
use crate::scope::Scope;
use crate::template::Template;

/// A scope with one document under every name.
struct Document(Option<Value>);

impl Scope for Document {
    fn variable(&mut self, _: &str, heap: &mut Heap) -> Result<Value, RenderError> {
        if self.0.is_none() {
            self.0 = heap.read_json(r#"{"a":[1,2.50,"x",null,{"b":"c d"}],"size":true,"t":"The fox"}"#)?;
        }
        Ok(self.0.clone().unwrap_or(Value::Null))
    }

    fn call(&mut self, _: u8, _: &str, _: &[Value], _: &mut Heap) -> Result<Value, RenderError> {
        Ok(Value::Null)
    }
}

/// Renders any text as a template: it ends, its output keeps to the limit, and the same comes out again.
///
/// # Panics
/// When it does not.
pub fn render(text: &str) {
    let Ok(template) = Template::parse(text) else { return };
    let limits = Limits { steps: 20_000, memory: 1 << 20, output: 64 << 10, ..Limits::default() };
    let output = |template: &Template| template.render(&mut Document(None), &mut Heap::new(limits));
    let first = output(&template);
    assert!(first.as_ref().is_ok_and(|text| text.len() <= limits.output) || first.is_err());
    assert_eq!(first, output(&template));
}
