//! Methods of Java's classes, as far as templates may call them: a closed list, no reflection (rest-data-plane §5.6).

mod lists;
mod maps;
mod scalars;
mod texts;

use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Number;
use crate::shared::Text;

/// `receiver.name(arguments)`. A method that does not exist is null, as an undefined reference is.
pub(crate) fn call(heap: &mut Heap, receiver: &Value, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    match (name, arguments, receiver) {
        (_, _, Value::Null) => return Ok(Value::Null),
        ("toString", [], _) => return heap.print(receiver).map(Value::Text),
        ("equals", [other], _) => return equal(heap, receiver, other).map(Value::Bool),
        _ => {}
    }
    match receiver {
        Value::Text(text) => texts::call(heap, text, name, arguments),
        Value::List(list) => lists::call(heap, *list, name, arguments),
        Value::Map(map) => maps::call(heap, *map, name, arguments),
        Value::Number(number) => scalars::number(heap, number, name, arguments),
        Value::Bool(bool) => Ok(scalars::bool(*bool, name, arguments)),
        Value::Null | Value::Loop(_) | Value::Host(_) => Ok(Value::Null),
    }
}

/// Java's `equals` is false between classes.
fn same_kind(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.integer().is_some() == right.integer().is_some(),
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    }
}

/// Whether Java's `equals` holds.
fn equal(heap: &mut Heap, left: &Value, right: &Value) -> Result<bool, RenderError> {
    heap.visit()?;
    Ok(same_kind(left, right) && heap.equals(left, right, 0)?)
}

fn int(number: usize) -> Value {
    Value::Number(Number::from(number))
}

/// A position, or Java's -1.
fn found(at: Option<usize>) -> Value {
    at.map_or(Value::Number(Number::Int(-1)), int)
}

fn ordering(order: std::cmp::Ordering) -> Value {
    Value::Number(Number::Int(match order {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }))
}

fn out_of_bounds() -> RenderError {
    RenderError::exception("an index is out of bounds")
}

/// An argument as an index; a negative one is out of bounds.
fn index(value: &Value) -> Result<usize, RenderError> {
    match value {
        Value::Number(number) => usize::try_from(number.to_i64()).map_err(|_| out_of_bounds()),
        _ => Err(RenderError::exception("an index is no number")),
    }
}

fn printed(heap: &mut Heap, value: &Value) -> Result<Text, RenderError> {
    heap.print(value)
}
