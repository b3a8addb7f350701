"""Access logs: the console's formats, and every variable of rest-data-plane §10.1 and §5.4 with its value or `-`."""
import csv
import json
import re
import xml.etree.ElementTree

import pytest
from conftest import Gateway, Upstream, eventually
from test_integrations import Functions, invocation, put
from test_logs import http_proxy, mock

CLF = ('$context.identity.sourceIp $context.identity.caller $context.identity.user [$context.requestTime] '
       '"$context.httpMethod $context.resourcePath $context.protocol" $context.status $context.responseLength $context.requestId $context.extendedRequestId')
JSON = ('{ "requestId":"$context.requestId", "extendedRequestId":"$context.extendedRequestId", "ip": "$context.identity.sourceIp", '
        '"caller":"$context.identity.caller", "user":"$context.identity.user", "requestTime":"$context.requestTime", "httpMethod":"$context.httpMethod", '
        '"resourcePath":"$context.resourcePath", "status":"$context.status","protocol":"$context.protocol", "responseLength":"$context.responseLength" }')
XML = ('<request id="$context.requestId"> <ip>$context.identity.sourceIp</ip> <caller>$context.identity.caller</caller> <user>$context.identity.user</user> '
       '<requestTime>$context.requestTime</requestTime> <httpMethod>$context.httpMethod</httpMethod> <resourcePath>$context.resourcePath</resourcePath> '
       '<status>$context.status</status> <protocol>$context.protocol</protocol> <responseLength>$context.responseLength</responseLength> '
       '<extendedRequestId>$context.extendedRequestId</extendedRequestId> </request>')
CSV = ('$context.identity.sourceIp,$context.identity.caller,$context.identity.user,$context.requestTime,$context.httpMethod,$context.resourcePath,'
       '$context.protocol,$context.status,$context.responseLength,$context.requestId,$context.extendedRequestId')
TIME = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {"teapot": lambda event: (200, {}, {"statusCode": 418, "body": "tea"}),
                                        "broken": lambda event: (200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "no"})}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def logged(tmp_path_factory, functions):
    directory = tmp_path_factory.mktemp("access")
    # One core, so that the lines come in the order of the requests.
    gateway = Gateway(directory, "--access-log", directory / "access.log", "--cores", 1, "--lambda-endpoint", f"http://{functions.address}").start()
    gateway.access = directory / "access.log"
    yield gateway
    gateway.stop()


def stage(gateway, build, text):
    client = gateway.client()
    api = client.create_rest_api(name="access")
    build(client, api["id"], api["rootResourceId"])
    client.create_deployment(restApiId=api["id"], stageName="dev", variables={"v": "1"})
    client.update_stage(restApiId=api["id"], stageName="dev", patchOperations=[{"op": "replace", "path": "/accessLogSettings/format", "value": text}])
    gateway.settled(api["id"], "dev")
    return api["id"]


def line_of(gateway, api, path="", **how):
    """A request, and the line it wrote."""
    answer = gateway.call(api, "dev", path, **how)
    found = eventually(lambda: [line for line in gateway.access.read_text().splitlines() if answer.headers["x-amzn-requestid"] in line])
    assert len(found) == 1
    return answer, found[0]


def test_the_consoles_formats_print_as_on_aws(logged):
    """[D Setting up CloudWatch logging], the four presets."""
    lines = {}
    for name, text in (("clf", CLF), ("json", JSON), ("xml", XML), ("csv", CSV)):
        lines[name] = line_of(logged, stage(logged, mock, text))

    answer, clf = lines["clf"]
    ids = r" {} {}".format(answer.headers["x-amzn-requestid"], re.escape(answer.headers["x-amz-apigw-id"]))
    assert re.fullmatch(rf'127\.0\.0\.1 - - \[{TIME}\] "GET / HTTP/1\.1" 200 2{ids}', clf), clf
    answer, text = lines["json"]
    document = json.loads(text)
    assert re.fullmatch(TIME, document.pop("requestTime"))
    assert document == {"requestId": answer.headers["x-amzn-requestid"], "extendedRequestId": answer.headers["x-amz-apigw-id"], "ip": "127.0.0.1", "caller": "-",
                        "user": "-", "httpMethod": "GET", "resourcePath": "/", "status": "200", "protocol": "HTTP/1.1", "responseLength": "2"}
    answer, text = lines["xml"]
    element = xml.etree.ElementTree.fromstring(text)
    shown = {child.tag: child.text for child in element}
    assert element.get("id") == answer.headers["x-amzn-requestid"] and re.fullmatch(TIME, shown.pop("requestTime"))
    assert shown == {"ip": "127.0.0.1", "caller": "-", "user": "-", "httpMethod": "GET", "resourcePath": "/", "status": "200", "protocol": "HTTP/1.1",
                     "responseLength": "2", "extendedRequestId": answer.headers["x-amz-apigw-id"]}
    answer, text = lines["csv"]
    row = next(csv.reader([text]))
    assert row[:3] + row[4:9] == ["127.0.0.1", "-", "-", "GET", "/", "HTTP/1.1", "200", "2"]
    assert row[9:] == [answer.headers["x-amzn-requestid"], answer.headers["x-amz-apigw-id"]]


NUMBER, SOME = r"\d+", r".+"
# What a plain HTTP_PROXY request shows; `-` where AWS has nothing to say either.
PROXIED = {
    "accountId": r"\d{12}", "apiId": SOME, "stage": "dev", "deploymentId": SOME, "resourceId": SOME, "resourcePath": "/", "httpMethod": "POST", "path": "/dev/",
    "protocol": r"HTTP/1\.1", "requestId": SOME, "extendedRequestId": r"[\w-]{15}=", "requestTime": TIME, "requestTimeEpoch": r"\d{13}", "domainName": r"127\.0\.0\.1:\d+",
    "domainPrefix": "127", "identity.sourceIp": r"127\.0\.0\.1", "identity.userAgent": "me", "status": "200", "responseLength": NUMBER, "responseLatency": NUMBER,
    "integration.status": "200", "integration.integrationStatus": "200", "integrationStatus": "200", "integration.latency": NUMBER, "integrationLatency": NUMBER,
    "integration.responseTransferMode": "BUFFERED", "integration.timeToAllHeaders": NUMBER, "integration.timeToFirstContent": NUMBER,
    "endpointType": "EDGE", "xrayTraceId": r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}",
    **dict.fromkeys((
        "awsEndpointRequestId", "integration.requestId", "integration.error", "integrationErrorMessage", "isCanaryRequest", "tlsVersion", "cipherSuite",
        "authenticate.error", "authenticate.latency", "authenticate.status", "authorize.error", "authorize.latency", "authorize.status", "authorizer.error",
        "authorizer.integrationLatency", "authorizer.integrationStatus", "authorizer.latency", "authorizer.requestId", "authorizer.status", "authorizer.principalId",
        "authorizer.any", "authorizer.claims.sub", "customDomain.basePathMatched", "customDomain.routingRuleIdMatched", "error.message", "error.messageString",
        "error.responseType", "error.validationErrorString", "identity.accountId", "identity.apiKey", "identity.apiKeyId", "identity.caller", "identity.user",
        "identity.userArn", "identity.accessKey", "identity.principalOrgId", "identity.cognitoAuthenticationProvider", "identity.cognitoAuthenticationType",
        "identity.cognitoIdentityId", "identity.cognitoIdentityPoolId", "identity.clientCert.subjectDN", "identity.clientCert.clientCertPem", "identity.vpcId",
        "identity.vpceId", "waf.error", "waf.latency", "waf.status", "wafResponseCode", "webaclArn"), "-")}


def asked(names):
    return json.dumps({name: f"$context.{name}" for name in names})


def test_every_variable_shows_its_value_or_a_dash(logged, upstream):
    """rest-data-plane §10.1 and §5.4, all names."""
    api = stage(logged, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/"), asked(PROXIED))

    answer, line = line_of(logged, api, method="POST", body=b"x", headers={"User-Agent": "me"})

    shown = json.loads(line)
    wrong = {name: value for name, value in shown.items() if not re.fullmatch(PROXIED[name], value)}
    assert not wrong and set(shown) == set(PROXIED)
    assert int(shown["responseLength"]) == len(answer.body)


def test_a_functions_status_and_that_of_its_service_are_told_apart(logged):
    """rest-data-plane §10.1: `integration.status` is the function's, `integrationStatus` the Lambda service's; a failure has its text."""
    names = ("requestId", "status", "integration.status", "integrationStatus", "integration.integrationStatus", "integration.requestId", "awsEndpointRequestId",
             "integration.error", "error.responseType", "error.message", "error.messageString")
    teapot, broken = (stage(logged, lambda client, api, root: put(
        client, api, root, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name)), asked(names)) for name in ("teapot", "broken"))

    fine, failed = (json.loads(line_of(logged, api)[1]) for api in (teapot, broken))

    assert [fine[name] for name in names[1:]] == ["418", "418", "200", "200", "lambda-id", "lambda-id", "-", "-", "-", "-"]
    assert (failed["status"], failed["integrationStatus"], failed["error.responseType"]) == ("502", "200", "DEFAULT_5XX")
    assert failed["error.message"] == failed["error.messageString"] == "Internal server error"
    assert "customer function error: no" in failed["integration.error"]


def test_a_quoted_message_string_stays_json_and_a_bare_one_brings_its_quotes(logged):
    """rest-data-plane §2.2 rule 4: `error.messageString` is JSON text; a format that quotes it anyhow is not broken by that."""
    both = '{"id": "$context.requestId", "quoted": "$context.error.messageString", "bare": $context.error.messageString}'

    _, line = line_of(logged, stage(logged, mock, both), "/nowhere")

    assert json.loads(line) | {"id": ""} == {"id": "", "quoted": "Missing Authentication Token", "bare": "Missing Authentication Token"}
