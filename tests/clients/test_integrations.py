"""Integrations and stage variables on live requests (issue point 5, and what a gateway owes its callers)."""
import http.server
import json
import time

import pytest
from conftest import Gateway, Upstream, call, eventually
from test_main_job import mock


class Functions(http.server.BaseHTTPRequestHandler):
    """The Invoke API, as far as a gateway sees it: answers by function name."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        event = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.calls.append({"path": self.path, "headers": dict(self.headers.items()), "event": event.decode()})
        name = self.path.split("%3A")[-1].split("/")[0]
        status, headers, result = self.server.answers[name](json.loads(event or b"null"))
        body = result if isinstance(result, bytes) else json.dumps(result).encode()
        self.send_response(status)
        for pair in {"content-length": str(len(body)), "x-amzn-requestid": "lambda-id", **headers}.items():
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {
        "echo": lambda event: (200, {}, {"statusCode": 201, "headers": {"X-From": "function", "Date": "never"}, "body": json.dumps(event)}),
        "broken": lambda event: (200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "no"}),
        "odd": lambda event: (200, {}, {"statusCode": 200, "unknown": 1}),
        "throttled": lambda event: (429, {}, {"Type": "User"}),
        "plain": lambda event: (200, {}, {"got": event}),
        "fails": lambda event: (200, {"x-amz-function-error": "Handled"}, {"errorMessage": "not found: 7", "errorType": "E"}),
    }
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("integrations"), "--lambda-endpoint", f"http://{functions.address}",
                      "--resolve", ".upstream.test=127.0.0.1", "--max-payload", "100000").start()
    yield gateway
    gateway.stop()


def invocation(name):
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"


def put(client, api, resource, verb="GET", responses=("200",), **integration):
    at = {"restApiId": api, "resourceId": resource, "httpMethod": verb}
    client.put_method(**at, authorizationType="NONE")
    client.put_integration(**at, **integration)
    for status in responses:
        client.put_method_response(**at, statusCode=status)
    return at


def child(client, api, parent, part):
    return client.create_resource(restApiId=api["id"], parentId=parent, pathPart=part)["id"]


def deploy(gateway, client, api, **how):
    made = client.create_deployment(restApiId=api["id"], **how)["id"]
    if "stageName" in how:
        gateway.settled(api["id"], how["stageName"])
    return made


def test_stage_variables_reach_endpoint_alias_and_mapping_and_the_canary_overrides_them(gateway, functions):
    blue, green = Upstream("blue"), Upstream("green")
    client = gateway.client()
    api = client.create_rest_api(name="variables")
    root = api["rootResourceId"]
    put(client, api["id"], child(client, api, root, "http"), type="HTTP_PROXY", integrationHttpMethod="GET",
        uri="http://${stageVariables.host}/v/${stageVariables.version}",
        requestParameters={"integration.request.header.x-version": "stageVariables.version"})
    put(client, api["id"], child(client, api, root, "function"), type="AWS_PROXY", integrationHttpMethod="POST",
        uri=invocation("echo:${stageVariables.alias}"))
    variables = lambda server, version, alias: {"host": server.address.replace("127.0.0.1", "a.upstream.test"), "version": version, "alias": alias}
    deploy(gateway, client, api, stageName="prod", variables=variables(blue, "1", "stable"))
    deploy(gateway, client, api, stageName="prod", canarySettings={
        "percentTraffic": 0.0, "stageVariableOverrides": variables(green, "2", "next")})

    def seen():
        answer = gateway.call(api["id"], "prod", "/http").json
        functions.calls.clear()
        event = gateway.call(api["id"], "prod", "/function").json
        return (answer["upstream"], answer["path"], answer["headers"]["x-version"], functions.calls[0]["path"].split("?")[1],
                event["stageVariables"]["version"], event["requestContext"]["isCanaryRequest"])

    base = seen()
    client.update_stage(restApiId=api["id"], stageName="prod", patchOperations=[
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "100.0"}])
    gateway.settled(api["id"], "prod")

    assert base == ("blue", "/v/1", "1", "Qualifier=stable", "1", "false")
    assert seen() == ("green", "/v/2", "2", "Qualifier=next", "2", "true")
    assert functions.calls[0]["headers"]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=")


def test_a_proxy_function_sees_the_request_and_shapes_the_answer(gateway, functions):
    client = gateway.client()
    api = client.create_rest_api(name="functions")
    root = api["rootResourceId"]
    for name in ("echo", "broken", "odd", "throttled"):
        at = child(client, api, root, name)
        put(client, api["id"], child(client, api, at, "{id}"), "ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name))
    deploy(gateway, client, api, stageName="dev")

    answer = gateway.call(api["id"], "dev", "/echo/a%2Fb?x=1&x=2&y=a+b", method="POST", body=b"hi", headers={"X-Mine": "1"})
    event = answer.json

    assert (answer.status, answer.headers["x-from"], answer.headers["content-type"]) == (201, "function", "application/json")
    assert answer.headers["x-amzn-remapped-date"] == "never" and answer.headers["x-amzn-trace-id"].startswith("Root=1-")
    assert (event["resource"], event["path"], event["httpMethod"]) == ("/echo/{id}", "/echo/a%2Fb", "POST")
    assert event["pathParameters"] == {"id": "a%2Fb"} and event["body"] == "hi" and event["isBase64Encoded"] is False
    assert event["queryStringParameters"] == {"x": "2", "y": "a b"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": ["a b"]}
    assert event["requestContext"]["path"] == "/dev/echo/a%2Fb" and event["requestContext"]["stage"] == "dev"
    assert event["stageVariables"] is None and event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"
    assert answer.headers["x-amzn-requestid"] == event["requestContext"]["requestId"]
    for name, status in (("broken", 502), ("odd", 502), ("throttled", 500)):
        refused = gateway.call(api["id"], "dev", f"/{name}/1")
        assert (refused.status, refused.text) == (status, '{"message": "Internal server error"}'), name


def test_a_mapped_function_selects_its_response_by_error_message(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="mapped functions")
    for name in ("plain", "fails"):
        at = put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", ("200", "404"), type="AWS",
                 integrationHttpMethod="POST", uri=invocation(name))
        client.put_integration_response(**at, statusCode="200")
        client.put_integration_response(**at, statusCode="404", selectionPattern="not found.*")
    deploy(gateway, client, api, stageName="dev")

    good = gateway.call(api["id"], "dev", "/plain", method="POST", body=b'{"a": 1}')
    bad = gateway.call(api["id"], "dev", "/fails", method="POST", body=b"{}")

    assert (good.status, good.json) == (200, {"got": {"a": 1}})
    assert (bad.status, bad.json["errorMessage"]) == (404, "not found: 7")


def test_http_maps_what_it_is_told_and_proxy_passes_the_rest(gateway, upstream):
    client = gateway.client()
    api = client.create_rest_api(name="http")
    root = api["rootResourceId"]
    mapped = put(client, api["id"], child(client, api, child(client, api, root, "mapped"), "{id}"), "POST", type="HTTP", integrationHttpMethod="PUT",
                 uri=f"http://{upstream.address}/items/{{id}}?fixed=1", requestParameters={
                     "integration.request.path.id": "method.request.path.id", "integration.request.querystring.q": "method.request.querystring.query",
                     "integration.request.header.x-a": "method.request.header.x-b", "integration.request.header.x-c": "'constant'",
                     "integration.request.header.x-name": "method.request.body.user.name"})
    client.put_integration_response(**mapped, statusCode="200")
    client.update_method_response(**mapped, statusCode="200", patchOperations=[
        {"op": "add", "path": "/responseParameters/method.response.header.X-Kind", "value": "true"}])
    client.update_integration_response(**mapped, statusCode="200", patchOperations=[
        {"op": "add", "path": "/responseParameters/method.response.header.X-Kind", "value": "integration.response.header.content-type"}])
    put(client, api["id"], child(client, api, root, "proxy"), "ANY", type="HTTP_PROXY", integrationHttpMethod="ANY", uri=f"http://{upstream.address}/p?own=1")
    deploy(gateway, client, api, stageName="dev")

    answer = gateway.call(api["id"], "dev", "/mapped/7?query=a%20b&other=2", method="POST", body=b'{"user": {"name": "Ada"}}',
                          headers={"x-b": "B", "x-secret": "s", "content-type": "application/json"})
    seen = answer.json
    passed = gateway.call(api["id"], "dev", "/proxy?x=1", headers={"x-mine": "m", "X-Forwarded-For": "9.9.9.9"})

    assert (seen["method"], seen["path"], seen["body"]) == ("PUT", "/items/7?fixed=1&q=a%20b", '{"user": {"name": "Ada"}}')
    sent = {name.lower(): value for name, value in seen["headers"].items()}
    assert (sent["x-a"], sent["x-c"], sent["x-name"], sent["user-agent"]) == ("B", "constant", "Ada", f"AmazonAPIGateway_{api['id']}")
    assert "x-secret" not in sent and answer.headers["x-kind"] == "application/json"
    sent = {name.lower(): value for name, value in passed.json["headers"].items()}
    assert passed.json["path"] == "/p?own=1&x=1"
    assert (sent["x-mine"], sent["x-forwarded-for"], sent["host"]) == ("m", "9.9.9.9, 127.0.0.1", upstream.address)
    assert "x-amzn-remapped-date" in passed.headers and "x-amzn-trace-id" not in passed.headers


def test_a_slow_back_end_times_out_and_an_absent_one_is_a_network_error(gateway):
    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            time.sleep(2)

        def log_message(self, *_):
            pass

    slow, client = Upstream("slow", Slow), gateway.client()
    api = client.create_rest_api(name="trouble")
    root = api["rootResourceId"]
    put(client, api["id"], child(client, api, root, "slow"), type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{slow.address}/", timeoutInMillis=100)
    put(client, api["id"], child(client, api, root, "absent"), type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://127.0.0.1:1/")
    deploy(gateway, client, api, stageName="dev")

    late, gone = gateway.call(api["id"], "dev", "/slow"), gateway.call(api["id"], "dev", "/absent")

    assert (late.status, late.text) == (504, '{"message": "Endpoint request timed out"}')
    assert (gone.status, gone.text) == (504, '{"message": "Network error communicating with endpoint"}')


def test_default_answers_have_aws_bytes_and_types(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="answers")
    mock(client, api["id"], api["rootResourceId"], "POST", "{}")
    deploy(gateway, client, api, stageName="dev")

    missing = gateway.call(api["id"], "dev", "/nothing")
    verb = gateway.call(api["id"], "dev", "", method="GET")
    stage = gateway.call(api["id"], "nope")
    large = gateway.call(api["id"], "dev", "", method="POST", body=b"x" * 100_001)
    override = gateway.call(api["id"], "dev", "", method="GET", headers={"X-HTTP-Method-Override": "POST"})

    for answer in (missing, verb):
        assert (answer.status, answer.text) == (403, '{"message":"Missing Authentication Token"}')
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert (stage.status, stage.text, stage.headers["x-amzn-errortype"]) == (403, '{"message":"Forbidden"}', "ForbiddenException")
    assert (large.status, large.text) == (413, "HTTP content length exceeded 100000 bytes.")
    assert override.status == 200
    for answer in (missing, override):
        assert len(answer.headers["x-amzn-requestid"]) == 36 and answer.headers["x-amz-apigw-id"].endswith("=")


def test_mock_templates_read_the_request_and_override_the_answer(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="mock templates")
    pet = child(client, api, child(client, api, api["rootResourceId"], "pets"), "{petId}")
    at = put(client, api["id"], pet, "POST", type="MOCK", requestTemplates={"application/json": """
        #set($context.requestOverride.path.kept = $input.path('$.kept'))
        #if($input.params('status') != '')#set($context.responseOverride.status = $util.parseJson($input.params('status')))#end
        {"statusCode": $input.path('$.code')}"""})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": """
        #set($context.responseOverride.header["X-Stage"] = $context.stage)
        {"petId": "$input.params('petId')", "by": "$input.params().header.get('X-By')", "colour": "$stageVariables.colour",
         "kept": "$util.escapeJavaScript($context.requestOverride.path.kept)", "ip": "$context.identity.sourceIp",
         "names": [#foreach($name in ["a", "b"])"$foreach.count$name"#if($foreach.hasNext), #end#end]}"""})
    deploy(gateway, client, api, stageName="dev", variables={"colour": "blue"})
    send = lambda body, query="": gateway.call(api["id"], "dev", f"/pets/7{query}", method="POST", body=body, headers={"X-By": "me", "Content-Type": "application/json"})

    plain, teapot, broken = send(b'{"code": 200, "kept": "a\\"b"}'), send(b'{"code": 200}', "?status=418"), send(b'{"code": "x"}')

    assert (plain.status, plain.headers["x-stage"], plain.headers["content-type"]) == (200, "dev", "application/json")
    assert plain.json == {"petId": "7", "by": "me", "colour": "blue", "kept": 'a"b', "ip": "127.0.0.1", "names": ["1a", "2b"]}
    assert (teapot.status, teapot.json["kept"]) == (418, "")
    assert (broken.status, broken.text) == (500, '{"message": "Internal server error"}')


def test_http_templates_shape_call_and_answer(gateway):
    upstream = Upstream("pets")
    client = gateway.client()
    api = client.create_rest_api(name="http templates")
    at = put(client, api["id"], child(client, api, api["rootResourceId"], "pets"), "POST", type="HTTP", integrationHttpMethod="POST",
             uri=f"http://{upstream.address}/v1/{{kind}}".replace("127.0.0.1", "a.upstream.test"),
             requestParameters={"integration.request.header.X-Mapped": "'mapped'", "integration.request.querystring.q": "'mapped'"},
             requestTemplates={"application/json": """#set($in = $input.path('$'))
#set($context.requestOverride.path.kind = $in.kind)
#set($context.requestOverride.header.X-Mapped = "over $in.kind")
#set($context.requestOverride.querystring.q = ["1", "2"])
{"name": $input.json('$.name'), "price": $input.json('$.price'), "tags": "$in.tags"}"""})
    client.put_integration_response(**at, statusCode="200", responseTemplates={
        "application/json": """{"sent": $input.json('$.body'), "path": "$input.path('$.path')", "header": "$input.path('$.headers.x-mapped')"}"""})
    deploy(gateway, client, api, stageName="dev")

    answer = gateway.call(api["id"], "dev", "/pets", method="POST", body=b'{"kind": "cats", "name": "Bella \\"B\\"", "price": 1.0, "tags": ["a"]}',
                          headers={"Content-Type": "application/json; charset=utf-8"})

    assert answer.status == 200
    assert answer.json["path"] == "/v1/cats?q=1&q=2" and answer.json["header"] == "over cats"
    assert answer.json["sent"] == '{"name": "Bella \\"B\\"", "price": 1.0, "tags": "["a"]"}'


def test_a_template_that_does_not_parse_is_refused_at_deploy_with_its_place(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="bad template")
    at = put(client, api["id"], api["rootResourceId"], type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "{\n  #if($x)1"})

    with pytest.raises(client.exceptions.BadRequestException) as refused:
        client.create_deployment(restApiId=api["id"], stageName="dev")

    assert "line 2, column" in str(refused.value)


def test_what_is_not_built_is_refused_by_name_and_never_open(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="not built")
    root = api["rootResourceId"]
    at = put(client, api["id"], child(client, api, root, "key"), type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.update_method(**at, patchOperations=[{"op": "replace", "path": "/apiKeyRequired", "value": "true"}])
    client.put_integration_response(**at, statusCode="200")
    put(client, api["id"], child(client, api, root, "service"), type="AWS", integrationHttpMethod="POST",
        uri="arn:aws:apigateway:us-east-1:sqs:path/000000000000/queue", credentials="arn:aws:iam::000000000000:role/r")
    deploy(gateway, client, api, stageName="dev")

    key, service = gateway.call(api["id"], "dev", "/key"), gateway.call(api["id"], "dev", "/service")

    assert (key.status, service.status) == (501, 501)
    assert "API keys" in key.json["message"] and "sqs" in service.json["message"]
    assert key.headers["x-amzn-errortype"] == "NotImplementedException"


def test_a_definition_must_not_reach_inner_addresses_unless_told(tmp_path, upstream):
    from fleet import Process, free_port
    import subprocess
    from conftest import BIN
    database = f"sqlite://{tmp_path}/control.db"
    control = Process(tmp_path, "control", ["control", "--database-url", database, "--insecure-open-admin", "--insecure-plaintext-feed"], ("admin", "feed", "status"))
    worker = Process(tmp_path, "worker", ["worker", "--control-plane", f"http://{control.ports['feed']}", "--insecure-plaintext-feed",
                                          "--state-dir", str(tmp_path / "state"), "--cores", "1"], ("traffic", "status"))
    try:
        control.start()
        worker.start()
        import boto3
        client = boto3.client("apigateway", endpoint_url=f"http://{control.ports['admin']}", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        api = client.create_rest_api(name="inner")
        at = put(client, api["id"], api["rootResourceId"], type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{upstream.address}/")
        tested = client.test_invoke_method(**at)
        assert tested["status"] == 500 and "Invalid endpoint address" in tested["log"]
        client.create_deployment(restApiId=api["id"], stageName="dev")
        url = f"http://{worker.ports['traffic']}/_aws/execute-api/{api['id']}/dev"
        answer = eventually(lambda: (lambda a: a if a.status != 403 else None)(call(url)))
        assert (answer.status, answer.text) == (500, '{"message": "Internal server error"}')
    finally:
        worker.stop()
        control.stop()
    refused = subprocess.run([BIN, "control", "--database-url", database], capture_output=True, text=True, timeout=30)
    assert refused.returncode != 0 and "stagecoach key create" in refused.stderr
