//! Documentation parts of a file: `x-amazon-apigateway-documentation`, and what descriptions say
//! (rest-admin-api §3.20, §5.4).

mod derive;
mod inherit;

use std::collections::BTreeSet;

use serde_json::Value;
use stagecoach_base::{AwsError, Scope};
use stagecoach_resources::v1::Model;
use stagecoach_resources::v1::documentation::Location;

use crate::definition::{Documentation, Part};
use crate::document::{Document, text};
use crate::read::Report;

pub(crate) use inherit::Content;

pub(crate) const EXTENSION: &str = "x-amazon-apigateway-documentation";

/// What ImportDocumentationParts reads.
#[derive(Clone, Debug)]
pub struct Read {
    /// One per location, in the file's order.
    pub parts: Vec<Part>,
    /// What was left out, in AWS's words.
    pub warnings: Vec<String>,
}

/// Reads the parts that a file lists; descriptions elsewhere in it are for imports of a whole API.
///
/// # Errors
/// 400 `Unable to build importer with provided input.` for what is no definition [V a], else all errors.
pub fn read(bytes: &[u8], scope: &Scope) -> Result<Read, AwsError> {
    let unreadable = |_| AwsError::bad_request("Unable to build importer with provided input.");
    let document = Document::parse(bytes, scope).map_err(unreadable)?;
    let mut report = Report::default();
    let parts = listed(&document, &mut report);
    crate::read::finish(report, false).map(|warnings| Read { parts, warnings })
}

/// All documentation of a file: listed parts, then descriptions of whatever the list does not name.
/// That AWS makes parts of descriptions: [R aws/aws-sdk-js#1253].
pub(crate) fn of(document: &Document, prefix: &str, models: &[Model], report: &mut Report) -> Documentation {
    let mut parts = listed(document, report);
    let mut known: BTreeSet<Location> = parts.iter().map(|part| part.location.clone()).collect();
    let listed = Content::of(parts.iter().map(|part| (&part.location, part.properties.as_str())));
    let derived = derive::parts(document, prefix, models).into_iter();
    // What a more general part says already is inherited, as an export writes it out.
    let derived = derived.filter(|part| !listed.says(&part.location, &part.properties));
    let derived: Vec<Part> = derived.filter(|part| known.insert(part.location.clone())).collect();
    parts.extend(derived);
    let version = document.root.get(EXTENSION).and_then(|extension| text(extension, "version"));
    Documentation { version: version.filter(|version| !version.is_empty()), parts }
}

fn listed(document: &Document, report: &mut Report) -> Vec<Part> {
    let list = document.root.get(EXTENSION).and_then(|extension| extension.get("documentationParts"));
    let mut known = BTreeSet::new();
    let mut parts = Vec::new();
    for entry in list.and_then(Value::as_array).into_iter().flatten() {
        match part(entry) {
            Ok(part) if known.insert(part.location.clone()) => parts.push(part),
            Ok(part) => {
                let place = describe(&part.location);
                report.errors.push(format!("Documentation part already exists for the specified location: {place}."));
            }
            Err(problem) => report.errors.push(problem),
        }
    }
    parts
}

/// Which members a location of a type may have: path, method, statusCode, name [D].
struct Kind {
    name: &'static str,
    members: [bool; 4],
    needs_name: bool,
}

const fn kind(name: &'static str, [path, method, status, named]: [u8; 4], needs_name: bool) -> Kind {
    Kind { name, members: [path == 1, method == 1, status == 1, named == 1], needs_name }
}

const KINDS: [Kind; 12] = [
    kind("API", [0, 0, 0, 0], false),
    kind("AUTHORIZER", [0, 0, 0, 1], false),
    kind("MODEL", [0, 0, 0, 1], false),
    kind("RESOURCE", [1, 0, 0, 0], false),
    kind("METHOD", [1, 1, 0, 0], false),
    kind("PATH_PARAMETER", [1, 1, 0, 1], true),
    kind("QUERY_PARAMETER", [1, 1, 0, 1], true),
    kind("REQUEST_HEADER", [1, 1, 0, 1], true),
    kind("REQUEST_BODY", [1, 1, 0, 0], false),
    kind("RESPONSE", [1, 1, 1, 0], false),
    kind("RESPONSE_HEADER", [1, 1, 1, 1], true),
    kind("RESPONSE_BODY", [1, 1, 1, 0], false),
];

fn part(entry: &Value) -> Result<Part, String> {
    let location = location(entry.get("location").unwrap_or(&Value::Null))?;
    let properties = match entry.get("properties") {
        // Text that holds JSON means the JSON.
        Some(Value::String(text)) => serde_json::from_str::<Value>(text).map_or(text.clone(), |json| json.to_string()),
        Some(value) => value.to_string(),
        None => "{}".to_owned(),
    };
    Ok(Part { location, properties })
}

fn location(value: &Value) -> Result<Location, String> {
    let name = text(value, "type").unwrap_or_default().to_ascii_uppercase();
    let kind = KINDS.iter().find(|kind| kind.name == name);
    let kind = kind.ok_or_else(|| format!("Invalid documentation part type specified: {name}"))?;
    let mut members = [None, None, None, None];
    for ((slot, member), allowed) in members.iter_mut().zip(["path", "method", "statusCode", "name"]).zip(kind.members)
    {
        *slot = text(value, member).filter(|text| !text.is_empty());
        if slot.is_some() && !allowed {
            return Err(format!("Invalid location field '{member}' for documentation part of type '{name}'"));
        }
    }
    let [path, method, status_code, named] = members;
    if kind.needs_name && named.is_none() {
        return Err(format!("Name is required for documentation part of type '{name}'"));
    }
    // Only the path is filled in [V a].
    let [has_path, ..] = kind.members;
    let path = path.or_else(|| has_path.then(|| "/".to_owned()));
    Ok(Location { kind: name, path, method, status_code, name: named })
}

/// `type 'METHOD', path '/', method 'GET'` [D].
fn describe(location: &Location) -> String {
    let members = [
        ("path", &location.path),
        ("method", &location.method),
        ("statusCode", &location.status_code),
        ("name", &location.name),
    ];
    let mut place = format!("type '{}'", location.kind);
    for (member, value) in members {
        if let Some(value) = value {
            place.push_str(&format!(", {member} '{value}'"));
        }
    }
    place
}
