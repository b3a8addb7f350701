"""Events of AWS_PROXY are read by the types that AWS's clients publish for them: Powertools for Python (pydantic models and data classes), Rust's
`aws_lambda_events`, TypeScript's `@types/aws-lambda`; none finds a member missing, of another type, or one that it does not know (but those named here)."""
import base64
import json

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from aws_lambda_powertools.utilities.parser.models import APIGatewayProxyEventModel
from conftest import Gateway
from pydantic import BaseModel
from runtime_clients import INTERPRETER, package as packaged, run, typescript
from test_functions import allow, create, package
from test_integrations import child, deploy, invocation, put
from test_recorded_events import Raw

ECHO = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
#: Members that AWS was recorded to send (rest-data-plane §6.6) and that a published type does not know.
UNKNOWN = {"powertools": {"requestContext.deploymentId", "requestContext.isCanaryRequest"},
           "rust": {"requestContext.deploymentId", "requestContext.isCanaryRequest", "requestContext.extendedRequestId", "requestContext.identity.principalOrgId"},
           "typescript": {"requestContext.deploymentId", "requestContext.isCanaryRequest"}}
#: Members that TypeScript's types insist on, and that AWS leaves out where there is no authorizer, no key and no certificate (§6.6, recorded).
LEFT_OUT = {"requestContext": ["authorizer"], "identity": ["apiKey", "apiKeyId", "clientCert"]}
PNG = bytes(range(256))


class Case:
    """A request, and what the function must find in the event."""

    def __init__(self, verb, path, resource, headers=(), body=None, stage="plain", query=None, parameters=None, variables=None, text=None, binary=False):
        self.verb, self.path, self.resource, self.headers, self.body, self.stage = verb, path, resource, headers, body, stage
        self.query, self.parameters, self.variables, self.text, self.binary = query, parameters, variables, text, binary


CASES = {
    "get": Case("GET", "/items", "/items"),
    "several values": Case("GET", "/items?a=1&a=2&b=&c=%C3%BC+x", "/items", [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Accept", "*/*")],
                           query={"a": ["1", "2"], "b": [""], "c": ["ü x"]}),
    "json": Case("POST", "/items", "/items", [("Content-Type", "application/json")], '{"a": "ü€😀"}'.encode(), text='{"a": "ü€😀"}'),
    "binary": Case("PUT", "/items", "/items", [("Content-Type", "image/png")], PNG, text=base64.b64encode(PNG).decode(), binary=True),
    "form": Case("POST", "/items", "/items", [("Content-Type", "application/x-www-form-urlencoded")], b"a=1&b=2", text="a=1&b=2"),
    "parameters": Case("DELETE", "/items/a%20b/of/x/y", "/items/{id}/of/{proxy+}", parameters={"id": "a%20b", "proxy": "x/y"}),
    "variables": Case("PATCH", "/items", "/items", [("Content-Type", "text/plain")], b"x", stage="variables", variables={"colour": "blue", "size": "1"}, text="x"),
    "canary": Case("GET", "/items", "/items", stage="canary", variables={"colour": "green"}),
    "no answer asked for": Case("HEAD", "/items", "/items"),
    "user agent": Case("OPTIONS", "/items", "/items", [("User-Agent", "curl/8"), ("X-Forwarded-For", "203.0.113.7")]),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("events"), "--python", INTERPRETER).start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def api(gateway):
    """`ask(case, function)`: one API for all cases, in front of a function that answers with its event and of one that answers with what Rust read."""
    lambdas, client = gateway.client("lambda"), gateway.client()
    create(lambdas, "echo", package(app__py=ECHO))
    create(lambdas, "typed", packaged("lambda_runtime"), "provided.al2023", "app.proxy")
    for name in ("echo", "typed"):
        allow(lambdas, name)
    apis = {}
    for name in ("echo", "typed"):
        made = client.create_rest_api(name=name, binaryMediaTypes=["image/png"])
        items = child(client, made, made["rootResourceId"], "items")
        proxy = child(client, made, child(client, made, child(client, made, items, "{id}"), "of"), "{proxy+}")
        for resource in (items, proxy):
            put(client, made["id"], resource, "ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name))
        deploy(gateway, client, made, stageName="plain")
        deploy(gateway, client, made, stageName="variables", variables={"colour": "blue", "size": "1"})
        deploy(gateway, client, made, stageName="canary", variables={"colour": "blue"})
        deploy(gateway, client, made, stageName="canary", canarySettings={"percentTraffic": 100.0, "stageVariableOverrides": {"colour": "green"}})
        apis[name] = {stage: Raw(gateway, made["id"], stage) for stage in ("plain", "variables", "canary")}

    def ask(case, function):
        raw = apis[function][case.stage]
        verb = "GET" if case.verb == "HEAD" else case.verb  # the answer to HEAD has no body to look at
        return raw.event(f"/{case.stage}{case.path}", case.headers, method=verb, body=case.body)

    return ask


def expected_unknown(by, case):
    return UNKNOWN[by] - (set() if case.stage == "canary" else {"requestContext.isCanaryRequest"})


def not_known(model, event, at=""):
    """Members of `event` that `model` has no field for, as paths."""
    unknown = set()
    for name, value in event.items():
        field = model.model_fields.get(name)
        if field is None:
            unknown.add(f"{at}{name}")
        elif isinstance(value, dict) and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            unknown |= not_known(field.annotation, value, f"{at}{name}.")
    return unknown


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_powertools_reads_the_event(api, case):
    event = api(case, "echo")

    model, data = APIGatewayProxyEventModel.model_validate(event), APIGatewayProxyEvent(event)

    assert not_known(APIGatewayProxyEventModel, event) == expected_unknown("powertools", case)
    assert (model.path, model.resource, model.requestContext.stage) == (case.path.partition("?")[0], case.resource, case.stage)
    assert (model.multiValueQueryStringParameters, model.pathParameters, model.stageVariables) == (case.query, case.parameters, case.variables)
    assert (model.body, model.isBase64Encoded) == (case.text, case.binary)
    assert {name: values[-1] for name, values in (case.query or {}).items()} == data.query_string_parameters
    assert data.body is None if case.text is None else data.decoded_body == case.text if not case.binary else base64.b64decode(data.body) == PNG
    for name in {name for name, _ in case.headers} - {"X-Forwarded-For"}:
        sent = [value for other, value in case.headers if other == name]
        assert data.multi_value_headers[name] == sent and data.headers[name] == sent[-1]
    assert data.request_context.identity.source_ip == "127.0.0.1" and data.request_context.http_method == event["httpMethod"]
    assert abs(model.requestContext.requestTimeEpoch.timestamp() - data.request_context.request_time_epoch / 1000) < 0.002


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_rust_reads_the_event(api, case):
    told = api(case, "typed")

    seen, (event, context, identity) = told["seen"], told["unknown"]
    unknown = {*event, *(f"requestContext.{name}" for name in context), *(f"requestContext.identity.{name}" for name in identity)}
    assert unknown == expected_unknown("rust", case)
    assert (seen["path"], seen["resource"], seen["body"], seen["isBase64Encoded"]) == (case.path.partition("?")[0], case.resource, case.text, case.binary)
    assert seen["multiValueQueryStringParameters"] == (case.query or {}) and seen["pathParameters"] == (case.parameters or {})
    assert seen["stageVariables"] == (case.variables or {}) and seen["requestContext"]["stage"] == case.stage
    for name in {name for name, _ in case.headers} - {"X-Forwarded-For"}:
        assert seen["multiValueHeaders"][name.lower()] == [value for other, value in case.headers if other == name]


def test_typescript_reads_the_events(api, tmp_path):
    """Literals of the published type: the compiler refuses what is missing, what is of another type, and what is too much."""
    events = [api(case, "echo") for case in CASES.values()]
    for event in events:
        context = event["requestContext"]
        for place, members in ((context, LEFT_OUT["requestContext"]), (context["identity"], LEFT_OUT["identity"])):
            assert not place.keys() & set(members)
            place.update(dict.fromkeys(members))
        for member in UNKNOWN["typescript"]:
            context.pop(member.partition(".")[2], None)
    wrong = json.loads(json.dumps(events[0]))
    wrong["requestContext"]["surprise"] = 1
    for name, literals in {"right": events, "wrong": [wrong]}.items():
        lines = "".join(f"export const _{n}: APIGatewayProxyEvent = {json.dumps(event)};\n" for n, event in enumerate(literals))
        (tmp_path / f"{name}.ts").write_text(f"import type {{ APIGatewayProxyEvent }} from 'aws-lambda';\n{lines}")
    (tmp_path / "node_modules").symlink_to(typescript() / "node_modules")

    with pytest.raises(AssertionError) as told:
        run("node", "node_modules/typescript/lib/tsc.js", "--noEmit", "--strict", "--skipLibCheck", "--types", "aws-lambda", "right.ts", "wrong.ts", cwd=tmp_path)

    faults = [line for line in str(told.value).splitlines() if ": error " in line]
    assert len(faults) == 1 and faults[0].startswith("wrong.ts(") and "surprise" in faults[0] and "does not exist in type" in faults[0], faults
