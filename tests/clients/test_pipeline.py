"""The whole pipeline over real processes: every integration type behind validator, cache and gateway responses, on two workers of one fleet."""
import base64
import collections
import http.server
import json
import os

import pytest
from conftest import Upstream, call
from fleet import Fleet, Postgres
from test_cache import CLUSTER, patch
from test_integrations import Functions, child, invocation

PNG = bytes(range(256))
ASK = '{"asked": $input.json(\'$.name\'), "stage": "$context.stage"}'
TELL = '{"kind": "$stageVariables.kind", "got": $input.json(\'$\')}'


class Back(http.server.BaseHTTPRequestHandler):
    """Answers with the body it was sent and how often it was asked; bytes for `/png`."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.partition("?")[0]
        self.server.asked[path] += 1
        png = path == "/png"
        text = body if png else json.dumps({"sent": body.decode(), "n": self.server.asked[path]}).encode()
        self.send_response(200)
        self.send_header("content-type", "image/png" if png else "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def back():
    server = Upstream("back", Back)
    server.asked = collections.Counter()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {
        "mapped": lambda event: (200, {}, {"sent": event}),
        "proxy": lambda event: (200, {}, {"statusCode": 200, "body": event["body"], "isBase64Encoded": event["isBase64Encoded"],
                                          "headers": {"content-type": event["headers"].get("Content-type") or "application/json"}})}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, functions):
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    directory = tmp_path_factory.mktemp("pipeline")
    postgres = Postgres(directory / "server").start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STAGECOACH_LAMBDA_ENDPOINT", f"http://{functions.address}")
        fleet = Fleet(directory, postgres.url, workers=2).start()
    yield fleet
    fleet.stop()
    postgres.stop()


class Site:
    """One method for each integration type, all with the same validator and model, on a stage that caches its POSTs."""

    def __init__(self, fleet, back):
        self.fleet, self.client = fleet, fleet.client()
        made = self.client.create_rest_api(name="pipeline", binaryMediaTypes=["image/png"])
        self.id, self.root, self.made = made["id"], made["rootResourceId"], made
        self.validator = self.client.create_request_validator(restApiId=self.id, name="all", validateRequestParameters=True, validateRequestBody=True)["id"]
        self.client.create_model(restApiId=self.id, name="Named", contentType="application/json", schema=json.dumps(
            {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}))
        templates = {"requestTemplates": {"application/json": ASK}, "integrationHttpMethod": "POST"}
        self.method("mock", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        self.method("http", type="HTTP", uri=f"http://{back.address}/http", **templates)
        self.method("aws", type="AWS", uri=invocation("mapped"), **templates)
        self.method("http-proxy", type="HTTP_PROXY", integrationHttpMethod="POST", uri=f"http://{back.address}/http-proxy")
        self.method("png", type="HTTP_PROXY", integrationHttpMethod="POST", uri=f"http://{back.address}/png")
        self.method("aws-proxy", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("proxy"))
        self.client.put_gateway_response(restApiId=self.id, responseType="BAD_REQUEST_BODY", statusCode="422", responseTemplates={
            "text/plain": "$stageVariables.kind: $context.error.validationErrorString"})
        self.client.create_deployment(restApiId=self.id, stageName="s", variables={"kind": "pets"})
        self.settle()

    def method(self, part, **integration):
        at = {"restApiId": self.id, "resourceId": child(self.client, self.made, self.root, part), "httpMethod": "POST"}
        self.client.put_method(**at, authorizationType="NONE", requestValidatorId=self.validator, requestModels={"application/json": "Named"},
                               requestParameters={"method.request.querystring.q": True})
        self.client.put_integration(**at, cacheKeyParameters=["method.request.querystring.q"], **integration)
        if "proxy" not in part and part != "png":
            self.client.put_method_response(**at, statusCode="200")
            self.client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": TELL})

    def settle(self):
        self.fleet.settled(self.id, "s")

    def post(self, path, body=b'{"name": "Rex"}', worker=0, **headers):
        headers = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return call(self.fleet.url_of(worker, self.id, "s", path), method="POST", body=body, headers=headers)


@pytest.fixture(scope="module")
def site(fleet, back):
    return Site(fleet, back)


def test_templates_shape_both_directions_of_every_type(site):
    sent = {"asked": "Rex", "stage": "s"}

    answers = {part: site.post(f"/{part}?q=templates") for part in ("mock", "http", "aws", "http-proxy", "aws-proxy")}
    shown = {part: answer.json for part, answer in answers.items()}

    assert {answer.status for answer in answers.values()} == {200}
    assert shown["mock"]["kind"] == shown["http"]["kind"] == "pets"
    assert json.loads(shown["http"]["got"]["sent"]) == sent and shown["aws"]["got"] == {"sent": sent}
    assert shown["http-proxy"]["sent"] == '{"name": "Rex"}' and shown["aws-proxy"] == {"name": "Rex"}


@pytest.mark.parametrize("part", ["mock", "http", "aws", "http-proxy", "aws-proxy"])
def test_the_validator_stands_before_every_type_and_its_answer_is_the_apis_own(site, part):
    missing, wrong = site.post(f"/{part}"), site.post(f"/{part}?q=1", b'{"name": 7}', worker=1)

    assert (missing.status, missing.body) == (400, b'{"message": "Missing required request parameters: [q]"}')
    assert (wrong.status, wrong.headers["content-type"], wrong.headers["x-amzn-errortype"]) == (422, "text/plain", "BadRequestException")
    assert wrong.text.startswith("pets: [instance type (integer) does not match any allowed primitive type")


def test_bytes_pass_both_proxies_both_ways(site, functions):
    functions.calls.clear()

    through_http = site.post("/png?q=1", PNG, content_type="image/png", accept="image/png")
    through_function = site.post("/aws-proxy?q=bytes", PNG, content_type="image/png", accept="image/png")
    event = json.loads(functions.calls[0]["event"])

    assert (through_http.status, through_http.body, through_http.headers["content-type"]) == (200, PNG, "image/png")
    assert (through_function.status, through_function.body) == (200, PNG)
    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (PNG, True)


def test_hits_misses_and_flushes_are_each_workers_own_for_every_type(site, back, functions):
    patch(site.client, site.id, "s", *CLUSTER, *((f"/~1{part}/POST/caching/enabled", "true") for part in ("http", "aws", "http-proxy", "aws-proxy")))
    site.settle()
    count = lambda: (back.asked["/http"], back.asked["/http-proxy"], len(functions.calls))

    def ask(query):
        before = count()
        bodies = [site.post(f"/{part}?q={query}", worker=worker).body for worker in (0, 1) for part in ("http", "aws", "http-proxy", "aws-proxy")]
        return tuple(now - then for now, then in zip(count(), before)), bodies

    first, bodies = ask("a")
    again, kept = ask("a")
    other, _ = ask("b")
    site.client.flush_stage_cache(restApiId=site.id, stageName="s")
    site.settle()
    flushed, _ = ask("a")

    assert (first, again, other, flushed) == ((2, 2, 4), (0, 0, 0), (2, 2, 4), (2, 2, 4))
    assert kept == bodies
    refused = [site.post(f"/http?q=a&{n}", b'{"name": 7}').status for n in range(2)]
    assert refused == [200, 200], "the cache is asked before the validator"
