//! Functions at the end of a path.

use super::Function;
use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Number;

impl Function {
    /// `None` where there is nothing to answer: numbers of an empty list, keys of what is no map.
    pub(super) fn apply(self, heap: &mut Heap, value: &Value) -> Result<Option<Value>, RenderError> {
        match (self, value) {
            (Self::Length, Value::List(list)) => Ok(Some(int(heap.items(*list).len()))),
            (Self::Length, Value::Map(map)) => Ok(Some(int(heap.entries(*map).len()))),
            (Self::Keys, Value::Map(map)) => {
                let keys = heap.entries(*map).iter().map(|(key, _)| Value::Text(key.clone())).collect();
                heap.make_list(keys, true).map(Some)
            }
            (Self::First, Value::List(list)) => Ok(heap.items(*list).first().cloned()),
            (Self::Last, Value::List(list)) => Ok(heap.items(*list).last().cloned()),
            (Self::Min | Self::Max | Self::Avg | Self::Sum, Value::List(list)) => {
                let items = heap.copy_items(*list)?;
                Ok(self.aggregate(&numbers(&items)).map(|float| Value::Number(Number::Float(float))))
            }
            _ => Ok(None),
        }
    }

    /// Jayway computes all of them with doubles.
    #[expect(clippy::cast_precision_loss, reason = "a list of 2⁵² numbers does not fit")]
    fn aggregate(self, numbers: &[f64]) -> Option<f64> {
        let sum = || numbers.iter().sum::<f64>();
        let all = numbers.iter().copied();
        match self {
            Self::Min => all.reduce(f64::min),
            Self::Max => all.reduce(f64::max),
            Self::Sum => all.reduce(|left, right| left + right),
            Self::Avg => Some(sum() / numbers.len() as f64).filter(|_| !numbers.is_empty()),
            Self::Length | Self::Keys | Self::First | Self::Last => None,
        }
    }
}

fn int(length: usize) -> Value {
    Value::Number(Number::from(length))
}

fn numbers(items: &[Value]) -> Vec<f64> {
    let number = |item: &Value| match item {
        Value::Number(number) => Some(number.to_f64()),
        _ => None,
    };
    items.iter().filter_map(number).collect()
}
