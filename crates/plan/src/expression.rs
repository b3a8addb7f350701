//! Parameter mapping expressions (rest-data-plane §4.1), parsed at deploy and load time.

use http::{HeaderName, HeaderValue};
use stagecoach_vtl::Path;

use crate::headers;

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
    /// `method.input.params.N` of gateway responses: what `$input.params('N')` finds, so path, query string, header.
    Input(Box<str>),
    /// `….body`, whole.
    Body,
    /// `….body.JSONPATH`.
    BodyPath(Path),
    /// `integration.response.body.errorMessage.JSONPATH`: also into a message that is a JSON document itself, as functions
    /// throw it (rest-data-plane §6.5).
    ErrorMessagePath(Path),
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
    /// `method.request.…` of a gateway response, which cannot read the body.
    Gateway,
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
        if let Some(rest) = text.strip_prefix("method.input.params.").filter(|_| side == Side::Gateway) {
            return named(rest).map(Self::Input);
        }
        let prefix = match side {
            Side::Request | Side::Gateway => "method.request.",
            Side::Response => "integration.response.",
        };
        let rest = text.strip_prefix(prefix).ok_or_else(invalid)?;
        Self::of_message(rest, side).ok_or_else(invalid)
    }

    /// `body`, or `{location}.{name}`.
    fn of_message(text: &str, side: Side) -> Option<Self> {
        let (location, name) = text.split_once('.').unwrap_or((text, ""));
        let named = || Some(name).filter(|name| is_name(name)).map(Into::into);
        match (location, side) {
            ("body", Side::Gateway) => None,
            ("body", _) if text == "body" => Some(Self::Body),
            ("body", _) if name.is_empty() => None,
            ("body", Side::Response) => match name.strip_prefix("$.").unwrap_or(name).strip_prefix("errorMessage.") {
                Some(inner) => Path::parse(inner).ok().map(Self::ErrorMessagePath),
                None => Path::parse(name).ok().map(Self::BodyPath),
            },
            ("body", Side::Request) => Path::parse(name).ok().map(Self::BodyPath),
            ("header", _) => named().map(Self::Header),
            ("multivalueheader", _) => named().map(Self::MultiValueHeader),
            ("querystring", Side::Request | Side::Gateway) => named().map(Self::Query),
            ("multivaluequerystring", Side::Request | Side::Gateway) => named().map(Self::MultiValueQuery),
            ("path", Side::Request | Side::Gateway) => named().map(Self::Path),
            _ => None,
        }
    }

    /// Whether evaluating it needs the body.
    pub fn reads_body(&self) -> bool {
        matches!(self, Self::Body | Self::BodyPath(_) | Self::ErrorMessagePath(_))
    }

    /// The header it reads of its message.
    pub fn header(&self) -> Option<&str> {
        match self {
            Self::Header(name) | Self::MultiValueHeader(name) | Self::Input(name) => Some(name),
            Self::Query(_)
            | Self::MultiValueQuery(_)
            | Self::Path(_)
            | Self::Body
            | Self::BodyPath(_)
            | Self::ErrorMessagePath(_)
            | Self::StageVariable(_)
            | Self::Context(_)
            | Self::Static(_) => None,
        }
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
    /// The name it goes out under; `None`: not at all.
    pub sent: Option<HeaderName>,
    /// Value.
    pub source: Expression,
    /// The value, where the configuration alone says it.
    pub constant: Option<HeaderValue>,
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
        let source = Expression::parse(expression, side)?;
        let constant = match &source {
            Expression::Static(text) => HeaderValue::from_bytes(text.as_bytes()).ok(),
            _ => None,
        };
        Ok(Self { name: name.into(), sent: headers::response_name(name), source, constant })
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
        let whole = Expression::parse("integration.response.body.$.a", Side::Response);
        assert_eq!(whole, Expression::parse("integration.response.body.a", Side::Response));
        let inner = Expression::parse("integration.response.body.errorMessage.a", Side::Response);
        assert!(matches!(inner, Ok(Expression::ErrorMessagePath(_))));
        for bad in ["", "'", "'x", "method.request", "method.request.header.", "method.request.header.a b", "x"] {
            assert!(request(bad).is_err(), "{bad}");
        }
    }

    /// The guide's own gateway response maps from `method.input.params` [D Gateway responses].
    #[test]
    fn gateway_responses_read_parameters_and_no_body() {
        let gateway = |text: &str| Expression::parse(text, Side::Gateway);

        assert_eq!(gateway("method.input.params.petId"), Ok(Expression::Input("petId".into())));
        assert_eq!(gateway("method.request.querystring.q"), Ok(Expression::Query("q".into())));
        assert!(gateway("method.request.body").is_err() && gateway("method.request.body.a").is_err());
        assert!(Expression::parse("method.input.params.q", Side::Request).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z.'\\[\\]$]{0,40}") {
            drop(Expression::parse(&text, Side::Request));
            drop(Expression::parse(&text, Side::Gateway));
            drop(RequestMapping::parse(&text, &text));
        }
    }
}
