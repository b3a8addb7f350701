use serde_json::json;

use super::*;
use crate::patch;

const API: &str = "abc";

fn model(name: &str, schema: &Value) -> Model {
    Model::standard(name, "", &schema.to_string())
}

fn link(name: &str) -> Value {
    json!({ "$ref": format!("https://apigateway.amazonaws.com/restapis/{API}/models/{name}") })
}

fn refused(schema: &str) -> String {
    create(Model::standard("Pet", "", schema), &[model("Known", &json!({}))], API).unwrap_err().message().to_owned()
}

/// rest-admin-api §2.6, rows of CreateModel.
#[test]
fn names_are_alphanumeric_and_unique() {
    let all = [model("Known", &json!({}))];
    let text = |name: &str| create(model(name, &json!({})), &all, API).unwrap_err().message().to_owned();

    let made = create(model("Pet2", &json!({})), &all, API).unwrap();

    assert_eq!(made.id.len(), 6);
    assert_eq!(text("Known"), "Model name already exists for this REST API");
    assert_eq!(text(""), "Model name must be non-empty");
    assert_eq!(text("a_b"), "Model name must be alphanumeric: a_b");
}

/// test_model_validation: XML too needs a schema; an empty object is one (rest-admin-api §3.7).
#[test]
fn a_schema_is_needed_whatever_the_content_type() {
    let xml = Model { content_type: "application/xml".into(), schema: None, ..model("Pet", &json!({})) };
    let text = "Model schema must have at least 1 property or array items defined";

    let of_xml = create(xml.clone(), &[], API).unwrap_err();

    assert_eq!(of_xml.message(), text);
    assert_eq!(refused(""), text);
    assert!(create(model("Pet", &json!({})), &[], API).is_ok());
    assert!(create(Model { schema: Some("<a/>".into()), ..xml }, &[], API).is_ok());
}

/// amazon-archives/aws-apigateway-importer#75 and #213, aws/aws-cdk#27433 (an empty `required`).
#[test]
fn what_is_no_schema_is_refused() {
    let text = "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]";

    for bad in [
        "{",
        "[]",
        "1",
        r#"{"required":[]}"#,
        r#"{"required":["a","a"]}"#,
        r#"{"type":"text"}"#,
        r#"{"properties":[]}"#,
        r#"{"properties":{"a":1}}"#,
        r#"{"enum":[1,1]}"#,
        r#"{"allOf":[]}"#,
        r#"{"items":3}"#,
    ] {
        assert_eq!(refused(bad), text, "{bad}");
    }
    for good in [
        r#"{"type":["null","string"],"enum":["a",null]}"#,
        r#"{"additionalProperties":false,"items":[{"type":"string"}]}"#,
        r#"{"properties":{"type":{"type":"string"},"required":{"type":"array"}},"x-own":[]}"#,
    ] {
        assert!(create(Model::standard("Pet", "", good), &[], API).is_ok(), "{good}");
    }
}

/// Dropsource/serverless-todo-api-example-complete#3 and terra-money/fcd-classic#36.
#[test]
fn references_point_at_models_of_this_api() {
    let of = |target: &Value| refused(&json!({ "properties": { "a": target } }).to_string());

    let unknown = of(&link("Other"));
    let foreign = of(&json!({ "$ref": "https://apigateway.amazonaws.com/restapis/xyz/models/Known" }));
    let local = of(&json!({ "$ref": "#/definitions/Known" }));

    let wrap = |error: &str| format!("Invalid model specified: Validation Result: warnings : [], errors : [{error}]");
    assert_eq!(unknown, wrap("Invalid model specified: Other"));
    assert_eq!(foreign, wrap("Model reference must be in canonical form"));
    assert_eq!(local, foreign);
    let own = json!({ "definitions": { "A": {} }, "items": { "$ref": "#/definitions/A" }, "not": link("Known") });
    assert!(create(model("Pet", &own), &[model("Known", &json!({}))], API).is_ok());
}

/// test_update_model.
#[test]
fn a_patch_replaces_description_and_schema() {
    let scope = Scope { all: Vec::new(), api_id: API.into() };
    let apply = |op: &str, path: &str, value: &str| {
        let body = json!({ "patchOperations": [{ "op": op, "path": path, "value": value }] });
        patch(&Model::standard("Pet", "d", "{}"), &patch::parse(&body, "UpdateModel").unwrap(), &scope)
    };

    let cleared = apply("replace", "/description", "").unwrap();
    let texts = [("add", "/wrong-path", "x"), ("replace", "/name", "x"), ("replace", "/schema", "")]
        .map(|(op, path, value)| apply(op, path, value).unwrap_err().message().to_owned());

    assert_eq!(cleared.description, None);
    assert_eq!(
        texts,
        [
            "Invalid patch path  '/wrong-path' specified for op 'add'. Please choose supported operations",
            "Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]",
            "Model schema must have at least 1 property or array items defined",
        ]
    );
}

#[test]
fn flatten_puts_models_in_place_of_references_and_ends_at_a_circle() {
    let pet = model("Pet", &json!({ "type": "object", "properties": { "owner": link("Owner"), "tag": link("Tag") } }));
    let all = [
        pet.clone(),
        model(
            "Owner",
            &json!({ "type": "object", "properties": { "pets": { "type": "array", "items": link("Pet") } } }),
        ),
        model("Tag", &json!({ "type": "string" })),
    ];

    let flat: Value = serde_json::from_str(&flatten(&pet, &all, API).unwrap()).unwrap();

    assert_eq!(flat["properties"]["tag"], json!({ "type": "string" }));
    assert_eq!(flat["properties"]["owner"]["properties"]["pets"]["items"], link("Pet"));
}

#[test]
fn flatten_of_models_that_multiply_stays_small() {
    let name = |index: usize| format!("M{index}");
    let twice = |index: usize| json!({ "allOf": [link(&name(index + 1)), link(&name(index + 1))] });
    let all: Vec<Model> = (0..60).map(|index| model(&name(index), &twice(index))).collect();

    let flat = flatten(&all[0], &all, API).unwrap();

    assert!(flat.len() < 20_000_000, "{}", flat.len());
}

/// GetModelTemplate's example in the API reference, and `get-model-template` of the AWS CLI.
#[test]
fn templates_are_aws_s() {
    let calc = json!({ "title": "Calc output", "type": "object", "properties": {
        "a": { "type": "number" }, "b": { "type": "number" }, "op": { "type": "string" }, "c": { "type": "number" } } });
    let of = |schema: &Value| template(&model("M", schema), &[], API);

    assert_eq!(of(&json!({ "type": "object" })), "#set($inputRoot = $input.path('$'))\n{ }");
    assert_eq!(
        of(&calc),
        "#set($inputRoot = $input.path('$'))\n{\n  \"a\" : 3.1415,\n  \"b\" : 3.1415,\n  \"op\" : \"foo\",\n  \"c\" : 3.1415\n}"
    );
}

/// As generated in AWS's console for an array of objects.
#[test]
fn the_template_of_an_array_loops() {
    let list = json!({ "type": "array", "items": { "type": "object", "properties": {
        "age": { "type": "integer" }, "tags": { "type": "object", "properties": { "ok": { "type": "boolean" } } } } } });

    let made = template(&model("M", &list), &[], API);

    assert_eq!(made, include_str!("expected_loop.vtl"));
}

/// test_put_method_model: of `/` and `/test` AWS names `/test`; hashicorp/terraform#6731 for the order of verb and path.
#[test]
fn what_a_method_uses_may_not_go() {
    let mut tree = crate::v1::rest_api::empty(crate::v1::RestApi::new("abc".into(), "root".into(), "n".into(), 0));
    let child = crate::v1::resource::new(&tree.resources, &tree.resources[0], "test");
    for id in ["root", &child.id] {
        let mut method = crate::v1::Method::new(stagecoach_base::Verb::Any);
        method.add_request_model("application/json", Some("Pet"));
        method.request_validator_id = Some("v1".into());
        tree.methods.push(crate::tree::MethodAt { resource_id: id.to_owned(), method });
    }
    tree.resources.push(child);
    let validator = crate::v1::RequestValidator {
        id: "v1".into(),
        name: "check".into(),
        validate_request_body: true,
        validate_request_parameters: true,
    };

    let both = check_unused("Pet", &tree).unwrap_err();
    let held = crate::v1::request_validator::check_unused(&validator, &tree).unwrap_err();
    tree.methods.pop();
    let root = check_unused("Pet", &tree).unwrap_err();

    assert_eq!(both.message(), "Cannot delete model 'Pet', is referenced in method request: /test/ANY");
    assert_eq!(root.message(), "Cannot delete model 'Pet', is referenced in method request: //ANY");
    assert_eq!(held.message(), "Cannot delete request validator 'check', is referenced in method: ANY//test");
    assert!(check_unused("Empty", &tree).is_ok());
}

/// cloneFrom copies the draft; what its models refer to are the copies (rest-admin-api §3.7).
#[test]
fn a_clone_s_models_refer_to_its_own() {
    let api = |id: &str| crate::v1::RestApi::new(id.into(), "root".into(), "n".into(), 0);
    let mut tree = crate::v1::rest_api::empty(api(API));
    tree.models.push(model("Pets", &json!({ "type": "array", "items": link("Empty") })));

    let copy = crate::v1::rest_api::clone(&tree, api("xyz"));

    let schema = copy.models[2].schema.as_deref().unwrap();
    assert!(schema.contains("/restapis/xyz/models/Empty") && !schema.contains(API), "{schema}");
}
