//! Documentation of a definition over that of an API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stagecoach_resources::v1::DocumentationPart;
use stagecoach_resources::v1::documentation::{self, Location};

use super::Mode;
use crate::definition::Part;

/// The parts after an import: one per location. A merge adds, and replaces members of content that is there; an
/// overwrite keeps the ids of locations that stay [D DG:api-gateway-documenting-api-quick-start-import-export].
pub fn merge_parts(existing: &[DocumentationPart], given: &[Part], mode: Mode) -> Vec<DocumentationPart> {
    let mut parts: BTreeMap<Location, DocumentationPart> =
        existing.iter().map(|part| (part.location.clone(), part.clone())).collect();
    let mut taken: BTreeSet<String> = existing.iter().map(|part| part.id.clone()).collect();
    let given_locations: BTreeSet<&Location> = given.iter().map(|part| &part.location).collect();
    if mode == Mode::Overwrite {
        parts.retain(|location, _| given_locations.contains(location));
    }
    for part in given {
        match parts.get_mut(&part.location) {
            Some(known) if mode == Mode::Merge => known.properties = overlaid(&known.properties, &part.properties),
            Some(known) => known.properties.clone_from(&part.properties),
            None => {
                let made = documentation::at(part.location.clone(), part.properties.clone(), |id| !taken.contains(id));
                taken.insert(made.id.clone());
                parts.insert(part.location.clone(), made);
            }
        }
    }
    parts.into_values().collect()
}

/// Members of `over` laid over those of `under`; what is no object is replaced.
fn overlaid(under: &str, over: &str) -> String {
    let object = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    match (object(under), object(over)) {
        (Some(Value::Object(mut under)), Some(Value::Object(over))) => {
            under.extend(over);
            Value::Object(under).to_string()
        }
        _ => over.to_owned(),
    }
}
