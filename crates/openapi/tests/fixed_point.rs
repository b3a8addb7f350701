//! Files of `tests/openapi` in, out and in again: nothing changes on the way (rest-admin-api §5).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use stagecoach_base::{AwsError, Digest, Scope};
use stagecoach_openapi::{ExportOptions, Extensions, Format, Kind, NewApi, ReadOptions, export, import, read};
use stagecoach_plan::codec;
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::DocumentationVersion;

/// What Swagger cannot say: several media types for one body.
const ONE_DIALECT: [&str; 1] = ["parameters.json"];

struct File {
    name: String,
    bytes: Vec<u8>,
    kind: Kind,
}

fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openapi");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let file = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        let swagger = String::from_utf8_lossy(&bytes).contains("swagger");
        let kind = if swagger { Kind::Swagger } else { Kind::Oas30 };
        File { name: path.file_name().unwrap().to_string_lossy().into_owned(), bytes, kind }
    };
    paths.into_iter().map(file).collect()
}

/// An API of `bytes`, and the documentation version that a stage would show.
fn imported(name: &str, bytes: &[u8]) -> ApiTree {
    try_import(bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn try_import(bytes: &[u8]) -> Result<ApiTree, AwsError> {
    let imported = read(bytes, &ReadOptions::default())?;
    let private = imported.definition.vpc_endpoint_ids.first().map(|_| "PRIVATE".to_owned());
    let new = NewApi {
        id: "abc".into(),
        root_id: "root".into(),
        now_s: 1,
        endpoint_types: private.into_iter().collect(),
        scope: Scope::default(),
    };
    let mut tree = import(&imported.definition, new)?;
    let version = imported.definition.documentation.unwrap().version;
    tree.documentation_version = Some(DocumentationVersion {
        version: version.unwrap_or_else(|| "v1".into()),
        created_date: 1,
        description: None,
        parts: tree.documentation_parts.clone(),
    });
    sort(&mut tree);
    Ok(tree)
}

fn sort(tree: &mut ApiTree) {
    tree.resources.sort_by(|a, b| a.path.cmp(&b.path));
    tree.methods.sort_by(|a, b| (&a.resource_id, &a.method.http_method).cmp(&(&b.resource_id, &b.method.http_method)));
    tree.models.sort_by(|a, b| a.name.cmp(&b.name));
    tree.validators.sort_by(|a, b| a.name.cmp(&b.name));
    tree.authorizers.sort_by(|a, b| a.name.cmp(&b.name));
    tree.gateway_responses.sort_by(|a, b| a.response_type.cmp(&b.response_type));
}

fn exported(name: &str, tree: &ApiTree, kind: Kind, format: Format) -> Vec<u8> {
    try_export(tree, kind, format).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn try_export(tree: &ApiTree, kind: Kind, format: Format) -> Result<Vec<u8>, AwsError> {
    let options = ExportOptions {
        kind,
        format,
        extensions: Extensions::parse(Some("apigateway,documentation")).unwrap(),
        stage: "dev".into(),
        scope: Scope::default(),
    };
    export(tree, &options).map(|exported| exported.bytes)
}

fn digest(tree: &ApiTree) -> Digest {
    Digest::of(&codec::encode(&stagecoach_lower::lower(tree)))
}

#[test]
fn an_export_of_an_import_imports_as_the_same_api() {
    let files = files();

    for File { name, bytes, kind } in &files {
        let first = imported(name, bytes);
        for format in [Format::Json, Format::Yaml] {
            let text = exported(name, &first, *kind, format);
            let second = imported(name, &text);
            assert_eq!(second, first, "{name} {format:?}:\n{}", String::from_utf8_lossy(&text));
            assert_eq!(digest(&second), digest(&first), "{name}");
            let again = exported(name, &second, *kind, format);
            assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&text), "{name}");
        }
    }
    assert!(files.len() >= 20, "{} files", files.len());
}

#[test]
fn the_other_dialect_says_the_same_where_it_can() {
    for File { name, bytes, kind } in files().iter().filter(|file| !ONE_DIALECT.contains(&file.name.as_str())) {
        let other = if *kind == Kind::Swagger { Kind::Oas30 } else { Kind::Swagger };
        let first = imported(name, bytes);

        let text = exported(name, &first, other, Format::Json);
        let second = imported(name, &text);

        assert_eq!(second, first, "{name}:\n{}", String::from_utf8_lossy(&text));
        assert_eq!(digest(&second), digest(&first), "{name}");
    }
}

#[test]
fn none_of_the_files_has_warnings() {
    for File { name, bytes, .. } in files() {
        let warnings = read(&bytes, &ReadOptions::default()).unwrap().warnings;

        assert_eq!(warnings, Vec::<String>::new(), "{name}");
    }
}

/// Sets the `at`-th value below `value` (in document order) to `new`.
fn replace(value: &mut Value, at: &mut usize, new: &Value) {
    let inside: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for inner in inside {
        if *at == 0 {
            *inner = new.clone();
            *at = usize::MAX;
            return;
        }
        *at = at.saturating_sub(1);
        replace(inner, at, new);
        if *at == usize::MAX {
            return;
        }
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(7),
        json!(""),
        json!("*"),
        json!("Unused"),
        json!("default"),
        json!("application/xml"),
        json!([]),
        json!(["x", {}]),
        json!({}),
        json!({ "type": "object" }),
        json!({ "$ref": "#/components/schemas/Item" }),
        json!({ "default": { "statusCode": "200" }, "": { "statusCode": "201" } }),
        json!("200 response"),
    ])
}

proptest! {
    #[test]
    fn what_is_taken_from_a_damaged_file_is_kept_too(which in 0usize..100, at in 0usize..150, new in odd_value()) {
        let files = files();
        let File { name, bytes, .. } = &files[which % files.len()];
        let mut document: Value = serde_saphyr::from_str(std::str::from_utf8(bytes).unwrap()).unwrap();
        replace(&mut document, &mut at.clone(), &new);
        let kind = if document.get("swagger").is_some() { Kind::Swagger } else { Kind::Oas30 };

        let Ok(first) = try_import(document.to_string().as_bytes()) else { return Ok(()) };
        let Ok(text) = try_export(&first, kind, Format::Json) else { return Ok(()) };
        let second = imported(name, &text);

        // An API without a version is exported with a timestamp, one without a description with that of its documentation.
        let mut first = first;
        first.api.version.clone_from(&second.api.version);
        first.api.description.clone_from(&second.api.description);
        prop_assert_eq!(&second, &first, "{}: {}\n{}", name, document, String::from_utf8_lossy(&text));
    }
}
