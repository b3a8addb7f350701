//! Integration URIs: templates with `{path}` placeholders and `${stageVariables.x}`, and what they come to.

use std::borrow::Cow;

use http::HeaderValue;
use http::uri::PathAndQuery;

/// A URI template (rest-data-plane §4.4). Placeholders that nothing feeds stay as they are; unknown variables are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(Box<str>),
    Placeholder(Box<str>),
    StageVariable(Box<str>),
}

impl UriTemplate {
    /// Parses `text`; every text is a template.
    pub fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let variable = rest.get(..at).is_some_and(|before| before.ends_with('$'));
            let open = at - usize::from(variable);
            let Some(close) = rest.get(at..).and_then(|tail| tail.find('}')).map(|length| at + length) else { break };
            let name = rest.get(at + 1..close).unwrap_or_default();
            let part = match variable {
                true => name.strip_prefix("stageVariables.").map(|name| Part::StageVariable(name.into())),
                false => Some(Part::Placeholder(name.into())),
            };
            literal(&mut parts, rest.get(..open).unwrap_or_default());
            match part {
                Some(part) => parts.push(part),
                // Any other `${…}` is left alone.
                None => literal(&mut parts, rest.get(open..=close).unwrap_or_default()),
            }
            rest = rest.get(close + 1..).unwrap_or_default();
        }
        literal(&mut parts, rest);
        Self { parts }
    }

    /// The text, when nothing in it is to be filled in.
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with placeholders from `path` and stage variables from `variable`.
    pub fn render<'a>(
        &'a self,
        path: impl Fn(&str) -> Option<Cow<'a, str>>,
        variable: impl Fn(&str) -> Option<&'a str>,
    ) -> Cow<'a, str> {
        if let Some(text) = self.constant() {
            return Cow::Borrowed(text);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::StageVariable(name) => text.push_str(variable(name).unwrap_or_default()),
                Part::Placeholder(name) => match path(name.strip_suffix('+').unwrap_or(name)) {
                    Some(value) => text.push_str(&value),
                    None => text.extend(["{", name, "}"]),
                },
            }
        }
        Cow::Owned(text)
    }
}

fn literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Literal(before)) => *before = format!("{before}{text}").into(),
        _ => parts.push(Part::Literal(text.into())),
    }
}

/// An HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `https`.
    pub tls: bool,
    /// `host` or `host:port`, as written.
    pub authority: Box<str>,
    /// Begins with a slash.
    pub path: Box<str>,
    /// Without the question mark; empty when there is none.
    pub query: Box<str>,
    /// The `Host` header of a call.
    pub host: HeaderValue,
    /// Path and query as a request target.
    pub target: PathAndQuery,
}

impl Endpoint {
    /// Splits an `http` or `https` URL; `None` for anything else, user info included (rest-data-plane §6.4).
    pub fn parse(url: &str) -> Option<Self> {
        let (tls, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.is_empty()
            || !authority.chars().all(fits)
            || tail.chars().any(|c| c.is_ascii_control() || c == ' ')
        {
            return None;
        }
        let path = if path.is_empty() { "/" } else { path };
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Some(Self {
            tls,
            host: HeaderValue::from_str(authority).ok()?,
            target: PathAndQuery::try_from(target).ok()?,
            authority: authority.into(),
            path: path.into(),
            query: query.into(),
        })
    }

    /// Host and port, the scheme's own when none is written.
    pub fn host_port(&self) -> Option<(&str, u16)> {
        let bare = self.authority.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.ends_with(':'));
        let default = if self.tls { 443 } else { 80 };
        match bare {
            Some((host, port)) if !port.ends_with(']') => Some((host, port.parse().ok()?)),
            _ => Some((&self.authority, default)),
        }
    }
}

/// A Lambda function as an integration URI names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaTarget {
    /// Region that calls are signed for: the function ARN's, the integration's where that has none.
    pub region: String,
    /// Function ARN, with its qualifier if there is one.
    pub function: String,
}

impl LambdaTarget {
    /// Reads `arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations`; one or two slashes after
    /// `path` both work (rest-data-plane §6.5).
    pub fn parse(uri: &str) -> Option<Self> {
        let (region, function, _) = split(uri)?;
        let own = function.split(':').nth(3).filter(|own| !own.is_empty());
        Some(Self { region: own.unwrap_or(region).to_owned(), function: function.to_owned() })
    }

    /// Whether `uri`, whose stage variables need not be filled in, is that of InvokeWithResponseStream.
    pub fn is_streaming(uri: &str) -> bool {
        split(uri).is_some_and(|(_, _, streaming)| streaming)
    }

    /// Whether `uri` is of the Lambda service at all.
    pub fn is_lambda(uri: &str) -> bool {
        uri.contains(":lambda:path/")
    }
}

/// Region, function and whether the response streams.
fn split(uri: &str) -> Option<(&str, &str, bool)> {
    let (region, rest) = uri.split_once(":apigateway:")?.1.split_once(":lambda:path/")?;
    let (version, rest) = rest.trim_start_matches('/').split_once("/functions/")?;
    let (function, action) = rest.rsplit_once('/')?;
    let streaming = match (version, action) {
        (_, "invocations") => false,
        ("2021-11-15", "response-streaming-invocations") => true,
        _ => return None,
    };
    Some((region, function, streaming))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn render(template: &str) -> String {
        let template = UriTemplate::parse(template);
        let path = |name: &str| (name == "id").then_some(Cow::Borrowed("7"));
        template.render(path, |name| (name == "host").then_some("example.test")).into_owned()
    }

    #[test]
    fn placeholders_and_stage_variables_are_filled_and_the_rest_is_left() {
        assert_eq!(render("http://${stageVariables.host}/pets/{id}"), "http://example.test/pets/7");
        assert_eq!(render("http://a/{other}/${stageVariables.none}x/${other}"), "http://a/{other}/x/${other}");
        assert_eq!(render("http://a/{id+}{"), "http://a/7{");
        assert_eq!(UriTemplate::parse("http://a/b").constant(), Some("http://a/b"));
    }

    #[test]
    fn endpoints_are_split_and_odd_ones_refused() {
        let endpoint = Endpoint::parse("https://a.test:8443?x=1#f").unwrap();

        assert_eq!((&*endpoint.authority, &*endpoint.path, &*endpoint.query), ("a.test:8443", "/", "x=1"));
        assert_eq!(endpoint.host_port(), Some(("a.test", 8443)));
        assert_eq!(Endpoint::parse("http://[::1]/x").unwrap().host_port(), Some(("[::1]", 80)));
        for bad in ["", "ftp://a", "http://", "http:///x", "http://user@a/", "http://a b/", "http://a/\r\n"] {
            assert_eq!(Endpoint::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn lambda_targets_keep_their_qualifier() {
        let uri = "arn:aws:apigateway:us-east-1:lambda:path//2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f:live/invocations";

        let target = LambdaTarget::parse(uri).unwrap();

        assert_eq!(target.function, "arn:aws:lambda:us-east-1:000000000000:function:f:live");
        assert_eq!(target.region, "us-east-1");
    }

    #[test]
    fn a_uri_says_that_it_streams_before_its_variables_are_known() {
        let uri = |version: &str, action: &str| {
            format!(
                "arn:aws:apigateway:r:lambda:path/{version}/functions/arn:aws:lambda:r:a:function:${{stageVariables.f}}/{action}"
            )
        };

        assert!(LambdaTarget::is_streaming(&uri("2021-11-15", "response-streaming-invocations")));
        assert!(!LambdaTarget::is_streaming(&uri("2015-03-31", "response-streaming-invocations")));
        assert!(!LambdaTarget::is_streaming(&uri("2021-11-15", "invocations")));
        assert!(!LambdaTarget::is_streaming("${stageVariables.uri}"));
    }

    #[test]
    fn calls_are_signed_for_the_functions_region() {
        let region = |function: &str| {
            let uri = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations");
            LambdaTarget::parse(&uri).unwrap().region
        };

        let regions = ["arn:aws:lambda:eu-west-1:000000000000:function:f", "f", "f:live"].map(region);

        assert_eq!(regions, ["eu-west-1", "us-east-1", "us-east-1"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z:/?#@{}$.\\[\\]]{0,40}") {
            drop(UriTemplate::parse(&text).render(|_| None, |_| None));
            if let Some(endpoint) = Endpoint::parse(&text) { endpoint.host_port(); }
            drop(LambdaTarget::parse(&text));
        }
    }
}
