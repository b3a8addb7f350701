//! Parameter mapping expressions (rest-data-plane §4.1), parsed at deploy and load time.

use stagecoach_vtl::Path;

/// Where a mapped value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// `….header.N`: the last value.
    Header(Box<str>),
    /// `….multivalueheader.N`: all values joined with commas.
    MultiValueHeader(Box<str>),
    /// `method.request.querystring.N`: the last value.
    Query(Box<str>),
    /// `method.request.multivaluequerystring.N`: every value.
    MultiValueQuery(Box<str>),
    /// `method.request.path.N`.
    Path(Box<str>),
    /// `….body`, whole.
    Body,
    /// `….body.JSONPATH`.
    BodyPath(Path),
    /// `stageVariables.N`.
    StageVariable(Box<str>),
    /// `context.N`, the part after `context.`.
    Context(Box<str>),
    /// `'static'`.
    Static(Box<str>),
}

/// Which message an expression reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// `method.request.…`
    Request,
    /// `integration.response.…`
    Response,
}

/// An expression that API Gateway does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid mapping expression specified: {0}")]
pub struct InvalidExpression(pub String);

impl Expression {
    /// Parses `text` for a mapping on `side`.
    ///
    /// # Errors
    /// [`InvalidExpression`].
    pub fn parse(text: &str, side: Side) -> Result<Self, InvalidExpression> {
        let invalid = || InvalidExpression(text.to_owned());
        if let Some(literal) = text.strip_prefix('\'') {
            return literal.strip_suffix('\'').map(|literal| Self::Static(literal.into())).ok_or_else(invalid);
        }
        let named = |rest: &str| Some(rest).filter(|name| is_name(name)).map(Into::into).ok_or_else(invalid);
        if let Some(rest) = text.strip_prefix("stageVariables.") {
            return named(rest).map(Self::StageVariable);
        }
        if let Some(rest) = text.strip_prefix("context.") {
            return named(rest).map(Self::Context);
        }
        let prefix = match side {
            Side::Request => "method.request.",
            Side::Response => "integration.response.",
        };
        let rest = text.strip_prefix(prefix).ok_or_else(invalid)?;
        if rest == "body" {
            return Ok(Self::Body);
        }
        let (location, name) = rest.split_once('.').ok_or_else(invalid)?;
        match (location, side) {
            ("body", _) => Path::parse(name).map(Self::BodyPath).map_err(|_| invalid()),
            ("header", _) => named(name).map(Self::Header),
            ("multivalueheader", _) => named(name).map(Self::MultiValueHeader),
            ("querystring", Side::Request) => named(name).map(Self::Query),
            ("multivaluequerystring", Side::Request) => named(name).map(Self::MultiValueQuery),
            ("path", Side::Request) => named(name).map(Self::Path),
            _ => Err(invalid()),
        }
    }

    /// Whether evaluating it needs the body.
    pub fn reads_body(&self) -> bool {
        matches!(self, Self::Body | Self::BodyPath(_))
    }
}

/// `^[a-zA-Z0-9._$-]+$`.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "._$-".contains(c))
}

/// Where a mapped value goes in the integration request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// A `{placeholder}` of the URI.
    Path,
    /// The query string.
    Query,
    /// A header.
    Header,
}

/// One entry of `requestParameters`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMapping {
    /// Path, query string or header.
    pub location: Location,
    /// Name there.
    pub name: Box<str>,
    /// Value.
    pub source: Expression,
}

/// One entry of `responseParameters`, and of a gateway response's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderMapping {
    /// Header name as written.
    pub name: Box<str>,
    /// Value.
    pub source: Expression,
}

impl RequestMapping {
    /// Parses `integration.request.{path|querystring|header}.NAME` and its expression.
    ///
    /// # Errors
    /// [`InvalidExpression`].
    pub fn parse(key: &str, expression: &str) -> Result<Self, InvalidExpression> {
        let invalid = || InvalidExpression(key.to_owned());
        let rest = key.strip_prefix("integration.request.").ok_or_else(invalid)?;
        let (location, name) = rest.split_once('.').filter(|(_, name)| is_name(name)).ok_or_else(invalid)?;
        let location = match location {
            "path" => Location::Path,
            "querystring" => Location::Query,
            "header" => Location::Header,
            _ => return Err(invalid()),
        };
        Ok(Self { location, name: name.into(), source: Expression::parse(expression, Side::Request)? })
    }
}

impl HeaderMapping {
    /// Parses `{prefix}header.NAME` and its expression.
    ///
    /// # Errors
    /// [`InvalidExpression`].
    pub fn parse(key: &str, prefix: &str, expression: &str, side: Side) -> Result<Self, InvalidExpression> {
        let name = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("header."));
        let name = name.filter(|name| is_name(name)).ok_or_else(|| InvalidExpression(key.to_owned()))?;
        Ok(Self { name: name.into(), source: Expression::parse(expression, side)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_source_is_read_and_sides_are_kept_apart() {
        let request = |text: &str| Expression::parse(text, Side::Request);

        assert_eq!(request("'it''s'"), Ok(Expression::Static("it''s".into())));
        assert_eq!(request("method.request.path.proxy"), Ok(Expression::Path("proxy".into())));
        assert_eq!(request("stageVariables.a"), Ok(Expression::StageVariable("a".into())));
        assert_eq!(request("context.identity.sourceIp"), Ok(Expression::Context("identity.sourceIp".into())));
        assert!(matches!(request("method.request.body.pets[0].name"), Ok(Expression::BodyPath(_))));
        assert!(request("integration.response.header.x").is_err());
        assert!(Expression::parse("integration.response.path.x", Side::Response).is_err());
        for bad in ["", "'", "'x", "method.request", "method.request.header.", "method.request.header.a b", "x"] {
            assert!(request(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z.'\\[\\]$]{0,40}") {
            drop(Expression::parse(&text, Side::Request));
            drop(RequestMapping::parse(&text, &text));
        }
    }
}
