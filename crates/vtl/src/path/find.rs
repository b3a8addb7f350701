//! Following a path.

use super::{Path, Step};
use crate::heap::{Heap, MapKind, Value};
use crate::limits::RenderError;

impl Path {
    /// What the path finds in `root`: the value at a definite path, `None` when there is none; otherwise a list,
    /// perhaps an empty one (Jayway's rule, rest-data-plane §5.2).
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn find(&self, heap: &mut Heap, root: &Value) -> Result<Option<Value>, RenderError> {
        self.find_in(heap, root, root)
    }

    /// As [`Path::find`]; `$` in filters is `document`.
    pub(super) fn find_in(
        &self,
        heap: &mut Heap,
        root: &Value,
        document: &Value,
    ) -> Result<Option<Value>, RenderError> {
        let mut found = vec![root.clone()];
        for (at, step) in self.steps.iter().enumerate() {
            let last = at + 1 == self.steps.len();
            let mut next = Vec::new();
            for value in &found {
                heap.visit()?;
                advance(heap, step, value, document, last, &mut next)?;
            }
            heap.charge_values(next.len())?;
            found = next;
        }
        let value = match self.is_definite() {
            true => found.pop(),
            false => Some(heap.make_list(found, true)?),
        };
        match (self.function, value) {
            (Some(function), Some(value)) => function.apply(heap, &value),
            (_, value) => Ok(value),
        }
    }
}

fn advance(
    heap: &mut Heap,
    step: &Step,
    value: &Value,
    document: &Value,
    last: bool,
    next: &mut Vec<Value>,
) -> Result<(), RenderError> {
    match (step, value) {
        (Step::Names(names), Value::Map(map)) if names.len() > 1 && last => {
            let merged = heap.map(MapKind::Plain)?;
            for name in names {
                if let Some(value) = heap.get(*map, name).cloned() {
                    heap.put(merged, name, value)?;
                }
            }
            next.push(Value::Map(merged));
        }
        (Step::Names(names), Value::Map(map)) => {
            next.extend(names.iter().filter_map(|name| heap.get(*map, name).cloned()));
        }
        (Step::Indexes(indexes), Value::List(list)) => {
            let items = heap.items(*list);
            let at = |index: &i64| items.get(clamped(*index, items.len())?).cloned();
            next.extend(indexes.iter().filter_map(at));
        }
        (Step::Slice(from, to), Value::List(list)) => {
            let items = heap.items(*list);
            let end = |index: Option<i64>, default| index.map_or(default, |index| bounded(index, items.len()));
            let (from, to) = (end(*from, 0), end(*to, items.len()));
            next.extend(items.get(from..to).unwrap_or_default().iter().cloned());
        }
        (Step::All, value) => next.extend(children(heap, value)?),
        (Step::Filter(filter), Value::Map(_)) => {
            let accepted = filter.accepts(heap, value, document)?;
            next.extend(accepted.then(|| value.clone()));
        }
        (Step::Filter(filter), Value::List(list)) => {
            for item in heap.copy_items(*list)? {
                if filter.accepts(heap, &item, document)? {
                    next.push(item);
                }
            }
        }
        (Step::Deep, value) => below(heap, value, next)?,
        _ => {}
    }
    Ok(())
}

/// An index from either end.
fn clamped(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// The end of a slice, which may lie outside.
fn bounded(index: i64, length: usize) -> usize {
    if index < 0 { clamped(index, length).unwrap_or(0) } else { clamped(index, length).unwrap_or(length).min(length) }
}

fn children(heap: &mut Heap, value: &Value) -> Result<Vec<Value>, RenderError> {
    match value {
        Value::List(list) => heap.copy_items(*list),
        Value::Map(map) => {
            heap.charge_values(heap.entries(*map).len())?;
            Ok(heap.entries(*map).iter().map(|(_, value)| value.clone()).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// The lists and maps in a value, itself first, in the order of the text.
fn below(heap: &mut Heap, value: &Value, next: &mut Vec<Value>) -> Result<(), RenderError> {
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        heap.visit()?;
        if matches!(value, Value::List(_) | Value::Map(_)) {
            let mut inner = children(heap, &value)?;
            inner.reverse();
            open.append(&mut inner);
            next.push(value);
        }
    }
    Ok(())
}
