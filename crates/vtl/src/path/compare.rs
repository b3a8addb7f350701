//! Comparisons in filters.

use std::cmp::Ordering;

use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Number;

/// Operators of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    In,
    NotIn,
    Contains,
    SubsetOf,
    AnyOf,
    NoneOf,
    Size,
    Empty,
}

pub(super) fn matches(heap: &mut Heap, value: Option<&Value>, pattern: &str) -> Result<bool, RenderError> {
    match value {
        Some(Value::Text(text)) => Ok(heap.pattern(pattern, text)?.is_match(text)),
        _ => Ok(false),
    }
}

impl Operator {
    /// A path that leads nowhere is equal to nothing but another such path.
    pub(super) fn holds(
        self,
        heap: &mut Heap,
        left: Option<&Value>,
        right: Option<&Value>,
    ) -> Result<bool, RenderError> {
        let (Some(left), Some(right)) = (left, right) else {
            let both = left.is_none() && right.is_none();
            return Ok(match self {
                Self::Equal => both,
                Self::Unequal => !both,
                Self::NotIn | Self::NoneOf => true,
                _ => false,
            });
        };
        match self {
            Self::Equal => same(heap, left, right),
            Self::Unequal => same(heap, left, right).map(|same| !same),
            Self::Less => Ok(order(left, right).is_some_and(Ordering::is_lt)),
            Self::LessOrEqual => Ok(order(left, right).is_some_and(Ordering::is_le)),
            Self::Greater => Ok(order(left, right).is_some_and(Ordering::is_gt)),
            Self::GreaterOrEqual => Ok(order(left, right).is_some_and(Ordering::is_ge)),
            Self::Matches => match right {
                Value::Text(pattern) => matches(heap, Some(left), &format!("^(?:{pattern})$")),
                _ => Ok(false),
            },
            Self::In => among(heap, left, right),
            Self::NotIn => among(heap, left, right).map(|found| !found),
            Self::Contains => match (left, right) {
                (Value::Text(text), Value::Text(part)) => Ok(text.contains(&**part)),
                _ => among(heap, right, left),
            },
            Self::SubsetOf => count(heap, left, right).map(|(found, all)| found == all),
            Self::AnyOf => count(heap, left, right).map(|(found, _)| found > 0),
            Self::NoneOf => count(heap, left, right).map(|(found, _)| found == 0),
            Self::Size => Ok(
                matches!((size(heap, left), right), (Some(size), Value::Number(Number::Int(wanted))) if i64::try_from(size) == Ok(*wanted)),
            ),
            Self::Empty => {
                Ok(matches!((size(heap, left), right), (Some(size), Value::Bool(wanted)) if (size == 0) == *wanted))
            }
        }
    }
}

/// Equal and of one kind: `1` is not `'1'`.
fn same(heap: &mut Heap, left: &Value, right: &Value) -> Result<bool, RenderError> {
    let kinds = std::mem::discriminant(left) == std::mem::discriminant(right);
    Ok(kinds && heap.equals(left, right, 0)?)
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.compare(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn among(heap: &mut Heap, wanted: &Value, list: &Value) -> Result<bool, RenderError> {
    let Value::List(list) = list else { return Ok(false) };
    for item in heap.copy_items(*list)? {
        if same(heap, &item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many of the left list's items are in the right one, and how many there are.
fn count(heap: &mut Heap, left: &Value, right: &Value) -> Result<(usize, usize), RenderError> {
    let Value::List(list) = left else { return Ok((0, 1)) };
    let items = heap.copy_items(*list)?;
    let mut found = 0;
    for item in &items {
        found += usize::from(among(heap, item, right)?);
    }
    Ok((found, items.len()))
}

fn size(heap: &Heap, value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(heap.items(*list).len()),
        Value::Map(map) => Some(heap.entries(*map).len()),
        Value::Text(text) => Some(text.chars().count()),
        _ => None,
    }
}
