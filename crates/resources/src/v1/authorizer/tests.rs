use super::*;
use crate::patch;

const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";

fn token() -> Value {
    json!({ "name": "a", "type": "TOKEN", "authorizerUri": URI, "identitySource": "method.request.header.Auth" })
}

fn jwt() -> Value {
    json!({ "name": "j", "type": "JWT", "identitySource": "method.request.header.Authorization", "jwtConfiguration": {
        "issuers": [{ "issuer": "https://id.example", "audiences": ["app"] }], "defaultAlgorithms": ["RS256"] } })
}

fn made(body: &Value) -> Result<Authorizer, AwsError> {
    create(parse(body)?, &[])
}

fn with(mut body: Value, changes: &Value) -> Value {
    for (member, value) in changes.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

fn patched(authorizer: &Authorizer, operations: &Value) -> Result<Authorizer, AwsError> {
    let operations = patch::parse(&json!({ "patchOperations": operations }), "UpdateAuthorizer")?;
    patch(authorizer, std::slice::from_ref(authorizer), &operations)
}

/// `create-authorizer` of the AWS CLI; TTL is returned only when set (rest-admin-api §3.9).
#[test]
fn defaults_are_aws_s() {
    let lambda = made(&token()).unwrap();
    let pool = made(&json!({ "name": "p", "type": "COGNITO_USER_POOLS", "providerARNs": ["arn:x"],
        "identitySource": "method.request.header.Authorization" }));

    assert_eq!(lambda.options["authType"], "custom");
    assert!(!lambda.options.contains_key(TTL));
    assert_eq!(pool.unwrap().options["authType"], "cognito_user_pools");
    assert_eq!(lambda.id, id::derived(&["authorizer", "a"], 0, id::CHILD_ID_LEN));
}

/// rest-admin-api §2.4: one ValidationException for everything.
#[test]
fn constraints_are_collected() {
    let error = parse(&json!({ "type": "BASIC" })).unwrap_err();

    assert_eq!(
        error.message(),
        "2 validation errors detected: Value null at 'createAuthorizerInput.name' failed to satisfy constraint: Member must \
         not be null; Value 'BASIC' at 'createAuthorizerInput.type' failed to satisfy constraint: Member must satisfy enum \
         value set: [TOKEN, REQUEST, COGNITO_USER_POOLS, JWT]"
    );
}

/// rest-admin-api §3.9, rules.
#[test]
fn every_type_has_its_needs() {
    let whitespace = with(token(), &json!({ "authorizerUri": " " }));
    let uncached = json!({ "name": "r", "type": "REQUEST", "authorizerUri": URI, "authorizerResultTtlInSeconds": 0 });
    let many = with(
        uncached.clone(),
        &json!({ "authorizerResultTtlInSeconds": 300,
        "identitySource": "method.request.header.A, method.request.querystring.b,stageVariables.c,context.accountId" }),
    );

    for good in [&whitespace, &uncached, &many, &jwt()] {
        assert!(made(good).is_ok(), "{good}: {:?}", made(good));
    }
    for bad in [
        with(token(), &json!({ "identitySource": null })),
        with(token(), &json!({ "identitySource": "" })),
        with(token(), &json!({ "identitySource": "method.request.querystring.a" })),
        with(token(), &json!({ "identitySource": "method.request.header.a,method.request.header.b" })),
        with(token(), &json!({ "authorizerUri": null })),
        with(token(), &json!({ "authorizerResultTtlInSeconds": 3601 })),
        with(token(), &json!({ "authorizerResultTtlInSeconds": -1 })),
        with(token(), &json!({ "type": "COGNITO_USER_POOLS" })),
        with(token(), &json!({ "name": " " })),
        with(uncached.clone(), &json!({ "authorizerResultTtlInSeconds": 1 })),
        with(uncached, &json!({ "authorizerResultTtlInSeconds": null })),
        with(many, &json!({ "identitySource": "header.a" })),
        with(jwt(), &json!({ "authorizerUri": URI })),
        with(jwt(), &json!({ "authorizerResultTtlInSeconds": 10 })),
        with(jwt(), &json!({ "jwtConfiguration": null })),
    ] {
        assert!(made(&bad).unwrap_err().message().starts_with("Invalid request input"), "{bad}");
    }
}

/// rest-admin-api §3.9, JWT.
#[test]
fn issuers_are_https_and_claims_are_not_reserved() {
    let configured = |configuration: Value| made(&with(jwt(), &json!({ "jwtConfiguration": configuration })));
    let one = json!({ "issuer": "https://id.example" });

    let wrong = configured(json!({ "issuers": [one], "defaultAlgorithms": ["HS256"] })).unwrap_err();

    assert!(wrong.message().contains("'[HS256]' at 'createAuthorizerInput.jwtConfiguration.defaultAlgorithms'"));
    for bad in [
        json!({ "issuers": [], "defaultAlgorithms": ["RS256"] }),
        json!({ "issuers": [one] }),
        json!({ "issuers": [one, one], "defaultAlgorithms": ["RS256"] }),
        json!({ "issuers": [{ "issuer": "http://id.example" }], "defaultAlgorithms": ["RS256"] }),
        json!({ "issuers": [{ "issuer": "https://id.example", "additionalClaims": [{ "claimName": "exp" }] }],
            "defaultAlgorithms": ["RS256"] }),
    ] {
        assert!(configured(bad.clone()).is_err(), "{bad}");
    }
}

/// aws/aws-cdk#20170 and the like.
#[test]
fn names_are_unique_in_an_api() {
    let first = made(&token()).unwrap();

    let second = create(parse(&token()).unwrap(), &[first]).unwrap_err();

    assert_eq!(second.message(), "Authorizer name must be unique. Authorizer a already exists in this RestApi.");
}

/// rest-admin-api §3.9, PATCH.
#[test]
fn a_patch_coerces_and_checks_what_comes_out() {
    let authorizer = made(&token()).unwrap();

    let changed = patched(
        &authorizer,
        &json!([
            { "op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "60" },
            { "op": "replace", "path": "/type", "value": "COGNITO_USER_POOLS" },
            { "op": "add", "path": "/providerARNs", "value": "arn:x" },
            { "op": "replace", "path": "/authorizerUri", "value": "" },
        ]),
    )
    .unwrap();
    let emptied = patched(&changed, &json!([{ "op": "remove", "path": "/providerARNs", "value": "arn:x" }]));
    let unknown = patched(&authorizer, &json!([{ "op": "replace", "path": "/id", "value": "x" }]));

    assert_eq!((&changed.options[TTL], &changed.options[PROVIDERS]), (&json!(60), &json!(["arn:x"])));
    assert!(!changed.options.contains_key("authorizerUri"));
    assert!(emptied.unwrap_err().message().starts_with("Invalid request input: providerARNs is required"));
    assert_eq!(unknown.unwrap_err().message(), "Invalid patch path /id");
    for value in ["x", "3601", "-1"] {
        let operation = json!([{ "op": "replace", "path": "/authorizerResultTtlInSeconds", "value": value }]);
        assert!(patched(&authorizer, &operation).is_err(), "{value}");
    }
}

/// hashicorp/terraform#6731.
#[test]
fn an_authorizer_in_use_may_not_go() {
    let mut tree = crate::v1::rest_api::empty(crate::v1::RestApi::new("abc".into(), "root".into(), "n".into(), 0));
    let child = crate::v1::resource::new(&tree.resources, &tree.resources[0], "test");
    let authorizer = made(&token()).unwrap();
    let mut method = crate::v1::Method::new(stagecoach_base::Verb::Get);
    method.authorizer_id = Some(authorizer.id.clone());
    tree.methods.push(crate::tree::MethodAt { resource_id: child.id.clone(), method });
    tree.resources.push(child);

    let refused = check_unused(&authorizer, &tree).unwrap_err();

    assert_eq!(
        (refused.code().status(), refused.message()),
        (409, "Cannot delete authorizer 'a', is referenced in method: GET//test")
    );
}
