"""Headers and routes as recorded on AWS, for each integration type (rest-data-plane §1.2, §3.2 to §3.4, §4.4)."""
import http.server
import json

import pytest
from conftest import Gateway, Upstream
from test_integrations import Functions, child, deploy, invocation, put
from test_recorded_events import Raw

DROPPED = ["Connection", "Content-MD5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "Trailer", "Upgrade", "WWW-Authenticate"]
PASSED = ["Accept", "Accept-Charset", "Age", "Content-Encoding", "Content-Type", "Pragma", "Range", "Referer", "TE", "Via", "Warn", "X-Custom"]
REMAPPED = ["Authorization", "Connection", "Content-Length", "Content-MD5", "Date", "Expect", "Host", "Max-Forwards", "Proxy-Authenticate", "Server", "Trailer",
            "Upgrade", "User-Agent", "WWW-Authenticate"]


class Back(http.server.BaseHTTPRequestHandler):
    """Answers with the request's header lines; adds those that `x-answer` names."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        text = json.dumps({"path": self.path, "body": body, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response_only(200)
        for name in filter(None, (self.headers.get("x-answer") or "").split(",")):
            self.send_header(name, "v")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_OPTIONS = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def back():
    server = Upstream("back", Back)
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {
        "echo": lambda event: (200, {}, {"statusCode": 200, "body": json.dumps({"headers": {k.lower(): v for k, v in event["headers"].items()}})}),
        "plain": lambda event: (200, {}, event)}
    gateway = Gateway(tmp_path_factory.mktemp("headers"), "--lambda-endpoint", f"http://{server.address}").start()
    yield gateway
    gateway.stop()
    server.shutdown()


@pytest.fixture(scope="module")
def api(gateway, back):
    """One resource for each type; the non-proxy ones show their headers to a template."""
    client = gateway.client()
    api = client.create_rest_api(name="types")
    listed = '{"headers": {#foreach($n in $input.params().header.keySet())"$n.toLowerCase()": "v"#if($foreach.hasNext),#end#end}}'
    for part, how in {"mock": {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
                      "http": {"type": "HTTP", "integrationHttpMethod": "POST", "uri": f"http://{back.address}/"},
                      "aws": {"type": "AWS", "integrationHttpMethod": "POST", "uri": invocation("plain")},
                      "httpproxy": {"type": "HTTP_PROXY", "integrationHttpMethod": "POST", "uri": f"http://{back.address}/"},
                      "awsproxy": {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": invocation("echo")}}.items():
        at = put(client, api["id"], child(client, api, api["rootResourceId"], part), "POST", (), **how)
        names = PASSED + REMAPPED + ["Transfer-Encoding"]
        client.put_method_response(**at, statusCode="200", responseParameters={f"method.response.header.{name}": False for name in names})
        if not part.endswith("proxy"):
            client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": listed}, responseParameters={
                f"method.response.header.{name}": "'v'" for name in names if name not in ("Content-Encoding", "Content-Type", "Accept")})
    deploy(gateway, client, api, stageName="test")
    return Raw(gateway, api["id"])


@pytest.mark.parametrize("part", ["mock", "http", "aws", "httpproxy", "awsproxy"])
def test_some_headers_reach_no_integration(api, part):
    """[V integrations/TestApiGatewayHeaderRemapping `full-integration`], all types (§3.2)."""
    given = [(name, "100-continue" if name == "Expect" else "keep-alive" if name == "Connection" else "v") for name in DROPPED]

    answer = api.ask(f"/test/{part}", [*given, ("X-Mine", "v"), ("Content-Type", "application/json")], method="POST", body=b"{}")
    seen = set(json.loads(answer.text)["headers"])

    assert answer.status == 200 and "x-mine" in seen
    # Towards a back end there is a length again: that of the new message.
    assert not seen & ({name.lower() for name in DROPPED} | {"transfer-encoding"}), seen
    assert ("content-length" in seen) == (part == "httpproxy")


@pytest.mark.parametrize("part", ["mock", "http", "aws"])
def test_mapped_response_headers_are_renamed(api, part):
    """[V integrations/TestApiGatewayHeaderRemapping], responses of HTTP, AWS and MOCK; `X-Amzn-Trace-Id` is not added for MOCK (§3.4)."""
    answer = api.ask(f"/test/{part}", [("Content-Type", "application/json")], method="POST", body=b"{}")

    got = {name.lower(): value for name, value in answer.getheaders()}
    assert all(got[f"x-amzn-remapped-{name.lower()}"] == "v" for name in REMAPPED)
    assert all(got[name.lower()] == "v" for name in PASSED if name not in ("Accept", "Content-Encoding", "Content-Type"))
    assert "transfer-encoding" not in got and got["content-type"] == "application/json"
    assert ("x-amzn-trace-id" in got) == (part != "mock")
    assert {"date", "content-length", "x-amzn-requestid", "x-amz-apigw-id"} <= set(got)


def test_a_proxied_back_ends_headers_are_renamed_or_dropped(api):
    """[V integrations/TestApiGatewayHeaderRemapping], HTTP_PROXY (§3.4)."""
    names = ["Date", "Server", "x-amzn-RequestId", "Via", "X-Amzn-Trace-Id", "Authorization", "User-Agent", "WWW-Authenticate", "Access-Control-Allow-Origin"]

    answer = api.ask("/test/httpproxy", [("x-answer", ",".join(names))], method="POST", body=b"")

    got = {name.lower(): value for name, value in answer.getheaders()}
    assert [got[f"x-amzn-remapped-{name}"] for name in ("date", "server", "x-amzn-requestid")] == ["v"] * 3
    assert "via" not in got and "transfer-encoding" not in got
    assert [got[name.lower()] for name in names[4:]] == ["v"] * 5
    assert len(got["x-amzn-requestid"]) == 36


def test_what_an_http_back_end_is_sent(api):
    """[V integrations/TestApiGatewayHeaderRemapping; http/test_http_integration_with_lambda] (§3.3): both types side by side."""
    given = [("X-Mine", "1"), ("Accept", "text/x"), ("User-Agent", "me"), ("Content-Type", "text/plain"), ("X-Forwarded-For", "9.9.9.9"), ("Via", "1.1 x")]

    proxied = json.loads(api.ask("/test/httpproxy", given, method="POST", body=b"b").text)["headers"]
    bare = json.loads(api.ask("/test/httpproxy", method="POST", body=b"").text)["headers"]

    assert {name: proxied[name] for name in ("x-mine", "accept", "user-agent", "content-type", "x-amzn-apigateway-api-id")} == {
        "x-mine": "1", "accept": "text/x", "user-agent": "me", "content-type": "text/plain", "x-amzn-apigateway-api-id": api.api}
    assert proxied["x-forwarded-for"] == "9.9.9.9, 127.0.0.1" and "via" not in proxied and proxied["host"].startswith("127.0.0.1:")
    assert proxied["x-amzn-trace-id"].startswith("Root=1-") and bare["accept"] == "application/json"


def test_routes_match_path_and_verb_together(gateway):
    """[V common/test_proxy_routing_with_hardcoded_resource_sibling, test_routing_with_hardcoded_resource_sibling_order, test_routing_not_found] (§1.2)."""
    client = gateway.client()
    api = client.create_rest_api(name="routes")
    root = api["rootResourceId"]

    def route(parent, part, *verbs):
        made = child(client, api, parent, part)
        for verb in verbs:
            at = put(client, api["id"], made, verb, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
            client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "$context.resourcePath"})
        return made
    test = route(root, "test", "POST")
    route(test, "any", "ANY")
    route(root, "{proxy+}", "OPTIONS", "GET")
    route(route(root, "part1", "GET"), "hardcoded-value", "GET")
    deploy(gateway, client, api, stageName="s")

    asked = {"OPTIONS /test": "/{proxy+}", "POST /test": "/test", "OPTIONS /test/any": "/test/any", "GET /part1/random-value": "/{proxy+}",
             "GET /part1/hardcoded-value": "/part1/hardcoded-value", "GET /part1/hardcoded-value/": "/part1/hardcoded-value", "GET //part1": "/part1"}
    seen = {line: gateway.call(api["id"], "s", line.split()[1], method=line.split()[0]).text for line in asked}
    refused = [gateway.call(api["id"], "s", path, method=verb) for verb, path in (("DELETE", "/part1"), ("PATCH", "/test"), ("GET", ""))]

    assert seen == asked
    for answer in refused:
        assert (answer.status, answer.body, answer.headers["x-amzn-errortype"]) == (
            403, b'{"message":"Missing Authentication Token"}', "MissingAuthenticationTokenException")


def test_placeholders_are_fed_by_mappings_only(gateway, back):
    """[V http/test_http_proxy_integration_*] and [D HTTP proxy setup] (§4.4): `{proxy}` with its mapping goes on unescaped."""
    client = gateway.client()
    api = client.create_rest_api(name="placeholders")
    root = api["rootResourceId"]
    mapped = {"integration.request.path.proxy": "method.request.path.proxy"}
    for part, parameters in (("mapped", mapped), ("bare", {})):
        resource = child(client, api, child(client, api, root, part), "{proxy+}")
        at = {"restApiId": api["id"], "resourceId": resource, "httpMethod": "GET"}
        client.put_method(**at, authorizationType="NONE", requestParameters={"method.request.path.proxy": True})
        client.put_integration(**at, type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{back.address}/to/{{proxy}}", requestParameters=parameters)
    deploy(gateway, client, api, stageName="s")

    seen = json.loads(gateway.call(api["id"], "s", "/mapped/a/b%2Fc//d").text)["path"]
    failed = gateway.call(api["id"], "s", "/bare/a")

    assert seen == "/to/a/b%2Fc//d"
    assert failed.status == 500 and failed.body == b'{"message": "Internal server error"}'


def test_a_vpc_endpoints_own_name_needs_the_apis_id(api):
    """[V integrations/test_create_execute_api_vpc_endpoint] (§12.1): by `x-apigw-api-id`, or by the API's own host."""
    public = "vpce-0a1b2c-3d4e.execute-api.us-east-1.vpce.amazonaws.com"
    ask = lambda headers, host: api.ask("/test/mock", [("Content-Type", "application/json"), *headers], method="POST", body=b"{}", host=host).status

    statuses = [ask([("x-apigw-api-id", api.api)], public), ask([], public), ask([("x-apigw-api-id", "nosuchapi0")], public), ask([], api.host),
                ask([("x-apigw-api-id", api.api)], "nosuchapi0.execute-api.us-east-1.amazonaws.com")]

    assert statuses == [200, 403, 403, 200, 403]
