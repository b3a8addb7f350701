//! Under which names mapped headers go out to the client (rest-data-plane §3.4).

use http::HeaderName;

/// Mapped headers of HTTP, AWS and MOCK responses that get the prefix `x-amzn-Remapped-`.
const RENAMED: [&str; 14] = [
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

/// The name under which a mapped or overridden response header goes out; `None`: not at all.
pub fn response_name(name: &str) -> Option<HeaderName> {
    if name.eq_ignore_ascii_case("transfer-encoding") {
        return None;
    }
    let renamed = RENAMED.iter().any(|known| known.eq_ignore_ascii_case(name));
    let prefix = if renamed { "x-amzn-Remapped-" } else { "" };
    HeaderName::from_bytes(format!("{prefix}{name}").as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [V integrations/TestApiGatewayHeaderRemapping], responses of HTTP, AWS and MOCK.
    #[test]
    fn mapped_headers_are_renamed_as_recorded() {
        let passed =
            "Accept Accept-Charset Age Content-Encoding Content-Type Pragma Range Referer TE Via Warn X-Custom";
        let renamed = "Authorization Connection Content-Length Content-MD5 Date Expect Host Max-Forwards \
                       Proxy-Authenticate Server Trailer Upgrade User-Agent WWW-Authenticate";

        for name in passed.split_whitespace() {
            assert_eq!(response_name(name).unwrap().as_str(), name.to_ascii_lowercase());
        }
        for name in renamed.split_whitespace() {
            let sent = format!("x-amzn-remapped-{}", name.to_ascii_lowercase());
            assert_eq!(response_name(name).unwrap().as_str(), sent);
        }
        assert_eq!(response_name("Transfer-Encoding"), None);
    }
}
