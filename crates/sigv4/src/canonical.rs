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
        let mut text = String::with_capacity(1024);
        text.extend([self.method, "\n"]);
        if self.raw_path {
            text.push_str(self.path);
        } else {
            push_path(&mut text, self.path);
        }
        text.push('\n');
        if !self.query.is_empty() {
            text.push_str(&canonical_query(self.query));
        }
        text.push('\n');
        for name in signed {
            text.extend([name, ":"]);
            self.push_header(&mut text, name);
            text.push('\n');
        }
        text.push('\n');
        push_names(&mut text, signed);
        text.extend(["\n", body_hash]);
        hex(Digest::of(text.as_bytes()).as_bytes())
    }

    fn push_header(&self, text: &mut String, name: &str) {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), self.authority) {
            (None, Some(authority)) if name == "host" => text.push_str(authority),
            (first, _) => {
                for (index, value) in first.into_iter().chain(values).enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    push_trimmed(text, value.as_bytes());
                }
            }
        }
    }
}

/// Header names parted by semicolons.
pub(crate) fn push_names(text: &mut String, names: &[&str]) {
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            text.push(';');
        }
        text.push_str(name);
    }
}

/// Trimmed, with runs of blanks made one.
fn push_trimmed(text: &mut String, value: &[u8]) {
    for (index, word) in String::from_utf8_lossy(value).split_ascii_whitespace().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Dot segments and doubled slashes removed, then encoded a second time (every service but S3).
fn push_path(text: &mut String, path: &str) {
    if path.starts_with('/') && !path.contains("//") && !path.contains("/.") {
        text.extend(utf8_percent_encode(path, PATH));
        return;
    }
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
    text.extend(utf8_percent_encode(&joined, PATH));
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
    let digit = |nibble: u8| char::from(nibble + if nibble < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|byte| text.extend([digit(byte >> 4), digit(byte & 15)]));
    text
}

fn key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// The key of a `scope` (`YYYYMMDD/region/service/aws4_request`).
pub(crate) fn derive(secret: &str, scope: &str) -> hmac::Key {
    let start = key(format!("AWS4{secret}").as_bytes());
    scope.split('/').fold(start, |so_far, part| key(hmac::sign(&so_far, part.as_bytes()).as_ref()))
}

/// The signature of `request_hash` at `date` (`YYYYMMDDThhmmssZ`) with the key of `scope`.
pub(crate) fn signature(key: &hmac::Key, date: &str, scope: &str, request_hash: &str) -> String {
    let mut text = String::with_capacity(192);
    text.extend([crate::ALGORITHM, "\n", date, "\n", scope, "\n", request_hash]);
    hex(hmac::sign(key, text.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_path(path: &str) -> String {
        let mut text = String::new();
        push_path(&mut text, path);
        text
    }

    #[test]
    fn paths_are_normalised_and_encoded_twice() {
        assert_eq!(
            (canonical_path(""), canonical_path("/"), canonical_path("a")),
            ("/".into(), "/".into(), "/a".into())
        );
        assert_eq!((canonical_path("/a/"), canonical_path("/a/.b")), ("/a/".into(), "/a/.b".into()));
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
        let scope = "20150830/us-east-1/iam/aws4_request";
        let key = derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", scope);
        let signature = signature(&key, "20150830T123600Z", scope, &hash);

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
        let key = derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope);
        let signature = signature(&key, "20130524T000000Z", scope, &hash);

        assert_eq!(hash, "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
        assert_eq!(signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }
}
