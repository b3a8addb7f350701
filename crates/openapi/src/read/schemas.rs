//! Schemas to models: named ones, and those written inline (rest-admin-api §5.3).

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use stagecoach_base::Digest;
use stagecoach_resources::v1::Model;

use super::Report;
use crate::document::{Dialect, Document, text};

/// The models of a file while its operations are read.
pub(super) struct Schemas<'a> {
    dialect: Dialect,
    /// Schema text by model name; `None` for a model that the API has already.
    known: BTreeMap<String, Option<String>>,
    /// In the file's order, generated ones last.
    models: Vec<Model>,
    document: &'a Document,
}

/// Where an inline schema stands: a response keeps no primitive ones (known-issues page of the developer guide).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Request,
    Response,
}

impl<'a> Schemas<'a> {
    /// The named schemas of `document`; `elsewhere` names models that references may mean too.
    pub(super) fn read(document: &'a Document, elsewhere: &[String], report: &mut Report) -> Self {
        let mut known: BTreeMap<String, Option<String>> = elsewhere.iter().map(|name| (name.clone(), None)).collect();
        let named: Vec<_> = document.members(document.dialect.schemas()).collect();
        known.extend(named.iter().map(|(name, _)| ((*name).clone(), None)));
        let mut schemas = Self { dialect: document.dialect, known, models: Vec::new(), document };
        for (name, schema) in named {
            // The text is the one of aws [R edx/api-manager#259].
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                report
                    .errors
                    .push(format!("Unable to create model for '{name}': Model name must be alphanumeric: {name}"));
            }
            schemas.check_references(schema, report);
            schemas.add(name, schema);
        }
        schemas
    }

    /// All models.
    pub(super) fn into_models(self) -> Vec<Model> {
        self.models
    }

    /// The model that a body or response with `schema` refers to. An inline schema becomes a model of its own.
    pub(super) fn model(&mut self, schema: Option<&Value>, place: Place, report: &mut Report) -> Option<String> {
        let schema = schema.filter(|schema| schema.is_object())?;
        if let Some(reference) = schema.get("$ref") {
            return self.target(reference, report);
        }
        if !is_worth_a_model(schema, place) {
            return None;
        }
        self.check_references(schema, report);
        Some(self.generate(schema))
    }

    /// The name in a reference to a known schema; another one is dropped with a warning.
    fn target(&self, reference: &Value, report: &mut Report) -> Option<String> {
        let reference = reference.as_str().unwrap_or_default();
        let name = reference.strip_prefix(self.dialect.schema_prefix());
        if let Some(name) = name.filter(|name| self.known.contains_key(*name)) {
            return Some(name.to_owned());
        }
        report.warnings.push(self.unknown(reference));
        None
    }

    /// [R amazon-archives/aws-apigateway-importer#194] for Swagger 2, [R department-of-veterans-affairs/va.gov-cms#7102]
    /// for OpenAPI 3.
    fn unknown(&self, reference: &str) -> String {
        match (self.dialect, reference.strip_prefix(self.dialect.schema_prefix())) {
            (Dialect::Swagger2, Some(name)) => format!("Reference to model '{name}' not found. Ignoring."),
            _ => format!("Unknown or invalid reference specified by '{reference}'. Ignoring."),
        }
    }

    /// References inside a schema that lead nowhere in the file.
    fn check_references(&self, schema: &Value, report: &mut Report) {
        match schema {
            Value::Object(members) => {
                for (key, value) in members {
                    match value.as_str().filter(|reference| key == "$ref" && reference.starts_with('#')) {
                        Some(reference) if !self.leads_somewhere(reference) => {
                            report.warnings.push(self.unknown(reference));
                        }
                        _ => self.check_references(value, report),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.check_references(item, report)),
            _ => {}
        }
    }

    fn leads_somewhere(&self, reference: &str) -> bool {
        let name = reference.strip_prefix(self.dialect.schema_prefix());
        let pointer = reference.trim_start_matches('#');
        name.is_some_and(|name| self.known.contains_key(name)) || self.document.root.pointer(pointer).is_some()
    }

    /// AWS names such models `MODEL` and six random characters [R aws/aws-sdk#468]. Ours follow from the schema, so that
    /// the same file has the same models whenever it is imported; equal schemas share one.
    fn generate(&mut self, schema: &Value) -> String {
        let text = schema.to_string();
        for salt in 0u32.. {
            let digest = Digest::of(format!("{salt}{text}").as_bytes());
            let name = match digest.as_bytes() {
                [a, b, c, ..] => format!("MODEL{a:02x}{b:02x}{c:02x}"),
            };
            match self.known.get(&name) {
                Some(Some(same)) if *same == text => return name,
                Some(_) => {}
                None => {
                    self.add(&name, schema);
                    return name;
                }
            }
        }
        String::new()
    }

    fn add(&mut self, name: &str, schema: &Value) {
        let body = schema.to_string();
        self.models.push(Model::standard(name, &text(schema, "description").unwrap_or_default(), &body));
        self.known.insert(name.to_owned(), Some(body));
    }
}

fn is_worth_a_model(schema: &Value, place: Place) -> bool {
    let Some(members) = schema.as_object().filter(|members| !members.is_empty()) else { return false };
    let primitive = |kind: &str| matches!(kind, "string" | "number" | "integer" | "boolean" | "null" | "file");
    let kind = members.get("type").and_then(Value::as_str);
    match place {
        Place::Request => true,
        Place::Response => kind.map_or_else(|| is_composed(members), |kind| !primitive(kind)),
    }
}

/// A schema without a type that says more than a title.
fn is_composed(members: &Map<String, Value>) -> bool {
    ["properties", "additionalProperties", "items", "allOf", "oneOf", "anyOf", "not", "enum"]
        .iter()
        .any(|key| members.contains_key(*key))
}
