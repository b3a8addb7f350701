//! Bodies between bytes and text (rest-data-plane §3.5); which way is the plan's business (`plan::binary`).

use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use bytes::Bytes;
use stagecoach_plan::binary::Conversion;

use crate::failure::Failure;

/// As Java decodes: padding may be left out, and what the last digit has too many of does not matter.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A body after its conversion.
pub(crate) struct Converted {
    pub(crate) bytes: Bytes,
    /// Not text: no template can read it.
    pub(crate) raw: bool,
}

/// Converts a body.
///
/// # Errors
/// Base64 that does not decode: 500.
pub(crate) fn convert(body: Bytes, how: Conversion) -> Result<Converted, Failure> {
    let bytes = match how {
        Conversion::Bytes => body,
        Conversion::Text => text(body),
        Conversion::Encode => STANDARD.encode(&body).into(),
        Conversion::Decode => decode(&body)?,
    };
    Ok(Converted { bytes, raw: matches!(how, Conversion::Bytes | Conversion::Decode) })
}

/// Base64 text as bytes.
///
/// # Errors
/// 500.
pub(crate) fn decode(text: &[u8]) -> Result<Bytes, Failure> {
    LENIENT.decode(text).map(Bytes::from).map_err(|_| Failure::configuration("Unable to base64 decode the body."))
}

/// UTF-8, with U+FFFD for what is none.
fn text(body: Bytes) -> Bytes {
    match std::str::from_utf8(&body) {
        Ok(_) => body,
        Err(_) => String::from_utf8_lossy(&body).into_owned().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payloads of the recorded matrices: raw bytes, base64 and text [V s3/TestApiGatewayS3BinarySupport].
    #[test]
    fn bodies_are_converted_or_the_request_fails() {
        let run = |body: &'static [u8], how| convert(Bytes::from_static(body), how).ok().map(|c| (c.bytes, c.raw));
        let text = |text: &'static str| Some((Bytes::from_static(text.as_bytes()), false));
        let raw = |bytes: &'static [u8]| Some((Bytes::from_static(bytes), true));

        assert_eq!(run(b"\xff\xfea", Conversion::Text), text("\u{fffd}\u{fffd}a"));
        assert_eq!(run("grüß".as_bytes(), Conversion::Text), text("grüß"));
        assert_eq!(run(b"\xff\xfe", Conversion::Bytes), raw(b"\xff\xfe"));
        assert_eq!(run(b"\xff\xfe", Conversion::Encode), text("//4="));
        assert_eq!(run(b"//4=", Conversion::Decode), raw(b"\xff\xfe"));
        assert_eq!(run(b"//4", Conversion::Decode), raw(b"\xff\xfe"));
        assert_eq!(run(b"", Conversion::Decode), raw(b""));
        assert_eq!(run(b"\xff\xfe", Conversion::Decode), None);
        assert_eq!(run(b"this is text", Conversion::Decode), None);
    }
}
