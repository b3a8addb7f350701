//! Identity sources (rest-data-plane §7.1, §7.2).

use stagecoach_plan::expression::{Expression, Side};
use stagecoach_plan::selection::Selection;

use crate::exchange::Exchange;
use crate::mapping::Source;

/// What a TOKEN authorizer reads when it names nothing.
const DEFAULT: &str = "method.request.header.Authorization";

/// Why a request shows no identity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// A source is absent or empty: 401, and the function is not called.
    Value,
    /// A source is no expression that can be read; the text says which.
    Expression(String),
}

/// The sources and their values, in the authorizer's order. `context` answers `context.x` before the request's own does.
pub(crate) fn read(
    exchange: &Exchange,
    sources: &str,
    context: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, Missing> {
    let from = Source::request(exchange, None);
    let sources = sources.split(',').map(str::trim).filter(|source| !source.is_empty());
    let value = |text: &str| {
        let expression = Expression::parse(text, Side::Request).map_err(|_| Missing::Expression(text.to_owned()))?;
        let given = match &expression {
            Expression::Context(name) => context(name),
            _ => None,
        };
        // No expression here reads the body, so none can fail on it.
        let value = given.or_else(|| from.value(&expression).ok().flatten());
        value.filter(|value| !value.is_empty()).ok_or(Missing::Value)
    };
    sources.map(|source| Ok((source.to_owned(), value(source)?))).collect()
}

/// The one source of a TOKEN authorizer.
pub(crate) fn token_source(configured: Option<&str>) -> &str {
    configured.filter(|source| !source.trim().is_empty()).unwrap_or(DEFAULT)
}

/// Whether a token fits `identityValidationExpression`, as a whole.
///
/// # Errors
/// An expression that this engine does not have, as text.
pub(crate) fn fits(expression: Option<&str>, token: &str) -> Result<bool, String> {
    let Some(expression) = expression.filter(|expression| !expression.is_empty()) else { return Ok(true) };
    let mut selection = Selection::default();
    selection.add(Some(expression), 0).map_err(|error| error.to_string())?;
    Ok(selection.select(Some(token)).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_must_fit_as_a_whole() {
        assert_eq!(fits(Some("Bearer [a-z]+"), "Bearer abc"), Ok(true));
        assert_eq!(fits(Some("Bearer [a-z]+"), "Bearer abc!"), Ok(false));
        assert_eq!((fits(None, "x"), fits(Some(""), "x")), (Ok(true), Ok(true)));
        assert_eq!((fits(Some("(?!x).+"), "y"), fits(Some("(?!x).+"), "xy")), (Ok(true), Ok(false)));
        assert!(fits(Some("(y"), "y").is_err());
    }

    #[test]
    fn a_token_comes_from_authorization_unless_told() {
        assert_eq!(token_source(None), "method.request.header.Authorization");
        assert_eq!(token_source(Some("method.request.header.X")), "method.request.header.X");
    }
}
