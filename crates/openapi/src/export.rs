//! An API to a document (rest-admin-api §5.5).

mod describe;
mod integration;
mod models;
mod operation;
mod parts;
mod security;

use serde_json::{Map, Value, json};
use stagecoach_base::{AwsError, Scope};
use stagecoach_resources::ApiTree;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::document::Dialect;
use crate::documentation;

/// Dialect of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// OpenAPI 3.0.1.
    Oas30,
    /// Swagger 2.0.
    Swagger,
}

impl Kind {
    /// Reads the last segment of GetExport's path.
    ///
    /// # Errors
    /// 400 for another word.
    pub fn parse(word: &str) -> Result<Self, AwsError> {
        match word {
            "oas30" => Ok(Self::Oas30),
            "swagger" => Ok(Self::Swagger),
            other => {
                Err(AwsError::bad_request(format!("Unsupported export type {other}. Must be one of: [oas30, swagger]")))
            }
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::Oas30 => Dialect::OpenApi3,
            Self::Swagger => Dialect::Swagger2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Oas30 => "oas30",
            Self::Swagger => "swagger",
        }
    }
}

/// Which `x-amazon-apigateway-*` members an export carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Integrations and binary media types.
    pub integrations: bool,
    /// Authorizers and security.
    pub authorizers: bool,
    /// Everything but documentation.
    pub apigateway: bool,
    /// The documentation version of the stage.
    pub documentation: bool,
}

impl Extensions {
    /// Reads `extensions=integrations,authorizers`. Postman's are accepted: its importer reads what is there anyway.
    ///
    /// # Errors
    /// 400 for a word AWS has not.
    pub fn parse(list: Option<&str>) -> Result<Self, AwsError> {
        let mut extensions = Self::default();
        for word in list.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word {
                "integrations" => extensions.integrations = true,
                "authorizers" => extensions.authorizers = true,
                "apigateway" => {
                    extensions = Self { integrations: true, authorizers: true, apigateway: true, ..extensions }
                }
                "documentation" => extensions.documentation = true,
                "postman" => {}
                other => {
                    return Err(AwsError::bad_request(format!(
                        "Unsupported extension {other}. Must be one of: [integrations, authorizers, apigateway, postman, \
                         documentation]"
                    )));
                }
            }
        }
        Ok(extensions)
    }
}

/// Text format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
}

/// What to export.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    /// Dialect.
    pub kind: Kind,
    /// Extensions.
    pub extensions: Extensions,
    /// Text format.
    pub format: Format,
    /// Stage, for the address.
    pub stage: String,
    /// Region, for the address.
    pub scope: Scope,
}

/// A document.
#[derive(Clone, Debug)]
pub struct Exported {
    /// Its text.
    pub bytes: Vec<u8>,
    /// For `Content-Disposition`.
    pub file_name: String,
}

/// Writes the definition of `tree`, with what its documentation version says.
///
/// # Errors
/// 400 for bodies that are not JSON (rest-admin-api §5.5); 500 when the text cannot be written.
pub fn export(tree: &ApiTree, options: &ExportOptions) -> Result<Exported, AwsError> {
    models::check(tree)?;
    let version = tree.api.version.clone().unwrap_or_else(|| date(tree.api.created_date));
    let document = document(tree, options, &version);
    let (bytes, suffix) = match options.format {
        Format::Json => (serde_json::to_vec_pretty(&document).map_err(|_| AwsError::internal())?, "json"),
        Format::Yaml => (serde_saphyr::to_string(&document).map_err(|_| AwsError::internal())?.into_bytes(), "yaml"),
    };
    Ok(Exported { bytes, file_name: format!("{}_{version}.{suffix}", options.kind.name()) })
}

/// The version of an API that has none: when it was made, as the developer guide's samples look.
fn date(seconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    moment.format(&Rfc3339).unwrap_or_default()
}

fn document(tree: &ApiTree, options: &ExportOptions, version: &str) -> Value {
    let mut root = Map::new();
    match options.kind {
        Kind::Oas30 => root.insert("openapi".into(), "3.0.1".into()),
        Kind::Swagger => root.insert("swagger".into(), "2.0".into()),
    };
    let mut info = json!({ "title": tree.api.name });
    if let Some(description) = &tree.api.description {
        info["description"] = description.as_str().into();
    }
    info["version"] = version.into();
    root.insert("info".into(), info);
    parts::address(tree, options, &mut root);
    let schemes = security::Schemes::of(tree, options);
    root.insert("paths".into(), operation::paths(tree, options, &schemes));
    parts::components(tree, options, schemes, &mut root);
    parts::api_extensions(tree, options, &mut root);
    if let Some(version) = &tree.documentation_version {
        describe::entities(version, options.kind, &mut root);
        if options.extensions.documentation {
            root.insert(documentation::EXTENSION.into(), describe::extension(version));
        }
    }
    Value::Object(root)
}
