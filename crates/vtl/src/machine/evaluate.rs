//! Expressions.

use super::{Machine, operate};
use crate::ast::Expr;
use crate::heap::{MapKind, Value};
use crate::limits::{DEPTH, RenderError};
use crate::number::Number;

impl<'t> Machine<'t, '_> {
    pub(super) fn evaluate(&mut self, expr: &'t Expr) -> Result<Value, RenderError> {
        self.heap.step()?;
        if self.depth >= DEPTH {
            return Err(RenderError::Depth);
        }
        self.depth += 1;
        let value = self.compound(expr);
        self.depth -= 1;
        value
    }

    fn compound(&mut self, expr: &'t Expr) -> Result<Value, RenderError> {
        match expr {
            Expr::Bool(bool) => Ok(Value::Bool(*bool)),
            Expr::Int(int) => Ok(Value::Number(Number::Int(*int))),
            Expr::BigInt(text) => Ok(Value::Number(Number::Text((&**text).into()))),
            Expr::Float(float) => Ok(Value::Number(Number::Float(*float))),
            Expr::Text(text) => self.heap.text(text),
            Expr::Interpolated(block) => self.rendered(block),
            Expr::Reference(reference) => self.reference(reference),
            Expr::Range(ends) => self.range(&ends.0, &ends.1),
            Expr::List(items) => {
                let items = self.evaluate_all(items)?;
                self.heap.list(items)
            }
            Expr::Map(pairs) => self.map(pairs),
            Expr::Not(operand) => Ok(Value::Bool(!self.test(operand)?)),
            Expr::All(operands) => self.any(operands, false).map(|found| Value::Bool(!found)),
            Expr::Any(operands) => self.any(operands, true).map(Value::Bool),
            Expr::Chain(first, rest) => {
                let mut value = self.evaluate(first)?;
                for (operator, operand) in rest {
                    let operand = self.evaluate(operand)?;
                    value = operate::apply(self.heap, *operator, &value, &operand)?;
                }
                Ok(value)
            }
        }
    }

    /// Whether one operand is as `wanted`; those behind it are not evaluated.
    fn any(&mut self, operands: &'t [Expr], wanted: bool) -> Result<bool, RenderError> {
        for operand in operands {
            if self.test(operand)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Only `false` is false; what is undefined counts as the empty string, which is true (rest-data-plane §5.6).
    pub(super) fn test(&mut self, expr: &'t Expr) -> Result<bool, RenderError> {
        Ok(!matches!(self.evaluate(expr)?, Value::Bool(false)))
    }

    fn map(&mut self, pairs: &'t [(Expr, Expr)]) -> Result<Value, RenderError> {
        let map = self.heap.map(MapKind::Plain)?;
        for (key, value) in pairs {
            let key = self.evaluate(key)?;
            let value = self.evaluate(value)?;
            let key = self.heap.print(&key)?;
            self.heap.put(map, &key, value)?;
        }
        Ok(Value::Map(map))
    }

    /// Upwards or downwards, both ends included.
    fn range(&mut self, from: &'t Expr, to: &'t Expr) -> Result<Value, RenderError> {
        let (Value::Number(from), Value::Number(to)) = (self.evaluate(from)?, self.evaluate(to)?) else {
            return Ok(Value::Null);
        };
        let (from, to) = (from.to_i64(), to.to_i64());
        self.heap.charge_values(usize::try_from(from.abs_diff(to)).unwrap_or(usize::MAX))?;
        let number = |int| Value::Number(Number::Int(int));
        let items = match from <= to {
            true => (from..=to).map(number).collect(),
            false => (to..=from).rev().map(number).collect(),
        };
        self.heap.list(items)
    }
}
