//! Which headers pass, are renamed or dropped (rest-data-plane §3.2–§3.4), as tables.

use http::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};

/// Dropped at ingestion for every integration type [V integrations/TestApiGatewayHeaderRemapping]; `keep-alive` is
/// hop-by-hop as well. A `match`, because it is asked of every header of every request.
pub(crate) fn is_dropped(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "content-length"
            | "content-md5"
            | "expect"
            | "max-forwards"
            | "proxy-authenticate"
            | "server"
            | "te"
            | "transfer-encoding"
            | "trailer"
            | "upgrade"
            | "www-authenticate"
            | "keep-alive"
    )
}

/// Removes what no integration sees. Names that `Connection` nominates are not honoured: a client must not be able to
/// strip headers that the gateway or a proxy before it relies on.
pub(crate) fn ingest(headers: &mut HeaderMap) {
    let dropped: Vec<HeaderName> = headers.keys().filter(|name| is_dropped(name.as_str())).cloned().collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// The entries of a map with the name repeated for every value.
pub(crate) fn entries(headers: HeaderMap) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let mut last = None;
    headers.into_iter().filter_map(move |(name, value)| {
        if name.is_some() {
            last = name;
        }
        Some((last.clone()?, value))
    })
}

/// Mapping to these fails every request (rest-data-plane §3.3, "illegal mapping targets").
pub(crate) fn is_illegal_target(name: &str, aws: bool) -> bool {
    let every = ["content-length", "transfer-encoding", "x-amzn-trace-id", "x-amzn-apigateway-api-id"];
    let only_aws = ["authorization", "connection", "expect", "proxy-authenticate", "te"];
    let among = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    among(&every) || (aws && among(&only_aws))
}

/// Mapped headers that do not reach a back end.
pub(crate) fn is_dropped_target(name: &str, aws: bool) -> bool {
    let http = ["connection", "expect", "proxy-authenticate", "te", "via"];
    let named = |known: &str| known.eq_ignore_ascii_case(name);
    http.into_iter().any(named) || (aws && named("referer"))
}

const REMAPPED_CONNECTION: HeaderName = HeaderName::from_static("x-amzn-remapped-connection");
const REMAPPED_LENGTH: HeaderName = HeaderName::from_static("x-amzn-remapped-content-length");
const REMAPPED_DATE: HeaderName = HeaderName::from_static("x-amzn-remapped-date");
const REMAPPED_SERVER: HeaderName = HeaderName::from_static("x-amzn-remapped-server");
const REMAPPED_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-remapped-x-amzn-requestid");

/// The name a proxy integration's header goes out under; `None`: not at all.
fn proxied(name: HeaderName) -> Option<HeaderName> {
    match name.as_str() {
        "connection" => Some(REMAPPED_CONNECTION),
        "content-length" => Some(REMAPPED_LENGTH),
        "date" => Some(REMAPPED_DATE),
        "server" => Some(REMAPPED_SERVER),
        "transfer-encoding" => None,
        _ => Some(name),
    }
}

/// An HTTP_PROXY back end's headers as the client gets them, with room for the gateway's own. `Content-Encoding` passes,
/// for the body keeps that coding [D §3.3 table, §3.7]; it was recorded as dropped from a body that was not coded at all
/// (§3.4), and dropped from one that is, nobody could read it.
pub(crate) fn http_proxy_response(headers: HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::with_capacity(headers.len() + 2);
    for (name, value) in entries(headers) {
        let name = match name.as_str() {
            "x-amzn-requestid" => Some(REMAPPED_REQUEST_ID),
            "via" | "trailer" | "upgrade" | "keep-alive" => None,
            _ => proxied(name),
        };
        if let Some(name) = name {
            answer.append(name, value);
        }
    }
    answer
}

/// A Lambda proxy function's headers as the client gets them.
pub(crate) fn aws_proxy_response(headers: HeaderMap) -> HeaderMap {
    entries(headers).filter_map(|(name, value)| Some((proxied(name)?, value))).fold(
        HeaderMap::new(),
        |mut answer, (name, value)| {
            answer.append(name, value);
            answer
        },
    )
}

/// The media type of a header value, without parameters; the first one only (rest-data-plane §3.5, §3.6).
pub(crate) fn media_type(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let text = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    Some(text.split([';', ',']).next().unwrap_or_default().trim()).filter(|text| !text.is_empty())
}

/// The media type that `Accept` chooses a template by (rest-data-plane §5.3, §3.6): of several lines the last, without
/// parameters; a list names none, which is as good as saying nothing.
pub(crate) fn accepted(headers: &HeaderMap) -> &str {
    let last = headers.get_all(ACCEPT).iter().next_back().and_then(|value| value.to_str().ok());
    let single = last.filter(|text| !text.contains(',')).and_then(|text| text.split(';').next()).map(str::trim);
    single.filter(|text| !text.is_empty()).unwrap_or("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// rest-data-plane §5.3: "with a list in one header, nothing matches"; binary support takes the first (§3.5).
    #[test]
    fn a_list_in_accept_names_no_template_but_a_binary_type() {
        let rows: [(&[&str], &str, Option<&str>); 7] = [
            (&[], "application/json", None),
            (&[""], "application/json", None),
            (&["text/xml;q=0.5"], "text/xml", Some("text/xml")),
            (&["text/xml, text/plain"], "application/json", Some("text/xml")),
            (&["text/xml;q=0.9,text/plain"], "application/json", Some("text/xml")),
            (&["text/plain", "text/xml"], "text/xml", Some("text/xml")),
            (&["*/*"], "*/*", Some("*/*")),
        ];

        for (lines, template, binary) in rows {
            let headers: HeaderMap = lines.iter().map(|line| (ACCEPT, line.parse().unwrap())).collect();
            assert_eq!((accepted(&headers), media_type(&headers, ACCEPT)), (template, binary), "{lines:?}");
        }
    }

    /// [V integrations/TestApiGatewayHeaderRemapping], requests.
    #[test]
    fn some_targets_fail_a_request_and_some_are_not_sent() {
        for name in ["Content-Length", "transfer-encoding", "X-Amzn-Trace-Id", "x-amzn-apigateway-api-id"] {
            assert!(is_illegal_target(name, false) && is_illegal_target(name, true), "{name}");
        }
        for name in ["Authorization", "Connection", "Expect", "Proxy-Authenticate", "TE"] {
            assert!(!is_illegal_target(name, false) && is_illegal_target(name, true), "{name}");
        }
        for name in ["Connection", "Expect", "Proxy-Authenticate", "TE", "Via"] {
            assert!(is_dropped_target(name, false), "{name}");
        }
        assert!(is_dropped_target("Referer", true) && !is_dropped_target("Referer", false));
        for name in ["Accept", "Content-MD5", "Date", "Host", "Max-Forwards", "Server", "Trailer", "Upgrade", "Warn"] {
            assert!(!is_dropped_target(name, false) && !is_illegal_target(name, false), "{name}");
        }
    }
}
