//! Which headers pass, are renamed or dropped (rest-data-plane §3.2–§3.4), as tables.

use http::header::{self, HeaderMap, HeaderName};

/// Dropped at ingestion for every integration type [V integrations/TestApiGatewayHeaderRemapping]. `keep-alive` and
/// `proxy-connection` are hop-by-hop as well.
pub(crate) const INGESTION: [HeaderName; 13] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    HeaderName::from_static("content-md5"),
    header::EXPECT,
    header::MAX_FORWARDS,
    header::PROXY_AUTHENTICATE,
    header::SERVER,
    header::TE,
    header::TRANSFER_ENCODING,
    header::TRAILER,
    header::UPGRADE,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("keep-alive"),
];

/// Removes what no integration sees. Names that `Connection` nominates are not honoured: a client must not be able to
/// strip headers that the gateway or a proxy before it relies on.
pub(crate) fn ingest(headers: &mut HeaderMap) {
    for name in &INGESTION {
        headers.remove(name);
    }
}

/// Mapping to these fails every request (rest-data-plane §3.3, "illegal mapping targets").
pub(crate) fn is_illegal_target(name: &str, aws: bool) -> bool {
    let every = ["content-length", "transfer-encoding", "x-amzn-trace-id", "x-amzn-apigateway-api-id"];
    let only_aws = ["authorization", "connection", "expect", "proxy-authenticate", "te"];
    let among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    among(&every) || (aws && among(&only_aws))
}

/// Mapped headers that do not reach an HTTP back end.
pub(crate) fn is_dropped_target(name: &str) -> bool {
    ["connection", "expect", "proxy-authenticate", "te", "via"].iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// A rename of a response header.
type Rename = (HeaderName, HeaderName);

/// HTTP_PROXY and AWS_PROXY responses: renamed.
const PROXY_RENAMED: [Rename; 4] = [
    (header::CONNECTION, HeaderName::from_static("x-amzn-remapped-connection")),
    (header::CONTENT_LENGTH, HeaderName::from_static("x-amzn-remapped-content-length")),
    (header::DATE, HeaderName::from_static("x-amzn-remapped-date")),
    (header::SERVER, HeaderName::from_static("x-amzn-remapped-server")),
];

const REQUEST_ID: Rename =
    (HeaderName::from_static("x-amzn-requestid"), HeaderName::from_static("x-amzn-remapped-x-amzn-requestid"));

fn rename(headers: &mut HeaderMap, (from, to): &Rename) {
    if let Some(value) = headers.remove(from) {
        headers.insert(to.clone(), value);
    }
}

/// An HTTP_PROXY back end's headers as the client gets them.
pub(crate) fn http_proxy_response(headers: &mut HeaderMap) {
    PROXY_RENAMED.iter().for_each(|pair| rename(headers, pair));
    rename(headers, &REQUEST_ID);
    for name in [header::TRANSFER_ENCODING, header::VIA, header::TRAILER, header::UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

/// A Lambda proxy function's headers as the client gets them.
pub(crate) fn aws_proxy_response(headers: &mut HeaderMap) {
    PROXY_RENAMED.iter().for_each(|pair| rename(headers, pair));
    headers.remove(header::TRANSFER_ENCODING);
}

/// Mapped headers of HTTP, AWS and MOCK responses that get the prefix `x-amzn-Remapped-`.
const MAPPED_RENAMED: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "expect",
    "host",
    "max-forwards",
    "proxy-authenticate",
    "server",
    "trailer",
    "upgrade",
    "user-agent",
    "www-authenticate",
];

/// The name under which a mapped response header goes out; `None`: not at all.
pub(crate) fn mapped_response(name: &str) -> Option<HeaderName> {
    if name.eq_ignore_ascii_case("transfer-encoding") {
        return None;
    }
    let renamed = MAPPED_RENAMED.iter().any(|known| known.eq_ignore_ascii_case(name));
    let text = if renamed { format!("x-amzn-Remapped-{name}") } else { name.to_owned() };
    HeaderName::from_bytes(text.as_bytes()).ok()
}

/// The media type of a header value, without parameters; the first one only (rest-data-plane §3.5, §3.6).
pub(crate) fn media_type(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let text = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    Some(text.split([';', ',']).next().unwrap_or_default().trim()).filter(|text| !text.is_empty())
}

/// Whether a media type counts as binary: exact, `type/*` or `*/*`; a missing one only with `*/*`.
pub(crate) fn is_binary(configured: &[String], media_type: Option<&str>) -> bool {
    configured.iter().any(|entry| match (entry.as_str(), media_type) {
        ("*/*", _) => true,
        (_, None) => false,
        (entry, Some(given)) => {
            let family = entry.strip_suffix("/*");
            entry == given
                || family.is_some_and(|family| given.split('/').next() == Some(family) && given.contains('/'))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_headers_are_renamed_as_recorded() {
        assert_eq!(mapped_response("Date").unwrap(), "x-amzn-remapped-date");
        assert_eq!(mapped_response("X-Custom").unwrap(), "x-custom");
        assert_eq!(mapped_response("Transfer-Encoding"), None);
    }

    /// [V lambda/test_aws_proxy_binary_response]
    #[test]
    fn binary_types_match_exactly_or_by_family() {
        let list = |entry: &str| vec![entry.to_owned()];

        assert!(is_binary(&list("image/png"), Some("image/png")) && is_binary(&list("image/*"), Some("image/png")));
        assert!(!is_binary(&list("image/png"), Some("*/*")) && !is_binary(&list("image/png"), Some("image/*")));
        assert!(is_binary(&list("application/*"), Some("application/*")));
        assert!(is_binary(&list("*/*"), None) && !is_binary(&list("image/png"), None));
    }
}
