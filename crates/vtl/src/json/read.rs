//! JSON text to values.

use super::scan::plain;
use crate::heap::{Heap, Value};
use crate::limits::{RenderError, VALUE_DEPTH};
use crate::number::Number;
use crate::shared::Text;

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

/// Strings and numbers are parts of the text. What belongs to lists and maps that are still open waits in one place
/// each, so that a list or map is made once, as large as it is.
struct Reader<'t> {
    whole: &'t Text,
    text: &'t str,
    at: usize,
    items: Vec<Value>,
    entries: Vec<(Text, Value)>,
    /// What a string with escapes is put together in.
    unescaped: String,
}

impl Heap {
    /// The value of a JSON text; `None` when it is none.
    ///
    /// # Errors
    /// [`RenderError`] when it is too large or nested too deep.
    pub fn read_json(&mut self, text: &str) -> Result<Option<Value>, RenderError> {
        let whole = self.shared(text)?;
        self.read_shared_json(&whole)
    }

    /// As [`Heap::read_json`], without a copy.
    pub(crate) fn read_shared_json(&mut self, whole: &Text) -> Result<Option<Value>, RenderError> {
        self.work(whole.len())?;
        let mut reader =
            Reader { whole, text: whole, at: 0, items: Vec::new(), entries: Vec::new(), unescaped: String::new() };
        match reader.document(self) {
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
            Some(b'"') => self.string(heap).map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Read<Value> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let (length, value) = match rest {
            [b'n', b'u', b'l', b'l', ..] => (4, Value::Null),
            [b't', b'r', b'u', b'e', ..] => (4, Value::Bool(true)),
            [b'f', b'a', b'l', b's', b'e', ..] => (5, Value::Bool(false)),
            _ => return Err(JsonError::Invalid),
        };
        self.at += length;
        Ok(value)
    }

    fn list(&mut self, heap: &mut Heap, depth: usize) -> Read<Value> {
        self.at += 1;
        let start = self.items.len();
        self.space();
        if self.eat(b']') {
            return Ok(heap.make_list(Vec::new(), true)?);
        }
        loop {
            let value = self.value(heap, depth + 1)?;
            self.items.push(value);
            heap.charge_values(1)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        Ok(heap.make_list(taken(&mut self.items, start), true)?)
    }

    fn map(&mut self, heap: &mut Heap, depth: usize) -> Read<Value> {
        self.at += 1;
        let start = self.entries.len();
        self.space();
        if self.eat(b'}') {
            return Ok(heap.map_of(Vec::new())?);
        }
        loop {
            self.space();
            let key = self.string(heap)?;
            self.space();
            if !self.eat(b':') {
                return Err(JsonError::Invalid);
            }
            let value = self.value(heap, depth + 1)?;
            self.entries.push((key, value));
            heap.charge_values(1)?;
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(JsonError::Invalid),
            }
        }
        self.at += 1;
        Ok(heap.map_of(taken(&mut self.entries, start))?)
    }

    /// `-? int frac? exp?`
    fn number(&mut self) -> Read<Number> {
        let start = self.at;
        let negative = self.eat(b'-');
        let leading_zero = self.byte() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(JsonError::Invalid);
        }
        let integer = self.at;
        if self.eat(b'.') && self.digits() == 0 {
            return Err(JsonError::Invalid);
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'-') || self.eat(b'+');
            if self.digits() == 0 {
                return Err(JsonError::Invalid);
            }
        }
        let plain = Some(start..self.at).filter(|_| integer == self.at && !(negative && leading_zero));
        let plain = plain.and_then(|range| self.text.get(range)?.parse().ok()).map(Number::Int);
        Ok(plain.unwrap_or_else(|| Number::Text(self.whole.part(start..self.at))))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self, heap: &mut Heap) -> Read<Text> {
        if !self.eat(b'"') {
            return Err(JsonError::Invalid);
        }
        let start = self.at;
        self.plain();
        if self.byte() != Some(b'"') {
            return self.escaped(heap, start);
        }
        self.at += 1;
        Ok(self.whole.part(start..self.at - 1))
    }

    fn plain(&mut self) {
        self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
    }

    /// A string that is not as it is written, from its first character.
    fn escaped(&mut self, heap: &mut Heap, mut start: usize) -> Read<Text> {
        self.unescaped.clear();
        loop {
            self.unescaped.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let escaped = self.escape()?;
                    self.unescaped.push(escaped);
                }
                _ => return Err(JsonError::Invalid),
            }
            start = self.at;
            self.plain();
        }
        self.at += 1;
        Ok(heap.shared(&self.unescaped)?)
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

/// What is in a list from `start` on. A large list that is all of it leaves without a copy; the room of others is used
/// again.
fn taken<T>(all: &mut Vec<T>, start: usize) -> Vec<T> {
    if start == 0 && all.len() > 256 { std::mem::take(all) } else { all.split_off(start) }
}
