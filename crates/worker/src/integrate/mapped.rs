//! The parameters of an integration request: what mappings give, and what a template puts in their place.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use stagecoach_plan::Method;
use stagecoach_plan::expression::{Expression, Location};
use stagecoach_vtl::gateway::Overrides;

use super::http::header;
use super::invalid_json;
use crate::encode;
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::mapping::Source;

/// Parameters by place, in the order they are sent.
#[derive(Default)]
pub(crate) struct Mapped {
    /// Fit for a path.
    pub(crate) path: Vec<(Box<str>, String)>,
    query: Vec<(Box<str>, String)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Mapped {
    /// The parameter mappings of a request, evaluated.
    pub(crate) fn evaluate(exchange: &Exchange, method: &Method, body: Option<&Bytes>) -> Result<Self, Failure> {
        if method.integration.parameters.is_empty() {
            return Ok(Self::default());
        }
        let source = Source::request(exchange, body);
        let mut mapped = Mapped::default();
        for mapping in &method.integration.parameters {
            match mapping.location {
                Location::Query => {
                    for value in source.values(&mapping.source).map_err(invalid_json)? {
                        mapped.query.push((mapping.name.clone(), value));
                    }
                }
                Location::Path => {
                    let value = source.value(&mapping.source).map_err(invalid_json)?;
                    // A path variable is raw already; anything else is made fit for a path.
                    let raw = matches!(mapping.source, Expression::Path(_));
                    mapped.path.extend(value.map(|v| (mapping.name.clone(), if raw { v } else { encode::path(&v) })));
                }
                Location::Header => {
                    let value = source.value(&mapping.source).map_err(invalid_json)?;
                    mapped.headers.extend(header(&mapping.name, value, false)?);
                }
            }
        }
        Ok(mapped)
    }

    /// Puts a template's overrides over the mappings (rest-data-plane §5.5). A header that differs from a mapped one in
    /// case only is sent beside it.
    pub(crate) fn overlay(&mut self, method: &Method, overrides: &Overrides) -> Result<(), Failure> {
        for (name, values) in &overrides.path {
            self.path.retain(|(known, _)| **known != **name);
            self.path.extend(values.last().map(|value| (name.as_str().into(), encode::path(value))));
        }
        for (name, values) in &overrides.querystring {
            self.query.retain(|(known, _)| **known != **name);
            self.query.extend(values.iter().map(|value| (name.as_str().into(), value.clone())));
        }
        for (name, values) in &overrides.header {
            let respelled = |known: &str| known != name && known.eq_ignore_ascii_case(name);
            if !method.integration.mappings(Location::Header).any(|mapping| respelled(&mapping.name)) {
                self.headers.retain(|(known, _)| !known.as_str().eq_ignore_ascii_case(name));
            }
            for value in values {
                self.headers.extend(header(name, Some(value.clone()), false)?);
            }
        }
        Ok(())
    }

    /// The query string.
    pub(crate) fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.query {
            encode::push_pair(&mut query, name, value);
        }
        query
    }
}

#[cfg(test)]
mod tests {
    use stagecoach_plan::{CompileLimits, Release, ir};

    use super::*;

    fn method(parameters: &serde_json::Value) -> Method {
        let plan = serde_json::json!({
            "format": 1, "api": {},
            "methods": [{ "path": "/", "verb": "GET", "integration": {
                "type": "HTTP", "uri": "http://a.test/", "timeoutMs": 29000, "passthrough": "WHEN_NO_MATCH",
                "requestParameters": parameters,
            } }],
        });
        let plan: ir::Plan = serde_json::from_value(plan).unwrap();
        Release::compile(&plan, &CompileLimits::default()).unwrap().method(0).unwrap().clone()
    }

    fn pair(name: &str, values: &[&str]) -> (String, Vec<String>) {
        (name.to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
    }

    /// rest-data-plane §5.5
    #[test]
    fn overrides_win_over_mappings_and_respelled_headers_are_sent_beside() {
        let method = method(&serde_json::json!({
            "integration.request.header.X-One": "'mapped'", "integration.request.header.X-Two": "'mapped'",
        }));
        let value = HeaderValue::from_static;
        let headers = vec![
            (HeaderName::from_static("x-one"), value("mapped")),
            (HeaderName::from_static("x-two"), value("mapped")),
        ];
        let query = vec![("a".into(), "mapped".to_owned()), ("b".into(), "mapped".to_owned())];
        let mut mapped = Mapped { path: vec![("id".into(), "mapped".to_owned())], query, headers };

        let overrides = Overrides {
            path: vec![pair("id", &["a b"])],
            querystring: vec![pair("a", &["1", "&"])],
            header: vec![pair("X-One", &["new"]), pair("x-two", &["new"]), pair("X-Three", &["1", "2"])],
            ..Overrides::default()
        };
        mapped.overlay(&method, &overrides).unwrap();

        let sent: Vec<_> =
            mapped.headers.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
        assert_eq!(sent, ["x-two=mapped", "x-one=new", "x-two=new", "x-three=1", "x-three=2"]);
        assert_eq!((mapped.query().as_str(), &*mapped.path[0].1), ("b=mapped&a=1&a=%26", "a%20b"));
        let illegal = Overrides { header: vec![pair("content-length", &["1"])], ..Overrides::default() };
        assert!(mapped.overlay(&method, &illegal).is_err());
    }
}
