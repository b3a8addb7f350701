//! Values of one rendering. Lists and maps live in a heap and are shared by number, as Java shares them by reference:
//! circles cost nothing, and all goes at once when the rendering is over.

mod map;

pub use map::MapKind;
pub(crate) use map::{Hashing, Map};

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

#[derive(Debug, Default)]
pub(crate) struct List {
    items: Vec<Value>,
    /// Made from JSON text: prints as JSON.
    pub(crate) json: bool,
}

/// Bytes a value takes in a list or map, with its share of what holds it.
const VALUE_BYTES: usize = 48;

/// All lists and maps of one rendering, and what it has used so far.
#[derive(Debug)]
pub struct Heap {
    lists: Vec<List>,
    maps: Vec<Map>,
    pub(crate) limits: Limits,
    pub(crate) patterns: Patterns,
    work: u64,
    memory: usize,
}

impl Heap {
    /// An empty heap.
    pub fn new(limits: Limits) -> Self {
        let (work, memory) = (limits.steps.saturating_mul(STEP as u64), limits.memory);
        Self { lists: Vec::new(), maps: Vec::new(), limits, patterns: Patterns::default(), work, memory }
    }

    pub(crate) fn step(&mut self) -> Result<(), RenderError> {
        self.work(STEP)
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
        self.maps.push(Map::new(kind));
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
            map.put_once();
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
        self.maps.get(map.0).map_or(MapKind::Plain, Map::kind)
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
    fn a_map_of_entries_keeps_the_last_value_of_a_name_at_its_first_place() {
        for names in ["a b a", "a ab ba aa a", "a b c d e f g h i j k l m n o p q r s a"] {
            let mut heap = Heap::new(Limits::default());
            let number = |at: usize| Value::Number(Number::from(at));

            let entries = names.split(' ').enumerate().map(|(at, name)| (name.into(), number(at))).collect();
            let Value::Map(map) = heap.map_of(entries).unwrap() else { unreachable!() };

            let last = names.split(' ').count() - 1;
            assert_eq!((heap.entries(map).len(), &*heap.entries(map)[0].0), (last, "a"), "{names}");
            assert_eq!(&*heap.print(&heap.get(map, "a").cloned().unwrap()).unwrap(), last.to_string());
        }
    }

    #[test]
    fn steps_and_bytes_run_out() {
        let mut heap = Heap::new(Limits { steps: 3, memory: 100, ..Limits::default() });

        assert!(heap.text("1234567890").is_ok() && heap.list(vec![Value::Null; 9]).is_err());
        assert_eq!([heap.step(), heap.step(), heap.step()], [Ok(()), Ok(()), Err(RenderError::Steps)]);
    }
}
