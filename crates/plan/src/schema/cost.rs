//! What a schema may cost, found before it is compiled: schemas are written by users, and some are written to hurt.

use serde_json::Value;

use super::bundle::Bundle;

/// Schemas inside schemas along all references, each definition counted once.
pub(super) const LEVELS: usize = 2_000;
/// References, `allOf` and the like on top of each other over one value.
const CHAIN: usize = 32;
/// Schemas that may look at one value.
const VISITS: usize = 1_000;

/// What an API's schemas may have together.
pub(super) struct Budget {
    schemas: usize,
    patterns: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { schemas: 500_000, patterns: 1_000 }
    }
}

/// What one schema costs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// How many schemas look at one value at most.
    pub(super) visits: usize,
    /// By how much that grows with every level of a body, where schemas refer to themselves.
    pub(super) growth: usize,
    /// Bytes that `not` repeats when it fails.
    pub(super) repeats: usize,
}

impl Cost {
    /// # Errors
    /// Which limit is exceeded.
    pub(super) fn of(bundle: &Bundle, left: &mut Budget) -> Result<Self, String> {
        let mut size = Size::default();
        let levels: usize = bundle.definitions.iter().map(|schema| size.add(schema)).sum();
        left.schemas = left.schemas.checked_sub(size.schemas).ok_or("the API's models have too many schemas")?;
        left.patterns = left.patterns.checked_sub(size.patterns).ok_or("the API's models have too many patterns")?;
        if levels > LEVELS {
            return Err(format!("it nests {levels} schemas, more than the {LEVELS} allowed"));
        }
        let mut walk = Walk { bundle, known: vec![None; bundle.definitions.len()] };
        let reach = walk.definition(0);
        if reach.chain > CHAIN {
            return Err(format!("more than {CHAIN} schemas stand on top of each other over one value"));
        }
        let most = reach.most();
        match most.all > VISITS {
            true => Err(format!("more than {VISITS} schemas look at one value")),
            false => Ok(Self { visits: most.all, growth: most.again.max(1), repeats: size.repeats }),
        }
    }
}

#[derive(Default)]
struct Size {
    schemas: usize,
    patterns: usize,
    repeats: usize,
}

impl Size {
    /// Counts a schema with all inside of it; answers how deep it is.
    fn add(&mut self, schema: &Value) -> usize {
        let Value::Object(members) = schema else { return 1 };
        self.schemas += 1;
        self.patterns += usize::from(members.contains_key("pattern"));
        self.patterns += members.get("patternProperties").and_then(Value::as_object).map_or(0, |map| map.len());
        self.repeats += members.get("not").map_or(0, |schema| schema.to_string().len());
        let inside = members.keys().flat_map(|name| Bundle::parts(schema, name));
        1 + inside.map(|schema| self.add(schema)).max().unwrap_or_default()
    }
}

/// Looks at one value.
#[derive(Clone, Copy, Default)]
struct Looks {
    all: usize,
    /// Those of a schema inside of itself.
    again: usize,
}

impl Looks {
    fn plus(self, other: Self) -> Self {
        Self { all: self.all.saturating_add(other.all), again: self.again.saturating_add(other.again) }
    }

    fn max(self, other: Self) -> Self {
        Self { all: self.all.max(other.all), again: self.again.max(other.again) }
    }
}

/// How much looks at a value and at what is inside of it.
#[derive(Clone, Copy, Default)]
struct Reach {
    here: Looks,
    /// The longest row of schemas over the value itself.
    chain: usize,
    /// The most looked-at value inside.
    inside: Looks,
}

impl Reach {
    /// One schema over what this is the reach of.
    fn under_one_more(self) -> Self {
        Self { here: self.here.plus(Looks { all: 1, again: 0 }), chain: self.chain + 1, ..self }
    }

    fn most(self) -> Looks {
        self.here.max(self.inside)
    }

    /// Both look at the same value.
    fn and(self, other: Self) -> Self {
        Self {
            here: self.here.plus(other.here),
            chain: self.chain.max(other.chain),
            inside: self.inside.plus(other.inside),
        }
    }
}

struct Walk<'a> {
    bundle: &'a Bundle,
    known: Vec<Option<Reach>>,
}

impl Walk<'_> {
    /// A definition that is met inside of itself counts as one: the validator looks at a value once for each.
    fn definition(&mut self, number: usize) -> Reach {
        if let Some(Some(known)) = self.known.get(number) {
            return *known;
        }
        let bundle = self.bundle;
        let Some(schema) = bundle.definitions.get(number) else { return Reach::default() };
        let again = Looks { all: 1, again: 1 };
        self.note(number, Reach { here: again, chain: 1, inside: again });
        let reach = self.schema(schema);
        self.note(number, reach);
        reach
    }

    fn note(&mut self, number: usize, reach: Reach) {
        if let Some(slot) = self.known.get_mut(number) {
            *slot = Some(reach);
        }
    }

    fn schema(&mut self, schema: &Value) -> Reach {
        if let Some(number) = Bundle::target(schema) {
            return self.definition(number).under_one_more();
        }
        let same = ["allOf", "anyOf", "oneOf", "not", "dependencies"].into_iter();
        let same = same.flat_map(|name| Bundle::parts(schema, name));
        let over = same.fold(Reach::default(), |sum, part| sum.and(self.schema(part)));
        let own = Reach { inside: self.inside(schema), ..Reach::default() };
        over.and(own).under_one_more()
    }

    /// A member of an object is looked at by its own schema or the additional one, and by every pattern that fits.
    fn inside(&mut self, schema: &Value) -> Looks {
        let named = self.largest(schema, &["properties", "additionalProperties"]);
        let patterns = Bundle::parts(schema, "patternProperties").into_iter();
        let patterns = patterns.fold(Looks::default(), |sum, part| sum.plus(self.schema(part).most()));
        named.plus(patterns).max(self.largest(schema, &["items", "additionalItems"]))
    }

    /// The most that any one schema of some members looks.
    fn largest(&mut self, schema: &Value, members: &[&str]) -> Looks {
        let parts = members.iter().flat_map(|name| Bundle::parts(schema, name));
        parts.fold(Looks::default(), |most, part| most.max(self.schema(part).most()))
    }
}
