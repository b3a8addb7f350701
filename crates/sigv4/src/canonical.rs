//! The canonical request and the string to sign.

use aws_lc_rs::hmac;
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use stagecoach_base::Digest;

/// Everything but RFC 3986's unreserved characters.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`STRICT`], with slashes kept.
const PATH: &AsciiSet = &STRICT.remove(b'/');

/// What is signed of a request.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    /// Raw path, still percent-encoded once.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    /// Host of the request line, for HTTP/2 requests without a `host` header.
    pub(crate) authority: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// S3: the path is signed as it is sent. Every other service signs it normalised and encoded a second time.
    pub(crate) raw_path: bool,
}

impl Request<'_> {
    /// SHA-256 of the canonical request, in hex. `signed` are lower-case header names in order.
    pub(crate) fn hash(&self, signed: &[&str], body_hash: &str) -> String {
        let path = if self.raw_path { self.path.to_owned() } else { canonical_path(self.path) };
        let mut text = format!("{}\n{path}\n{}\n", self.method, canonical_query(self.query));
        for name in signed {
            text.push_str(&format!("{name}:{}\n", self.header(name)));
        }
        text.push_str(&format!("\n{}\n{body_hash}", signed.join(";")));
        Digest::of(text.as_bytes()).to_string()
    }

    fn header(&self, name: &str) -> String {
        let values: Vec<String> = self.headers.get_all(name).iter().map(|v| trim(v.as_bytes())).collect();
        match (values.is_empty() && name == "host", self.authority) {
            (true, Some(authority)) => authority.to_owned(),
            _ => values.join(","),
        }
    }
}

/// Trimmed, with runs of blanks made one.
fn trim(value: &[u8]) -> String {
    String::from_utf8_lossy(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Dot segments and doubled slashes removed, then encoded a second time (every service but S3).
fn canonical_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let slash = if path.len() > 1 && path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    let joined = format!("/{}{slash}", parts.join("/"));
    utf8_percent_encode(&joined, PATH).to_string()
}

fn canonical_query(query: &str) -> String {
    let recode = |text: &str| {
        let bytes: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&bytes, STRICT).to_string()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<(String, String)> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (recode(key), recode(value)))
        .collect();
    pairs.sort();
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&")
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The signature of `request_hash` at `date` (`YYYYMMDDThhmmssZ`) in `scope` (`YYYYMMDD/region/service/aws4_request`).
pub(crate) fn signature(secret: &str, date: &str, scope: &str, request_hash: &str) -> String {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part).as_ref().to_vec();
    }
    let text = format!("{}\n{date}\n{scope}\n{request_hash}", crate::ALGORITHM);
    hex(hmac(&key, &text).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_encoded_twice() {
        assert_eq!(canonical_path(""), "/");
        assert_eq!(canonical_path("/a//b/./c/../d/"), "/a/b/d/");
        assert_eq!(canonical_path("/tags/arn%3Aaws"), "/tags/arn%253Aaws");
    }

    #[test]
    fn queries_are_sorted_and_encoded_strictly() {
        assert_eq!(canonical_query("b=2&a=x%20y&a=&c"), "a=&a=x%20y&b=2&c=");
    }

    /// The worked example of AWS's documentation ("Signature Version 4 signing process", GET iam ListUsers).
    #[test]
    fn the_documented_example_signs_as_documented() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap());
        headers.insert("host", "iam.amazonaws.com".parse().unwrap());
        headers.insert("x-amz-date", "20150830T123600Z".parse().unwrap());
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=ListUsers&Version=2010-05-08",
            authority: None,
            headers: &headers,
            raw_path: false,
        };

        let hash = request.hash(&["content-type", "host", "x-amz-date"], &Digest::of(b"").to_string());
        let signature = signature(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "20150830T123600Z",
            "20150830/us-east-1/iam/aws4_request",
            &hash,
        );

        assert_eq!(hash, "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
        assert_eq!(signature, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    /// The worked example of AWS's documentation ("Authenticating Requests: Using the Authorization Header", GET Object).
    #[test]
    fn the_documented_example_of_s3_signs_as_documented() {
        let mut headers = HeaderMap::new();
        let empty = Digest::of(b"").to_string();
        headers.insert("host", "examplebucket.s3.amazonaws.com".parse().unwrap());
        headers.insert("range", "bytes=0-9".parse().unwrap());
        headers.insert("x-amz-content-sha256", empty.parse().unwrap());
        headers.insert("x-amz-date", "20130524T000000Z".parse().unwrap());
        let request =
            Request { method: "GET", path: "/test.txt", query: "", authority: None, headers: &headers, raw_path: true };

        let hash = request.hash(&["host", "range", "x-amz-content-sha256", "x-amz-date"], &empty);
        let scope = "20130524/us-east-1/s3/aws4_request";
        let signature = signature("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524T000000Z", scope, &hash);

        assert_eq!(hash, "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
        assert_eq!(signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }
}
