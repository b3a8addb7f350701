use super::*;
use crate::tree::MethodAt;
use crate::v1::{Method, Resource, RestApi, rest_api};

fn method(verb: &str, parameters: &[&str]) -> Method {
    let parameters: serde_json::Map<_, _> = parameters.iter().map(|name| ((*name).to_owned(), false.into())).collect();
    serde_json::from_value(json!({
        "httpMethod": verb, "authorizationType": "NONE", "apiKeyRequired": false, "requestParameters": parameters,
    }))
    .unwrap()
}

fn tree(methods: &[(&str, &str, &[&str])]) -> ApiTree {
    let mut tree = rest_api::empty(RestApi::new("a1b2c3d4e5".into(), "/".into(), "pets".into(), 0));
    for (path, verb, parameters) in methods {
        tree.resources.push(Resource { id: (*path).into(), parent_id: None, path_part: None, path: (*path).into() });
        tree.methods.push(MethodAt { resource_id: (*path).into(), method: method(verb, parameters) });
    }
    tree
}

#[test]
fn functions_are_named_as_aws_names_them() {
    assert_eq!(name("/pets/{petId}", "GET"), "petsPetIdGet");
    assert_eq!(name("/", "GET"), "rootGet");
    assert_eq!(name("/my-path/foo_bar/{proxy+}", "ANY"), "myPathFooBarProxyAny");
    assert_eq!(name("/1st", "OPTIONS"), "_1stOptions");
}

#[test]
fn the_client_has_a_row_per_method_with_its_parameters() {
    let tree = tree(&[(
        "/pets/{id}",
        "GET",
        &["method.request.path.id", "method.request.querystring.q", "method.request.header.X-A"],
    )]);

    let [client, readme] = &javascript(&tree, "dev", &Scope::default())[..] else { panic!() };

    assert!(client.text.contains(r#"    "petsIdGet": ["GET","/pets/{id}",["q"],["X-A"]],"#), "{}", client.text);
    assert!(client.text.contains(r#"INVOKE_URL = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/dev""#));
    assert!(!client.text.contains('@'), "{}", client.text);
    assert!(readme.text.contains("client.petsIdGet(params, body, additionalParams)"));
}

#[test]
fn names_that_fall_together_are_numbered() {
    let tree = tree(&[("/a-b", "GET", &[]), ("/a/b", "GET", &[])]);

    let names: Vec<String> = operations(&tree).into_iter().map(|operation| operation.name).collect();

    assert_eq!(names, ["aBGet", "aBGet2"]);
}

#[test]
fn paths_cannot_break_out_of_their_strings() {
    let tree = tree(&[("/\"];process.exit(1);[\"", "GET", &[])]);

    let client = &javascript(&tree, "dev", &Scope::default())[0].text;

    assert!(client.contains(r#""/\"];process.exit(1);[\"""#));
}
