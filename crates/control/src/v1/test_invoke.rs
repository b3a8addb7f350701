//! TestInvokeMethod and TestInvokeAuthorizer (rest-admin-api §7): the draft as it is now, without a deployment.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stagecoach_base::{AwsError, Verb};
use stagecoach_lower as lower;
use stagecoach_plan::ir::Guard;
use stagecoach_plan::test_invoke::{
    AuthorizerTest, AuthorizerTestResult, MethodTest, MethodTestResult, STAGE, TestError, TestRequest,
};
use stagecoach_plan::{Plan, StageSettings};
use stagecoach_resources::input::{self, Members};
use stagecoach_resources::v1::{Authorizer, Method, Resource, RestApi};
use stagecoach_resources::{ApiTree, errors};
use stagecoach_wire::Reply;

use crate::call::{Answer, Cx};
use crate::{documents, failure};

/// Runs the draft method with the request of the body.
pub(crate) async fn method(cx: Cx) -> Answer {
    let body = cx.body()?;
    let members = Members::of(&body)?;
    let (request, variables) = (request(&members)?, stage_variables(&members)?);
    let client_certificate = members.text("clientCertificateId")?.filter(|id| !id.is_empty());
    let verb: Verb = cx.label("http_method").parse().map_err(|_| errors::unknown_method())?;
    let tree = draft(&cx, verb).await?;
    let settings = settings(&cx, &tree.api, variables);
    let test = MethodTest { plan: plan(&tree), settings, verb, request, client_certificate };
    cx.note().await?;
    let result = cx.control.bench.method(test).await.map_err(refused)?;
    Ok(Reply::json(200, &method_result(&result)))
}

/// Shows the request of the body to the draft authorizer.
pub(crate) async fn authorizer(cx: Cx) -> Answer {
    let body = cx.body()?;
    let members = Members::of(&body)?;
    let (request, variables) = (request(&members)?, stage_variables(&members)?);
    let context = members.map("additionalContext", input::text)?.unwrap_or_default();
    let store = &cx.control.store;
    let api = documents::api(store, cx.account(), cx.api_id()).await?;
    let found = documents::get::<Authorizer>(store, cx.api_id(), cx.label("authorizer_id")).await?;
    let found = found.ok_or_else(|| AwsError::not_found("Invalid Authorizer identifier specified"))?;
    let settings = settings(&cx, &api, variables);
    let authorizer = lower::authorizer(&found);
    let test = AuthorizerTest { id: found.id, authorizer, settings, request, context };
    cx.note().await?;
    let result = cx.control.bench.authorizer(test).await.map_err(refused)?;
    Ok(Reply::json(200, &authorizer_result(&result)))
}

/// The API with the tested method as its only one: what the rest of the draft lacks is no concern of a test.
async fn draft(cx: &Cx, verb: Verb) -> Result<ApiTree, AwsError> {
    let store = &cx.control.store;
    let resource = documents::get::<Resource>(store, cx.api_id(), cx.label("resource_id")).await?;
    let resource = resource.ok_or_else(errors::unknown_resource)?;
    let mut tree = documents::whole(store, cx.account(), cx.api_id()).await?.tree;
    let own = |method: &Method, verb: Verb| method.http_method == verb.as_str();
    tree.methods.retain(|at| at.resource_id == resource.id);
    // A verb without a method of its own is served by ANY, as in traffic.
    let chosen = [verb, Verb::Any].into_iter().find(|verb| tree.methods.iter().any(|at| own(&at.method, *verb)));
    let chosen = chosen.ok_or_else(errors::unknown_method)?;
    tree.methods.retain(|at| own(&at.method, chosen));
    // Nothing could run: AWS's text for a deployment says what to do, a 500 inside a 200 would not.
    if tree.methods.iter().any(|at| at.method.method_integration.is_none()) {
        return Err(AwsError::bad_request("No integration defined for method"));
    }
    Ok(tree)
}

/// The draft's snapshot without what a test skips: authorizers, API keys, throttles, policies and customised gateway
/// responses (rest-data-plane §10.2). Request validation runs.
fn plan(tree: &ApiTree) -> Plan {
    let mut plan = lower::lower(tree);
    plan.gateway_responses.clear();
    plan.authorizers.clear();
    plan.api.policy = None;
    plan.api.disable_execute_api_endpoint = false;
    for method in &mut plan.methods {
        method.guards.retain(|guard| matches!(guard, Guard::Validate { .. }));
    }
    plan
}

/// The draft as a stage of its own.
fn settings(cx: &Cx, api: &RestApi, variables: BTreeMap<String, String>) -> StageSettings {
    let scope = &cx.control.scope;
    StageSettings {
        api_id: api.id.clone(),
        api_name: api.name.clone(),
        root_resource_id: api.root_resource_id.clone(),
        stage: STAGE.to_owned(),
        account: scope.account.clone(),
        region: scope.region.clone(),
        variables,
        ..StageSettings::default()
    }
}

fn stage_variables(members: &Members<'_>) -> Result<BTreeMap<String, String>, AwsError> {
    Ok(members.map("stageVariables", input::text)?.unwrap_or_default())
}

/// The made-up request. A name that is in both maps has the values of `multiValueHeaders` first.
fn request(members: &Members<'_>) -> Result<TestRequest, AwsError> {
    let list = |value: &Value| match value {
        Value::Array(values) => values.iter().map(input::text).collect::<Result<Vec<_>, _>>(),
        other => input::text(other).map(|text| vec![text]),
    };
    let many = members.map("multiValueHeaders", list)?.unwrap_or_default();
    let single = members.map("headers", input::text)?.unwrap_or_default();
    let many = many.into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    Ok(TestRequest {
        path_with_query: members.text("pathWithQueryString")?.unwrap_or_default(),
        headers: many.chain(single).collect(),
        body: members.text("body")?.unwrap_or_default(),
    })
}

fn refused(error: TestError) -> AwsError {
    match error {
        TestError::BadRequest(message) => AwsError::bad_request(message),
        TestError::Gone => failure::unexpected(error),
    }
}

fn method_result(result: &MethodTestResult) -> Value {
    let (mut single, mut many) = (Map::new(), BTreeMap::<&str, Vec<&str>>::new());
    for (name, value) in &result.headers {
        single.insert(name.clone(), value.as_str().into());
        many.entry(name).or_default().push(value);
    }
    json!({
        "status": result.status,
        "body": result.body,
        "headers": single,
        "multiValueHeaders": many,
        "log": result.log,
        "latency": result.latency_ms,
    })
}

fn authorizer_result(result: &AuthorizerTestResult) -> Value {
    let mut shown = json!({
        "clientStatus": result.client_status,
        "log": result.log,
        "latency": result.latency_ms,
    });
    if let Some(principal) = &result.principal_id {
        shown["principalId"] = principal.as_str().into();
    }
    if let Some(policy) = &result.policy {
        shown["policy"] = policy.as_str().into();
    }
    if !result.authorization.is_empty() {
        shown["authorization"] = json!(result.authorization);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_from_both_maps_the_lists_first() {
        let body = json!({ "headers": { "a": "3", "b": "4" }, "multiValueHeaders": { "a": ["1", "2"] } });

        let request = request(&Members::of(&body).unwrap()).unwrap();

        let pairs: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("a", "2"), ("a", "3"), ("b", "4")]);
        assert_eq!((request.path_with_query.as_str(), request.body.as_str()), ("", ""));
    }

    #[test]
    fn results_have_aws_shapes() {
        let headers = vec![("A".to_owned(), "1".to_owned()), ("A".to_owned(), "2".to_owned())];
        let result = MethodTestResult { status: 200, headers, latency_ms: 7, ..MethodTestResult::default() };

        let (method, authorizer) = (method_result(&result), authorizer_result(&AuthorizerTestResult::default()));

        assert_eq!(method["headers"], json!({ "A": "2" }));
        assert_eq!(method["multiValueHeaders"], json!({ "A": ["1", "2"] }));
        assert_eq!((&method["status"], &method["latency"]), (&json!(200), &json!(7)));
        assert_eq!(authorizer, json!({ "clientStatus": 0, "log": "", "latency": 0 }));
    }
}
