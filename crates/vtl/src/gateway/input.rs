//! `$input`.

use super::{Gateway, Place};
use crate::heap::{Heap, MapKind, Value};
use crate::limits::RenderError;
use crate::path::Path;
use crate::shared::Text;

/// Places in the order `$input.params('x')` looks, with their keys in `$input.params()`.
const PLACES: [(&str, Place, MapKind); 3] = [
    ("path", Place::Path, MapKind::Plain),
    ("querystring", Place::Query, MapKind::Plain),
    ("header", Place::Header, MapKind::Folded),
];

impl Gateway<'_> {
    /// `$input.body`: an empty one prints `{}` [V common/test_input_body_formatting].
    pub(super) fn body(&mut self, heap: &mut Heap) -> Result<Value, RenderError> {
        let body = self.text(heap)?;
        if body.is_empty() { heap.text("{}") } else { Ok(Value::Text(body)) }
    }

    /// The body, copied once.
    fn text(&mut self, heap: &mut Heap) -> Result<Text, RenderError> {
        if let Some(body) = &self.body {
            return Ok(body.clone());
        }
        let body = heap.shared(&self.facts.body())?;
        self.body = Some(body.clone());
        Ok(body)
    }

    pub(super) fn input(&mut self, heap: &mut Heap, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
        match (name, arguments) {
            ("path", [path]) => Ok(self.find(heap, path)?.unwrap_or(Value::Null)),
            ("json", [path]) => self.json(heap, path),
            ("params", []) => self.parameters(heap),
            ("params", [name]) => {
                let name = heap.print(name)?;
                let found = PLACES.iter().find_map(|(_, place, _)| self.facts.parameter(*place, &name));
                heap.text(found.as_deref().unwrap_or_default())
            }
            ("getBody", []) => self.body(heap),
            _ => Ok(Value::Null),
        }
    }

    /// The match as JSON text; two quotes when there is none.
    fn json(&mut self, heap: &mut Heap, path: &Value) -> Result<Value, RenderError> {
        let text = match self.find(heap, path)? {
            Some(found) => heap.json(&found)?,
            // An empty body is an empty object here.
            None if self.text(heap)?.is_empty() && &*heap.print(path)? == "$" => "{}".to_owned(),
            None => "\"\"".to_owned(),
        };
        heap.text(&text)
    }

    fn find(&mut self, heap: &mut Heap, path: &Value) -> Result<Option<Value>, RenderError> {
        let text = heap.print(path)?;
        heap.work(text.len())?;
        let path = Path::parse(&text).map_err(|error| RenderError::exception(error.to_string()))?;
        match self.document(heap)? {
            Value::Null => Ok(None),
            document => path.find(heap, &document),
        }
    }

    /// The body as JSON, read once: what a template changes in it stays changed.
    fn document(&mut self, heap: &mut Heap) -> Result<Value, RenderError> {
        if let Some(document) = &self.document {
            return Ok(document.clone());
        }
        let body = self.text(heap)?;
        let document = heap.read_shared_json(&body)?.unwrap_or(Value::Null);
        self.document = Some(document.clone());
        Ok(document)
    }

    fn parameters(&self, heap: &mut Heap) -> Result<Value, RenderError> {
        let all = heap.map(MapKind::Plain)?;
        for (key, place, kind) in PLACES {
            let map = heap.map(kind)?;
            for (name, value) in self.facts.parameters(place) {
                let value = heap.text(&value)?;
                heap.put(map, &name, value)?;
            }
            heap.put(all, key, Value::Map(map))?;
        }
        Ok(Value::Map(all))
    }
}
