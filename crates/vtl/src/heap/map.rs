//! Maps: names in the order they came.

use std::collections::HashMap;

use super::Value;
use crate::shared::Text;

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

/// How names are hashed: seeded per process, since some of them come with requests.
pub(crate) type Hashing = foldhash::fast::RandomState;

/// Keys in the order they came. Small maps are searched, large ones have an index.
#[derive(Debug, Default)]
pub(crate) struct Map {
    kind: MapKind,
    entries: Vec<(Text, Value)>,
    index: Option<HashMap<Text, usize, Hashing>>,
    /// Every name can be put once. The entries before this one were there already, and may be replaced once.
    once: Option<usize>,
}

/// Entries up to which a map is searched one by one.
const SEARCHED: usize = 16;

impl Map {
    pub(super) fn new(kind: MapKind) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(super) fn kind(&self) -> MapKind {
        self.kind
    }

    /// From now on every name can be put once, also those that are there.
    pub(super) fn put_once(&mut self) {
        self.once = Some(self.entries.len());
    }

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
    pub(super) fn fill(&mut self, entries: Vec<(Text, Value)>) {
        let index = Some(&entries).filter(|entries| entries.len() > SEARCHED).map(|entries| index(entries));
        let distinct = index.as_ref().map_or_else(|| are_distinct(&entries), |index| index.len() == entries.len());
        if distinct {
            (self.entries, self.index) = (entries, index);
            return;
        }
        drop(index);
        for (name, value) in entries {
            self.put(name, value);
        }
    }

    /// Whether the name cannot be put again.
    pub(super) fn is_spent(&self, name: &str) -> bool {
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
        self.index = (self.entries.len() > SEARCHED).then(|| index(&self.entries));
    }
}

/// Where each name is.
fn index(entries: &[(Text, Value)]) -> HashMap<Text, usize, Hashing> {
    entries.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect()
}

/// Whether no name comes twice. Most differ in length or beginning; only the others are compared.
fn are_distinct(entries: &[(Text, Value)]) -> bool {
    let mut marks = 0_u64;
    entries.iter().enumerate().all(|(at, (name, _))| {
        let first = name.bytes().next().map_or(0, usize::from);
        let mark = 1 << ((name.len() * 8 + first) % 64);
        let fresh = marks & mark == 0;
        marks |= mark;
        fresh || !entries.iter().take(at).any(|(other, _)| other == name)
    })
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
}
