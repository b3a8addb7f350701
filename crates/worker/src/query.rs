//! Query strings: decoded once, last value or all (rest-data-plane §3.1).

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decoded pairs in order.
pub(crate) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(crate) fn parse(raw: &'a str) -> Self {
        let pairs = raw.split(['&', ';']).filter(|pair| !pair.is_empty());
        Self(
            pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect(),
        )
    }

    /// The last value of a name.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// Every value of a name.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// All pairs.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_ref()))
    }
}

/// Percent-decoded, `+` is a blank.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [V lambda/test_lambda_aws_proxy_integration params-encoding, params-encoding-multi]
    #[test]
    fn plus_is_a_blank_and_the_last_value_counts() {
        let query = Query::parse("a=1&t=2023-06-12T18:05:10.123456+00:00&p=%2B&a=2&flag");

        assert_eq!(query.last("a"), Some("2"));
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(query.last("t"), Some("2023-06-12T18:05:10.123456 00:00"));
        assert_eq!((query.last("p"), query.last("flag"), query.last("x")), (Some("+"), Some(""), None));
    }
}
