//! Methods of maps, and of their entries.

use super::{equal, int, printed};
use crate::heap::{Heap, MapId, MapKind, Value};
use crate::limits::RenderError;

pub(super) fn call(heap: &mut Heap, map: MapId, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    let or_null = |value: Option<Value>| value.unwrap_or(Value::Null);
    match (name, arguments) {
        ("getKey", []) if heap.kind(map) == MapKind::Entry => Ok(or_null(heap.get(map, "key").cloned())),
        ("getValue", []) if heap.kind(map) == MapKind::Entry => Ok(or_null(heap.get(map, "value").cloned())),
        ("size", []) => Ok(int(heap.entries(map).len())),
        ("isEmpty", []) => Ok(Value::Bool(heap.entries(map).is_empty())),
        ("get", [key]) => printed(heap, key).map(|key| or_null(heap.get(map, &key).cloned())),
        ("getOrDefault", [key, other]) => printed(heap, key).map(|key| heap.get(map, &key).unwrap_or(other).clone()),
        ("containsKey", [key]) => printed(heap, key).map(|key| Value::Bool(heap.get(map, &key).is_some())),
        ("containsValue", [wanted]) => {
            let mut at = 0;
            while let Some((_, value)) = heap.entries(map).get(at).cloned() {
                if equal(heap, &value, wanted)? {
                    return Ok(Value::Bool(true));
                }
                at += 1;
            }
            Ok(Value::Bool(false))
        }
        ("keySet", []) => {
            let keys = heap.entries(map).iter().map(|(key, _)| Value::Text(key.clone())).collect();
            heap.list(keys)
        }
        ("values", []) => {
            let values = values(heap, map)?;
            heap.list(values)
        }
        ("entrySet", []) => entry_set(heap, map),
        _ => change(heap, map, name, arguments),
    }
}

fn change(heap: &mut Heap, map: MapId, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    match (name, arguments) {
        ("put", [key, value]) => {
            let key = printed(heap, key)?;
            Ok(heap.put(map, &key, value.clone())?.unwrap_or(Value::Null))
        }
        ("putIfAbsent", [key, value]) => {
            let key = printed(heap, key)?;
            match heap.get(map, &key).cloned() {
                Some(known) => Ok(known),
                None => heap.put(map, &key, value.clone()).map(|_| Value::Null),
            }
        }
        ("putAll", [Value::Map(other)]) => {
            for (key, value) in heap.entries(*other).to_vec() {
                heap.put(map, &key, value)?;
            }
            Ok(Value::Null)
        }
        ("remove", [key]) => {
            let key = printed(heap, key)?;
            heap.work(heap.entries(map).len().saturating_mul(32))?;
            Ok(heap.map_mut(map).and_then(|map| map.remove(&key)).unwrap_or(Value::Null))
        }
        ("clear", []) => {
            heap.map_mut(map).into_iter().for_each(crate::heap::Map::clear);
            Ok(Value::Null)
        }
        _ => Ok(Value::Null),
    }
}

fn values(heap: &mut Heap, map: MapId) -> Result<Vec<Value>, RenderError> {
    heap.charge_values(heap.entries(map).len())?;
    Ok(heap.entries(map).iter().map(|(_, value)| value.clone()).collect())
}

fn entry_set(heap: &mut Heap, map: MapId) -> Result<Value, RenderError> {
    let mut entries = Vec::new();
    for (key, value) in heap.entries(map).to_vec() {
        let entry = heap.map(MapKind::Entry)?;
        heap.put(entry, "key", Value::Text(key))?;
        heap.put(entry, "value", value)?;
        entries.push(Value::Map(entry));
    }
    heap.list(entries)
}
