//! How values print and compare (rest-data-plane §5.7).

use crate::heap::{Heap, MapKind, Value};
use crate::json::push_display;
use crate::limits::{RenderError, VALUE_DEPTH};
use crate::number::Number;
use crate::shared::Text;

impl Heap {
    /// A value as a template prints it.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn print(&mut self, value: &Value) -> Result<Text, RenderError> {
        if let Value::Text(text) = value {
            return Ok(text.clone());
        }
        let mut out = String::new();
        self.print_to(value, &mut out, 0)?;
        self.charge(out.len())?;
        Ok(out.as_str().into())
    }

    pub(crate) fn print_to(&mut self, value: &Value, out: &mut String, depth: usize) -> Result<(), RenderError> {
        self.enter(out, depth)?;
        match value {
            Value::Null | Value::Loop(_) | Value::Host(_) => {}
            Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Value::Number(Number::Text(text)) => out.push_str(text),
            Value::Number(number) => push_display(out, number),
            Value::Text(text) => {
                self.work(text.len())?;
                out.push_str(text);
            }
            Value::List(list) if self.is_json(*list) => self.write_json(value, out, depth)?,
            Value::List(list) => {
                out.push('[');
                let mut at = 0;
                while let Some(item) = self.items(*list).get(at).cloned() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    self.print_to(&item, out, depth + 1)?;
                    at += 1;
                }
                out.push(']');
            }
            Value::Map(map) => match self.kind(*map) {
                MapKind::Quiet => {}
                MapKind::Entry => {
                    let parts = ["key", "value"].map(|name| self.get(*map, name).cloned().unwrap_or(Value::Null));
                    let [key, value] = &parts;
                    self.print_to(key, out, depth + 1)?;
                    out.push('=');
                    self.print_to(value, out, depth + 1)?;
                }
                MapKind::Plain | MapKind::Folded => {
                    out.push('{');
                    let mut at = 0;
                    while let Some((key, value)) = self.entries(*map).get(at).cloned() {
                        out.push_str(if at > 0 { ", " } else { "" });
                        out.push_str(&key);
                        out.push('=');
                        self.print_to(&value, out, depth + 1)?;
                        at += 1;
                    }
                    out.push('}');
                }
            },
        }
        if out.len() > self.limits.output { Err(RenderError::Output) } else { Ok(()) }
    }

    /// `==`: numbers by value, lists and maps by content, values of different kinds by how they print. Null prints
    /// empty, so that it equals null and the empty string (rest-data-plane §5.6).
    pub(crate) fn equals(&mut self, left: &Value, right: &Value, depth: usize) -> Result<bool, RenderError> {
        self.enter("", depth)?;
        match (left, right) {
            (Value::Number(left), Value::Number(right)) => {
                Ok(left.compare(right).is_some_and(std::cmp::Ordering::is_eq))
            }
            (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
            (Value::Text(left), Value::Text(right)) => {
                self.work(left.len().min(right.len()))?;
                Ok(left == right)
            }
            (Value::List(left), Value::List(right)) if left == right => Ok(true),
            (Value::List(left), Value::List(right)) => {
                let (left, right) = (self.copy_items(*left)?, self.copy_items(*right)?);
                self.all_equal(&left, &right, depth)
            }
            (Value::Map(left), Value::Map(right)) if left == right => Ok(true),
            (Value::Map(left), Value::Map(right)) => {
                let mut values = (Vec::new(), Vec::new());
                for (key, value) in self.entries(*left) {
                    let Some(other) = self.get(*right, key) else { return Ok(false) };
                    values.0.push(value.clone());
                    values.1.push(other.clone());
                }
                let same = self.entries(*left).len() == self.entries(*right).len();
                Ok(same && self.all_equal(&values.0, &values.1, depth)?)
            }
            _ => Ok(self.print(left)? == self.print(right)?),
        }
    }

    fn all_equal(&mut self, left: &[Value], right: &[Value], depth: usize) -> Result<bool, RenderError> {
        if left.len() != right.len() || depth > VALUE_DEPTH {
            return Ok(false);
        }
        for (left, right) in left.iter().zip(right) {
            if !self.equals(left, right, depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A list's items as they are now.
    pub(crate) fn copy_items(&mut self, list: crate::heap::ListId) -> Result<Vec<Value>, RenderError> {
        self.charge_values(self.items(list).len())?;
        Ok(self.items(list).to_vec())
    }
}
