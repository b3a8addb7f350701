"""TestInvokeMethod and TestInvokeAuthorizer: the draft, run through the pipeline that serves traffic (rest-admin-api §7)."""
import json
import re

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway, Upstream
from test_integrations import Functions, child, invocation, put

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]}


def decide(event):
    """An authorizer's function that goes by the token."""
    token = event.get("authorizationToken") or event["headers"]["X-Who"]
    if token.endswith("nobody"):
        return 200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "Unauthorized"}
    if token.endswith("broken"):
        return 200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "oh no"}
    if token.endswith("odd"):
        return 200, {}, {"principalId": "p"}
    return 200, {}, {"principalId": "principal-12", "policyDocument": POLICY, "context": {"n": 1, "flag": True}}


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {
        "echo": lambda event: (200, {}, {"statusCode": 201, "headers": {"X-From": "function"}, "body": json.dumps(event)}),
        "decide": decide,
        "broken": lambda event: (200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "no"}),
        "throttled": lambda event: (429, {}, {"Type": "User"}),
        "odd": lambda event: (200, {}, {"unknown": 1}),
    }
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("test-invoke"), "--lambda-endpoint", f"http://{functions.address}").start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def client(gateway):
    return gateway.client()


def lines(answer):
    """The log without its dates; every line but the first must have one."""
    first, *rest, last = answer["log"].split("\n")
    assert last == "" and re.fullmatch(r"Execution log for request [0-9a-f-]{36}", first), answer["log"]
    date = r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d UTC \d{4} : "
    assert all(re.match(date, line) for line in rest), answer["log"]
    return [re.sub(date, "", line, count=1) for line in rest]


def mock(client, api, resource, verb, body):
    at = put(client, api["id"], resource, verb, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": body})
    return at


@pytest.fixture(scope="module")
def pets(client):
    """An API with a MOCK method on `/pets/{petId}`, and a method that was never finished."""
    api = client.create_rest_api(name="tested")
    pet = child(client, api, child(client, api, api["rootResourceId"], "pets"), "{petId}")
    client.put_method(restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET", authorizationType="NONE")
    return mock(client, api, pet, "POST", '{"pet": true}')


def test_a_mock_prints_what_aws_printed(client, pets):
    """[V api/TestApigatewayTestInvoke::test_invoke_test_method]"""
    answer = client.test_invoke_method(**pets, body='{"foo": "bar"}', pathWithQueryString="/pets/123?foo=bar")

    request = answer["log"].split("\n")[0].split()[-1]
    assert lines(answer) == [
        f"Starting execution for request: {request}",
        "HTTP Method: POST, Resource Path: /pets/123",
        "Method request path: {petId=123}",
        "Method request query string: {foo=bar}",
        "Method request headers: {}",
        'Method request body before transformations: {"foo": "bar"}',
        'Method response body after transformations: {"pet": true}',
        "Method response headers: {Content-Type=application/json}",
        "Successfully completed execution",
        "Method completed with status: 200",
    ]
    assert (answer["status"], answer["body"]) == (200, '{"pet": true}') and isinstance(answer["latency"], int)
    assert answer["headers"] == {"Content-Type": "application/json"}
    assert answer["multiValueHeaders"] == {"Content-Type": ["application/json"]}


def test_a_path_that_does_not_fit_still_runs_and_none_at_all_is_the_template(client, pets):
    """[V api/TestApigatewayTestInvoke::test_invoke_test_method]"""
    odd = lines(client.test_invoke_method(**pets, pathWithQueryString="/random/test"))
    none = lines(client.test_invoke_method(**pets))

    assert odd[1:3] == ["HTTP Method: POST, Resource Path: /random/test", "Method request path: {}"]
    assert none[1:3] == ["HTTP Method: POST, Resource Path: /pets/{petId}", "Method request path: {petId={petId}}"]


def test_what_is_not_there_or_not_finished_is_refused(client, pets):
    def refusal(**changed):
        with pytest.raises(ClientError) as refused:
            client.test_invoke_method(**{**pets, **changed})
        return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]

    root = client.get_rest_api(restApiId=pets["restApiId"])["rootResourceId"]

    assert refusal(httpMethod="HEAD") == ("NotFoundException", "Invalid Method identifier specified")
    assert refusal(resourceId="nothere") == ("NotFoundException", "Invalid Resource identifier specified")
    assert refusal(restApiId="nothere") == ("NotFoundException", "Invalid Resource identifier specified")
    assert refusal(resourceId=root, httpMethod="GET") == ("BadRequestException", "No integration defined for method")
    assert refusal(headers={"a b": "c"}) == ("BadRequestException", "Invalid header: a b")
    assert refusal(pathWithQueryString="/" + "x" * 20000)[0] == "BadRequestException"


def test_authorizers_keys_and_customised_answers_are_skipped_and_an_edit_is_seen_at_once(client):
    api = client.create_rest_api(name="skips")
    at = mock(client, api, api["rootResourceId"], "ANY", "one")
    client.update_method(**at, patchOperations=[
        {"op": "replace", "path": "/apiKeyRequired", "value": "true"}, {"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"}])

    before = client.test_invoke_method(**{**at, "httpMethod": "GET"})
    client.update_integration_response(**at, statusCode="200", patchOperations=[
        {"op": "replace", "path": "/responseTemplates/application~1json", "value": "two"}])
    after = client.test_invoke_method(**{**at, "httpMethod": "GET"}, headers={"X-Mine": "1", "Authorization": "Bearer abcdef"})

    assert (before["status"], before["body"], after["body"]) == (200, "one", "two")
    assert lines(after)[1] == "HTTP Method: GET, Resource Path: /"
    assert "X-Mine=1" in lines(after)[4] and "Authorization=*******abcdef" in lines(after)[4]


def test_http_back_ends_are_really_called_and_both_sides_are_logged(client, upstream):
    api = client.create_rest_api(name="http")
    mapped = put(client, api["id"], child(client, api, api["rootResourceId"], "mapped"), "POST", type="HTTP", integrationHttpMethod="POST",
                 uri=f"http://{upstream.address}/${{stageVariables.where}}", requestParameters={"integration.request.header.x-a": "method.request.header.x-b"})
    client.put_integration_response(**mapped, statusCode="200", responseParameters={})
    proxy = put(client, api["id"], child(client, api, api["rootResourceId"], "proxy"), "GET", type="HTTP_PROXY", integrationHttpMethod="GET",
                uri=f"http://{upstream.address}/p")

    answer = client.test_invoke_method(**mapped, body="{}", headers={"x-b": "B"}, stageVariables={"where": "here"})
    passed = client.test_invoke_method(**proxy, pathWithQueryString="/proxy?x=1", multiValueHeaders={"X-Many": ["1", "2"]})

    log = lines(answer)
    assert json.loads(answer["body"])["path"] == "/here" and answer["headers"]["X-Amzn-Trace-Id"].startswith("Root=1-")
    assert log[6] == f"Endpoint request URI: http://{upstream.address}/here"
    assert log[7].startswith("Endpoint request headers: {") and "X-A=B" in log[7]
    assert log[8:10] == ["Endpoint request body after transformations: {}", f"Sending request to http://{upstream.address}/here"]
    assert re.fullmatch(r"Received response. Status: 200, Integration latency: \d+ ms", log[10])
    assert log[11].startswith("Endpoint response headers: {") and "Content-Type=application/json" in log[11]
    assert log[12].startswith('Endpoint response body before transformations: {"method": "POST"')
    assert [line.split(":")[0] for line in log[13:]] == ["Method response body after transformations", "Method response headers",
                                                         "Successfully completed execution", "Method completed with status"]
    assert json.loads(passed["body"])["path"] == "/p?x=1" and passed["status"] == 200
    assert [line for line in lines(passed) if line.startswith("Endpoint response body before transformations: {")]


@pytest.mark.parametrize("uri", ["http://no.such.name.invalid/", "http://user@a.test/", "http://${stageVariables.none}/"])
def test_an_endpoint_that_cannot_be_one_fails_as_aws_does(client, uri):
    """[V api/test_failed_invoke_test_method]"""
    api = client.create_rest_api(name="failing")
    at = put(client, api["id"], api["rootResourceId"], "GET", type="HTTP_PROXY", integrationHttpMethod="GET", uri=uri)

    answer = client.test_invoke_method(**at)

    assert (answer["status"], answer["body"]) == (500, '{"message": "Internal server error"}')
    assert answer["headers"] == {"x-amzn-ErrorType": "InternalServerErrorException"}
    assert lines(answer)[5:] == ["Method request body before transformations: ",
                                 "Execution failed due to configuration error: Invalid endpoint address", "Method completed with status: 500"]


def test_a_proxy_function_is_sent_the_event_of_a_test(client, functions):
    api = client.create_rest_api(name="functions")
    at = put(client, api["id"], api["rootResourceId"], "GET", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("echo"))

    answer = client.test_invoke_method(**at, pathWithQueryString="/?a=1&a=2", stageVariables={"v": "x"})

    event = json.loads(answer["body"])
    context = event["requestContext"]
    assert answer["status"] == 201 and answer["headers"]["X-From"] == "function" and "X-Amzn-Trace-Id" in answer["headers"]
    assert (event["headers"], event["body"], event["stageVariables"]) == (None, None, {"v": "x"})
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert (context["stage"], context["path"], context["domainPrefix"]) == ("test-invoke-stage", "/", "testPrefix")
    assert (context["identity"]["sourceIp"], context["identity"]["apiKey"]) == ("test-invoke-source-ip", "test-invoke-api-key")
    call = functions.calls[-1]["headers"]
    assert call["x-amz-source-arn"] == f"arn:aws:execute-api:us-east-1:000000000000:{api['id']}/test-invoke-stage/GET/"
    assert "Authorization=***" in "".join(lines(answer)) and "Signature" not in answer["log"]



@pytest.mark.parametrize("name, status, why", [
    ("broken", 502, ["Lambda execution failed with status 200 due to customer function error: no. Lambda request id: lambda-id"]),
    ("throttled", 500, ["Lambda invocation failed with status: 429. Lambda request id: lambda-id",
                        "Execution failed due to configuration error: Rate Exceeded."]),
    ("odd", 502, ["Execution failed due to configuration error: Malformed Lambda proxy response"])])
def test_a_function_that_fails_is_explained(client, name, status, why):
    """rest-data-plane §6.5, §6.6: log texts"""
    api = client.create_rest_api(name="failing functions")
    at = put(client, api["id"], api["rootResourceId"], "GET", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name))

    answer = client.test_invoke_method(**at)

    assert (answer["status"], answer["body"]) == (status, '{"message": "Internal server error"}')
    assert lines(answer)[-1 - len(why):] == [*why, f"Method completed with status: {status}"]


@pytest.fixture(scope="module")
def authorizer(client):
    """Makes authorizers; their own operations are not what is tested here."""
    def make(**members):
        document = {"openapi": "3.0.1", "info": {"title": "authorized", "version": "1"}, "paths": {
            "/": {"get": {"responses": {}, "security": [{"it": []}], "x-amazon-apigateway-integration": {"type": "mock"}}}},
            "components": {"securitySchemes": {"it": {"type": "apiKey", "in": "header", "name": "X-Token",
                                                      "x-amazon-apigateway-authtype": "custom", "x-amazon-apigateway-authorizer": members}}}}
        api = client.import_rest_api(body=json.dumps(document))
        root = client.get_resources(restApiId=api["id"])["items"][0]["id"]
        method = client.get_method(restApiId=api["id"], resourceId=root, httpMethod="GET")
        return {"restApiId": api["id"], "authorizerId": method["authorizerId"]}
    return make


def test_a_token_authorizer_is_invoked_and_its_policy_shown(client, authorizer, functions):
    at = authorizer(type="token", authorizerUri=invocation("decide"), identityValidationExpression="Bearer .+")

    answer = client.test_invoke_authorizer(**at, headers={"X-Token": "Bearer somebody"})

    assert (answer["clientStatus"], answer["principalId"], json.loads(answer["policy"])) == (0, "principal-12", POLICY)
    assert answer["authorization"] == {"n": ["1"], "flag": ["true"]} and isinstance(answer["latency"], int)
    event = json.loads(functions.calls[-1]["event"])
    arn = f"arn:aws:execute-api:us-east-1:000000000000:{at['restApiId']}/ESTestInvoke-stage/GET/"
    assert event == {"type": "TOKEN", "authorizationToken": "Bearer somebody", "methodArn": arn}
    assert functions.calls[-1]["headers"]["x-amz-source-arn"].endswith(f":{at['restApiId']}/authorizers/{at['authorizerId']}")
    request, log = answer["log"].split("\n")[0].split()[-1], lines(answer)
    assert log[0] == f"Starting authorizer: {at['authorizerId']} for request: {request}"
    assert log[1] == "Incoming identity: *********mebody"
    assert [line.split(":")[0] for line in log[2:5]] == ["Endpoint request URI", "Endpoint request headers", "Endpoint request body after transformations"]
    assert log[5].startswith("Sending request to http://") and log[6].startswith('Authorizer result body before parsing: {"principalId"')
    assert log[7:] == ["Using valid authorizer policy for principal: ******pal-12", "Successfully completed authorizer execution"]


@pytest.mark.parametrize("token, status, calls", [
    (None, 401, 0), ("", 401, 0), ("Basic x", 401, 0), ("Bearer nobody", 401, 1), ("Bearer broken", 500, 1), ("Bearer odd", 500, 1)])
def test_who_shows_no_identity_or_is_not_known_is_turned_away(client, authorizer, functions, token, status, calls):
    at = authorizer(type="token", authorizerUri=invocation("decide"), identityValidationExpression="Bearer .+")
    before = len(functions.calls)

    answer = client.test_invoke_authorizer(**at, headers={} if token is None else {"X-Token": token})

    assert answer["clientStatus"] == status and len(functions.calls) - before == calls and "policy" not in answer
    request, log = answer["log"].split("\n")[0].split()[-1], lines(answer)
    if status == 401:
        assert log[-2:] == [f"Unauthorized request: {request}", "Unauthorized"]
    else:
        assert log[-2].startswith("Execution failed due to configuration error: ") and log[-1] == "AuthorizerConfigurationException"


def test_a_request_authorizer_sees_the_request_of_the_test(client, authorizer, functions):
    at = authorizer(type="request", authorizerUri=invocation("decide"),
                    identitySource="method.request.header.X-Who, method.request.querystring.q, stageVariables.v, context.c")

    answer = client.test_invoke_authorizer(**at, headers={"X-Who": "somebody"}, pathWithQueryString="/a/b?q=query", stageVariables={"v": "variable"},
                                           additionalContext={"c": "context"})
    missing = client.test_invoke_authorizer(**at, headers={"X-Who": "somebody"})

    assert (answer["clientStatus"], missing["clientStatus"]) == (0, 401), answer["log"]
    event = json.loads(functions.calls[-1]["event"])
    assert event["methodArn"].endswith("/ESTestInvoke-stage/GET/a/b") and (event["type"], event["path"]) == ("REQUEST", "/a/b")
    assert event["headers"] == {"X-Who": "somebody"} and event["queryStringParameters"] == {"q": "query"}
    assert event["pathParameters"] == {} and event["stageVariables"] == {"v": "variable"} and "body" not in event
    assert (event["requestContext"]["stage"], event["requestContext"]["resourceId"]) == ("test-invoke-stage", "test-invoke-resource-id")
    assert "method.request.header.X-Who=**mebody" in lines(answer)[1] and "stageVariables.v=**riable" in lines(answer)[1]


def test_token_verification_that_is_not_built_says_so(client, authorizer):
    at = authorizer(type="cognito_user_pools", providerARNs=["arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_x"])

    answer = client.test_invoke_authorizer(**at, headers={"X-Token": "a.b.c"})

    assert answer["clientStatus"] == 500 and "does not verify COGNITO_USER_POOLS tokens" in answer["log"]
    with pytest.raises(ClientError) as unknown:
        client.test_invoke_authorizer(restApiId=at["restApiId"], authorizerId="nothere")
    assert unknown.value.response["Error"]["Code"] == "NotFoundException"


def test_the_cli_tests_a_method(gateway, pets):
    answer = gateway.cli("apigateway", "test-invoke-method", "--rest-api-id", pets["restApiId"], "--resource-id", pets["resourceId"],
                         "--http-method", "POST", "--path-with-query-string", "/pets/7")

    assert answer["status"] == 200 and "Method request path: {petId=7}" in answer["log"]
