//! Percent-encoding of what is put into URLs.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a query name or value may hold unescaped: RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What cannot stand in a path; slashes and percent signs stay, the value may be a whole, encoded tail.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');

/// Appends `name=value`, with `&` before it when `query` is not empty.
pub(crate) fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.extend(utf8_percent_encode(name, QUERY));
    query.push('=');
    query.extend(utf8_percent_encode(value, QUERY));
}

/// A value for a `{placeholder}` of a URI.
pub(crate) fn path(value: &str) -> String {
    utf8_percent_encode(value, PATH).to_string()
}

/// Appends a single path segment, or a value: everything but unreserved characters is encoded.
pub(crate) fn push_segment(text: &mut String, value: &str) {
    text.extend(utf8_percent_encode(value, QUERY));
}
