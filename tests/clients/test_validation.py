"""Request validators on live requests and in tests of drafts (rest-data-plane §1.3)."""
import concurrent.futures
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway, Upstream
from test_integrations import Functions, child, invocation
from test_test_invoke import lines

SCHEMA = {"$schema": "http://json-schema.org/draft-04/schema#", "title": "testSchema", "type": "object",
          "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]}
REQUIRED = {"method.request.path.test": True, "method.request.querystring.qs1": True, "method.request.header.x-header-param": True}


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {"echo": lambda event: (200, {}, {"statusCode": 200, "body": json.dumps(event)})}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("validation"), "--lambda-endpoint", f"http://{functions.address}",
                      "--max-payload", "100000").start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def client(gateway):
    return gateway.client()


class Api:
    """An API whose methods have a validator of everything."""

    def __init__(self, gateway, client, **flags):
        self.gateway, self.client = gateway, client
        self.made = client.create_rest_api(name="validated")
        self.id, self.root = self.made["id"], self.made["rootResourceId"]
        flags = flags or {"validateRequestParameters": True, "validateRequestBody": True}
        self.validator = client.create_request_validator(restApiId=self.id, name="all", **flags)["id"]

    def model(self, name, schema):
        self.client.create_model(restApiId=self.id, name=name, contentType="application/json", schema=json.dumps(schema))

    def link(self, name):
        return {"$ref": f"https://apigateway.amazonaws.com/restapis/{self.id}/models/{name}"}

    def method(self, path, verb="POST", integration=None, **method):
        resource = child(self.client, self.made, self.root, path) if path else self.root
        at = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        self.client.put_method(**at, authorizationType="NONE", requestValidatorId=self.validator, **method)
        self.client.put_integration(**at, **(integration or {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}))
        self.client.put_method_response(**at, statusCode="200")
        self.client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": '{"data": "ok"}'})
        return at

    def deploy(self):
        self.client.create_deployment(restApiId=self.id, stageName="s")
        self.gateway.settled(self.id, "s")

    def post(self, path, body=None, **headers):
        body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            headers.setdefault("content-type", "application/json")
        return self.gateway.call(self.id, "s", path, method="POST", body=body, headers=headers)


def patched(client, at, **values):
    operations = [{"op": "add" if value else "remove", "path": f"/requestParameters/method.request.path.{name}", "value": "true"}
                  for name, value in values.items()]
    client.update_method(**at, patchOperations=operations)


def test_parameters_then_the_body_are_checked_as_recorded(gateway, client):
    """[V common/test_api_gateway_request_validator]"""
    api = Api(gateway, client)
    api.model("testSchema", SCHEMA)
    nested = child(client, api.made, api.root, "nested")
    resource = child(client, api.made, nested, "{test}")
    echo = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": invocation("echo")}
    for verb in ("GET", "POST"):
        at = {"restApiId": api.id, "resourceId": resource, "httpMethod": verb}
        client.put_method(**at, authorizationType="NONE", requestValidatorId=api.validator, requestParameters=REQUIRED,
                          requestModels={"application/json": "testSchema"})
        client.put_integration(**at, **echo)
    full, header = "/nested/value?qs1=test", {"x-header-param": "test"}

    def get(path, headers):
        return gateway.call(api.id, "s", path, headers=headers)

    api.deploy()
    passed, bare = api.post(full, {"a": 1, "b": 2}, **header), get(full, header)
    patched(client, at, issuer=True, test=False)
    api.deploy()
    renamed = api.post("/nested/value", {"test": "test"}), get(full, {}), get("/nested/value", header)
    patched(client, at, test=True, issuer=False)
    api.deploy()
    back = api.post(full, {"a": 1, "b": 2}, **header), api.post(full, {"test": "test"}, **header)
    client.update_request_validator(restApiId=api.id, requestValidatorId=api.validator, patchOperations=[
        {"op": "replace", "path": f"/validateRequest{part}", "value": "false"} for part in ("Body", "Parameters")])
    api.deploy()
    off = api.post("/nested/value", {"test": "test"}), get("/nested/value", {})

    assert (passed.status, json.loads(passed.json["body"])) == (200, {"a": 1, "b": 2})
    assert (bare.status, bare.text) == (400, '{"message": "Invalid request body"}')
    assert [(answer.status, answer.json["message"]) for answer in renamed] == [
        (400, "Missing required request parameters: [x-header-param, issuer, qs1]"),
        (400, "Missing required request parameters: [x-header-param]"),
        (400, "Missing required request parameters: [qs1]")]
    assert all(answer.headers["x-amzn-ErrorType"] == "BadRequestException" for answer in renamed)
    assert back[0].status == 200 and back[1].json == {"message": "Invalid request body"}
    assert [answer.status for answer in off] == [200, 200]


def test_blank_parameters_are_missing_and_any_of_several_values_will_do(gateway, client):
    """[D Test basic request validation]"""
    api = Api(gateway, client)
    api.method("", requestParameters={"method.request.querystring.q": True, "method.request.multivaluequerystring.m": True,
                                      "method.request.multivalueheader.h": True, "method.request.querystring.optional": False})
    api.deploy()

    answers = [api.post(path, **headers) for path, headers in (
        ("/?q=%20&m=&m=1", {"h": "1"}), ("/?q=1&q=&m=1", {"h": "1"}), ("/?Q=1&q=1&m=+", {"h": " "}), ("/?q=1&m=1&m=", {"h": "1"}))]

    assert [answer.json.get("message") for answer in answers] == [
        "Missing required request parameters: [q]", "Missing required request parameters: [q]",
        "Missing required request parameters: [h, m]", None]


def test_a_body_passes_its_media_types_model_and_goes_on_unchanged(gateway, client, upstream):
    api = Api(gateway, client)
    api.model("Numbers", {"type": "array", "items": {"type": "integer"}})
    api.model("Text", {"type": "string"})
    proxy = {"type": "HTTP_PROXY", "integrationHttpMethod": "POST", "uri": f"http://{upstream.address}/seen"}
    api.method("", integration=proxy, requestModels={"application/json": "Numbers", "text/json": "Text"})
    api.method("default", integration=proxy, requestModels={"$default": "Text"})
    api.deploy()
    numbers = b"[1,  2 ,3]" + b" " * 50_000

    sent = api.post("/", numbers, content_type="application/json; charset=utf-8")
    other = api.post("/", b"<not json>", content_type="text/xml")
    wrong = [api.post("/", b'"s"'), api.post("/", b"[1", content_type="application/json"), api.post("/", b"[1]", content_type="text/json"),
             api.post("/default", b"[1]", content_type="a/b"), api.post("/default")]
    long = api.post("/", b"[" + b"1," * 60_000 + b"1]")

    assert (sent.status, sent.json["body"].encode()) == (200, numbers)
    assert (other.status, other.json["body"]) == (200, "<not json>")
    assert [(answer.status, answer.json) for answer in wrong] == [(400, {"message": "Invalid request body"})] * 5
    assert long.status == 413


def test_models_may_go_in_circles(gateway, client):
    """[V import/test_import_with_circular_models_and_request_validation]"""
    api = Api(gateway, client)
    api.model("House", {"type": "object"})
    api.model("Person", {"type": "object", "properties": {"name": {"type": "string"}, "house": api.link("House")}, "required": ["name"]})
    client.update_model(restApiId=api.id, modelName="House", patchOperations=[{"op": "replace", "path": "/schema", "value": json.dumps(
        {"type": "object", "properties": {"people": {"type": "array", "items": api.link("Person")}}})}])
    api.method("", requestModels={"application/json": "Person"})
    api.deploy()

    good = api.post("/", {"name": "a", "house": {"people": [{"name": "b", "house": {}}]}})
    bad = api.post("/", {"name": "a", "house": {"people": [{"house": {}}]}})

    assert (good.status, good.json) == (200, {"data": "ok"})
    assert (bad.status, bad.json) == (400, {"message": "Invalid request body"})


def test_a_gateway_response_shows_what_the_validator_said(gateway, client):
    """rest-data-plane §2.2, rule 4; the texts are the ones customers quote [F]."""
    api = Api(gateway, client)
    api.model("M", SCHEMA)
    api.method("", requestModels={"application/json": "M"})
    client.put_gateway_response(restApiId=api.id, responseType="BAD_REQUEST_BODY", statusCode="422", responseTemplates={
        "text/plain": "$context.error.responseType: $context.error.message: $context.error.validationErrorString"})
    api.deploy()

    answers = [api.post("/", body) for body in (None, {"a": "1", "b": True}, b"{")]

    said = [(answer.status, answer.text.removeprefix("BAD_REQUEST_BODY: Invalid request body: ")) for answer in answers]
    types = [f'instance type ({found}) does not match any allowed primitive type (allowed: ["integer","number"])'
             for found in ("string", "boolean")]
    assert said == [(422, '[object has missing required properties (["a","b"])]'), (422, f"[{', '.join(types)}]"),
                    (422, "[Unknown error parsing request body]")]


def test_a_schema_that_cannot_be_compiled_refuses_the_deployment_by_name(gateway, client):
    api = Api(gateway, client)
    api.model("Fine", {"type": "object"})
    at = api.method("", requestModels={"application/json": "Fine"})
    api.deploy()
    api.model("Bad", {"type": "string", "pattern": "("})
    client.update_method(**at, patchOperations=[{"op": "replace", "path": "/requestModels/application~1json", "value": "Bad"}])

    with pytest.raises(ClientError) as refused:
        api.deploy()
    tested = client.test_invoke_method(**at, body="{}")

    error = refused.value.response["Error"]
    assert error["Code"] == "BadRequestException"
    assert error["Message"].startswith("POST /: the model Bad cannot validate request bodies: "), error
    assert tested["status"] == 500 and "the model Bad cannot validate" in tested["log"]
    assert api.post("/", {}).status == 200


def test_a_test_of_a_draft_validates_and_logs_what_is_wrong(client, gateway):
    """rest-data-plane §10.2, the line of validation."""
    api = Api(gateway, client)
    api.model("M", SCHEMA)
    at = api.method("{id}", requestModels={"application/json": "M"}, requestParameters={"method.request.querystring.q": True})

    parameters = client.test_invoke_method(**at, pathWithQueryString="/7", body='{"a": 1, "b": 2}')
    body = client.test_invoke_method(**at, pathWithQueryString="/7?q=1", body='{"a": 1}')
    good = client.test_invoke_method(**at, pathWithQueryString="/7?q=1", body='{"a": 1, "b": 2}')

    assert [answer["status"] for answer in (parameters, body, good)] == [400, 400, 200]
    assert lines(parameters)[-2:] == ["Missing required request parameters: [q]", "Method completed with status: 400"]
    assert lines(body)[-2:] == [
        'Request body does not match model schema for content type application/json: [object has missing required properties (["b"])]',
        "Method completed with status: 400"]
    assert (body["body"], body["headers"]) == ('{"message": "Invalid request body"}', {"x-amzn-ErrorType": "BadRequestException"})


def test_bodies_that_are_made_to_cost_much_are_answered(gateway, client):
    api = Api(gateway, client)
    api.model("M", {"type": "object"})
    branch = {"properties": {"x": api.link("M")}, "required": ["x"]}
    schema = {"oneOf": [branch, {**branch, "maxProperties": 1}, {"type": "string", "pattern": "^(?=(a+)+$)a+$"}]}
    client.update_model(restApiId=api.id, modelName="M", patchOperations=[{"op": "replace", "path": "/schema", "value": json.dumps(schema)}])
    api.method("", requestModels={"application/json": "M"})
    api.deploy()
    deep, slow = b'{"x":' * 100 + b"1" + b"}" * 100, json.dumps({"x": "a" * 60 + "!"}).encode()
    deeper = b"[" * 40_000

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: api.post("/", body), [deep, slow, deeper] * 8))

    assert {(answer.status, answer.text) for answer in answers} == {(400, '{"message": "Invalid request body"}')}
