"""Parameter mappings both ways, overrides and selection on live requests (rest-data-plane §4, §5.5, §6.2, §6.3)."""
import http.client
import http.server
import json

import pytest
from conftest import Gateway, Upstream, eventually
from test_integrations import Functions, child, deploy, invocation, put


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    errors = {"newline": "four hundred\nand one", "both": "a four hundred b", "other": "what", "json": json.dumps({"trace": {"function": "abc()", "n": 1}})}
    server.calls, server.answers = [], {
        "fails": lambda event: (200, {"x-amz-function-error": "Handled"}, {"errorMessage": errors[event["how"]], "errorType": "E"}),
        "works": lambda event: (200, {}, {"statusCode": 200, "got": event}),
        "event": lambda event: (202, {}, b"")}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("mappings"), "--lambda-endpoint", f"http://{functions.address}").start()
    yield gateway
    gateway.stop()


class Headers(http.server.BaseHTTPRequestHandler):
    """Answers as its path says: `/{status}`, with a JSON body and headers to map."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"id": 7, "price": 2.50, "flag": True, "none": None, "list": [1, {"a": "b"}], "text": "t"}).encode()
        if "plain" in self.path:
            body = b"plain"
        elif "bad" in self.path:
            body = b"{bad"
        self.send_response(int(self.path.split("?")[0].rsplit("/", 1)[-1]))
        for pair in (("content-type", "application/json"), ("content-length", str(len(body))), ("x-one", "1"), ("x-one", "2"), ("x-hidden", "h")):
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def back():
    server = Upstream("headers", Headers)
    yield server
    server.shutdown()


def echo(client, api, upstream, part, verb="POST", **parameters):
    """An HTTP integration that sends what `parameters` map, and answers with what arrived."""
    at = put(client, api["id"], child(client, api, api["rootResourceId"], part), verb, type="HTTP", integrationHttpMethod=verb,
             uri=f"http://{upstream.address}/{part}", requestParameters={f"integration.request.{key.replace('__', '.')}": value for key, value in parameters.items()})
    client.put_integration_response(**at, statusCode="200")


def sent(answer):
    assert answer.status == 200, answer.text
    return {name.lower(): value for name, value in answer.json["headers"].items()}


def test_every_source_of_a_request_is_mapped(gateway, upstream):
    """§4.1 and §4.2, with the values of the unit tests behind L parameters_mapping."""
    client = gateway.client()
    api = client.create_rest_api(name="sources")
    echo(client, api, upstream, "all",
         header__h="method.request.header.X-Many", header__hs="method.request.multivalueheader.X-Many", header__q="method.request.querystring.q",
         querystring__qs="method.request.multivaluequerystring.q", querystring__one="method.request.multivaluequerystring.one",
         header__missing="method.request.header.X-None", querystring__missing="method.request.querystring.none",
         header__stage="context.stage", header__ip="context.identity.sourceIp", header__v="stageVariables.colour", header__none="stageVariables.none",
         header__s="'it's static'", header__n="method.request.body.price", header__o="method.request.body.pets[0]",
         header__b="method.request.body.$.pets[0].good", header__null="method.request.body.nothing", header__t="method.request.body.pets[0].name")
    deploy(gateway, client, api, stageName="dev", variables={"colour": "blue"})

    body = b'{"price": 2.50, "nothing": null, "pets": [{"name": "Rex", "good": true}]}'
    connection = http.client.HTTPConnection(gateway.addresses["traffic"])
    connection.putrequest("POST", f"/_aws/execute-api/{api['id']}/dev/all?q=1&q=a%20b&one=1")
    for pair in (("X-Many", "1"), ("X-Many", "2"), ("Content-Length", str(len(body)))):
        connection.putheader(*pair)
    connection.endheaders(body)
    seen = json.loads(connection.getresponse().read())
    headers = {name.lower(): value for name, value in seen["headers"].items()}

    assert seen["path"] == "/all?one=1&qs=1&qs=a%20b"
    wanted = {"h": "2", "hs": "1,2", "q": "a b", "stage": "dev", "ip": "127.0.0.1", "v": "blue", "s": "it's static", "n": "2.50",
              "o": '{"name":"Rex","good":true}', "b": "true", "t": "Rex"}
    assert {name: headers.get(name) for name in wanted} == wanted
    assert not {"missing", "none", "null"} & set(headers)


def test_a_body_must_be_json_only_when_it_looks_like_it(gateway, upstream):
    """§4.3, AWS-checked unit tests of L parameters_mapping: also for the body as a whole."""
    client = gateway.client()
    api = client.create_rest_api(name="bodies")
    echo(client, api, upstream, "whole", header__x="method.request.body")
    echo(client, api, upstream, "member", header__x="method.request.body.a")
    deploy(gateway, client, api, stageName="dev")
    post = lambda path, body: gateway.call(api["id"], "dev", path, method="POST", body=body, headers={"content-type": "text/plain"})

    assert sent(post("/whole", b"<This is a body value>"))["x"] == "<This is a body value>"
    assert sent(post("/whole", b""))["x"] == "{}"
    assert sent(post("/whole", b' {"a": 1} '))["x"] == '{"a": 1}'
    assert "x" not in sent(post("/member", b"plain")) and "x" not in sent(post("/member", b"")) and sent(post("/member", b'{"a": 1}'))["x"] == "1"
    for path in ("/whole", "/member"):
        refused = post(path, b"\n{wrongjson")
        assert (refused.status, refused.body) == (400, b'{"message": "Invalid JSON in request body"}')
        assert refused.headers["x-amzn-errortype"] == "BadRequestException"


def test_a_response_is_mapped_from_headers_body_and_surroundings(gateway, back):
    """§4.1, response direction; §4.3 for a body that is no JSON."""
    client = gateway.client()
    api = client.create_rest_api(name="responses")
    mappings = {"one": "integration.response.header.x-one", "all": "integration.response.multivalueheader.x-one", "id": "integration.response.body.id",
                "price": "integration.response.body.$.price", "flag": "integration.response.body.flag", "list": "integration.response.body.list",
                "deep": "integration.response.body.list[1].a", "null": "integration.response.body.none", "none": "integration.response.header.x-none",
                "static": "'s'", "stage": "context.stage", "colour": "stageVariables.colour", "Server": "'mine'", "Transfer-Encoding": "'x'"}
    at = {"restApiId": api["id"], "resourceId": child(client, api, api["rootResourceId"], "{how}"), "httpMethod": "GET"}
    client.put_method(**at, authorizationType="NONE", requestParameters={"method.request.path.how": True})
    client.put_integration(**at, type="HTTP", integrationHttpMethod="GET", uri=f"http://{back.address}/{{how}}/200",
                           requestParameters={"integration.request.path.how": "method.request.path.how"})
    client.put_method_response(**at, statusCode="200", responseParameters={f"method.response.header.{name}": False for name in mappings})
    client.put_integration_response(**at, statusCode="200", responseParameters={f"method.response.header.{name}": value for name, value in mappings.items()})
    deploy(gateway, client, api, stageName="dev", variables={"colour": "blue"})

    answer = gateway.call(api["id"], "dev", "/json")
    plain = gateway.call(api["id"], "dev", "/plain")
    bad = gateway.call(api["id"], "dev", "/bad")

    wanted = {"one": "2", "all": "1,2", "id": "7", "price": "2.5", "flag": "true", "list": '[1,{"a":"b"}]', "deep": "b", "null": None, "none": None,
              "static": "s", "stage": "dev", "colour": "blue", "x-amzn-remapped-server": "mine", "transfer-encoding": None, "x-hidden": None}
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    assert (plain.status, plain.text, plain.headers.get("id"), plain.headers["one"]) == (200, "plain", None, "2")
    assert (bad.status, bad.body) == (500, b'{"message": "Internal server error"}')


def test_http_proxy_honours_request_parameters(gateway, upstream):
    """V http/test_http_proxy_integration_request_data_mappings."""
    client = gateway.client()
    api = client.create_rest_api(name="proxy mappings")
    at = {"restApiId": api["id"], "resourceId": child(client, api, child(client, api, api["rootResourceId"], "http"), "{pathVariable}"), "httpMethod": "GET"}
    client.put_method(**at, authorizationType="NONE", requestParameters={
        "method.request.path.pathVariable": True, "method.request.querystring.qs": False, "method.request.header.x-h": False})
    client.put_integration(**at, type="HTTP_PROXY", integrationHttpMethod="GET",
                           uri=f"http://{upstream.address}/get?testVar={{pathVar}}&testQs={{qsVar}}", requestParameters={
                               "integration.request.path.pathVar": "method.request.path.pathVariable", "integration.request.path.qsVar": "method.request.querystring.qs",
                               "integration.request.querystring.testQs": "'foo'", "integration.request.header.x-h": "'mapped'",
                               "integration.request.header.x-none": "method.request.header.x-absent"})
    deploy(gateway, client, api, stageName="dev")

    seen = gateway.call(api["id"], "dev", "/http/foobar?qs=bar&testVar=bar", headers={"x-h": "client"}).json
    headers = {name.lower(): value for name, value in seen["headers"].items()}

    assert seen["path"] == "/get?testVar=foobar&testQs=bar&qs=bar&testVar=bar&testQs=foo"
    assert headers["x-h"] == "mapped" and "x-none" not in headers


@pytest.mark.parametrize("kind", ["HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY"])
def test_illegal_targets_fail_every_request(gateway, upstream, kind):
    """V integrations/TestApiGatewayHeaderRemapping: they deploy, and each request is a 500."""
    client, aws = gateway.client(), kind.startswith("AWS")
    api = client.create_rest_api(name="illegal")
    illegal = ["Content-Length", "Transfer-Encoding"] + (["Authorization", "Connection", "Expect", "Proxy-Authenticate", "TE"] if aws else [])
    legal = [] if aws else ["Authorization", "Connection", "Expect", "Proxy-Authenticate", "TE", "Via", "Date", "X-Custom"]
    for name in illegal + legal:
        at = put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", type=kind, integrationHttpMethod="POST",
                 uri=invocation("works") if aws else f"http://{upstream.address}/", requestParameters={f"integration.request.header.{name}": "'v'"})
        if not kind.endswith("PROXY"):
            client.put_integration_response(**at, statusCode="200")
    deploy(gateway, client, api, stageName="dev")

    for name in illegal:
        answer = gateway.call(api["id"], "dev", f"/{name}", method="POST", body=b"{}")
        assert (answer.status, answer.body, answer.headers["x-amzn-errortype"]) == (
            500, b'{"message": "Internal server error"}', "InternalServerErrorException"), name
    for name in legal:
        arrived = sent(gateway.call(api["id"], "dev", f"/{name}", method="POST", body=b"{}")).get(name.lower())
        assert (arrived == "v") == (name in ("Authorization", "Date", "X-Custom")), f"{name}: {arrived}"


def test_patterns_select_by_error_message(gateway):
    """V lambda/test_lambda_selection_patterns, and the newline of §6.2 rule 2."""
    client = gateway.client()
    api = client.create_rest_api(name="patterns")
    patterns = {"200": None, "405": ".*four hundred.*", "502": ".+"}
    for name in ("fails", "works"):
        at = put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", list(patterns), type="AWS", integrationHttpMethod="POST", uri=invocation(name))
        for status, pattern in patterns.items():
            client.put_integration_response(**at, statusCode=status, **({"selectionPattern": pattern} if pattern else {}))
    deploy(gateway, client, api, stageName="dev")
    fails = lambda how: gateway.call(api["id"], "dev", "/fails", method="POST", body=json.dumps({"how": how}).encode()).status

    assert (fails("both"), fails("other"), fails("newline")) == (405, 502, 200)
    assert gateway.call(api["id"], "dev", "/works", method="POST", body=b"{}").status == 200


def test_an_error_message_that_is_json_is_drilled_into(gateway):
    """§6.5 [D Handle Lambda errors]: `errorMessage` that is a JSON document; only parameter mapping sees into it."""
    client = gateway.client()
    api = client.create_rest_api(name="custom errors")
    at = put(client, api["id"], child(client, api, api["rootResourceId"], "fails"), "POST", (), type="AWS", integrationHttpMethod="POST", uri=invocation("fails"))
    client.put_method_response(**at, statusCode="400", responseParameters={f"method.response.header.{name}": False for name in ("f", "t")})
    client.put_integration_response(**at, statusCode="400", selectionPattern="(?s).*", responseTemplates={
        "application/json": "[$input.path('$.errorMessage.trace')]$util.parseJson($input.path('$.errorMessage')).trace.n"},
        responseParameters={"method.response.header.f": "integration.response.body.errorMessage.trace.function",
                            "method.response.header.t": "integration.response.body.errorMessage.trace"})
    deploy(gateway, client, api, stageName="dev")

    answer = gateway.call(api["id"], "dev", "/fails", method="POST", body=b'{"how": "json"}')

    assert (answer.status, answer.text, answer.headers["f"]) == (400, "[]1", "abc()")
    assert json.loads(answer.headers["t"]) == {"function": "abc()", "n": 1}


def test_an_asynchronous_invocation_maps_to_the_default_and_headers_may_be_set(gateway, functions):
    """§6.5 [D Asynchronous invocation]; §3.3 for `Accept` and `User-Agent` of AWS integrations."""
    client = gateway.client()
    api = client.create_rest_api(name="events")
    at = put(client, api["id"], child(client, api, api["rootResourceId"], "event"), "POST", type="AWS", integrationHttpMethod="POST", uri=invocation("event"),
             requestParameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'", "integration.request.header.Accept": "'text/x'",
                                "integration.request.header.Referer": "'r'"})
    client.put_integration_response(**at, statusCode="200")
    deploy(gateway, client, api, stageName="dev")
    functions.calls.clear()

    answer = gateway.call(api["id"], "dev", "/event", method="POST", body=b"{}")
    headers = {name.lower(): value for name, value in functions.calls[0]["headers"].items()}

    assert (answer.status, answer.body, headers["x-amz-invocation-type"]) == (200, b"", "Event")
    assert (headers["accept"], headers["user-agent"], headers.get("referer")) == ("text/x", f"AmazonAPIGateway_{api['id']}", None)


def test_undeclared_statuses_and_missing_defaults_are_errors(gateway, back):
    """§6.2 rules 4 to 6, V http/test_http_integration_invoke_status_code_passthrough; §1.1 step 17."""
    client = gateway.client()
    api = client.create_rest_api(name="selection")
    root = api["rootResourceId"]
    http_to = lambda part, status, declared: put(client, api["id"], child(client, api, root, part), "GET", declared, type="HTTP", integrationHttpMethod="GET",
                                                 uri=f"http://{back.address}/{status}")
    only_default = http_to("default", 400, ("200",))
    client.put_integration_response(**only_default, statusCode="200")
    pattern = http_to("pattern", 404, ("404",))
    client.put_integration_response(**pattern, statusCode="404", selectionPattern="4\\d{2}")
    missing = http_to("missing", 200, ("404",))
    client.put_integration_response(**missing, statusCode="404", selectionPattern="4\\d{2}")
    undeclared = http_to("undeclared", 200, ("200",))
    client.put_integration_response(**undeclared, statusCode="200")
    client.delete_method_response(**undeclared, statusCode="200")
    deploy(gateway, client, api, stageName="dev")

    statuses = {part: gateway.call(api["id"], "dev", f"/{part}") for part in ("default", "pattern", "missing", "undeclared")}
    log = client.test_invoke_method(restApiId=api["id"], resourceId=missing["resourceId"], httpMethod="GET")["log"]

    assert {part: answer.status for part, answer in statuses.items()} == {"default": 200, "pattern": 404, "missing": 500, "undeclared": 500}
    for part in ("missing", "undeclared"):
        assert statuses[part].body == b'{"message": "Internal server error"}'
    assert "No match for output mapping and no default output mapping configured. Endpoint Response Status Code: 200" in log


def test_overrides_win_over_mappings_and_a_second_one_fails(gateway, upstream):
    """§5.5; V integrations/test_integration_mock_with_response_override_in_request_template, and [D overrides] for the second."""
    client = gateway.client()
    api = client.create_rest_api(name="overrides")
    root = api["rootResourceId"]
    at = put(client, api["id"], child(client, api, root, "http"), "POST", type="HTTP", integrationHttpMethod="POST", uri=f"http://{upstream.address}/{{p}}",
             requestParameters={"integration.request.header.x-a": "'mapped'", "integration.request.path.p": "'mapped'", "integration.request.querystring.q": "'mapped'"},
             requestTemplates={"application/json": '#set($context.requestOverride.header.x-a = "over")#set($context.requestOverride.path.p = "over")'
                                                   '#set($context.requestOverride.querystring.q = ["1", "2"]){}'})
    client.put_integration_response(**at, statusCode="200")
    templates = {"request": '#set($context.responseOverride.status = 444)#set($context.responseOverride.header.foo = "bar"){"statusCode": 200}',
                 "range": '#set($context.responseOverride.status = 600){"statusCode": 200}',
                 "twice": '#set($context.responseOverride.status = 404)#set($context.responseOverride.status = 405){"statusCode": 200}'}
    for part, template in templates.items():
        mocked = put(client, api["id"], child(client, api, root, part), "GET", type="MOCK", requestTemplates={"application/json": template})
        client.put_integration_response(**mocked, statusCode="200")
    deploy(gateway, client, api, stageName="dev")

    seen = gateway.call(api["id"], "dev", "/http", method="POST", body=b"{}", headers={"content-type": "application/json"}).json
    answers = {part: gateway.call(api["id"], "dev", f"/{part}") for part in templates}

    assert (seen["path"], {name.lower(): value for name, value in seen["headers"].items()}["x-a"]) == ("/over?q=1&q=2", "over")
    assert {part: answer.status for part, answer in answers.items()} == {"request": 444, "range": 200, "twice": 500}
    assert answers["request"].headers["foo"] == "bar" and answers["twice"].body == b'{"message": "Internal server error"}'


@pytest.mark.parametrize("template, status", [
    ("{statusCode: 200}", 200), ("{'statusCode': 200}", 200), ('{"statusCode": 200 ,, }', 200), ('{"statusCode": "200"}', 500),
    ("statusCode: 200", 500), ("{}", 500), ('{"statusCode": 0}', 200)])
def test_a_mock_reads_its_status_leniently(gateway, template, status):
    """§6.3 and §13.4 no. 17."""
    client = gateway.client()
    api = client.create_rest_api(name="mock")
    at = put(client, api["id"], api["rootResourceId"], "GET", type="MOCK", requestTemplates={"application/json": template})
    client.put_integration_response(**at, statusCode="200")
    deploy(gateway, client, api, stageName="dev")

    answer = eventually(lambda: gateway.call(api["id"], "dev"))

    assert (answer.status, answer.body) == (status, b"" if status == 200 else b'{"message": "Internal server error"}')


@pytest.mark.parametrize("behaviour, templates, matched, unmatched", [
    ("WHEN_NO_MATCH", ["application/json"], "T", "body"), ("WHEN_NO_TEMPLATES", ["application/json"], "T", None), ("NEVER", ["application/json"], "T", None),
    ("WHEN_NO_MATCH", [], "body", "body"), ("WHEN_NO_TEMPLATES", [], "body", "body"), ("NEVER", [], None, None), ("NEVER", ["$default"], "T", "T")])
def test_what_no_template_matches_is_passed_or_refused(gateway, upstream, behaviour, templates, matched, unmatched):
    """§5.3, the passthrough matrix; §13.4 no. 7."""
    client = gateway.client()
    api = client.create_rest_api(name="passthrough")
    at = put(client, api["id"], api["rootResourceId"], "POST", type="HTTP", integrationHttpMethod="POST", uri=f"http://{upstream.address}/",
             passthroughBehavior=behaviour, requestTemplates=dict.fromkeys(templates, "T"))
    client.put_integration_response(**at, statusCode="200")
    deploy(gateway, client, api, stageName="dev")

    def arrived(content_type):
        answer = gateway.call(api["id"], "dev", method="POST", body=b"body", headers={"content-type": content_type})
        if answer.status == 200:
            return answer.json["body"]
        assert (answer.status, answer.body) == (415, b'{"message": "Unsupported Media Type"}')
        return None

    assert arrived("application/json; charset=UTF-8") == matched
    assert arrived("text/xml") == unmatched


def test_a_mock_hands_data_over_through_overrides(gateway):
    """V integrations/test_integration_mock_with_request_overrides_in_response_template."""
    client = gateway.client()
    api = client.create_rest_api(name="handed over")
    at = put(client, api["id"], api["rootResourceId"], "POST", type="MOCK", requestTemplates={
        "application/json": '#set($body = $input.path("$"))#set($context.requestOverride.path.name = $body.name)'
                            '#set($context.requestOverride.querystring["count"] = $body.pets.size()){"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={
        "application/json": '{"name": "$context.requestOverride.path.name", "count": $context.requestOverride.querystring.count}'})
    deploy(gateway, client, api, stageName="dev")

    answer = gateway.call(api["id"], "dev", method="POST", body=b'{"name": "Ada", "pets": [1, 2]}', headers={"content-type": "application/json"})

    assert (answer.status, answer.json) == (200, {"name": "Ada", "count": 2})
