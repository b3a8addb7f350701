//! The door of the fuzz target `mapping` and of its corpus test.

use stagecoach_vtl::{Heap, Limits};

use crate::expression::{Expression, HeaderMapping, RequestMapping, Side};
use crate::substitution::{Part, Substitution};

/// Lines `key expression` are mappings of every side, the last line is a body, and the whole is a gateway response's
/// template. Whatever the text, parsing ends, what was parsed says what was written, and paths into the body end.
///
/// # Panics
/// When not.
pub fn map(text: &str) {
    let (mappings, body) = text.rsplit_once('\n').unwrap_or((text, ""));
    for line in mappings.lines().take(32) {
        let (key, expression) = line.split_once(' ').unwrap_or(("", line));
        if let Ok(mapping) = RequestMapping::parse(key, expression) {
            assert!(key.ends_with(&*mapping.name) && key.starts_with("integration.request."));
        }
        for (side, prefix) in [
            (Side::Request, "method.response."),
            (Side::Response, "method.response."),
            (Side::Gateway, "gatewayresponse."),
        ] {
            if let Ok(mapping) = HeaderMapping::parse(key, prefix, expression, side) {
                assert_eq!(key, format!("{prefix}header.{}", mapping.name));
            }
            if let Ok(parsed) = Expression::parse(expression, side) {
                read(&parsed, expression, side, body);
            }
        }
    }
    let substitution = Substitution::parse(text);
    let values = substitution.parts().iter().filter(|part| matches!(part, Part::Value(_))).count();
    assert!(values <= text.matches('$').count());
    if let [Part::Text(whole)] = substitution.parts() {
        assert_eq!(&**whole, text);
    }
}

fn read(parsed: &Expression, written: &str, side: Side, body: &str) {
    match parsed {
        Expression::Static(text) => assert_eq!(written, format!("'{text}'")),
        Expression::StageVariable(name) => assert_eq!(written, format!("stageVariables.{name}")),
        Expression::Context(name) => assert_eq!(written, format!("context.{name}")),
        Expression::Header(name)
        | Expression::MultiValueHeader(name)
        | Expression::Query(name)
        | Expression::MultiValueQuery(name)
        | Expression::Path(name)
        | Expression::Input(name) => assert!(written.ends_with(&**name)),
        Expression::Body => assert!(side != Side::Gateway && written.ends_with(".body")),
        Expression::BodyPath(path) | Expression::ErrorMessagePath(path) => {
            assert_ne!(side, Side::Gateway);
            let mut heap = Heap::new(Limits { steps: 20_000, memory: 1 << 20, ..Limits::default() });
            if let Ok(Some(document)) = heap.read_json(body)
                && let Ok(Some(found)) = path.find(&mut heap, &document)
            {
                drop(heap.json(&found));
            }
        }
    }
}
