//! What tells cached answers of a method apart (rest-data-plane §9), resolved at load time.

use crate::expression::{Expression, Location, RequestMapping, Side};

/// The configured part of a cache key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheKey {
    /// `None`: the resource's id.
    pub namespace: Option<Box<str>>,
    /// Whose values are in the key, in the configured order; `None` when one of them is no parameter: answers that cannot
    /// be told apart must not be cached.
    pub parameters: Option<Vec<Expression>>,
}

impl CacheKey {
    /// Resolves `cacheKeyParameters`. `integration.request.{place}.{name}` stands for the source that is mapped there;
    /// where nothing is mapped, every request has the same value, none.
    pub fn new(namespace: Option<&str>, parameters: &[String], mappings: &[RequestMapping]) -> Self {
        let resolved = parameters.iter().map(|text| resolve(text, mappings));
        let parameters = resolved.collect::<Option<Vec<_>>>().map(|found| found.into_iter().flatten().collect());
        Self { namespace: namespace.map(Into::into), parameters }
    }

    /// Whether the client's body is needed to make the key.
    pub fn reads_body(&self) -> bool {
        self.parameters.iter().flatten().any(Expression::reads_body)
    }
}

/// `None`: no parameter; `Some(None)`: one that never has a value.
fn resolve(text: &str, mappings: &[RequestMapping]) -> Option<Option<Expression>> {
    let Some(rest) = text.strip_prefix("integration.request.") else {
        return text
            .strip_prefix("method.request.")
            .and_then(|_| Expression::parse(text, Side::Request).ok())
            .map(Some);
    };
    let (place, name) = rest.split_once('.')?;
    let location = match place {
        "path" => Location::Path,
        "querystring" => Location::Query,
        "header" => Location::Header,
        _ => return None,
    };
    let mapped = mappings.iter().find(|mapping| mapping.location == location && &*mapping.name == name);
    Some(mapped.map(|mapping| mapping.source.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parameters: &[&str]) -> CacheKey {
        let mappings = [
            RequestMapping::parse("integration.request.header.X-Id", "method.request.querystring.id").unwrap(),
            RequestMapping::parse("integration.request.path.id", "method.request.body.id").unwrap(),
        ];
        let parameters: Vec<String> = parameters.iter().map(|&text| text.to_owned()).collect();
        CacheKey::new(None, &parameters, &mappings)
    }

    #[test]
    fn parameters_of_both_sides_become_what_they_read() {
        let given = ["method.request.path.a", "integration.request.header.X-Id", "integration.request.header.none"];

        let found = key(&given);

        let expected = vec![Expression::Path("a".into()), Expression::Query("id".into())];
        assert_eq!(found.parameters, Some(expected));
        assert!(!found.reads_body() && key(&["integration.request.path.id"]).reads_body());
    }

    #[test]
    fn what_is_no_parameter_leaves_no_key() {
        for bad in ["", "id", "stageVariables.a", "'x'", "method.request.cookie.a", "integration.request.body.a"] {
            assert_eq!(key(&["method.request.path.a", bad]).parameters, None, "{bad}");
        }
    }
}
