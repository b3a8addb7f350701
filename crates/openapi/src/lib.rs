//! OpenAPI 3.0 and Swagger 2.0 with `x-amazon-apigateway-*`, both ways (rest-admin-api §5).
//!
//! Must not know: the store, snapshots, HTTP. Reading gives a [`Definition`], which a new or an existing API takes on.

mod apply;
mod definition;
mod document;
pub mod documentation;
mod export;
mod read;

pub use apply::{Mode, NewApi, import, merge, merge_parts};
pub use definition::{Definition, Documentation, MethodOf, Part};
pub use export::{ExportOptions, Exported, Extensions, Format, Kind, export};
pub use read::{BasePath, Imported, ReadOptions, read};

/// Fuzz target: any bytes are answered, and a file that is read can be imported (or is refused), exported in both
/// dialects, read again, and merged into itself.
#[doc(hidden)]
pub fn fuzz_read(bytes: &[u8]) {
    let scope = stagecoach_base::Scope::default();
    drop(documentation::read(bytes, &scope));
    let Ok(read_once) = read(bytes, &ReadOptions::default()) else { return };
    let new = NewApi {
        id: "fuzz".into(),
        root_id: "fuzzroot".into(),
        now_s: 0,
        endpoint_types: Vec::new(),
        scope: scope.clone(),
    };
    let Ok(mut tree) = import(&read_once.definition, new) else { return };
    tree.documentation_version = Some(stagecoach_resources::v1::DocumentationVersion {
        version: "fuzz".into(),
        created_date: 0,
        description: None,
        parts: tree.documentation_parts.clone(),
    });
    for kind in [Kind::Oas30, Kind::Swagger] {
        let options = ExportOptions {
            kind,
            extensions: Extensions { integrations: true, authorizers: true, apigateway: true, documentation: true },
            format: Format::Json,
            stage: "dev".into(),
            scope: scope.clone(),
        };
        if let Ok(exported) = export(&tree, &options) {
            drop(read(&exported.bytes, &ReadOptions::default()));
        }
    }
    drop(merge(&read_once.definition, &tree, Mode::Merge, &scope));
}
