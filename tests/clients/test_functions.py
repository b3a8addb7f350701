"""The function host of `stagecoach dev`: the Lambda API beside the admin API, functions as processes, and what the gateway makes of them."""
import http.client
import io
import json
import math
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT, Gateway, eventually
from test_integrations import child, deploy, invocation, put

PYTHON = """
import json, os, time
def handler(event, context):
    if (event.get("queryStringParameters") or {}).get("fail"):
        raise ValueError("as told")
    return {"statusCode": 200, "body": json.dumps({"label": %r, "version": context.function_version, "stage": event["requestContext"]["stage"], "canary": event["requestContext"].get("isCanaryRequest")})}
"""
NODE_STREAM = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-from": "node" } });
  stream.write("one ");
  await new Promise((done) => setTimeout(done, 300));
  stream.write("two");
  stream.end();
});
"""


def package(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return packed.getvalue()


def create(lambdas, name, code, runtime="python3.12", handler="app.handler", **how):
    made = lambdas.create_function(FunctionName=name, Runtime=runtime, Handler=handler, Role="arn:aws:iam::000000000000:role/r",
                                   Code={"ZipFile": code}, Timeout=5, **how)
    lambdas.get_waiter("function_active_v2").wait(FunctionName=name)
    return made


def allow(lambdas, name, **qualifier):
    lambdas.add_permission(FunctionName=name, StatementId="gateway", Action="lambda:InvokeFunction",
                           Principal="apigateway.amazonaws.com", **qualifier)


@pytest.fixture
def lambdas(gateway):
    client = gateway.client("lambda")
    yield client
    for function in client.list_functions()["Functions"]:
        client.delete_function(FunctionName=function["FunctionName"])


def proxy(gateway, name, uri, stages, **how):
    client = gateway.client()
    api = client.create_rest_api(name=name)
    put(client, api["id"], child(client, api, api["rootResourceId"], "f"), type="AWS_PROXY", integrationHttpMethod="POST", uri=uri, **how)
    for stage, variables in stages.items():
        deploy(gateway, client, api, stageName=stage, variables=variables)
    return api


def asked(gateway, api, stage, count, clients=8):
    """Bodies of `count` answers of `/f`, by clients that each keep their connection."""
    def ask(times):
        connection = http.client.HTTPConnection(gateway.addresses["traffic"], timeout=30)
        answers = []
        for _ in range(times):
            connection.request("GET", f"/_aws/execute-api/{api['id']}/{stage}/f")
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
        connection.close()
        return answers

    with ThreadPoolExecutor(clients) as pool:
        answers = [answer for many in pool.map(ask, [count // clients] * clients) for answer in many]
    assert Counter(status for status, _ in answers) == {200: count}
    return [json.loads(body) for _, body in answers]


def assert_share(found, of, share):
    """Within five standard deviations of a binomial distribution: off by chance once in a million and a half."""
    assert abs(found - of * share) < 5 * math.sqrt(of * share * (1 - share)), f"{found} of {of}, not {share:.0%}"


def test_an_alias_in_a_stage_variable_splits_as_it_is_weighted_beside_a_canary(gateway, lambdas):
    """The seed example: stage prod runs v1 for 95 % and v2 for 5 %, stage test runs v2, one integration URI; and a canary on prod that names another alias."""
    create(lambdas, "hello", package(app__py=PYTHON % "one"), Publish=True)
    for label in ("two", "three"):
        lambdas.update_function_code(FunctionName="hello", ZipFile=package(app__py=PYTHON % label), Publish=True)
    lambdas.create_alias(FunctionName="hello", Name="PROD", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.05}})
    lambdas.create_alias(FunctionName="hello", Name="TEST", FunctionVersion="2")
    lambdas.create_alias(FunctionName="hello", Name="CANARY", FunctionVersion="3", RoutingConfig={"AdditionalVersionWeights": {"2": 0.25}})
    for alias in ("PROD", "TEST", "CANARY"):
        allow(lambdas, "hello", Qualifier=alias)
    api = proxy(gateway, "seed", invocation("hello:${stageVariables.alias}"), {"prod": {"alias": "PROD"}, "test": {"alias": "TEST"}})

    before = Counter(answer["version"] for answer in asked(gateway, api, "prod", 2000))
    gateway.client().create_deployment(restApiId=api["id"], stageName="prod", canarySettings={"percentTraffic": 10.0, "stageVariableOverrides": {"alias": "CANARY"}})
    gateway.settled(api["id"], "prod")
    prod = Counter((answer["canary"], answer["version"], answer["label"]) for answer in asked(gateway, api, "prod", 20_000))
    test = Counter(answer["label"] for answer in asked(gateway, api, "test", 200))

    assert before.keys() == {"1", "2"} and test == {"two": 200}
    assert_share(before["2"], 2000, 0.05)
    assert prod.keys() == {("false", "1", "one"), ("false", "2", "two"), ("true", "3", "three"), ("true", "2", "two")}, prod
    canary = prod["true", "3", "three"] + prod["true", "2", "two"]
    assert_share(canary, 20_000, 0.1)
    assert_share(prod["false", "2", "two"], 20_000 - canary, 0.05)
    assert_share(prod["true", "2", "two"], canary, 0.25)


def test_a_function_without_permission_is_the_gateways_500_and_with_it_is_served(gateway, lambdas):
    create(lambdas, "guarded", package(app__py=PYTHON % "it"))
    api = proxy(gateway, "guarded", invocation("guarded"), {"s": {}})

    refused = gateway.call(api["id"], "s", "/f")
    allow(lambdas, "guarded", SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api['id']}/*/GET/f")
    served = eventually(lambda: (answer := gateway.call(api["id"], "s", "/f")).status == 200 and answer)

    create(lambdas, "by-role", package(app__py=PYTHON % "it"))
    role = proxy(gateway, "by-role", invocation("by-role"), {"s": {}}, credentials="arn:aws:iam::000000000000:role/invoker")
    assert gateway.call(role["id"], "s", "/f").status == 200, "with an execution role the function's policy is not asked"
    assert (refused.status, refused.json) == (500, {"message": "Internal server error"})
    assert served.json["stage"] == "s"


def test_a_failing_function_is_a_502_and_the_next_call_is_served(gateway, lambdas):
    create(lambdas, "fails", package(app__py=PYTHON % "it"))
    allow(lambdas, "fails")
    api = proxy(gateway, "fails", invocation("fails"), {"s": {}})

    failed = gateway.call(api["id"], "s", "/f?fail=1")
    told = lambdas.invoke(FunctionName="fails", Payload=b'{"queryStringParameters": {"fail": "1"}}')

    assert (failed.status, failed.json) == (502, {"message": "Internal server error"})
    assert (told["StatusCode"], told["FunctionError"]) == (200, "Unhandled")
    assert json.loads(told["Payload"].read())["errorMessage"] == "as told"
    assert gateway.call(api["id"], "s", "/f").status == 200


def test_reserved_concurrency_of_none_throttles(gateway, lambdas):
    create(lambdas, "blocked", package(app__py=PYTHON % "it"))
    allow(lambdas, "blocked")
    lambdas.put_function_concurrency(FunctionName="blocked", ReservedConcurrentExecutions=0)
    api = proxy(gateway, "blocked", invocation("blocked"), {"s": {}})

    with pytest.raises(ClientError) as refused:
        lambdas.invoke(FunctionName="blocked", Payload=b"{}")

    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert gateway.call(api["id"], "s", "/f").status == 500


def test_functions_survive_a_kill_and_a_file_is_a_function_that_follows_its_changes(tmp_path):
    source = tmp_path / "hello.py"
    source.write_text(PYTHON % "before")
    gateway = Gateway(tmp_path, "--function", f"hello={source}").start()
    create(gateway.client("lambda"), "kept", package(app__py=PYTHON % "kept"))
    api = proxy(gateway, "files", invocation("hello"), {"s": {}})
    before = gateway.call(api["id"], "s", "/f").json["label"]

    source.write_text(PYTHON % "afterwards")
    eventually(lambda: gateway.call(api["id"], "s", "/f").json.get("label") == "afterwards")
    revision = lambda: gateway.client("lambda").get_function_configuration(FunctionName="hello")["RevisionId"]
    unchanged = revision()
    gateway.stop(9)
    gateway.start()
    assert revision() == unchanged, "a start with the same file writes nothing"

    kept = gateway.client("lambda").invoke(FunctionName="kept", Payload=b'{"requestContext": {"stage": "none"}}')
    after = eventually(lambda: (answer := gateway.call(api["id"], "s", "/f")).status == 200 and answer).json["label"]
    gateway.stop()
    assert (before, after) == ("before", "afterwards")
    assert json.loads(json.loads(kept["Payload"].read())["body"])["label"] == "kept"


def test_the_example_is_a_function_behind_an_api_in_one_command(tmp_path):
    command = "dev examples/hello/api.yaml --function hello=examples/hello/hello.py"
    assert f"stagecoach {command}" in (ROOT / "README.md").read_text()
    words = [word.replace("examples/", f"{ROOT}/examples/") for word in command.split()[1:]]

    gateway = Gateway(tmp_path, *words).start()
    api = gateway.client().get_rest_apis()["items"][0]["id"]
    answer = gateway.call(api, "dev", "/hello?name=you")
    gateway.stop()

    assert (answer.status, answer.json) == (200, {"hello": "you", "function": "hello"})


def test_a_function_streams_through_host_and_gateway(gateway, lambdas):
    create(lambdas, "streams", package(app__js=NODE_STREAM), runtime="nodejs20.x")
    allow(lambdas, "streams")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:streams"
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/{arn}/response-streaming-invocations"
    api = proxy(gateway, "streams", uri, {"s": {}}, responseTransferMode="STREAM")

    connection = http.client.HTTPConnection(gateway.addresses["traffic"], timeout=20)
    connection.request("GET", f"/_aws/execute-api/{api['id']}/s/f")
    answer = connection.getresponse()
    first = answer.read(4)
    waited = time.monotonic()
    rest = answer.read()

    assert (answer.status, answer.headers["x-from"], first, rest) == (201, "node", b"one ", b"two")
    assert time.monotonic() - waited > 0.1, "the first part came with the second"


def test_functions_find_the_keys_of_the_profile_that_the_operator_names(tmp_path, monkeypatch):
    (tmp_path / "credentials").write_text("[shop]\naws_access_key_id = AKIASHOP\naws_secret_access_key = hush\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    gateway = Gateway(tmp_path, "--function-profile", "shop").start()
    lambdas = gateway.client("lambda")
    create(lambdas, "keys", package(app__py="import os\ndef handler(event, context):\n    return [os.environ.get(n) for n in event]\n"))

    names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
    seen = json.loads(lambdas.invoke(FunctionName="keys", Payload=json.dumps(names))["Payload"].read())
    gateway.stop()

    assert seen == ["AKIASHOP", "hush", None]
