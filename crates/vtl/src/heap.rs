//! Values of one rendering. Lists and maps live in a heap and are shared by number, as Java shares them by reference:
//! circles cost nothing, and all goes at once when the rendering is over.

use std::collections::HashMap;

use crate::limits::{Limits, RenderError, STEP, VISIT};
use crate::number::Number;
use crate::regexes::Patterns;
use crate::shared::Text;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Null, and what is not there; mostly behaves as the empty string (rest-data-plane §5.6).
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Text),
    /// A list of the heap.
    List(ListId),
    /// A map of the heap.
    Map(MapId),
    /// The loop at this depth, from 0: `$foreach`.
    Loop(usize),
    /// An object of the host, by its number there.
    Host(u8),
}

/// Names a list of a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListId(usize);

/// Names a map of a heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapId(usize);

/// How a map behaves besides holding values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapKind {
    /// As a map.
    #[default]
    Plain,
    /// An entry of another map: prints `key=value`.
    Entry,
    /// Prints empty as a whole, as parts of `$context` do (rest-data-plane §5.4).
    Quiet,
    /// Names match whatever their case: headers.
    Folded,
}

#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    /// Made from JSON text: prints as JSON.
    pub(crate) json: bool,
}

/// How names are hashed: seeded per process, since some of them come with requests.
pub(crate) type Hashing = foldhash::fast::RandomState;

/// Keys in the order they came. Small maps are searched, large ones have an index.
#[derive(Debug, Default)]
pub(crate) struct Map {
    pub(crate) kind: MapKind,
    entries: Vec<(Text, Value)>,
    index: Option<HashMap<Text, usize, Hashing>>,
    /// Every name can be put once. The entries before this one were there already, and may be replaced once.
    once: Option<usize>,
}

/// Entries up to which a map is searched one by one.
const SEARCHED: usize = 16;
/// Bytes a value takes in a list or map, with its share of what holds it.
const VALUE_BYTES: usize = 48;

impl Map {
    pub(crate) fn entries(&self) -> &[(Text, Value)] {
        &self.entries
    }

    fn position(&self, name: &str) -> Option<usize> {
        if self.kind == MapKind::Folded {
            return self.entries.iter().position(|(key, _)| key.eq_ignore_ascii_case(name));
        }
        match &self.index {
            Some(index) => index.get(name).copied(),
            None => self.entries.iter().position(|(key, _)| key.is(name)),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.entries.get(self.position(name)?).map(|(_, value)| value)
    }

    /// Puts entries into a map that has none.
    fn fill(&mut self, entries: Vec<(Text, Value)>) {
        let known =
            |(at, (name, _)): (usize, &(Text, Value))| entries.iter().take(at).any(|(before, _)| before == name);
        if entries.len() <= SEARCHED && !entries.iter().enumerate().any(known) {
            self.entries = entries;
            return;
        }
        for (name, value) in entries {
            self.put(name, value);
        }
    }

    /// Whether the name cannot be put again.
    fn is_spent(&self, name: &str) -> bool {
        self.once.is_some_and(|kept| self.position(name).is_some_and(|at| at >= kept))
    }

    /// Puts a value; answers the one before it.
    pub(crate) fn put(&mut self, name: Text, value: Value) -> Option<Value> {
        if self.once.is_some()
            && let Some(before) = self.remove(&name)
        {
            self.put(name, value);
            return Some(before);
        }
        if let Some(known) = self.position(&name).and_then(|at| self.entries.get_mut(at)) {
            return Some(std::mem::replace(&mut known.1, value));
        }
        if let Some(index) = &mut self.index {
            index.insert(name.clone(), self.entries.len());
        }
        self.entries.push((name, value));
        if self.index.is_none() {
            self.reindex();
        }
        None
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.position(name)?;
        let (_, value) = self.entries.remove(at);
        self.once = self.once.map(|kept| kept - usize::from(at < kept));
        self.reindex();
        Some(value)
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.index = None;
        self.once = self.once.map(|_| 0);
    }

    fn reindex(&mut self) {
        let entries = Some(self.entries.iter().enumerate()).filter(|entries| entries.len() > SEARCHED);
        self.index = entries.map(|entries| entries.map(|(at, (key, _))| (key.clone(), at)).collect());
    }
}

/// All lists and maps of one rendering, and what it has used so far.
#[derive(Debug)]
pub struct Heap {
    lists: Vec<List>,
    maps: Vec<Map>,
    pub(crate) limits: Limits,
    pub(crate) patterns: Patterns,
    work: u64,
    memory: usize,
    /// Rounds of loops so far.
    rounds: usize,
}

impl Heap {
    /// An empty heap.
    pub fn new(limits: Limits) -> Self {
        let (work, memory) = (limits.steps.saturating_mul(STEP as u64), limits.memory);
        Self { lists: Vec::new(), maps: Vec::new(), limits, patterns: Patterns::default(), work, memory, rounds: 0 }
    }

    pub(crate) fn step(&mut self) -> Result<(), RenderError> {
        self.work(STEP)
    }

    /// Takes account of a round of a loop.
    pub(crate) fn round(&mut self) -> Result<(), RenderError> {
        if self.rounds >= self.limits.iterations {
            return Err(RenderError::Iterations(self.limits.iterations));
        }
        self.rounds += 1;
        Ok(())
    }

    /// Takes account of visiting a value.
    pub(crate) fn visit(&mut self) -> Result<(), RenderError> {
        self.work(VISIT)
    }

    /// Takes account of reading `bytes` of text.
    pub(crate) fn work(&mut self, bytes: usize) -> Result<(), RenderError> {
        let units = u64::try_from(bytes).unwrap_or(u64::MAX);
        match self.work.checked_sub(units) {
            Some(left) => self.work = left,
            None => return Err(RenderError::Steps),
        }
        Ok(())
    }

    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), RenderError> {
        match self.memory.checked_sub(bytes) {
            Some(left) => self.memory = left,
            None => return Err(RenderError::Memory),
        }
        Ok(())
    }

    /// Takes account of `count` values that are about to be made.
    pub(crate) fn charge_values(&mut self, count: usize) -> Result<(), RenderError> {
        self.charge(count.saturating_mul(VALUE_BYTES))
    }

    /// A text value.
    ///
    /// # Errors
    /// [`RenderError::Memory`].
    pub fn text(&mut self, text: &str) -> Result<Value, RenderError> {
        self.shared(text).map(Value::Text)
    }

    pub(crate) fn shared(&mut self, text: &str) -> Result<Text, RenderError> {
        self.work(text.len())?;
        self.charge(text.len() + 16)?;
        Ok(text.into())
    }

    /// A new list.
    ///
    /// # Errors
    /// [`RenderError::Memory`].
    pub fn list(&mut self, items: Vec<Value>) -> Result<Value, RenderError> {
        self.make_list(items, false)
    }

    pub(crate) fn make_list(&mut self, items: Vec<Value>, json: bool) -> Result<Value, RenderError> {
        self.charge_values(items.len() + 1)?;
        self.lists.push(List { items, json });
        Ok(Value::List(ListId(self.lists.len() - 1)))
    }

    /// A new, empty map.
    ///
    /// # Errors
    /// [`RenderError::Memory`].
    pub fn map(&mut self, kind: MapKind) -> Result<MapId, RenderError> {
        self.charge_values(1)?;
        self.maps.push(Map { kind, ..Map::default() });
        Ok(MapId(self.maps.len() - 1))
    }

    /// A map of entries that are accounted for; of a name that comes twice the last value counts.
    pub(crate) fn map_of(&mut self, entries: Vec<(Text, Value)>) -> Result<Value, RenderError> {
        let map = self.map(MapKind::Plain)?;
        if let Some(made) = self.maps.get_mut(map.0) {
            made.fill(entries);
        }
        Ok(Value::Map(map))
    }

    /// Puts a value into a map; answers the one before it.
    ///
    /// # Errors
    /// [`RenderError::Memory`].
    pub fn put(&mut self, map: MapId, name: &str, value: Value) -> Result<Option<Value>, RenderError> {
        let name = self.shared(name)?;
        self.put_shared(map, name, value)
    }

    pub(crate) fn put_shared(&mut self, map: MapId, name: Text, value: Value) -> Result<Option<Value>, RenderError> {
        self.charge_values(1)?;
        let Some(map) = self.maps.get_mut(map.0) else { return Ok(None) };
        match map.is_spent(&name) {
            true => Err(RenderError::exception(format!("`{name}` is set twice"))),
            false => Ok(map.put(name, value)),
        }
    }

    /// From now on every name can be put once, also those that are there.
    pub(crate) fn put_once(&mut self, map: MapId) {
        if let Some(map) = self.maps.get_mut(map.0) {
            map.once = Some(map.entries.len());
        }
    }

    /// The value of a name in a map.
    pub fn get(&self, map: MapId, name: &str) -> Option<&Value> {
        self.maps.get(map.0)?.get(name)
    }

    /// A map's entries, in order.
    pub fn entries(&self, map: MapId) -> &[(Text, Value)] {
        self.maps.get(map.0).map_or(&[], Map::entries)
    }

    pub(crate) fn kind(&self, map: MapId) -> MapKind {
        self.maps.get(map.0).map_or(MapKind::Plain, |map| map.kind)
    }

    /// A list's items.
    pub fn items(&self, list: ListId) -> &[Value] {
        self.lists.get(list.0).map_or(&[], |list| &list.items)
    }

    pub(crate) fn is_json(&self, list: ListId) -> bool {
        self.lists.get(list.0).is_some_and(|list| list.json)
    }

    pub(crate) fn list_mut(&mut self, list: ListId) -> Option<&mut Vec<Value>> {
        self.lists.get_mut(list.0).map(|list| &mut list.items)
    }

    pub(crate) fn map_mut(&mut self, map: MapId) -> Option<&mut Map> {
        self.maps.get_mut(map.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_keep_their_order_however_large_they_grow() {
        let mut map = Map::default();

        for number in 0..40 {
            map.put(number.to_string().as_str().into(), Value::Bool(number % 2 == 0));
        }
        map.remove("7");
        map.put("3".into(), Value::Null);

        assert_eq!(map.entries().len(), 39);
        assert!(matches!(map.get("3"), Some(Value::Null)) && map.get("7").is_none());
        assert!(matches!(map.get("39"), Some(Value::Bool(false))) && &*map.entries()[3].0 == "3");
    }

    #[test]
    fn steps_and_bytes_run_out() {
        let mut heap = Heap::new(Limits { steps: 3, memory: 100, ..Limits::default() });

        assert!(heap.text("1234567890").is_ok() && heap.list(vec![Value::Null; 9]).is_err());
        assert_eq!([heap.step(), heap.step(), heap.step()], [Ok(()), Ok(()), Err(RenderError::Steps)]);
    }
}
