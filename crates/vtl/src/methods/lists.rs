//! Methods of lists.

use super::{equal, found, index, int, out_of_bounds};
use crate::heap::{Heap, ListId, Value};
use crate::limits::RenderError;

pub(super) fn call(heap: &mut Heap, list: ListId, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    match (name, arguments) {
        // The guide counts the list that `$input.path('$.pets')` answers with `count()` [D].
        ("size" | "count", []) => Ok(int(heap.items(list).len())),
        ("isEmpty", []) => Ok(Value::Bool(heap.items(list).is_empty())),
        ("get", [at]) => heap.items(list).get(index(at)?).cloned().ok_or_else(out_of_bounds),
        ("contains", [wanted]) => search(heap, list, wanted).map(|at| Value::Bool(at.is_some())),
        ("indexOf", [wanted]) => search(heap, list, wanted).map(found),
        ("lastIndexOf", [wanted]) => last(heap, list, wanted).map(found),
        ("containsAll", [Value::List(other)]) => {
            let wanted = heap.copy_items(*other)?;
            let kept = keep(heap, &wanted, list, true)?;
            Ok(Value::Bool(kept.len() == wanted.len()))
        }
        ("subList", [from, to]) => {
            let items = heap.copy_items(list)?;
            let part = items.get(index(from)?..index(to)?).ok_or_else(out_of_bounds)?;
            heap.list(part.to_vec())
        }
        _ => change(heap, list, name, arguments),
    }
}

fn change(heap: &mut Heap, list: ListId, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    match (name, arguments) {
        ("add", [item]) => {
            heap.charge_values(2)?;
            heap.list_mut(list).into_iter().for_each(|items| items.push(item.clone()));
            Ok(Value::Bool(true))
        }
        ("add", [at, item]) => {
            let (at, length) = (index(at)?, heap.items(list).len());
            heap.charge_values(2)?;
            heap.work(length)?;
            let items = heap.list_mut(list).filter(|_| at <= length).ok_or_else(out_of_bounds)?;
            items.insert(at, item.clone());
            Ok(Value::Null)
        }
        ("set", [at, item]) => {
            let at = index(at)?;
            let slot = heap.list_mut(list).and_then(|items| items.get_mut(at)).ok_or_else(out_of_bounds)?;
            Ok(std::mem::replace(slot, item.clone()))
        }
        ("remove", [Value::Number(at)]) => {
            let (at, length) = (index(&Value::Number(at.clone()))?, heap.items(list).len());
            heap.work(length)?;
            heap.list_mut(list).filter(|_| at < length).map(|items| items.remove(at)).ok_or_else(out_of_bounds)
        }
        ("remove", [wanted]) => {
            let at = search(heap, list, wanted)?;
            Ok(Value::Bool(at.and_then(|at| heap.list_mut(list).map(|items| items.remove(at))).is_some()))
        }
        ("addAll", [Value::List(other)]) => {
            let more = heap.copy_items(*other)?;
            let changed = !more.is_empty();
            heap.list_mut(list).into_iter().for_each(|items| items.extend_from_slice(&more));
            Ok(Value::Bool(changed))
        }
        ("removeAll", [Value::List(other)]) => retain(heap, list, *other, false),
        ("retainAll", [Value::List(other)]) => retain(heap, list, *other, true),
        ("clear", []) => {
            heap.list_mut(list).into_iter().for_each(Vec::clear);
            Ok(Value::Null)
        }
        _ => Ok(Value::Null),
    }
}

/// Where an item first is.
fn search(heap: &mut Heap, list: ListId, wanted: &Value) -> Result<Option<usize>, RenderError> {
    let mut at = 0;
    while let Some(item) = heap.items(list).get(at).cloned() {
        if equal(heap, &item, wanted)? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn last(heap: &mut Heap, list: ListId, wanted: &Value) -> Result<Option<usize>, RenderError> {
    for at in (0..heap.items(list).len()).rev() {
        let item = heap.items(list).get(at).cloned().unwrap_or(Value::Null);
        if equal(heap, &item, wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// Those of `items` that are, or are not, in `list`.
fn keep(heap: &mut Heap, items: &[Value], list: ListId, inside: bool) -> Result<Vec<Value>, RenderError> {
    let mut kept = Vec::new();
    for item in items {
        if search(heap, list, item)?.is_some() == inside {
            kept.push(item.clone());
        }
    }
    Ok(kept)
}

fn retain(heap: &mut Heap, list: ListId, other: ListId, inside: bool) -> Result<Value, RenderError> {
    let items = heap.copy_items(list)?;
    let kept = keep(heap, &items, other, inside)?;
    let changed = kept.len() != items.len();
    heap.list_mut(list).into_iter().for_each(|items| *items = kept.clone());
    Ok(Value::Bool(changed))
}
