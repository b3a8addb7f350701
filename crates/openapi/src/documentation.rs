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
                let place = part.location.describe();
                report.errors.push(format!("Documentation part already exists for the specified location: {place}."));
            }
            Err(problem) => report.errors.push(problem),
        }
    }
    parts
}

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
    let member = |name: &str| text(value, name).filter(|text| !text.is_empty());
    let location = Location {
        kind: member("type").unwrap_or_default().to_ascii_uppercase(),
        path: member("path"),
        method: member("method"),
        status_code: member("statusCode"),
        name: member("name"),
    };
    location.check().map_err(|error| error.message().to_owned())?;
    Ok(location.with_path())
}
