//! A document to a [`Definition`].

mod integration;
mod operation;
mod parts;
mod schemas;
pub(crate) mod security;

use std::collections::BTreeSet;

use serde_json::Value;
use stagecoach_base::{AwsError, Scope};
use stagecoach_resources::v1::integration::Ceilings;
use stagecoach_resources::v1::resource;

use crate::definition::{Definition, MethodOf};
use crate::document::{Dialect, Document, scalar, text};
use crate::documentation;

pub(crate) use operation::{is_status, key};

/// What to do with the file's base path (rest-admin-api §5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BasePath {
    /// Drop it.
    #[default]
    Ignore,
    /// Put it before every path.
    Prepend,
    /// Drop its first segment, put the rest before every path.
    Split,
}

impl BasePath {
    /// Reads the `basepath` query parameter.
    ///
    /// # Errors
    /// 400 for another word.
    pub fn parse(word: Option<&str>) -> Result<Self, AwsError> {
        match word {
            None | Some("" | "ignore") => Ok(Self::Ignore),
            Some("prepend") => Ok(Self::Prepend),
            Some("split") => Ok(Self::Split),
            Some(other) => Err(AwsError::bad_request(format!(
                "Invalid basepath value {other}. Must be one of: [ignore, prepend, split]"
            ))),
        }
    }
}

/// How to read a file.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// For `${AWS::…}` and policies.
    pub scope: Scope,
    /// `basepath=`.
    pub basepath: BasePath,
    /// `failonwarnings=true`.
    pub fail_on_warnings: bool,
    /// `ignore=documentation`.
    pub ignore_documentation: bool,
    /// Models that references may name beside those of the file: those of the API that a merge goes into.
    pub known_models: Vec<String>,
    /// What an integration may ask for.
    pub ceilings: Ceilings,
}

/// A file that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What it defines.
    pub definition: Definition,
    /// What was left out, in AWS's words.
    pub warnings: Vec<String>,
}

/// Collects what goes wrong, so that one answer names all of it.
#[derive(Default)]
pub(crate) struct Report {
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
}

/// What the operations of a file are read with.
struct Reader<'a> {
    document: &'a Document,
    schemes: security::Schemes,
    schemas: schemas::Schemas<'a>,
    /// Names of the file's request validators.
    validators: BTreeSet<String>,
    ceilings: Ceilings,
    report: Report,
}

/// Reads an OpenAPI file.
///
/// # Errors
/// 400 `Invalid OpenAPI input.` for what is none, else all errors; with `fail_on_warnings` the warnings too.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Imported, AwsError> {
    let document = Document::parse(bytes, &options.scope)?;
    let mut report = Report::default();
    let mut definition = parts::read(&document, &mut report);
    let schemes = security::Schemes::read(&document);
    definition.authorizers = schemes.authorizers();
    let schemas = schemas::Schemas::read(&document, &options.known_models, &mut report);
    let validators = definition.validators.iter().map(|validator| validator.name.clone()).collect();
    let prefix = prefix(&document, options.basepath);
    let mut reader = Reader { document: &document, schemes, schemas, validators, ceilings: options.ceilings, report };
    for (path, item) in document.members("/paths").filter(|(path, _)| !path.starts_with("x-")) {
        let full = full_path(&prefix, path);
        check_path(&full, &mut reader.report);
        for method in operation::methods(&mut reader, &full, item) {
            definition.methods.push(MethodOf { path: full.clone(), method });
        }
        definition.paths.push(full);
    }
    let Reader { schemas, mut report, .. } = reader;
    definition.models = schemas.into_models();
    if !options.ignore_documentation {
        definition.documentation = Some(documentation::of(&document, &prefix, &definition.models, &mut report));
    }
    finish(report, options.fail_on_warnings).map(|warnings| Imported { definition, warnings })
}

/// One answer that lists everything, in AWS's form [R edx/api-manager#259].
pub(crate) fn finish(report: Report, fail_on_warnings: bool) -> Result<Vec<String>, AwsError> {
    if !report.errors.is_empty() {
        return Err(AwsError::bad_request(format!("Errors found during import:\n\t{}", report.errors.join("\n\t"))));
    }
    if fail_on_warnings && !report.warnings.is_empty() {
        let text = format!("Warnings found during import:\n\t{}", report.warnings.join("\n\t"));
        return Err(AwsError::bad_request(text));
    }
    Ok(report.warnings)
}

/// A path of the file under the base path.
pub(crate) fn full_path(prefix: &str, path: &str) -> String {
    let joined = format!("{prefix}/{}", path.trim_start_matches('/'));
    let trimmed = joined.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// Segments a path may have. Longer ones are no API's, and every segment is a resource.
const DEEPEST_PATH: usize = 100;

fn check_path(path: &str, report: &mut Report) {
    let parts: Vec<&str> = path.split('/').skip(1).filter(|_| path != "/").collect();
    let problem = parts.iter().find_map(|part| resource::check_part(part).err());
    if parts.len() > DEEPEST_PATH {
        report.errors.push(format!("Unable to create resource: a path has more than {DEEPEST_PATH} segments"));
        return;
    }
    if let Some(problem) = problem {
        report.errors.push(format!("Unable to create resource at path '{path}': {}", problem.message()));
    }
    if parts.iter().rev().skip(1).any(|part| part.ends_with("+}")) {
        report.errors.push(format!(
            "Unable to create resource at path '{path}': Cannot create a child of a resource with a greedy path variable"
        ));
    }
}

/// The base path as the option wants it; empty for none.
fn prefix(document: &Document, option: BasePath) -> String {
    let base = match document.dialect {
        Dialect::Swagger2 => text(&document.root, "basePath").unwrap_or_default(),
        Dialect::OpenApi3 => server_path(&document.root),
    };
    let base = base.trim_matches('/');
    let kept = match option {
        BasePath::Ignore => "",
        BasePath::Prepend => base,
        BasePath::Split => base.split_once('/').map_or("", |(_, rest)| rest),
    };
    if kept.is_empty() { String::new() } else { format!("/{kept}") }
}

/// The first server with a `basePath` variable gives its default, even when its URL does not use it; otherwise the
/// path of the first server's URL [D; V i].
fn server_path(root: &Value) -> String {
    let servers = root.get("servers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let variable = |server: &Value| server.pointer("/variables/basePath/default").and_then(scalar);
    if let Some(path) = servers.iter().find_map(variable) {
        return path;
    }
    let url = servers.first().and_then(|server| text(server, "url")).unwrap_or_default();
    let after = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    match url.starts_with('/') {
        true => url,
        false => after.split_once('/').map(|(_, path)| format!("/{path}")).unwrap_or_default(),
    }
}
