//! `$util`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::heap::{Heap, Value};
use crate::json::push_display;
use crate::limits::RenderError;

type Convert = fn(&str) -> Result<String, RenderError>;

/// Functions of text to text.
const FUNCTIONS: [(&str, Convert); 5] = [
    ("escapeJavaScript", |text| Ok(escape_java_script(text))),
    ("base64Encode", |text| Ok(LENIENT.encode(text))),
    ("base64Decode", base64_decode),
    ("urlEncode", |text| Ok(url_encode(text))),
    ("urlDecode", url_decode),
];

/// Padding may be missing, and bits may be left over: what decoders of this kind of Java forgive.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn call(heap: &mut Heap, name: &str, arguments: &[Value]) -> Result<Value, RenderError> {
    let [argument] = arguments else { return Ok(Value::Null) };
    if matches!(argument, Value::Null) {
        return Ok(Value::Null);
    }
    if name == "parseJson" {
        let text = heap.print(argument)?;
        let value = heap.read_json(&text)?;
        return value.ok_or_else(|| RenderError::exception("$util.parseJson was given no JSON"));
    }
    let Some((_, convert)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else { return Ok(Value::Null) };
    let text = match argument {
        Value::List(_) | Value::Map(_) => heap.json(argument)?.as_str().into(),
        _ => heap.print(argument)?,
    };
    heap.work(text.len().saturating_mul(2))?;
    heap.text(&convert(&text)?)
}

/// As commons-lang does it: quotes, backslashes, slashes and control characters, and all that is not ASCII.
fn escape_java_script(text: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\' | b'/');
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    loop {
        let run = rest.bytes().position(|byte| !plain(byte)).unwrap_or(rest.len());
        let (run, special) = rest.split_at(run);
        out.push_str(run);
        let mut chars = special.chars();
        match chars.next() {
            None => return out,
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some(c @ ' '..='~') => {
                out.push('\\');
                out.push(c);
            }
            Some(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    push_display(&mut out, format_args!("\\u{unit:04X}"));
                }
            }
        }
        rest = chars.as_str();
    }
}

/// Characters outside the alphabet are skipped; both alphabets are read.
fn base64_decode(text: &str) -> Result<String, RenderError> {
    let plain = text.bytes().filter_map(|byte| match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' => Some(byte),
        byte => byte.is_ascii_alphanumeric().then_some(byte),
    });
    let plain: Vec<u8> = plain.collect();
    // A single character over holds no whole byte.
    let whole = if plain.len() % 4 == 1 { plain.len() - 1 } else { plain.len() };
    let bytes = LENIENT.decode(plain.get(..whole).unwrap_or_default());
    let bytes = bytes.map_err(|_| RenderError::exception("$util.base64Decode was given no base64"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `application/x-www-form-urlencoded` [V common/test_input_body_formatting].
fn url_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'.' | b'-' | b'*' | b'_' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => push_display(&mut out, format_args!("%{byte:02X}")),
        }
    }
    out
}

fn url_decode(text: &str) -> Result<String, RenderError> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = bytes.next().zip(bytes.next());
                let value = digits.and_then(|(high, low)| Some(hex(high)? * 16 + hex(low)?));
                value.ok_or_else(|| RenderError::exception("$util.urlDecode was given a lone %"))?
            }
            byte => byte,
        });
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
