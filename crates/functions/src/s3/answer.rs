//! What S3 says when it refuses: `<Error><Code>…</Code><Message>…</Message>…</Error>`.

use http::StatusCode;

use crate::objects::ObjectError;

/// Bytes of such an answer that are read.
pub(super) const LONGEST: usize = 64 * 1024;

/// The refusal in an answer; one without S3's XML is told by its status.
pub(super) fn refusal(status: StatusCode, body: &[u8]) -> ObjectError {
    let text = String::from_utf8_lossy(body);
    let code = element(&text, "Code").unwrap_or_else(|| status.as_u16().to_string());
    let known = status.canonical_reason().unwrap_or("no reason given");
    let message = element(&text, "Message").unwrap_or_else(|| known.to_owned());
    ObjectError::Refused { code, message }
}

/// The text of the first element `name`.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_message_are_read_or_the_status_is_told() {
        let refused = |status: u16, body: &str| match refusal(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            ObjectError::Refused { code, message } => (code, message),
            other => panic!("{other}"),
        };
        let xml = "<?xml version=\"1.0\"?>\n<Error>\n  <Code>NoSuchKey</Code><Message>a &amp;lt; b</Message></Error>";

        assert_eq!(refused(404, xml), ("NoSuchKey".into(), "a &lt; b".into()));
        assert_eq!(refused(503, "<html>"), ("503".into(), "Service Unavailable".into()));
    }
}
