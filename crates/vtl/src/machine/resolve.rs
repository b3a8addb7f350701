//! References: what they name, and assignments to them.

use super::{Machine, Slot};
use crate::ast::{Expr, Name, Reference, Step};
use crate::heap::{Heap, Value};
use crate::limits::{RenderError, STEP};
use crate::methods;
use crate::number::Number;

impl<'t> Machine<'t, '_> {
    pub(super) fn reference(&mut self, reference: &'t Reference) -> Result<Value, RenderError> {
        self.follow(&reference.name, &reference.steps)
    }

    fn follow(&mut self, name: &'t Name, steps: &'t [Step]) -> Result<Value, RenderError> {
        let (mut value, known) = match self.own(name)? {
            Some(value) => (value, 0),
            None => self.given(&name.text, steps)?,
        };
        for step in steps.get(known..).unwrap_or_default() {
            self.heap.step()?;
            value = self.step(&value, step)?;
        }
        Ok(value)
    }

    /// What the template itself has put under a name.
    fn own(&mut self, name: &'t Name) -> Result<Option<Value>, RenderError> {
        match self.variables.get(name.slot) {
            Some(Some(Slot::Value(value))) => return Ok(Some(value.clone())),
            Some(Some(Slot::Block(block))) => {
                let block = *block;
                return self.rendered(block).map(Some);
            }
            Some(None) | None => {}
        }
        let innermost = self.loops.len().checked_sub(1);
        Ok(match (&*name.text, innermost) {
            ("foreach", Some(level)) => Some(Value::Loop(level)),
            ("velocityCount", Some(level)) => Some(self.loop_property(level, "count")),
            ("velocityHasNext", Some(level)) => Some(self.loop_property(level, "hasNext")),
            _ => None,
        })
    }

    /// What the scope has under a name, or behind it, with the number of steps taken.
    fn given(&mut self, name: &'t str, steps: &'t [Step]) -> Result<(Value, usize), RenderError> {
        let property = |at: usize| match steps.get(at) {
            Some(Step::Property(name)) => Some(&**name),
            _ => None,
        };
        if let Some(first) = property(0)
            && let Some((value, taken)) = self.scope.member(name, first, property(1), self.heap)?
        {
            self.heap.work(taken * STEP)?;
            return Ok((value, taken));
        }
        Ok((self.scope.variable(name, self.heap)?, 0))
    }

    fn step(&mut self, value: &Value, step: &'t Step) -> Result<Value, RenderError> {
        match step {
            Step::Property(name) => self.property(value, name),
            Step::Index(index) => {
                let index = self.evaluate(index)?;
                self.index(value, &index)
            }
            Step::Call(name, arguments) => {
                // Most have one, which needs no list.
                if let [argument] = &**arguments {
                    let argument = self.evaluate(argument)?;
                    return self.call(value, name, &[argument]);
                }
                let arguments = self.evaluate_all(arguments)?;
                self.call(value, name, &arguments)
            }
        }
    }

    fn call(&mut self, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
        match value {
            Value::Host(object) => self.scope.call(*object, name, arguments, self.heap),
            Value::Loop(level) => Ok(self.loop_property(*level, getter(name))),
            _ => methods::call(self.heap, value, name, arguments),
        }
    }

    pub(super) fn evaluate_all(&mut self, exprs: &'t [Expr]) -> Result<Vec<Value>, RenderError> {
        exprs.iter().map(|expr| self.evaluate(expr)).collect()
    }

    fn property(&mut self, value: &Value, name: &str) -> Result<Value, RenderError> {
        match value {
            Value::Map(map) => Ok(self.heap.get(*map, name).cloned().unwrap_or(Value::Null)),
            Value::Host(object) => self.scope.property(*object, name, self.heap),
            Value::Loop(level) => Ok(self.loop_property(*level, name)),
            Value::Text(text) if name == "empty" => Ok(Value::Bool(text.is_empty())),
            Value::List(list) if name == "empty" => Ok(Value::Bool(self.heap.items(*list).is_empty())),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => Ok(Value::Null),
        }
    }

    fn index(&mut self, value: &Value, index: &Value) -> Result<Value, RenderError> {
        match (value, index) {
            (Value::List(list), Value::Number(number)) => {
                let at = position(number, self.heap.items(*list).len());
                let item = at.and_then(|at| self.heap.items(*list).get(at)).cloned();
                item.ok_or_else(|| RenderError::exception("an index is out of bounds"))
            }
            (Value::Map(_) | Value::Host(_) | Value::Loop(_), _) => {
                let name = self.heap.print(index)?;
                self.property(value, &name)
            }
            _ => Ok(Value::Null),
        }
    }

    /// Of a loop that is over there is nothing left to tell.
    fn loop_property(&self, level: usize, name: &str) -> Value {
        let Some(at) = self.loops.get(level) else { return Value::Null };
        match name {
            "index" => Value::Number(Number::from(at.index)),
            "count" => Value::Number(Number::from(at.index + 1)),
            "hasNext" => Value::Bool(at.index + 1 < at.length),
            "first" => Value::Bool(at.index == 0),
            "last" => Value::Bool(at.index + 1 == at.length),
            "parent" => level.checked_sub(1).map_or(Value::Null, Value::Loop),
            "topmost" => Value::Loop(0),
            _ => Value::Null,
        }
    }

    /// `#set`. What has no place for a value swallows it, as in Velocity.
    pub(super) fn assign(&mut self, target: &'t Reference, value: Value) -> Result<(), RenderError> {
        let Some((last, before)) = target.steps.split_last() else {
            self.replace(&target.name, Some(Slot::Value(value)));
            return Ok(());
        };
        let holder = self.follow(&target.name, before)?;
        let key = match last {
            Step::Property(name) => self.heap.text(name)?,
            Step::Index(index) => self.evaluate(index)?,
            Step::Call(..) => return Ok(()),
        };
        put(self.heap, &holder, &key, value)
    }
}

fn put(heap: &mut Heap, holder: &Value, key: &Value, value: Value) -> Result<(), RenderError> {
    match (holder, key) {
        (Value::Map(map), key) => {
            let name = heap.print(key)?;
            heap.put(*map, &name, value).map(drop)
        }
        (Value::List(list), Value::Number(number)) => {
            let at = position(number, heap.items(*list).len());
            let slot = at.and_then(|at| heap.list_mut(*list)?.get_mut(at));
            *slot.ok_or_else(|| RenderError::exception("an index is out of bounds"))? = value;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Where an index points; negative ones count from the end.
fn position(number: &Number, length: usize) -> Option<usize> {
    let index = number.to_i64();
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

/// `getIndex`, `hasNext`, `isLast` as the property they read.
fn getter(name: &str) -> &str {
    match name {
        "getIndex" => "index",
        "getCount" => "count",
        "isFirst" => "first",
        "isLast" => "last",
        "getParent" => "parent",
        other => other,
    }
}
