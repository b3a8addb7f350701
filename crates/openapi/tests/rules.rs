//! Rules of imports and exports that files alone do not show (rest-admin-api §5; real answers of AWS where named).
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};
use stagecoach_base::Scope;
use stagecoach_openapi::{
    ExportOptions, Extensions, Format, Kind, Mode, NewApi, ReadOptions, documentation, export, import, merge,
    merge_parts, read,
};
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::{Method, MethodResponse};

fn new() -> NewApi {
    NewApi {
        id: "abc".into(),
        root_id: "root".into(),
        now_s: 1_455_218_022,
        endpoint_types: Vec::new(),
        scope: Scope::default(),
    }
}

fn tree(document: &Value) -> ApiTree {
    import(&read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap().definition, new()).unwrap()
}

fn refusal(document: &Value) -> String {
    read(document.to_string().as_bytes(), &ReadOptions::default()).unwrap_err().message().to_owned()
}

fn warnings(document: &Value, options: &ReadOptions) -> Vec<String> {
    read(document.to_string().as_bytes(), options).unwrap().warnings
}

/// One GET on /a.
fn swagger(operation: &Value, more: &Value) -> Value {
    document("swagger", "2.0", operation, more)
}

fn oas(operation: &Value, more: &Value) -> Value {
    document("openapi", "3.0.1", operation, more)
}

fn document(key: &str, version: &str, operation: &Value, more: &Value) -> Value {
    let mut operation = operation.clone();
    operation["x-amazon-apigateway-integration"] = json!({ "type": "mock" });
    let mut document = json!({ "info": { "title": "T", "version": "1" }, "paths": { "/a": { "get": operation } } });
    document[key] = version.into();
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document
}

fn get(tree: &ApiTree) -> &Method {
    &tree.methods.iter().find(|at| at.method.http_method == "GET").unwrap().method
}

fn responses(method: &Method) -> Vec<&MethodResponse> {
    method.method_responses.values().collect()
}

fn exported(tree: &ApiTree, kind: Kind, extensions: &str) -> Result<Value, String> {
    let options = ExportOptions {
        kind,
        format: Format::Json,
        extensions: Extensions::parse(Some(extensions)).unwrap(),
        stage: "dev".into(),
        scope: Scope::default(),
    };
    let exported = export(tree, &options).map_err(|error| error.message().to_owned())?;
    Ok(serde_json::from_slice(&exported.bytes).unwrap())
}

/// The form of the names: aws/aws-sdk#468.
#[test]
fn inline_schemas_become_models_with_names_that_follow_from_them() {
    let object = json!({ "type": "object", "properties": { "id": { "type": "string" } } });
    let content = json!({ "application/json": { "schema": object } });
    let operation = json!({
        "requestBody": { "content": content },
        "responses": {
            "200": { "description": "ok", "content": content },
            "400": { "description": "text", "content": { "text/plain": { "schema": { "type": "string" } } } },
        },
    });

    let first = tree(&oas(&operation, &json!({})));
    let second = tree(&oas(&operation, &json!({})));

    let [model] = first.models.as_slice() else { panic!("{:?}", first.models) };
    assert!(model.name.starts_with("MODEL") && model.name.len() == 11, "{}", model.name);
    assert_eq!(first.models, second.models);
    assert_eq!(get(&first).request_models.as_ref().unwrap()["application/json"], model.name);
    let models: Vec<_> = responses(get(&first)).iter().map(|response| response.response_models.is_some()).collect();
    assert_eq!(models, [true, false], "a response of a primitive has no model");
}

/// edx/api-manager#259.
#[test]
fn a_model_whose_name_is_not_alphanumeric_refuses_the_file() {
    let document = swagger(&json!({}), &json!({ "definitions": { "body_1": {}, "two words": {}, "Fine1": {} } }));

    let message = refusal(&document);

    assert_eq!(
        message,
        "Errors found during import:\n\tUnable to create model for 'body_1': Model name must be alphanumeric: body_1\n\t\
         Unable to create model for 'two words': Model name must be alphanumeric: two words"
    );
}

/// amazon-archives/aws-apigateway-importer#194, department-of-veterans-affairs/va.gov-cms#7102.
#[test]
fn a_reference_to_no_model_is_dropped_with_a_warning() {
    let swagger = swagger(
        &json!({ "responses": { "200": { "description": "ok", "schema": { "$ref": "#/definitions/Gone" } } } }),
        &json!({}),
    );
    let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/Gone" } } });
    let oas = oas(&json!({ "requestBody": { "content": content } }), &json!({}));
    let known = ReadOptions { known_models: vec!["Gone".into()], ..ReadOptions::default() };

    let of_swagger = warnings(&swagger, &ReadOptions::default());
    let of_oas = warnings(&oas, &ReadOptions::default());

    assert_eq!(of_swagger, ["Reference to model 'Gone' not found. Ignoring."]);
    assert_eq!(of_oas, ["Unknown or invalid reference specified by '#/components/schemas/Gone'. Ignoring."]);
    assert_eq!(get(&tree(&oas)).request_models, None);
    assert!(warnings(&swagger, &known).is_empty(), "a merge may refer to models of the API");
}

/// DG:api-gateway-known-issues and aws-apigateway-importer#117; aws/aws-sdk#468.
#[test]
fn references_to_responses_keep_only_the_status_in_swagger_and_everything_in_openapi_3() {
    let response = json!({ "description": "bad", "headers": { "X-A": {} } });
    let in_swagger = swagger(
        &json!({ "responses": { "400": { "$ref": "#/responses/Bad" } } }),
        &json!({ "responses": { "Bad": response } }),
    );
    let in_oas = oas(
        &json!({ "responses": { "400": { "$ref": "#/components/responses/Bad" } } }),
        &json!({ "components": { "responses": { "Bad": response } } }),
    );

    let (in_swagger, in_oas) = (tree(&in_swagger), tree(&in_oas));

    assert_eq!(responses(get(&in_swagger))[0].response_parameters, None);
    assert!(
        responses(get(&in_oas))[0].response_parameters.as_ref().unwrap().contains_key("method.response.header.X-A")
    );
}

/// amazon-archives/aws-apigateway-importer: JSON when it is listed, else the first.
#[test]
fn swagger_chooses_one_media_type_for_a_body() {
    let operation = |consumes: Value| {
        let body = json!({ "in": "body", "name": "b", "schema": { "$ref": "#/definitions/M" } });
        json!({ "consumes": consumes, "parameters": [body] })
    };
    let models = json!({ "definitions": { "M": { "type": "object" } }, "consumes": ["text/csv"] });
    let chosen = |consumes: Value| {
        let tree = tree(&swagger(&operation(consumes), &models));
        get(&tree).request_models.clone().unwrap().into_keys().next().unwrap()
    };

    assert_eq!(chosen(json!(["application/xml", "application/json"])), "application/json");
    assert_eq!(chosen(json!(["application/xml", "text/plain"])), "application/xml");
    assert_eq!(chosen(json!([])), "text/csv");
}

/// rest-admin-api §2.6, row of PutMethod.
#[test]
fn parameters_that_a_method_may_not_have_refuse_the_file() {
    let of = |names: [(&str, &str); 2]| {
        let parameters: Vec<Value> = names.iter().map(|(place, name)| json!({ "in": place, "name": name })).collect();
        refusal(&oas(&json!({ "parameters": parameters }), &json!({})))
    };

    let twice = of([("query", "x"), ("header", "x")]);
    let odd = of([("query", "filter[name]"), ("query", "y")]);

    assert!(twice.ends_with(
        "Unable to put method 'GET' on resource at path '/a': Parameter names must be unique across querystring, \
         header and path"
    ));
    assert!(odd.contains("method.request.querystring.filter[name]"), "{odd}");
}

#[test]
fn several_schemes_in_one_requirement_all_apply() {
    let authorizer = json!({
        "type": "apiKey", "name": "Auth", "in": "header",
        "x-amazon-apigateway-authorizer": { "type": "cognito_user_pools", "providerARNs": ["arn:aws:x"] },
    });
    let schemes = json!({ "pool": authorizer, "key": { "type": "apiKey", "name": "x-api-key", "in": "header" } });
    let document = swagger(
        &json!({ "security": [{ "pool": ["a", "b"], "key": [] }] }),
        &json!({ "securityDefinitions": schemes }),
    );

    let made = tree(&document);

    let method = get(&made);
    assert!(method.api_key_required);
    assert_eq!(
        (method.authorization_type.as_str(), method.authorization_scopes.as_slice()),
        ("COGNITO_USER_POOLS", ["a".to_owned(), "b".to_owned()].as_slice())
    );
    assert_eq!(method.authorizer_id.as_ref(), Some(&made.authorizers[0].id));
}

#[test]
fn a_merge_gives_parts_of_the_same_name_the_ids_they_had() {
    let scheme =
        json!({ "type": "apiKey", "name": "A", "in": "header", "x-amazon-apigateway-authorizer": { "type": "token" } });
    let file = oas(
        &json!({ "security": [{ "who": [] }] }),
        &json!({ "components": { "securitySchemes": { "who": scheme }, "schemas": { "M": { "type": "object" } } } }),
    );
    let mut before = tree(&file);
    before.authorizers[0].id = "older1".into();
    before.models[0].id = "older2".into();
    let definition = read(file.to_string().as_bytes(), &ReadOptions::default()).unwrap().definition;

    let after = merge(&definition, &before, Mode::Merge, &Scope::default()).unwrap();

    assert_eq!((after.authorizers[0].id.as_str(), after.models[0].id.as_str()), ("older1", "older2"));
    assert_eq!(get(&after).authorizer_id.as_deref(), Some("older1"));
    assert_eq!(after.methods.len(), 1);
}

/// The message is AWS's [V a:test_import_documentation_parts_bad_file].
#[test]
fn documentation_alone_is_read_from_what_a_file_lists() {
    let scope = Scope::default();
    let part = json!({ "location": { "type": "METHOD", "method": "GET" }, "properties": { "description": "d" } });
    let extension = json!({ "x-amazon-apigateway-documentation": { "documentationParts": [part] } });
    let file = swagger(&json!({ "description": "not listed" }), &extension).to_string();
    let twice =
        swagger(&json!({}), &json!({ "x-amazon-apigateway-documentation": { "documentationParts": [part, part] } }));

    let parts = documentation::read(file.as_bytes(), &scope).unwrap().parts;
    let duplicate = documentation::read(twice.to_string().as_bytes(), &scope).unwrap_err();

    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0].location.path.as_deref(), Some("/"), "the path is filled in [V a]");
    assert_eq!(parts[0].properties, r#"{"description":"d"}"#);
    assert!(duplicate.message().contains("already exists for the specified location: type 'METHOD', path '/'"));
    for bytes in [&b"{'key:value}"[..], b"test:\n    value:\n        - \"v ... \"e\": $var\"\n", b"a: b"] {
        let error = documentation::read(bytes, &scope).unwrap_err();
        assert_eq!(error.message(), "Unable to build importer with provided input.");
    }
}

/// DG:api-gateway-documenting-api-quick-start-import-export.
#[test]
fn documentation_is_merged_by_location_and_member_or_overwritten() {
    let parts = |list: Value| {
        let extension = json!({ "x-amazon-apigateway-documentation": { "documentationParts": list } });
        documentation::read(swagger(&json!({}), &extension).to_string().as_bytes(), &Scope::default()).unwrap().parts
    };
    let api = json!({ "location": { "type": "API" }, "properties": { "a": 1, "b": 1 } });
    let model = json!({ "location": { "type": "MODEL", "name": "M" }, "properties": {} });
    let before = merge_parts(&[], &parts(json!([api, model])), Mode::Merge);
    let given = parts(json!([{ "location": { "type": "API" }, "properties": { "b": 2 } }]));

    let merged = merge_parts(&before, &given, Mode::Merge);
    let overwritten = merge_parts(&before, &given, Mode::Overwrite);

    assert_eq!((merged.len(), merged[0].properties.as_str()), (2, r#"{"a":1,"b":2}"#));
    assert_eq!((overwritten.len(), overwritten[0].properties.as_str()), (1, r#"{"b":2}"#));
    assert!(before[0].id == merged[0].id && before[0].id == overwritten[0].id);
}

/// aws/aws-sdk-js#1253.
#[test]
fn descriptions_become_documentation_unless_they_are_to_be_ignored() {
    let file = swagger(
        &json!({ "description": "Reads", "responses": { "200": { "description": "200 response" } } }),
        &json!({}),
    );
    let ignoring = ReadOptions { ignore_documentation: true, ..ReadOptions::default() };

    let read_with =
        |options: &ReadOptions| read(file.to_string().as_bytes(), options).unwrap().definition.documentation;

    let parts = read_with(&ReadOptions::default()).unwrap().parts;
    assert_eq!(parts.len(), 1, "what exports write by themselves is no documentation");
    assert_eq!(
        (parts[0].location.kind.as_str(), parts[0].properties.as_str()),
        ("METHOD", r#"{"description":"Reads"}"#)
    );
    assert_eq!(read_with(&ignoring), None);
}

/// DG:api-gateway-export-api.
#[test]
fn an_api_with_bodies_other_than_json_has_no_export() {
    let content = json!({ "application/xml": { "schema": { "type": "object" } } });
    let made = tree(&oas(&json!({ "requestBody": { "content": content } }), &json!({})));

    for kind in [Kind::Oas30, Kind::Swagger] {
        let message = exported(&made, kind, "").unwrap_err();
        assert!(message.starts_with("Only found non-JSON body models for"), "{message}");
    }
}

#[test]
fn extensions_are_what_was_asked_for() {
    let document = swagger(
        &json!({ "security": [{ "who": [] }], "responses": { "200": { "description": "ok", "schema": { "$ref": "#/definitions/Used" } } } }),
        &json!({
            "securityDefinitions": { "who": { "type": "apiKey", "name": "A", "in": "header", "x-amazon-apigateway-authorizer": { "type": "token" } } },
            "definitions": {
                "Used": { "$schema": "http://json-schema.org/draft-04/schema#", "type": "array", "items": { "$ref": "#/definitions/Inner" } },
                "Inner": { "type": "object" }, "Unused": { "type": "object" },
            },
            "x-amazon-apigateway-binary-media-types": ["*/*"],
            "x-amazon-apigateway-minimum-compression-size": 0,
        }),
    );
    let made = tree(&document);

    let plain = exported(&made, Kind::Swagger, "").unwrap();
    let integrations = exported(&made, Kind::Swagger, "integrations,postman").unwrap();
    let everything = exported(&made, Kind::Swagger, "apigateway").unwrap();

    let has = |document: &Value, pointer: &str| document.pointer(pointer).is_some();
    let (integration, authorizer) = ("/paths/~1a/get/x-amazon-apigateway-integration", "/securityDefinitions/who");
    assert!(!has(&plain, integration) && !has(&plain, authorizer) && !has(&plain, "/paths/~1a/get/security"));
    assert!(has(&integrations, integration) && has(&integrations, "/x-amazon-apigateway-binary-media-types"));
    assert!(!has(&integrations, authorizer) && !has(&integrations, "/x-amazon-apigateway-minimum-compression-size"));
    assert!(has(&everything, authorizer) && has(&everything, "/x-amazon-apigateway-minimum-compression-size"));
    let names: Vec<&String> = plain["definitions"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Used", "Inner"], "only what something refers to");
    assert!(plain["definitions"]["Used"].get("$schema").is_none() && has(&everything, "/definitions/Unused"));
    assert!(Extensions::parse(Some("pigeons")).is_err());
}

/// rest-admin-api §5.5: the version of an API without one is a timestamp.
#[test]
fn an_api_without_a_version_is_exported_with_the_time_it_was_made() {
    let mut made = tree(&oas(&json!({}), &json!({})));
    made.api.version = None;

    let document = exported(&made, Kind::Oas30, "").unwrap();

    assert_eq!(document["info"]["version"], "2016-02-11T19:13:42Z");
    assert_eq!(document["components"], json!({}));
}

#[test]
fn a_mock_for_preflights_is_exported_as_it_is_written() {
    let mut operation = json!({ "responses": {} });
    operation["x-amazon-apigateway-integration"] = json!({
        "type": "mock", "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
        "passthroughBehavior": "when_no_match",
    });
    let document = json!({ "swagger": "2.0", "info": { "title": "T", "version": "1" }, "paths": { "/a": { "options": operation } } });

    let shown = exported(&tree(&document), Kind::Swagger, "integrations").unwrap();

    let shown = &shown["paths"]["/a"]["options"];
    assert_eq!(shown["consumes"], json!(["application/json"]), "of the template, there being no model");
    assert_eq!(shown["x-amazon-apigateway-integration"], operation["x-amazon-apigateway-integration"]);
}

#[test]
fn thousands_of_paths_and_deep_ones_are_no_trouble() {
    let mut document = oas(&json!({}), &json!({}));
    let operation = document["paths"]["/a"]["get"].clone();
    let paths = document["paths"].as_object_mut().unwrap();
    paths.extend((0..3000).map(|n| (format!("/group{}/thing{n}/{{id}}", n % 60), json!({ "get": operation }))));
    let mut deep = document.clone();
    deep["paths"]["/a".repeat(101)] = json!({});

    let made = tree(&document);

    assert_eq!((made.methods.len(), made.resources.len()), (3001, 1 + 1 + 60 + 3000 * 2));
    assert!(refusal(&deep).contains("more than 100 segments"));
}
