//! Templates with the output they must have (`cases.json`): plain Velocity with API Gateway's departures.

use serde_json::Value as Json;
use stagecoach_vtl::heap::MapKind;
use stagecoach_vtl::{Heap, Limits, Number, RenderError, Scope, Template, Value};

/// Values as a template itself would make them, so that lists print as Java's.
fn make(heap: &mut Heap, json: &Json) -> Result<Value, RenderError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => Value::Number(Number::from_json(&number.to_string())),
        Json::String(text) => heap.text(text)?,
        Json::Array(items) => {
            let items = items.iter().map(|item| make(heap, item)).collect::<Result<_, _>>()?;
            heap.list(items)?
        }
        Json::Object(members) => {
            let map = heap.map(MapKind::Plain)?;
            for (name, value) in members {
                let value = make(heap, value)?;
                heap.put(map, name, value)?;
            }
            Value::Map(map)
        }
    })
}

/// The cases' context.
struct Context(Vec<(String, Value)>);

impl Scope for Context {
    fn variable(&mut self, name: &str, _: &mut Heap) -> Result<Value, RenderError> {
        Ok(self.0.iter().find(|(known, _)| known == name).map_or(Value::Null, |(_, value)| value.clone()))
    }
}

#[test]
fn every_case_prints_what_it_must() {
    let file: Json = serde_json::from_str(include_str!("cases.json")).unwrap();
    let members = file["context"].as_object().unwrap();

    let mut wrong = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let mut heap = Heap::new(Limits::default());
        let context = members.iter().map(|(name, value)| (name.clone(), make(&mut heap, value).unwrap())).collect();
        let output = Template::parse(case["template"].as_str().unwrap())
            .map_err(|error| error.to_string())
            .and_then(|template| template.render(&mut Context(context), &mut heap).map_err(|error| error.to_string()));
        if output.as_deref() != Ok(case["output"].as_str().unwrap()) {
            wrong.push(format!("{}: {} gave {output:?}, not {}", case["name"], case["template"], case["output"]));
        }
    }

    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(file["cases"].as_array().unwrap().len(), 171);
}
