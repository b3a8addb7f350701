//! Methods of numbers and booleans.

use super::ordering;
use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Number;

pub(super) fn number(heap: &mut Heap, number: &Number, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    Ok(match (name, arguments) {
        ("longValue", []) => Value::Number(Number::Int(number.cut(64))),
        ("intValue", []) => Value::Number(Number::Int(number.cut(32))),
        ("shortValue", []) => Value::Number(Number::Int(number.cut(16))),
        ("byteValue", []) => Value::Number(Number::Int(number.cut(8))),
        ("doubleValue" | "floatValue", []) => Value::Number(Number::Float(number.to_f64())),
        ("compareTo" | "compare", [Value::Number(other)]) => number.compare(other).map_or(Value::Null, ordering),
        ("isNaN", []) => Value::Bool(number.to_f64().is_nan()),
        ("parseInt" | "parseLong", [text]) => parsed(heap, text, |text| text.parse().ok().map(Number::Int))?,
        ("parseDouble" | "parseFloat", [text]) => {
            parsed(heap, text, |text| text.trim().parse().ok().map(Number::Float))?
        }
        ("valueOf", [text]) if number.integer().is_some() => {
            parsed(heap, text, |text| text.parse().ok().map(Number::Int))?
        }
        ("valueOf", [text]) => parsed(heap, text, |text| text.trim().parse().ok().map(Number::Float))?,
        _ => Value::Null,
    })
}

fn parsed(heap: &mut Heap, text: &Value, parse: fn(&str) -> Option<Number>) -> Result<Value, RenderError> {
    let text = heap.print(text)?;
    let number = parse(&text).map(Value::Number);
    number.ok_or_else(|| RenderError::exception(format!("For input string: \"{text}\"")))
}

pub(super) fn bool(bool: bool, name: &str, arguments: &[Value]) -> Value {
    match (name, arguments) {
        ("booleanValue", []) => Value::Bool(bool),
        ("compareTo", [Value::Bool(other)]) => ordering(bool.cmp(other)),
        _ => Value::Null,
    }
}
