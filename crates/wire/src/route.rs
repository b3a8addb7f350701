//! Method and raw path to operation and labels.
//!
//! Matching is on raw segments, labels are decoded once afterwards: a label may hold a whole ARN with encoded slashes.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use stagecoach_base::{AwsError, ErrorCode};

use crate::{Operation, Service, operations};

/// A matched operation with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    /// The row.
    pub operation: &'static Operation,
    /// Name and decoded value, in path order.
    pub labels: Vec<(&'static str, String)>,
}

/// No operation has this method and path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no operation is {method} {path}")]
pub struct RouteError {
    /// As sent.
    pub method: String,
    /// As sent.
    pub path: String,
}

impl From<RouteError> for AwsError {
    fn from(error: RouteError) -> Self {
        Self::new(ErrorCode::UnknownOperation, format!("Unable to determine service/operation name: {error}"))
    }
}

/// Finds the operation for a request to API Gateway. `path` is raw (still percent-encoded), `query` is what follows `?`.
///
/// # Errors
/// [`RouteError`] when no row matches.
pub fn route(method: &str, path: &str, query: &str) -> Result<Routed, RouteError> {
    let rows = operations::all().filter(|operation| operation.service != Service::Management);
    find(rows, method, path, query)
}

/// Finds the operation for a request to Lambda, as [`route`].
///
/// # Errors
/// [`RouteError`] when no row matches.
pub fn route_lambda(method: &str, path: &str, query: &str) -> Result<Routed, RouteError> {
    find(operations::lambda::OPERATIONS.iter(), method, path, query)
}

fn find(
    rows: impl Iterator<Item = &'static Operation>,
    method: &str,
    path: &str,
    query: &str,
) -> Result<Routed, RouteError> {
    let segments: Vec<&str> = split(path).collect();
    let fits = |operation: &&Operation| operation.method == method && fits(operation, &segments, query);
    // The literal twin (`?mode=import`) and literal segments win over their general forms.
    match rows.filter(fits).max_by_key(|operation| rank(operation)) {
        Some(operation) => Ok(Routed { operation, labels: labels(operation, &segments) }),
        None => Err(RouteError { method: method.to_owned(), path: path.to_owned() }),
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/')
        .unwrap_or(path)
        .strip_suffix('/')
        .unwrap_or(path.strip_prefix('/').unwrap_or(path))
        .split('/')
}

fn label(part: &str) -> Option<&str> {
    part.strip_prefix('{')?.strip_suffix('}')
}

fn fits(operation: &Operation, segments: &[&str], query: &str) -> bool {
    let mut parts = split(operation.path);
    let path_fits = segments.iter().all(|segment| {
        parts.next().is_some_and(|part| if label(part).is_some() { !segment.is_empty() } else { part == *segment })
    });
    path_fits
        && parts.next().is_none()
        && (operation.query.is_empty() || query.split('&').any(|pair| pair == operation.query))
}

fn rank(operation: &Operation) -> (bool, usize) {
    (!operation.query.is_empty(), split(operation.path).filter(|part| label(part).is_none()).count())
}

fn labels(operation: &Operation, segments: &[&str]) -> Vec<(&'static str, String)> {
    let pairs = split(operation.path).zip(segments);
    pairs.filter_map(|(part, segment)| Some((label(part)?, decode(segment).into_owned()))).collect()
}

/// Percent-decodes a path segment; bytes that are not UTF-8 become U+FFFD, which no id contains. So does NUL, which
/// Postgres takes in no text.
pub(crate) fn decode(text: &str) -> Cow<'_, str> {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    if decoded.contains('\0') { Cow::Owned(decoded.replace('\0', "\u{fffd}")) } else { decoded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Op;

    fn find(method: &str, path: &str, query: &str) -> (Op, Vec<(&'static str, String)>) {
        let routed = route(method, path, query).unwrap();
        (routed.operation.op, routed.labels)
    }

    #[test]
    fn every_row_routes_to_itself() {
        for operation in operations::all().filter(|operation| operation.service != Service::Management) {
            let path: String =
                split(operation.path).map(|part| format!("/{}", label(part).map_or(part, |_| "x1"))).collect();

            let routed = route(operation.method, &path, operation.query).unwrap();

            assert_eq!(routed.operation.op, operation.op, "{path}");
        }
    }

    #[test]
    fn every_row_of_lambda_routes_to_itself_and_to_nothing_of_api_gateway() {
        for operation in &operations::lambda::OPERATIONS {
            let path: String =
                split(operation.path).map(|part| format!("/{}", label(part).map_or(part, |_| "x1"))).collect();

            let routed = route_lambda(operation.method, &path, operation.query).unwrap();

            assert_eq!(routed.operation.op, operation.op, "{path}");
            assert!(route(operation.method, &path, operation.query).is_err(), "{path}");
        }
    }

    #[test]
    fn the_query_tells_an_import_from_a_create() {
        assert_eq!(find("POST", "/restapis", "").0, Op::CreateRestApi);
        assert_eq!(find("POST", "/restapis", "failonwarnings=true&mode=import").0, Op::ImportRestApi);
        assert_eq!(find("POST", "/apikeys", "mode=import&format=csv").0, Op::ImportApiKeys);
    }

    #[test]
    fn labels_are_decoded_once_and_may_hold_slashes() {
        let (op, labels) = find("GET", "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc", "");

        assert_eq!(op, Op::GetTags);
        assert_eq!(labels, [("resource_arn", "arn:aws:apigateway:us-east-1::/restapis/abc".to_owned())]);
    }

    #[test]
    fn a_trailing_slash_is_ignored_and_an_unknown_path_is_refused() {
        assert_eq!(find("GET", "/restapis/", "").0, Op::GetRestApis);
        assert!(route("GET", "/nothing", "").is_err());
        assert!(route("PATCH", "/restapis", "").is_err());
        assert!(route("GET", "/restapis//resources", "").is_err());
    }

    proptest! {
        #[test]
        fn any_path_is_answered(method in "[A-Z]{1,7}", path in "(/[a-z%0-9{}.]{0,12}){0,9}", query in "[a-z=&]{0,20}") {
            drop(route(&method, &path, &query));
        }
    }
}
