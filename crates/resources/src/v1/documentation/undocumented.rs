//! The places of an API that a documentation part could be about, and none is: `locationStatus=UNDOCUMENTED`.

use std::collections::BTreeSet;

use super::Location;
use crate::ApiTree;
use crate::v1::Method;

/// Locations without a part, in order.
pub fn undocumented(tree: &ApiTree) -> Vec<Location> {
    let documented: BTreeSet<Location> = tree.documentation_parts.iter().map(|part| part.location.in_full()).collect();
    let mut places = BTreeSet::from([place("API")]);
    let named = |kind: &str, name: &String| Location { name: Some(name.clone()), ..place(kind) };
    places.extend(tree.authorizers.iter().map(|authorizer| named("AUTHORIZER", &authorizer.name)));
    places.extend(tree.models.iter().map(|model| named("MODEL", &model.name)));
    for resource in &tree.resources {
        let at = |kind: &str| Location { path: Some(resource.path.clone()), ..place(kind) };
        places.insert(at("RESOURCE"));
        for at_method in tree.methods.iter().filter(|method| method.resource_id == resource.id) {
            let method = &at_method.method;
            places.extend(of_method(method, |kind| Location { method: Some(method.http_method.clone()), ..at(kind) }));
        }
    }
    places.difference(&documented).cloned().collect()
}

fn place(kind: &str) -> Location {
    Location { kind: kind.to_owned(), ..Location::default() }
}

/// Everything at and below a method; `at` makes a location of a type there.
fn of_method(method: &Method, at: impl Fn(&str) -> Location) -> Vec<Location> {
    const PARAMETERS: [(&str, &str); 5] = [
        ("method.request.path.", "PATH_PARAMETER"),
        ("method.request.querystring.", "QUERY_PARAMETER"),
        ("method.request.multivaluequerystring.", "QUERY_PARAMETER"),
        ("method.request.header.", "REQUEST_HEADER"),
        ("method.request.multivalueheader.", "REQUEST_HEADER"),
    ];
    let named = |location: Location, name: &str| Location { name: Some(name.to_owned()), ..location };
    let mut places = vec![at("METHOD")];
    for key in method.request_parameters.iter().flatten().map(|(key, _)| key) {
        let found = PARAMETERS.iter().find_map(|(prefix, kind)| Some((kind, key.strip_prefix(prefix)?)));
        places.extend(found.map(|(kind, name)| named(at(kind), name)));
    }
    if method.request_models.as_ref().is_some_and(|models| !models.is_empty()) {
        places.push(at("REQUEST_BODY"));
    }
    for (status, response) in &method.method_responses {
        let of = |kind: &str| Location { status_code: Some(status.clone()), ..at(kind) };
        places.push(of("RESPONSE"));
        if response.response_models.as_ref().is_some_and(|models| !models.is_empty()) {
            places.push(of("RESPONSE_BODY"));
        }
        let headers = response.response_parameters.iter().flatten();
        let headers = headers.filter_map(|(key, _)| key.strip_prefix("method.response.header."));
        places.extend(headers.map(|name| named(of("RESPONSE_HEADER"), name)));
    }
    places
}
