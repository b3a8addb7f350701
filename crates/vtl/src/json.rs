//! JSON text to values and back. Key order and the text of numbers survive.

mod read;
mod scan;

use std::fmt::Write;

use self::scan::plain;
use crate::heap::{Heap, Value};
use crate::limits::{RenderError, VALUE_DEPTH};
use crate::number::Number;

impl Heap {
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
            Value::Number(Number::Text(text)) => out.push_str(text),
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
        self.visit()
    }
}

pub(crate) fn push_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    write!(out, "{value}").unwrap_or_default();
}

/// A JSON string.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let (run, special) = rest.split_at(plain(rest.as_bytes()));
        out.push_str(run);
        let Some(byte) = special.bytes().next() else { break };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x8 => out.push_str("\\b"),
            0xC => out.push_str("\\f"),
            byte => push_display(out, format_args!("\\u{byte:04x}")),
        }
        rest = special.get(1..).unwrap_or_default();
    }
    out.push('"');
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
