//! Methods of strings. Positions count UTF-16 units, as Java's do.

use regex::Regex;

use super::{found, index, int, out_of_bounds};
use crate::heap::{Heap, Value};
use crate::limits::RenderError;
use crate::number::Number;
use crate::regexes::replacement;
use crate::shared::Text;

pub(super) fn call(heap: &mut Heap, text: &str, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    heap.work(text.len())?;
    // Numbers and the like stand for their text, as `replace(1, 2)` would in an untyped template.
    let mut texts = Vec::with_capacity(arguments.len());
    for argument in arguments {
        texts.push(heap.print(argument)?);
    }
    let texts: Vec<&str> = texts.iter().map(|text| &**text).collect();
    match name {
        "replaceAll" | "replaceFirst" | "matches" | "split" => regular(heap, text, name, &texts),
        "substring" | "subSequence" | "charAt" => cut(heap, text, name, arguments),
        "indexOf" | "lastIndexOf" => Ok(search(text, name, &texts, arguments)),
        _ => plain(heap, text, name, &texts),
    }
}

fn plain(heap: &mut Heap, text: &str, name: &str, arguments: &[&str]) -> Result<Value, RenderError> {
    Ok(match (name, arguments) {
        ("length", []) => int(units(text)),
        ("isEmpty", []) => Value::Bool(text.is_empty()),
        ("isBlank", []) => Value::Bool(text.trim().is_empty()),
        ("contains", [part]) => Value::Bool(text.contains(part)),
        ("startsWith", [part]) => Value::Bool(text.starts_with(part)),
        ("endsWith", [part]) => Value::Bool(text.ends_with(part)),
        ("equalsIgnoreCase", [other]) => Value::Bool(text.to_lowercase() == other.to_lowercase()),
        ("compareTo", [other]) => compare(text, other),
        ("compareToIgnoreCase", [other]) => compare(&text.to_lowercase(), &other.to_lowercase()),
        ("trim" | "strip", []) => heap.text(text.trim_matches(|c: char| c <= ' '))?,
        ("toLowerCase", []) => heap.text(&text.to_lowercase())?,
        ("toUpperCase", []) => heap.text(&text.to_uppercase())?,
        ("concat", [other]) => joined(heap, &[text, other])?,
        ("replace", [from, to]) => {
            let pieces = if from.is_empty() { text.len() + 1 } else { text.matches(from).count() };
            heap.charge(pieces.saturating_mul(to.len()))?;
            heap.text(&text.replace(from, to))?
        }
        ("toCharArray", []) => {
            heap.charge_values(text.len())?;
            let chars = text.chars().map(|c| Value::Text(Text::from(&*c.encode_utf8(&mut [0; 4])))).collect();
            heap.list(chars)?
        }
        ("valueOf", [other]) => heap.text(other)?,
        _ => Value::Null,
    })
}

fn joined(heap: &mut Heap, parts: &[&str]) -> Result<Value, RenderError> {
    heap.text(&parts.concat())
}

/// Java's: the difference of the first units that differ, else of the lengths.
fn compare(left: &str, right: &str) -> Value {
    let differ = left.encode_utf16().zip(right.encode_utf16()).find(|(left, right)| left != right);
    Value::Number(match differ {
        Some((left, right)) => Number::Int(i64::from(left) - i64::from(right)),
        None => Number::from(i128::try_from(units(left)).unwrap_or(0) - i128::try_from(units(right)).unwrap_or(0)),
    })
}

fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// The byte where a unit begins; inside a pair, the pair's own.
fn byte(text: &str, unit: usize) -> Option<usize> {
    if text.is_ascii() {
        return Some(unit).filter(|unit| *unit <= text.len());
    }
    let mut before = 0;
    for (at, c) in text.char_indices() {
        if before + c.len_utf16() > unit {
            return Some(at);
        }
        before += c.len_utf16();
    }
    Some(text.len()).filter(|_| before == unit)
}

fn cut(heap: &mut Heap, text: &str, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    let at = |argument: &Value| byte(text, index(argument)?).ok_or_else(out_of_bounds);
    let part = match (name, arguments) {
        ("charAt", [from]) => {
            let rest = text.get(at(from)?..).unwrap_or_default();
            let end = rest.chars().next().ok_or_else(out_of_bounds)?.len_utf8();
            rest.get(..end)
        }
        ("substring", [from]) => text.get(at(from)?..),
        ("substring" | "subSequence", [from, to]) => text.get(at(from)?..at(to)?),
        _ => return Ok(Value::Null),
    };
    heap.text(part.ok_or_else(out_of_bounds)?)
}

fn search(text: &str, name: &str, texts: &[&str], arguments: &[Value]) -> Value {
    let unit = |at: usize| units(text.get(..at).unwrap_or_default());
    match (name, texts, arguments) {
        ("indexOf", [part], _) => found(text.find(part).map(unit)),
        ("lastIndexOf", [part], _) => found(text.rfind(part).map(unit)),
        ("indexOf", [part, _], [_, Value::Number(from)]) => {
            let from = byte(text, usize::try_from(from.to_i64()).unwrap_or_default()).unwrap_or(text.len());
            let rest = text.get(from..).unwrap_or_default();
            found(rest.find(part).map(|at| unit(from + at)))
        }
        _ => Value::Null,
    }
}

fn regular(heap: &mut Heap, text: &str, name: &str, arguments: &[&str]) -> Result<Value, RenderError> {
    match (name, arguments) {
        ("matches", [pattern]) => {
            let regex = heap.pattern(&format!("^(?:{pattern})$"), text)?;
            Ok(Value::Bool(regex.is_match(text)))
        }
        ("replaceAll", [pattern, to]) => replaced(heap, text, pattern, to, usize::MAX),
        ("replaceFirst", [pattern, to]) => replaced(heap, text, pattern, to, 1),
        ("split", [pattern]) => {
            let regex = heap.pattern(pattern, text)?;
            split(heap, text, &regex, 0)
        }
        ("split", [pattern, limit]) => {
            let regex = heap.pattern(pattern, text)?;
            split(heap, text, &regex, limit.parse().unwrap_or(0))
        }
        _ => Ok(Value::Null),
    }
}

fn replaced(heap: &mut Heap, text: &str, pattern: &str, to: &str, most: usize) -> Result<Value, RenderError> {
    let (regex, to) = (heap.pattern(pattern, text)?, replacement(to));
    let mut out = String::with_capacity(text.len());
    let mut read = 0;
    for captures in regex.captures_iter(text).take(most) {
        heap.visit()?;
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(read..whole.start()).unwrap_or_default());
        captures.expand(&to, &mut out);
        read = whole.end();
        if out.len() > heap.limits.output {
            return Err(RenderError::Output);
        }
    }
    out.push_str(text.get(read..).unwrap_or_default());
    heap.text(&out)
}

/// Java's: nothing before a match of no length at the start, and no empty texts at the end unless a limit is given.
fn split(heap: &mut Heap, text: &str, regex: &Regex, limit: i64) -> Result<Value, RenderError> {
    let most = usize::try_from(limit).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    let (mut parts, mut read) = (Vec::new(), 0);
    for separator in regex.find_iter(text) {
        if parts.len() + 1 >= most {
            break;
        }
        if separator.end() == 0 || (separator.is_empty() && separator.start() == text.len()) {
            continue;
        }
        parts.push(text.get(read..separator.start()).unwrap_or_default());
        heap.charge_values(1)?;
        read = separator.end();
    }
    parts.push(text.get(read..).unwrap_or_default());
    if limit == 0 && parts.len() > 1 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    let mut values = Vec::with_capacity(parts.len());
    for part in parts {
        values.push(heap.text(part)?);
    }
    heap.list(values)
}
