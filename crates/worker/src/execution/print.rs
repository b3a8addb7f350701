//! How values print in an execution log: Java's maps, AWS's spellings, cut texts, masked secrets.

use std::borrow::Cow;

use http::HeaderName;

/// Bytes of a value that are printed (rest-data-plane §3.8, "Log event").
const LONGEST: usize = 1024;
/// Characters of a secret that stay readable.
const TAIL: usize = 6;

/// A value, cut when it is long.
pub(super) fn cut(value: &str) -> Cow<'_, str> {
    cut_to(value, LONGEST)
}

/// A value, cut after `longest` bytes.
pub(super) fn cut_to(value: &str, longest: usize) -> Cow<'_, str> {
    match value.len() > longest {
        true => format!("{} [TRUNCATED]", value.get(..value.floor_char_boundary(longest)).unwrap_or_default()).into(),
        false => value.into(),
    }
}

/// A body as text, at most `longest` bytes of it.
pub(super) fn body(body: &[u8], longest: usize) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.get(..text.floor_char_boundary(longest)).unwrap_or(text).to_owned(),
        // Cut in the middle of a character, and text otherwise.
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            String::from_utf8_lossy(body.get(..error.valid_up_to().min(longest)).unwrap_or_default()).into_owned()
        }
        Err(_) => "[Binary Data]".to_owned(),
    }
}

/// Everything but the last six characters as asterisks.
pub(crate) fn mask(secret: &str) -> String {
    let hidden = secret.chars().count().saturating_sub(TAIL);
    secret.chars().enumerate().map(|(index, char)| if index < hidden { '*' } else { char }).collect()
}

/// Headers whose values are masked. AWS prints the session token that calls are signed with; here it is the operator's.
pub(super) fn is_secret(name: &HeaderName) -> bool {
    matches!(name.as_str(), "authorization" | "x-api-key" | "x-amz-security-token")
}

/// `{a=b, c=d}` in the order of a `java.util.HashMap`.
pub(crate) fn map<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
    listed(ordered(pairs))
}

/// Pairs in the order of a `java.util.HashMap`, which is what AWS prints: the recorded order of the headers of an Invoke
/// call is exactly that [V basic/test_apigw_test_invoke_method_api].
pub(super) fn ordered<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Vec<(String, String)> {
    let pairs = pairs.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned()));
    let mut pairs: Vec<(String, String)> = pairs.collect();
    // Twelve entries fit into sixteen buckets; the table doubles whenever it is more than three quarters full.
    let mut buckets = 16_u32;
    while pairs.len() as u64 * 4 > u64::from(buckets) * 3 {
        buckets *= 2;
    }
    pairs.sort_by_key(|(name, _)| bucket(name, buckets));
    pairs
}

/// The bucket of a `java.lang.String` among a power of two.
fn bucket(text: &str, buckets: u32) -> u32 {
    let hash = text.encode_utf16().fold(0_u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
    (hash ^ (hash >> 16)) & (buckets - 1)
}

/// `{a=b, c=d}` in the order given.
pub(super) fn listed<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
    let pairs = pairs.into_iter().map(|(name, value)| format!("{}={}", name.as_ref(), value.as_ref()));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// Names that are not written with a capital after every hyphen.
const SPELLINGS: [(&str, &str); 8] = [
    ("x-amzn-requestid", "x-amzn-RequestId"),
    ("x-amzn-errortype", "x-amzn-ErrorType"),
    ("x-amzn-lambda-integration-tag", "x-amzn-lambda-integration-tag"),
    ("x-amz-apigw-id", "x-amz-apigw-id"),
    ("www-authenticate", "WWW-Authenticate"),
    ("content-md5", "Content-MD5"),
    ("etag", "ETag"),
    ("te", "TE"),
];

/// A lower-case header name as AWS writes it.
pub(super) fn spelling(name: &str) -> String {
    if let Some((_, spelled)) = SPELLINGS.iter().find(|(known, _)| *known == name) {
        return (*spelled).to_owned();
    }
    if let Some(original) = name.strip_prefix("x-amzn-remapped-") {
        return format!("x-amzn-Remapped-{}", spelling(original));
    }
    let parts = name.split('-').map(|part| {
        let mut part = part.to_owned();
        if let Some(first) = part.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        part
    });
    parts.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [V basic/test_apigw_test_invoke_method_api], the order of the names.
    #[test]
    fn maps_print_in_the_order_of_java() {
        let printed =
            map([("x-amzn-lambda-integration-tag", "t"), ("User-Agent", "u"), ("X-Amz-Date", "d"), ("Accept", "a")]);

        assert_eq!(printed, "{x-amzn-lambda-integration-tag=t, X-Amz-Date=d, Accept=a, User-Agent=u}");
        assert_eq!(map([("Content-Type", "c"), ("X-Amzn-Trace-Id", "t")]), "{X-Amzn-Trace-Id=t, Content-Type=c}");
        assert_eq!(map(Vec::<(&str, &str)>::new()), "{}");
    }

    #[test]
    fn long_values_are_cut_and_secrets_masked() {
        let (long, umlauts) = ("x".repeat(1025), "ü".repeat(600));

        assert_eq!(cut(&long), format!("{} [TRUNCATED]", "x".repeat(1024)));
        assert!(cut(&umlauts).ends_with("ü [TRUNCATED]"));
        assert_eq!((mask("0123456789"), mask("abc"), mask("")), ("****456789".into(), "abc".into(), String::new()));
        assert_eq!((body(&[0xff], 9).as_str(), body("aü".as_bytes(), 2).as_str()), ("[Binary Data]", "a"));
        assert_eq!(body("aü".as_bytes().get(..2).unwrap(), 9), "a");
    }

    #[test]
    fn names_are_spelled_as_aws_does() {
        let names =
            ["content-type", "x-amzn-remapped-x-amzn-requestid", "x-amzn-remapped-content-length", "x-amzn-trace-id"];

        let spelled = names.map(spelling);

        assert_eq!(
            spelled,
            ["Content-Type", "x-amzn-Remapped-x-amzn-RequestId", "x-amzn-Remapped-Content-Length", "X-Amzn-Trace-Id"]
        );
    }
}
