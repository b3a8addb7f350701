//! Numbers: 64-bit integers and doubles, and any other number of a JSON text just as it was written.

use std::cmp::Ordering;
use std::fmt;

use crate::shared::Text;

/// A number. What came in with a message prints as it came (rest-data-plane §5.7).
#[derive(Clone, Debug)]
pub enum Number {
    /// A 64-bit integer.
    Int(i64),
    /// A double that was computed or written in a template.
    Float(f64),
    /// JSON text of a number that is no plain 64-bit integer.
    Text(Text),
}

/// A number to compute with.
#[derive(Clone, Copy)]
enum Operand {
    Int(i128),
    Float(f64),
}

/// Arithmetic of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Number {
    /// Reads a number that JSON's grammar allows.
    pub fn from_json(text: &str) -> Self {
        let canonical = !text.starts_with("-0");
        let plain = text.parse().ok().filter(|_| canonical).map(Self::Int);
        plain.unwrap_or_else(|| Self::Text(text.into()))
    }

    fn operand(&self) -> Operand {
        match self {
            Self::Int(int) => Operand::Int((*int).into()),
            Self::Float(float) => Operand::Float(*float),
            Self::Text(text) => match text.parse() {
                Ok(int) => Operand::Int(int),
                Err(_) => Operand::Float(text.parse().unwrap_or(f64::NAN)),
            },
        }
    }

    /// As a double.
    #[expect(clippy::cast_precision_loss, reason = "as Java's doubleValue does")]
    pub fn to_f64(&self) -> f64 {
        match self.operand() {
            Operand::Int(int) => int as f64,
            Operand::Float(float) => float,
        }
    }

    /// As an integer; decimals are cut off, and what does not fit is the nearest that does.
    #[expect(clippy::cast_possible_truncation, reason = "as Java's longValue does")]
    pub fn to_i64(&self) -> i64 {
        match self.operand() {
            Operand::Int(int) => int.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            Operand::Float(float) => float as i64,
        }
    }

    /// As Java narrows to an integer of `bits`: the lowest bits of an integer; of a double's, the nearest int or long's.
    #[expect(clippy::cast_possible_truncation, reason = "that is what it is for")]
    pub(crate) fn cut(&self, bits: u32) -> i64 {
        let whole = match self.operand() {
            Operand::Int(int) => int as i64,
            Operand::Float(float) if bits > 32 => float as i64,
            Operand::Float(float) => i64::from(float as i32),
        };
        let above = 64_u32.saturating_sub(bits);
        whole << above >> above
    }

    /// The integer, if it is one.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Float(_) | Self::Text(_) => None,
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self.operand(), other.operand()) {
            (Operand::Int(left), Operand::Int(right)) => Some(left.cmp(&right)),
            _ => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }

    /// Integers stay integers, division cuts off; `None` for a division by zero, which Velocity makes null.
    pub(crate) fn compute(&self, how: Arithmetic, other: &Self) -> Option<Self> {
        if let (Operand::Int(left), Operand::Int(right)) = (self.operand(), other.operand()) {
            let exact = match how {
                Arithmetic::Add => left.checked_add(right),
                Arithmetic::Subtract => left.checked_sub(right),
                Arithmetic::Multiply => left.checked_mul(right),
                Arithmetic::Divide | Arithmetic::Remainder if right == 0 => return None,
                Arithmetic::Divide => left.checked_div(right),
                // Of more than 64 bits, the remainder is never negative.
                Arithmetic::Remainder if i64::try_from(left).is_err() => left.checked_rem_euclid(right),
                Arithmetic::Remainder => left.checked_rem(right),
            };
            if let Some(exact) = exact {
                return Some(exact.into());
            }
        }
        let (left, right) = (self.to_f64(), other.to_f64());
        Some(Self::Float(match how {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide | Arithmetic::Remainder if right == 0.0 => return None,
            Arithmetic::Divide => left / right,
            Arithmetic::Remainder => left % right,
        }))
    }
}

impl From<i128> for Number {
    fn from(int: i128) -> Self {
        i64::try_from(int).map_or_else(|_| Self::Text(int.to_string().as_str().into()), Self::Int)
    }
}

impl From<usize> for Number {
    fn from(int: usize) -> Self {
        Self::Int(i64::try_from(int).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(out, "{int}"),
            Self::Float(float) => java_double(*float, out),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// `Double.toString`: a point always, an exponent below 10⁻³ and from 10⁷.
fn java_double(float: f64, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    if float.is_nan() {
        return out.write_str("NaN");
    }
    if float.is_infinite() {
        return out.write_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if float == 0.0 || (1e-3..1e7).contains(&float.abs()) {
        return write!(out, "{float:?}");
    }
    let text = format!("{float:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => write!(out, "{digits}.0E{exponent}"),
        _ => out.write_str(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_they_came_or_as_java_prints_them() {
        let came = ["1.0", "1.50", "12345678.9", "1e3", "-0", "18446744073709551615", "9007199254740993"];
        let computed = [(25.0, "25.0"), (0.05, "0.05"), (1e7, "1.0E7"), (1.25e-5, "1.25E-5"), (0.0, "0.0")];

        for text in came {
            assert_eq!(Number::from_json(text).to_string(), text);
        }
        for (float, text) in computed {
            assert_eq!(Number::Float(float).to_string(), text);
        }
    }

    #[test]
    fn narrowing_keeps_the_lowest_bits_of_integers_and_the_nearest_of_doubles() {
        let big = Number::from_json("9223372036854775811");

        assert_eq!(
            [big.cut(64), big.cut(32), Number::Int(1 << 32).cut(32), Number::Int(-1).cut(8)],
            [i64::MIN + 3, 3, 0, -1]
        );
        assert_eq!([Number::Float(1e10).cut(32), Number::Float(-2.9).cut(32)], [i32::MAX.into(), -2]);
        assert_eq!(Number::Float(1e10).cut(64), 10_000_000_000);
    }

    #[test]
    fn integers_grow_instead_of_wrapping() {
        let most = Number::Int(i64::MAX);

        let sum = most.compute(Arithmetic::Add, &Number::Int(1)).unwrap();
        let back = sum.compute(Arithmetic::Subtract, &Number::Int(1)).unwrap();

        assert_eq!(sum.to_string(), "9223372036854775808");
        assert_eq!(back.integer(), Some(i64::MAX));
        assert!(most.compute(Arithmetic::Divide, &Number::Int(0)).is_none());
    }
}
