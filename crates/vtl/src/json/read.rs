//! JSON text to values.

use std::collections::HashMap;
use std::rc::Rc;

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
    /// Keys so far: the objects of a list mostly have the same.
    keys: HashMap<String, Rc<str>>,
}

impl Heap {
    /// The value of a JSON text; `None` when it is none.
    ///
    /// # Errors
    /// [`RenderError`] when it is too large or nested too deep.
    pub fn read_json(&mut self, text: &str) -> Result<Option<Value>, RenderError> {
        let mut reader = Reader { text, at: 0, keys: HashMap::new() };
        let value =
            self.work(text.len().saturating_mul(2)).map_err(JsonError::from).and_then(|()| reader.document(self));
        match value {
            Ok(value) => Ok(Some(value)),
            Err(JsonError::Invalid) => Ok(None),
            Err(JsonError::Limit(error)) => Err(error),
        }
    }
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
            let key = self.key(heap)?;
            self.space();
            if !self.eat(b':') {
                return Err(JsonError::Invalid);
            }
            let value = self.value(heap, depth + 1)?;
            heap.put_shared(map, key, value)?;
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

    fn key(&mut self, heap: &mut Heap) -> Read<Rc<str>> {
        let key = self.string()?;
        if let Some(known) = self.keys.get(&key) {
            return Ok(known.clone());
        }
        let shared = heap.shared(&key)?;
        self.keys.insert(key, shared.clone());
        Ok(shared)
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
