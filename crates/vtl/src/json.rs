//! JSON text to values and back. Key order and the text of numbers survive.

use std::fmt::Write;

use crate::heap::{Heap, MapKind, Value};
use crate::limits::{RenderError, VALUE_DEPTH};
use crate::number::Number;

/// Why a text is no value.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// It is no JSON.
    Invalid,
    /// It is more than the rendering may use.
    Limit(RenderError),
}

impl From<RenderError> for JsonError {
    fn from(error: RenderError) -> Self {
        Self::Limit(error)
    }
}

type Read<T> = Result<T, JsonError>;

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Heap {
    /// The value of a JSON text; `None` when it is none.
    ///
    /// # Errors
    /// [`RenderError`] when it is too large or nested too deep.
    pub fn read_json(&mut self, text: &str) -> Result<Option<Value>, RenderError> {
        let mut reader = Reader { text, at: 0 };
        let value = self.work(text.len()).map_err(JsonError::from).and_then(|()| reader.document(self));
        match value {
            Ok(value) => Ok(Some(value)),
            Err(JsonError::Invalid) => Ok(None),
            Err(JsonError::Limit(error)) => Err(error),
        }
    }

    /// A value as compact JSON.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn json(&mut self, value: &Value) -> Result<String, RenderError> {
        let mut out = String::new();
        self.write_json(value, &mut out, 0)?;
        Ok(out)
    }

    pub(crate) fn write_json(&mut self, value: &Value, out: &mut String, depth: usize) -> Result<(), RenderError> {
        self.enter(out, depth)?;
        match value {
            Value::Null | Value::Loop(_) | Value::Host(_) => out.push_str("null"),
            Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Value::Number(number) => push_display(out, number),
            Value::Text(text) => {
                self.work(text.len())?;
                quote(text, out);
            }
            Value::List(list) => {
                out.push('[');
                let mut at = 0;
                while let Some(item) = self.items(*list).get(at).cloned() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.write_json(&item, out, depth + 1)?;
                    at += 1;
                }
                out.push(']');
            }
            Value::Map(map) => {
                out.push('{');
                let mut at = 0;
                while let Some((key, value)) = self.entries(*map).get(at).cloned() {
                    if at > 0 {
                        out.push(',');
                    }
                    quote(&key, out);
                    out.push(':');
                    self.write_json(&value, out, depth + 1)?;
                    at += 1;
                }
                out.push('}');
            }
        }
        Ok(())
    }

    /// What every value that is written costs.
    pub(crate) fn enter(&mut self, out: &str, depth: usize) -> Result<(), RenderError> {
        if depth > VALUE_DEPTH {
            return Err(RenderError::Depth);
        }
        if out.len() > self.limits.output {
            return Err(RenderError::Output);
        }
        self.step()
    }
}

pub(crate) fn push_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    write!(out, "{value}").unwrap_or_default();
}

/// A JSON string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => push_display(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

impl Reader<'_> {
    fn document(&mut self, heap: &mut Heap) -> Read<Value> {
        let value = self.value(heap, 0)?;
        self.space();
        if self.at == self.text.len() { Ok(value) } else { Err(JsonError::Invalid) }
    }

    fn space(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, heap: &mut Heap, depth: usize) -> Read<Value> {
        if depth > VALUE_DEPTH {
            return Err(RenderError::Depth.into());
        }
        self.space();
        match self.byte() {
            Some(b'{') => self.map(heap, depth),
            Some(b'[') => self.list(heap, depth),
            Some(b'"') => Ok(heap.text(&self.string()?)?),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Read<Value> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let words = [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))];
        let (word, value) = words.into_iter().find(|(word, _)| rest.starts_with(word)).ok_or(JsonError::Invalid)?;
        self.at += word.len();
        Ok(value)
    }

    fn list(&mut self, heap: &mut Heap, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.eat(b']') {
            return Ok(heap.make_list(items, true)?);
        }
        loop {
            items.push(self.value(heap, depth + 1)?);
            heap.charge_values(1)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        Ok(heap.make_list(items, true)?)
    }

    fn map(&mut self, heap: &mut Heap, depth: usize) -> Read<Value> {
        self.at += 1;
        let map = heap.map(MapKind::Plain)?;
        self.space();
        if self.eat(b'}') {
            return Ok(Value::Map(map));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            if !self.eat(b':') {
                return Err(JsonError::Invalid);
            }
            let value = self.value(heap, depth + 1)?;
            heap.put(map, &key, value)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        Ok(Value::Map(map))
    }

    /// `-? int frac? exp?`
    fn number(&mut self) -> Read<Number> {
        let start = self.at;
        self.eat(b'-');
        let leading_zero = self.byte() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) || (self.eat(b'.') && self.digits() == 0) {
            return Err(JsonError::Invalid);
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'-') || self.eat(b'+');
            if self.digits() == 0 {
                return Err(JsonError::Invalid);
            }
        }
        Ok(Number::from_json(self.text.get(start..self.at).unwrap_or_default()))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Read<String> {
        if !self.eat(b'"') {
            return Err(JsonError::Invalid);
        }
        let mut value = String::new();
        loop {
            let start = self.at;
            while self.byte().is_some_and(|byte| byte != b'"' && byte != b'\\' && byte >= b' ') {
                self.at += 1;
            }
            value.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => value.push(self.escape()?),
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        Ok(value)
    }

    fn escape(&mut self) -> Read<char> {
        self.at += 2;
        let which = self.text.as_bytes().get(self.at - 1);
        Ok(match which {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(plain @ (b'"' | b'\\' | b'/')) => char::from(*plain),
            Some(b'u') => return self.unicode(),
            _ => return Err(JsonError::Invalid),
        })
    }

    /// Four digits, or eight in two halves; half a pair becomes the replacement character.
    fn unicode(&mut self) -> Read<char> {
        let first = self.hex()?;
        let surrogate = (0xD800..0xDC00).contains(&first);
        if surrogate && self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
            let before = self.at;
            self.at += 2;
            let second = self.hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(JsonError::Invalid)?;
        self.at += 4;
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| all_hex).ok_or(JsonError::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;

    fn round(text: &str) -> Option<String> {
        let mut heap = Heap::new(Limits::default());
        let value = heap.read_json(text).unwrap()?;
        Some(heap.json(&value).unwrap())
    }

    #[test]
    fn json_survives_but_for_its_blanks() {
        let text = r#"{"b":[1.0,-0,1E400,12345678901234567890],"a":{"é\n\"":null,"":true},"c":"😀"}"#;
        let spaced = r#" { "b" : [1.0, -0, 1E400,12345678901234567890 ],
            "a": {"\u00e9\n\"": null, "": true}, "c" : "\ud83d\ude00" } "#;

        assert_eq!(round(text).as_deref(), Some(text));
        assert_eq!(round(spaced).as_deref(), Some(text));
        assert_eq!(round(r#"{"a":1,"b":2,"a":3}"#).as_deref(), Some(r#"{"a":3,"b":2}"#));
        for bad in ["", "{", "[1,]", "{\"a\"}", "01", "1.", "'a'", "nul", "\"\\x\"", "\"a", "1 2", "-", "\"\\u12"] {
            assert_eq!(round(bad), None, "{bad}");
        }
    }

    #[test]
    fn deep_texts_are_refused() {
        let mut heap = Heap::new(Limits::default());

        let deep = heap.read_json(&"[".repeat(100_000));

        assert_eq!(deep.unwrap_err(), RenderError::Depth);
    }

    proptest! {
        #[test]
        fn what_serde_reads_is_read_alike(text in r#"[\[\]{}",:0-9truefalsn\\u.e -]{0,24}"#) {
            let ours = round(&text);
            let theirs = serde_json::from_str::<serde_json::Value>(&text).ok();
            // A number out of range is kept as text here and refused there.
            if let Some(theirs) = &theirs {
                let ours: serde_json::Value = serde_json::from_str(ours.as_deref().unwrap()).unwrap();
                prop_assert_eq!(&ours, theirs);
            }
        }
    }
}
