//! What documentation says of an entity, its own part first, then those of more general locations
//! [D DG:api-gateway-documenting-api-content-representation].

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stagecoach_resources::v1::documentation::Location;

/// Content of parts by location.
pub(crate) struct Content<'a>(BTreeMap<&'a Location, &'a str>);

/// Kinds that inherit nothing.
const ALONE: [&str; 4] = ["API", "RESOURCE", "MODEL", "AUTHORIZER"];

impl<'a> Content<'a> {
    pub(crate) fn of(parts: impl Iterator<Item = (&'a Location, &'a str)>) -> Self {
        Self(parts.collect())
    }

    /// Members of the content that holds for `location`; none when no part does, or when it is no object.
    pub(crate) fn find(&self, location: &Location) -> Map<String, Value> {
        let own = self.0.get(location).copied();
        let text = own.or_else(|| if self.0.is_empty() { None } else { self.inherited(location) });
        match text.and_then(|text| serde_json::from_str(text).ok()) {
            Some(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// The path decides before the status code, and that before the method.
    fn inherited(&self, location: &Location) -> Option<&'a str> {
        if ALONE.contains(&location.kind.as_str()) {
            return None;
        }
        for path in ancestors(location.path.as_deref()?) {
            for status_code in general(location.status_code.as_ref()) {
                for method in general(location.method.as_ref()) {
                    let candidate = Location {
                        path: Some(path.to_owned()),
                        status_code: status_code.clone(),
                        method,
                        ..location.clone()
                    };
                    if let Some(text) = self.0.get(&candidate) {
                        return Some(text);
                    }
                }
            }
        }
        None
    }

    /// Whether the content that holds for `location` has all members of `properties`.
    pub(crate) fn says(&self, location: &Location, properties: &str) -> bool {
        let known = self.find(location);
        let given = serde_json::from_str(properties).ok();
        let Some(Value::Object(given)) = given else { return false };
        given.iter().all(|(member, value)| known.get(member) == Some(value))
    }
}

/// The value itself, any value, and none.
fn general(value: Option<&String>) -> Vec<Option<String>> {
    match value {
        None => vec![None],
        Some(value) => vec![Some(value.clone()), Some("*".to_owned()), None],
    }
}

/// `/a/b`, `/a`, `/`.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| match path.rsplit_once('/')? {
        ("", "") => None,
        ("", _) => Some("/"),
        (above, _) => Some(above),
    })
}
