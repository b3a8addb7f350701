"""Lambda proxy integrations as recorded on AWS: what the function is sent, and what its answer becomes (rest-data-plane §3.1, §6.6)."""
import http.client
import json
import re

import pytest
from conftest import Gateway, Upstream
from test_integrations import Functions, child, deploy, invocation, put

ANSWERS = {}


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {
        "echo": lambda event: (200, {}, {"statusCode": 200, "body": json.dumps(event)}),
        "says": lambda event: (200, {}, ANSWERS[event["pathParameters"]["how"]])}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("recorded"), "--lambda-endpoint", f"http://{functions.address}").start()
    yield gateway
    gateway.stop()


class Raw:
    """An API called by its own host name, with headers and paths exactly as given."""

    def __init__(self, gateway, api, stage="test"):
        self.gateway, self.api, self.stage = gateway, api, stage
        self.host = f"{api}.execute-api.us-east-1.amazonaws.com"

    def ask(self, path, headers=(), method="GET", body=None, host=None):
        connection = http.client.HTTPConnection(self.gateway.addresses["traffic"], timeout=10)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for pair in (("Host", host or self.host), *headers, *([("Content-Length", str(len(body)))] if body is not None else [])):
            connection.putheader(*pair)
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        connection.close()
        return answer

    def event(self, path, headers=(), **how):
        answer = self.ask(path, headers, **how)
        assert answer.status == 200, answer.text
        return json.loads(answer.text)


@pytest.fixture(scope="module")
def api(gateway):
    """`/{proxy+}` to a function that answers with its event, and `/says/{how}` to one that says what a test wants."""
    client = gateway.client()
    api = client.create_rest_api(name="events")
    root = api["rootResourceId"]
    put(client, api["id"], child(client, api, root, "{proxy+}"), "ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("echo"))
    says = child(client, api, root, "says")
    put(client, api["id"], child(client, api, says, "{how}"), "ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("says"))
    deploy(gateway, client, api, stageName="test")
    return Raw(gateway, api["id"])


def paths(event):
    return event["path"], event["requestContext"]["path"], event["pathParameters"]["proxy"]


def test_paths_reach_the_function_as_they_were_written(api):
    """[V lambda/test_lambda_aws_proxy_integration]: percent-escapes, trailing and repeated slashes (§1.1, §1.2, §3.1)."""
    seen = {path: paths(api.event(path)) for path in (
        "/test/api/user/test%2Balias@x", "/test/a+b", "/test/proxy-value/", "/test//proxy-value", "//test/proxy-value", "/test/a//b", "/test/a%2Fb")}

    assert seen == {
        "/test/api/user/test%2Balias@x": ("/api/user/test%2Balias@x", "/test/api/user/test%2Balias@x", "api/user/test%2Balias@x"),
        "/test/a+b": ("/a+b", "/test/a+b", "a+b"),
        "/test/proxy-value/": ("/proxy-value/", "/test/proxy-value/", "proxy-value"),
        "/test//proxy-value": ("/proxy-value", "/test//proxy-value", "proxy-value"),
        "//test/proxy-value": ("/proxy-value", "/test/proxy-value", "proxy-value"),
        "/test/a//b": ("/a//b", "/test/a//b", "a//b"),
        "/test/a%2Fb": ("/a%2Fb", "/test/a%2Fb", "a%2Fb")}


def test_query_strings_are_decoded_once(api):
    """[V lambda/test_lambda_aws_proxy_integration `params-encoding`, `params-encoding-multi`] (§3.1)."""
    event = api.event("/test/v?date=2023-06-12T18:05:10.123456+00:00&plus=%2B&x=1&x=2&empty=&flag&a%20b=c%26d")
    without = api.event("/test/v")

    assert event["queryStringParameters"] == {
        "date": "2023-06-12T18:05:10.123456 00:00", "plus": "+", "x": "2", "empty": "", "flag": "", "a b": "c&d"}
    assert event["multiValueQueryStringParameters"]["x"] == ["1", "2"] and event["multiValueQueryStringParameters"]["plus"] == ["+"]
    assert without["queryStringParameters"] is None and without["multiValueQueryStringParameters"] is None


def test_headers_keep_the_clients_spelling(api):
    """[V lambda/test_lambda_aws_proxy_integration]: `tEsT-HEADeR` stays; repeated lines are a list, the last is the single value (§3.1)."""
    event = api.event("/test/v", [("tEsT-HEADeR", "aValue"), ("X-Many", "1,2"), ("X-Many", "3"), ("User-agent", "me"), ("accept", "a/b")])

    assert event["headers"]["tEsT-HEADeR"] == "aValue" and "test-header" not in event["headers"]
    assert event["multiValueHeaders"]["X-Many"] == ["1,2", "3"] and event["headers"]["X-Many"] == "3"
    assert event["headers"]["User-agent"] == event["requestContext"]["identity"]["userAgent"] == "me"
    assert event["headers"]["accept"] == "a/b"
    assert set(event["headers"]) == set(event["multiValueHeaders"])


def test_the_event_has_the_recorded_members(api):
    """[V lambda/test_lambda_aws_proxy_integration]: every member of the event, of its context and of the identity (§6.6)."""
    event = api.event("/test/v", method="POST", body=b'{"a": 1}', headers=[("Content-Type", "application/json")])
    bare = api.event("/test/v")
    context = event["requestContext"]

    assert set(event) == {"resource", "path", "httpMethod", "headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters",
                          "pathParameters", "stageVariables", "requestContext", "body", "isBase64Encoded"}
    assert set(context) == {"resourceId", "resourcePath", "httpMethod", "extendedRequestId", "requestTime", "path", "accountId", "protocol", "stage",
                            "domainPrefix", "requestTimeEpoch", "requestId", "identity", "domainName", "deploymentId", "apiId"}
    assert set(context["identity"]) == {"accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType", "cognitoIdentityId",
                                        "cognitoIdentityPoolId", "principalOrgId", "sourceIp", "user", "userAgent", "userArn"}
    assert (event["body"], event["isBase64Encoded"], bare["body"], event["stageVariables"]) == ('{"a": 1}', False, None, None)
    assert (event["resource"], event["httpMethod"], context["resourcePath"], context["protocol"]) == ("/{proxy+}", "POST", "/{proxy+}", "HTTP/1.1")
    assert (context["domainName"], context["domainPrefix"], context["apiId"]) == (api.host, api.api, api.api)
    assert isinstance(context["requestTimeEpoch"], int) and re.fullmatch(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"])


def test_the_event_adds_the_connections_headers(api):
    """[V lambda/test_lambda_aws_proxy_integration]: `Host`, the forwarding chain and the trace id are in the event (§3.3)."""
    event = api.event("/test/v", [("x-forwarded-for", "9.9.9.9"), ("Via", "1.1 x"), ("Connection", "keep-alive"), ("TE", "trailers"), ("Expect", "100-continue")])
    port = api.gateway.addresses["traffic"].rpartition(":")[2]

    headers = event["headers"]
    assert {name: headers[name] for name in ("Host", "Via", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")} == {
        "Host": api.host, "Via": "1.1 x", "X-Forwarded-For": "9.9.9.9, 127.0.0.1", "X-Forwarded-Port": port, "X-Forwarded-Proto": "http"}
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}(;.*)?", headers["X-Amzn-Trace-Id"])
    assert not {"connection", "te", "expect", "content-length", "x-forwarded-for"} & set(headers)


def test_a_verb_other_than_post_fails_at_run_time(gateway):
    """[V lambda/test_lambda_aws_proxy_integration_non_post_method] (§2.1, §6.6)."""
    client = gateway.client()
    api = client.create_rest_api(name="verb")
    put(client, api["id"], api["rootResourceId"], "ANY", type="AWS_PROXY", integrationHttpMethod="GET", uri=invocation("echo"))
    deploy(gateway, client, api, stageName="test")

    answer = gateway.call(api["id"], "test")

    assert (answer.status, answer.body, answer.headers["content-length"]) == (500, b'{"message": "Internal server error"}', "36")
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


FORMATS = {
    "no-body": ({"statusCode": 200}, 200), "only-headers": ({"headers": {"x-a": "1"}}, 200), "empty": ({}, 200), "wrong-key": ({"statusCode": 200, "bodyy": ""}, 502),
    "status-text": ({"statusCode": "201"}, 201), "status-word": ({"statusCode": "test"}, 502), "headers-null": ({"statusCode": 200, "headers": None}, 200),
    "header-flag": ({"headers": {"x-a": True}}, 200), "header-number": ({"headers": {"x-a": 7}}, 200), "header-object": ({"headers": {"x-a": {"b": 1}}}, 502),
    "header-list": ({"headers": {"x-a": ["1"]}}, 502), "multi-no-list": ({"multiValueHeaders": {"x-a": "1"}}, 502), "text": ("text", 502), "number": (7, 502),
    "list": ([], 502), "null": (None, 502), "nothing": (b"", 502), "body-object": ({"body": {"a": 1}}, 502), "body-null": ({"body": None}, 200)}


@pytest.mark.parametrize("form", FORMATS)
def test_a_functions_answer_is_held_against_its_format(api, form):
    """[V lambda/test_aws_proxy_response_payload_format_validation] (§6.6, the table of responses)."""
    ANSWERS[form], status = FORMATS[form]

    answer = api.ask(f"/test/says/{form}")

    assert answer.status == status
    if status == 502:
        assert (answer.text, answer.headers["x-amzn-errortype"]) == ('{"message": "Internal server error"}', "InternalServerErrorException")
        assert answer.headers.get("x-amzn-trace-id") is None
    else:
        assert (answer.text, answer.headers["content-length"], answer.headers["content-type"]) == ("", "0", "application/json")
        assert answer.headers.get("x-a") == {"only-headers": "1", "header-flag": "true", "header-number": "7"}.get(form)


def test_single_and_multiple_header_values_are_merged(api):
    """[V lambda/test_aws_proxy_response_payload_format_validation `…overwrite`, `…overwrite-casing`] (§6.6): multiple values first."""
    ANSWERS["overwrite"] = {"headers": {"x-a": "value-solo", "X-B": "solo"}, "multiValueHeaders": {"X-A": ["value-multi"], "x-c": ["1", "2"]}}

    answer = api.ask("/test/says/overwrite")

    assert answer.headers.get_all("x-a") == ["value-multi", "value-solo"]
    assert (answer.headers.get_all("x-b"), answer.headers.get_all("x-c")) == (["solo"], ["1", "2"])


def test_a_functions_headers_are_renamed_or_dropped(api):
    """[V integrations/TestApiGatewayHeaderRemapping], AWS_PROXY (§3.4)."""
    names = ["Connection", "Content-Length", "Date", "Server", "Transfer-Encoding", "Content-Encoding", "Via", "Host", "Expect", "TE", "Upgrade", "Trailer",
             "Authorization", "WWW-Authenticate", "User-Agent", "Max-Forwards", "Proxy-Authenticate", "Content-MD5", "Access-Control-Allow-Origin", "Warn"]
    ANSWERS["headers"] = {"headers": {name: "v" for name in names}}

    answer = api.ask("/test/says/headers")

    got = {name.lower(): value for name, value in answer.getheaders()}
    for name in ("connection", "content-length", "date", "server"):
        assert got.pop(f"x-amzn-remapped-{name}") == "v", name
    assert not [name for name in got if "remapped" in name] and "transfer-encoding" not in got
    for name in names[5:]:
        assert got[name.lower()] == "v", name


TRACE = "Root=1-3152b799-8954dae64eda91bc9a23a7e8"


@pytest.mark.parametrize("given, wanted", [
    (None, r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0"),
    (f"{TRACE};Parent=7fa8c0f79203be72;Sampled=1", f"{TRACE};Parent=7fa8c0f79203be72;Sampled=1"),
    (f"{TRACE};Parent=7fa8c0f79203be72", f"{TRACE};Parent=7fa8c0f79203be72;Sampled=1"),
    (TRACE, TRACE + r";Parent=[0-9a-f]{16};Sampled=0"),
    (f"{TRACE};Sampled=1", TRACE + r";Parent=[0-9a-f]{16};Sampled=1"),
    ("Root=nonsense;Parent=x", r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0")])
def test_trace_ids_are_kept_or_made(api, given, wanted):
    """[V common/test_invocation_trace_id] (§3.4)."""
    answer = api.ask("/test/v", [("x-amzn-trace-id", given)] if given else [])

    assert re.fullmatch(wanted, json.loads(answer.text)["headers"]["X-Amzn-Trace-Id"])
    assert answer.headers["x-amzn-trace-id"].split(";")[0] == json.loads(answer.text)["headers"]["X-Amzn-Trace-Id"].split(";")[0]


def test_request_ids_are_adopted_from_uuids_only(api):
    """[D Setting up CloudWatch logging] (§3.4)."""
    uuid = "0a1b2c3d-0a1b-4c3d-8e9f-0a1b2c3d4e5f"

    kept, made = api.ask("/test/v", [("x-amzn-RequestId", uuid)]), api.ask("/test/v", [("x-amzn-RequestId", "mine"), ("x-amz-apigw-id", "mine")])

    assert kept.headers["x-amzn-requestid"] == json.loads(kept.text)["requestContext"]["requestId"] == uuid
    assert len(made.headers["x-amzn-requestid"]) == 36
    assert re.fullmatch(r"[A-Za-z0-9_-]{15}=", made.headers["x-amz-apigw-id"])
    assert made.headers["x-amz-apigw-id"] == json.loads(made.text)["requestContext"]["extendedRequestId"]


def test_templates_list_headers_as_they_were_written(gateway):
    """[V lambda/test_lambda_aws_proxy_integration] (§3.1) for `$input.params().header`; a look-up does not ask for the spelling."""
    client = gateway.client()
    api = client.create_rest_api(name="spelling")
    at = put(client, api["id"], api["rootResourceId"], type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={
        "application/json": "#foreach($name in $input.params().header.keySet())$name #end$input.params('test-header')"})
    deploy(gateway, client, api, stageName="test")

    answer = Raw(gateway, api["id"]).ask("/test", [("tEsT-HEADeR", "v"), ("x-Other", "1")])

    assert answer.text.split() == ["Host", "tEsT-HEADeR", "x-Other", "v"]
