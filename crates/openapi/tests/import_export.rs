//! Files to APIs, APIs to files, and rest-admin-api §5's rules.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use serde_json::{Value, json};
use stagecoach_base::Scope;
use stagecoach_openapi::{
    BasePath, ExportOptions, Extensions, Format, Imported, Kind, Mode, NewApi, ReadOptions, export, import, merge, read,
};
use stagecoach_resources::ApiTree;

fn options() -> ReadOptions {
    ReadOptions::default()
}

fn new(id: &str) -> NewApi {
    NewApi {
        id: id.into(),
        root_id: format!("{id}root"),
        now_s: 1,
        endpoint_types: Vec::new(),
        scope: Scope::default(),
    }
}

fn tree(document: &Value) -> ApiTree {
    import(&read(document.to_string().as_bytes(), &options()).unwrap().definition, new("abc")).unwrap()
}

fn with_paths(paths: &Value) -> Value {
    json!({ "openapi": "3.0.1", "info": { "title": "T" }, "paths": paths })
}

fn method<'a>(tree: &'a ApiTree, path: &str, verb: &str) -> &'a stagecoach_resources::v1::Method {
    let id = &tree.resource_by_path(path).unwrap().id;
    &tree.methods.iter().find(|at| at.resource_id == *id && at.method.http_method == verb).unwrap().method
}

fn exported(tree: &ApiTree, kind: Kind, format: Format) -> Vec<u8> {
    let options = ExportOptions {
        kind,
        format,
        extensions: Extensions::parse(Some("apigateway")).unwrap(),
        stage: "dev".into(),
        scope: Scope::default(),
    };
    export(tree, &options).unwrap().bytes
}

#[test]
fn yaml_and_json_are_told_apart_by_their_content() {
    let yaml = b"swagger: \"2.0\"\ninfo: {title: Y, version: 1}\npaths:\n  /a:\n    get:\n      responses:\n        200: {description: ok}\n      x-amazon-apigateway-integration: {type: mock}\n";

    let made = import(&read(yaml, &options()).unwrap().definition, new("abc")).unwrap();

    assert_eq!(made.api.version.as_deref(), Some("1"));
    assert!(method(&made, "/a", "GET").method_responses.contains_key("200"));
}

#[test]
fn what_is_no_definition_is_refused_in_aws_words() {
    for bytes in [&b""[..], b"{", b"[]", b"hello", b"{\"openapi\": \"4\"}", b"\xff\xfe", b"a: &a [*a]", b"swagger: 1.2"]
    {
        assert_eq!(read(bytes, &options()).unwrap_err().message(), "Invalid OpenAPI input.");
    }
}

#[test]
fn path_variables_nobody_declared_are_required_parameters_but_greedy_ones_are_not() {
    let operation = json!({ "x-amazon-apigateway-integration": { "type": "mock" } });

    let made = tree(&with_paths(&json!({ "/a/{x}": { "get": operation }, "/b/{p+}": { "get": operation } })));

    assert!(method(&made, "/a/{x}", "GET").request_parameters.as_ref().unwrap()["method.request.path.x"]);
    assert_eq!(method(&made, "/b/{p+}", "GET").request_parameters, None);
    assert!(made.resource_by_path("/a").is_some(), "missing ancestors are made");
}

#[test]
fn the_base_path_is_ignored_prepended_or_split() {
    let document = json!({ "swagger": "2.0", "info": { "title": "T" }, "basePath": "/a/b/c", "paths": { "/e": {} } });
    let paths = |basepath| {
        let options = ReadOptions { basepath, ..options() };
        read(document.to_string().as_bytes(), &options).unwrap().definition.paths
    };

    assert_eq!(paths(BasePath::Ignore), ["/e"]);
    assert_eq!(paths(BasePath::Prepend), ["/a/b/c/e"]);
    assert_eq!(paths(BasePath::Split), ["/b/c/e"]);
}

#[test]
fn a_parameter_that_is_no_string_is_dropped_with_a_warning_that_may_be_made_an_error() {
    let integration = json!({
        "type": "http", "httpMethod": "GET", "uri": "http://a.test",
        "requestParameters": { "integration.request.header.x": true, "integration.request.header.y": "'1'" },
    });
    let document = with_paths(&json!({ "/a": { "get": { "x-amazon-apigateway-integration": integration } } }));
    let bytes = document.to_string();

    let Imported { warnings, .. } = read(bytes.as_bytes(), &options()).unwrap();
    let strict = read(bytes.as_bytes(), &ReadOptions { fail_on_warnings: true, ..options() }).unwrap_err();

    let warning = "Invalid format for 'requestParameters'. Expected type string for property \
                   'integration.request.header.x' of resource '/a' and method 'GET' but got 'true'";
    assert_eq!(warnings, [warning]);
    assert!(strict.message().contains(warning));
}

#[test]
fn every_error_is_named_at_once() {
    let bad = json!({ "x-amazon-apigateway-integration": { "type": "http_proxy", "httpMethod": "GET", "uri": "x" } });
    let worse = json!({ "x-amazon-apigateway-integration": { "type": "carrier-pigeon" } });
    let document = with_paths(&json!({ "/a": { "get": bad }, "/b b": { "get": worse } }));

    let error = read(document.to_string().as_bytes(), &options()).unwrap_err();

    for part in ["'GET' for resource at path '/a'", "Invalid HTTP endpoint", "'/b b'", "CARRIER-PIGEON"] {
        assert!(error.message().contains(part), "{part} in {error}");
    }
}

#[test]
fn root_security_applies_to_operations_without_their_own() {
    let integration = json!({ "type": "mock" });
    let document = json!({
        "openapi": "3.0.1", "info": { "title": "T" },
        "security": [{ "key": [] }],
        "components": { "securitySchemes": { "key": { "type": "apiKey", "name": "X-API-Key", "in": "header" } } },
        "paths": {
            "/a": { "get": { "x-amazon-apigateway-integration": integration } },
            "/b": { "get": { "security": [], "x-amazon-apigateway-integration": integration } },
        },
    });

    let made = tree(&document);

    assert!(method(&made, "/a", "GET").api_key_required && !method(&made, "/b", "GET").api_key_required);
}

#[test]
fn a_merge_keeps_what_the_file_does_not_name_and_an_overwrite_does_not() {
    let operation = json!({ "x-amazon-apigateway-integration": { "type": "mock" } });
    let before = tree(&with_paths(&json!({ "/a": { "get": operation }, "/b": { "get": operation } })));
    let file = with_paths(&json!({ "/b": { "get": operation, "post": operation } }));
    let definition = read(file.to_string().as_bytes(), &options()).unwrap().definition;

    let merged = merge(&definition, &before, Mode::Merge, &Scope::default()).unwrap();
    let overwritten = merge(&definition, &before, Mode::Overwrite, &Scope::default()).unwrap();

    assert_eq!((merged.methods.len(), overwritten.methods.len()), (3, 2));
    assert!(merged.resource_by_path("/a").is_some() && overwritten.resource_by_path("/a").is_none());
    let id = |tree: &ApiTree| tree.resource_by_path("/b").unwrap().id.clone();
    assert!(id(&before) == id(&merged) && id(&before) == id(&overwritten));
}

#[test]
fn paths_that_exclude_each_other_are_refused() {
    let document = with_paths(&json!({ "/a/{x}": {}, "/a/{y}": {} }));
    let definition = read(document.to_string().as_bytes(), &options()).unwrap().definition;

    let error = import(&definition, new("abc")).unwrap_err();

    assert!(error.message().contains("already has a variable path part"), "{error}");
}

#[test]
fn the_examples_survive_every_export_and_import() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut operations = Vec::new();
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for file in files {
        let bytes = std::fs::read(file).unwrap();
        let first = import(&read(&bytes, &options()).unwrap().definition, new("abc")).unwrap();
        for (kind, format) in [(Kind::Oas30, Format::Json), (Kind::Oas30, Format::Yaml), (Kind::Swagger, Format::Json)]
        {
            let text = exported(&first, kind, format);
            let again = import(&read(&text, &options()).unwrap().definition, new("abc")).unwrap();
            assert_eq!(sorted(&again), sorted(&first), "{kind:?} {format:?}");
        }
        operations.push(first.methods.len());
    }
    operations.sort_unstable();
    assert!(operations.len() >= 3 && operations[0] >= 15 && operations[1] > 40, "{operations:?}");
}

/// Methods by path and verb; ids follow from paths.
fn sorted(tree: &ApiTree) -> Vec<Value> {
    let mut methods: Vec<Value> = tree.methods.iter().map(|at| serde_json::to_value(at).unwrap()).collect();
    methods.sort_by_key(|method| method.to_string());
    methods
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in "[a-z0-9:{}\\[\\]\"' \\n/&*!|>%-]{0,60}") {
        drop(read(bytes.as_bytes(), &options()));
        drop(read(format!("swagger: '2.0'\npaths:\n  {bytes}").as_bytes(), &options()));
    }
}
