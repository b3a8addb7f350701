//! Binary media types and what becomes of a body between bytes and text (rest-data-plane §3.5).

use crate::ir::ContentHandling;

/// The media types that an API treats as bytes.
#[derive(Clone, Debug, Default)]
pub struct BinaryTypes {
    /// `*/*` is among them, which a missing media type matches, too.
    all: bool,
    entries: Box<[Entry]>,
}

#[derive(Clone, Debug)]
enum Entry {
    /// `type/sub`.
    Exact(Box<str>),
    /// `type/*`, without the star.
    Family(Box<str>),
}

impl BinaryTypes {
    /// The matcher of `binaryMediaTypes`.
    pub fn new(configured: &[String]) -> Self {
        let entry = |text: &String| match text.strip_suffix('*') {
            Some(family) if family.ends_with('/') => Entry::Family(family.into()),
            _ => Entry::Exact(text.as_str().into()),
        };
        let all = configured.iter().any(|text| text == "*/*");
        Self { all, entries: configured.iter().filter(|text| *text != "*/*").map(entry).collect() }
    }

    /// Whether every body is text.
    pub fn is_empty(&self) -> bool {
        !self.all && self.entries.is_empty()
    }

    /// Whether a media type (without parameters) counts as binary. A client's own wildcards are ordinary text: `image/*`
    /// matches the entry `image/*`, not `image/png`.
    pub fn matches(&self, media_type: Option<&str>) -> bool {
        let is = |entry: &Entry, given: &str| match entry {
            Entry::Exact(known) => known.eq_ignore_ascii_case(given),
            Entry::Family(family) => given.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family)),
        };
        self.all || media_type.is_some_and(|given| self.entries.iter().any(|entry| is(entry, given)))
    }
}

/// What is done to a body before it is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// It is text: what is no UTF-8 becomes U+FFFD.
    Text,
    /// It stays as it is, and no template can read it.
    Bytes,
    /// It becomes base64 text.
    Encode,
    /// The base64 text becomes bytes, or the request fails.
    Decode,
}

impl Conversion {
    /// The recorded matrix of requests [V s3/TestApiGatewayS3BinarySupport].
    pub fn of_request(binary: bool, handling: Option<ContentHandling>) -> Self {
        match (binary, handling) {
            (false, None | Some(ContentHandling::ConvertToText)) => Self::Text,
            (false, Some(ContentHandling::ConvertToBinary)) => Self::Decode,
            (true, None | Some(ContentHandling::ConvertToBinary)) => Self::Bytes,
            (true, Some(ContentHandling::ConvertToText)) => Self::Encode,
        }
    }

    /// The recorded matrix of responses: what the back end sent, and what the client accepts [V as above].
    pub fn of_response(payload: bool, accept: bool, handling: Option<ContentHandling>) -> Self {
        match (payload, accept, handling) {
            (false, false, None) | (false, _, Some(ContentHandling::ConvertToText)) => Self::Text,
            (false, true, None) | (false, _, Some(ContentHandling::ConvertToBinary)) => Self::Decode,
            (true, true, None) | (true, _, Some(ContentHandling::ConvertToBinary)) => Self::Bytes,
            (true, false, None) | (true, _, Some(ContentHandling::ConvertToText)) => Self::Encode,
        }
    }

    /// Whether the body changes from text to bytes or back, so that all of it is needed.
    pub fn rewrites(self) -> bool {
        matches!(self, Self::Encode | Self::Decode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(entries: &[&str]) -> BinaryTypes {
        BinaryTypes::new(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>())
    }

    /// [V lambda/test_aws_proxy_binary_response] and rest-data-plane §3.5, "matching rule".
    #[test]
    fn media_types_match_exactly_by_family_or_all() {
        let rows = [
            ("image/png", Some("image/png"), true),
            ("image/png", Some("IMAGE/PNG"), true),
            ("image/png", Some("*/*"), false),
            ("image/png", Some("image/*"), false),
            ("image/png", Some("image/pngx"), false),
            ("image/png", None, false),
            ("image/*", Some("image/png"), true),
            ("image/*", Some("image"), false),
            ("image/*", Some("imagery/png"), false),
            ("application/*", Some("application/*"), true),
            ("*/*", Some("text/plain"), true),
            ("*/*", None, true),
            ("*/png", Some("image/png"), false),
        ];

        for (entry, given, expected) in rows {
            assert_eq!(types(&[entry]).matches(given), expected, "{entry} and {given:?}");
        }
        assert!(types(&[]).is_empty() && !types(&["*/*"]).is_empty() && !types(&["a/b"]).is_empty());
    }

    /// The six recorded requests [V s3/TestApiGatewayS3BinarySupport].
    #[test]
    fn requests_are_converted_as_recorded() {
        use ContentHandling::{ConvertToBinary, ConvertToText};
        use Conversion::{Bytes, Decode, Encode, Text};
        let handlings = [None, Some(ConvertToText), Some(ConvertToBinary)];

        assert_eq!(handlings.map(|handling| Conversion::of_request(false, handling)), [Text, Text, Decode]);
        assert_eq!(handlings.map(|handling| Conversion::of_request(true, handling)), [Bytes, Encode, Bytes]);
    }

    /// The twelve recorded responses [V s3/TestApiGatewayS3BinarySupport].
    #[test]
    fn responses_are_converted_as_recorded() {
        use ContentHandling::{ConvertToBinary, ConvertToText};
        use Conversion::{Bytes, Decode, Encode, Text};
        let row = |payload, accept| {
            [None, Some(ConvertToText), Some(ConvertToBinary)]
                .map(|handling| Conversion::of_response(payload, accept, handling))
        };

        assert_eq!(row(false, false), [Text, Text, Decode]);
        assert_eq!(row(false, true), [Decode, Text, Decode]);
        assert_eq!(row(true, false), [Encode, Encode, Bytes]);
        assert_eq!(row(true, true), [Bytes, Encode, Bytes]);
    }
}
