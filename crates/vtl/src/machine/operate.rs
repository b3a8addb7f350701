//! Operators.

use std::cmp::Ordering;

use crate::ast::Operator;
use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Arithmetic;

pub(super) fn apply(heap: &mut Heap, operator: Operator, left: &Value, right: &Value) -> Result<Value, RenderError> {
    let ordered = |wanted: fn(Ordering) -> bool| Value::Bool(compare(left, right).is_some_and(wanted));
    match operator {
        Operator::Equal => heap.equals(left, right, 0).map(Value::Bool),
        Operator::Unequal => heap.equals(left, right, 0).map(|equal| Value::Bool(!equal)),
        Operator::Less => Ok(ordered(Ordering::is_lt)),
        Operator::LessOrEqual => Ok(ordered(Ordering::is_le)),
        Operator::Greater => Ok(ordered(Ordering::is_gt)),
        Operator::GreaterOrEqual => Ok(ordered(Ordering::is_ge)),
        Operator::Arithmetic(how) => compute(heap, how, left, right),
    }
}

/// Numbers and texts have an order; nothing else has.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.compare(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// `+` joins texts; other operations on what is no number make null.
fn compute(heap: &mut Heap, how: Arithmetic, left: &Value, right: &Value) -> Result<Value, RenderError> {
    match (how, left, right) {
        (how, Value::Number(left), Value::Number(right)) => {
            Ok(left.compute(how, right).map_or(Value::Null, Value::Number))
        }
        (Arithmetic::Add, Value::Text(_) | Value::Null, _) | (Arithmetic::Add, _, Value::Text(_) | Value::Null) => {
            let (left, right) = (heap.print(left)?, heap.print(right)?);
            heap.charge(left.len() + right.len())?;
            heap.text(&[&*left, &*right].concat())
        }
        _ => Ok(Value::Null),
    }
}
