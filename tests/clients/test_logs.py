"""Access and execution logs of real processes (rest-data-plane §10.1, §10.2)."""
import http.server
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import time
import urllib.request

import pytest
from conftest import Gateway, Upstream, call, eventually
from fleet import Process


def mock(client, api, resource, body="{}"):
    client.put_method(restApiId=api, resourceId=resource, httpMethod="GET", authorizationType="NONE")
    client.put_integration(restApiId=api, resourceId=resource, httpMethod="GET", type="MOCK",
                           requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_method_response(restApiId=api, resourceId=resource, httpMethod="GET", statusCode="200")
    client.put_integration_response(restApiId=api, resourceId=resource, httpMethod="GET", statusCode="200",
                                    responseTemplates={"application/json": body})


def http_proxy(client, api, resource, url, method="POST"):
    client.put_method(restApiId=api, resourceId=resource, httpMethod=method, authorizationType="NONE")
    client.put_integration(restApiId=api, resourceId=resource, httpMethod=method, type="HTTP_PROXY",
                           integrationHttpMethod=method, uri=url)


def api_of(gateway, build, **deployment):
    client = gateway.client()
    api = client.create_rest_api(name="logged")
    build(client, api["id"], api["rootResourceId"])
    client.create_deployment(restApiId=api["id"], stageName="dev", **deployment)
    return client, api["id"]


def settings(gateway, client, api, **values):
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[
        {"op": "replace", "path": f"/{path.replace('__', '/')}", "value": value} for path, value in values.items()])
    gateway.settled(api, "dev")


def level(gateway, client, api, name, data="false", key="*/*"):
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[
        {"op": "replace", "path": f"/{key}/logging/loglevel", "value": name},
        {"op": "replace", "path": f"/{key}/logging/dataTrace", "value": data}])
    gateway.settled(api, "dev")


def records(path, request_id=None):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if request_id in (None, line["requestId"])]


def messages(path, answer):
    """A request's lines without their prefix, once the last is there."""
    request_id = answer.headers["x-amzn-requestid"]

    def whole():
        found = records(path, request_id)
        return found if any("Method completed" in record["message"] for record in found) else None
    found = eventually(whole)
    assert all(record["message"].startswith(f"({request_id}) ") for record in found)
    return [record["message"].removeprefix(f"({request_id}) ") for record in found]


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    directory = tmp_path_factory.mktemp("logs")
    gateway = Gateway(directory, "--access-log", directory / "access.log", "--execution-log", directory / "execution.log").start()
    gateway.access, gateway.execution = directory / "access.log", directory / "execution.log"
    yield gateway
    gateway.stop()


def test_a_data_trace_has_awss_lines_in_order(logged, upstream):
    client, api = api_of(logged, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/x"))
    level(logged, client, api, "INFO", "true")

    answer = logged.call(api, "dev", "?a=1", method="POST", body=b"y" * 3000, headers={"Authorization": "Bearer abcdef", "X-Own": "1"})
    lines = messages(logged.execution, answer)

    request_id = answer.headers["x-amzn-requestid"]
    starts = ["Extended Request Id: ", f"Verifying Usage Plan for request: {request_id}. API Key:  API Stage: {api}/dev",
              "API Key  authorized because method 'POST /' does not require API Key.", "Usage Plan check succeeded for API Key  and API Stage ",
              f"Starting execution for request: {request_id}", "HTTP Method: POST, Resource Path: ", "Method request path: {}",
              "Method request query string: {a=1}", "Method request headers: {", "Method request body before transformations: yyy",
              f"Endpoint request URI: http://{upstream.address}/x?a=1", "Endpoint request headers: {", "Endpoint request body after transformations: yyy",
              f"Sending request to http://{upstream.address}/x?a=1", "Received response. Status: 200, Integration latency: ", "Endpoint response headers: {",
              "Endpoint response body before transformations: {", "Method response body after transformations: {", "Method response headers: {",
              "Successfully completed execution", "Method completed with status: 200"]
    assert [line[:len(start)] for line, start in zip(lines, starts, strict=True)] == starts
    headers = next(line for line in lines if line.startswith("Method request headers"))
    assert "Authorization=*******abcdef" in headers and "Bearer" not in headers
    assert next(line for line in lines if line.startswith("Method request body")).endswith("y [TRUNCATED]")
    assert records(logged.execution, request_id)[0]["logGroup"] == f"API-Gateway-Execution-Logs_{api}/dev"


def test_without_a_data_trace_nothing_that_was_sent_is_logged(logged, upstream):
    client, api = api_of(logged, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/x"))
    level(logged, client, api, "INFO")

    answer = logged.call(api, "dev", method="POST", body=b"secret", headers={"X-Own": "secret"})
    lines = messages(logged.execution, answer)

    assert not any("secret" in line or "headers" in line or "body" in line for line in lines), lines
    assert any(line.startswith("Received response. Status: 200") for line in lines)


def test_the_error_level_logs_failures_only_and_off_nothing(logged):
    def build(client, api, root):
        mock(client, api, root)
        broken = client.create_resource(restApiId=api, parentId=root, pathPart="broken")["id"]
        http_proxy(client, api, broken, "http://127.0.0.1:1/", "GET")
        quiet = client.create_resource(restApiId=api, parentId=root, pathPart="quiet")["id"]
        http_proxy(client, api, quiet, "http://127.0.0.1:1/", "GET")
    client, api = api_of(logged, build)
    level(logged, client, api, "ERROR")
    level(logged, client, api, "OFF", key="~1quiet/GET")

    fine, quiet, failed = (logged.call(api, "dev", path) for path in ("/", "/quiet", "/broken"))
    lines = messages(logged.execution, failed)

    assert (fine.status, failed.status, quiet.status) == (200, 504, 504)
    assert lines == ["Execution failed due to a network error communicating with endpoint",
                     "Gateway response type: INTEGRATION_FAILURE with status code: 504", "Method completed with status: 504"], lines
    assert all(record["level"] == "ERROR" for record in records(logged.execution, failed.headers["x-amzn-requestid"]))
    for silent in (fine, quiet):
        assert not records(logged.execution, silent.headers["x-amzn-requestid"])


def test_canary_requests_are_logged_in_both_groups(logged):
    client, api = api_of(logged, mock)
    level(logged, client, api, "INFO")
    client.create_deployment(restApiId=api, stageName="dev", canarySettings={"percentTraffic": 100.0})
    logged.settled(api, "dev")

    answer = logged.call(api, "dev")
    messages(logged.execution, answer)

    group = f"API-Gateway-Execution-Logs_{api}/dev"
    groups = [record["logGroup"] for record in records(logged.execution, answer.headers["x-amzn-requestid"])]
    assert groups.count(group) == groups.count(f"{group}/Canary") > 0


class Chunked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in (b"a" * 1000, b"b" * 234):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


FIELDS = ["requestId", "extendedRequestId", "apiId", "stage", "accountId", "httpMethod", "resourcePath", "path", "status", "protocol",
          "responseLength", "responseLatency", "integration.status", "integration.latency", "integrationLatency", "identity.sourceIp",
          "identity.userAgent", "identity.caller", "authorizer.principalId", "authorizer.error", "error.message", "error.responseType",
          "endpointType", "tlsVersion", "cipherSuite", "xrayTraceId", "domainName", "domainPrefix", "requestTime", "requestTimeEpoch",
          "deploymentId", "resourceId", "customDomain.basePathMatched", "wafResponseCode", "nothing.such"]


def own_lines(path, api):
    return [json.loads(line) for line in path.read_text().splitlines() if api in line]


def test_what_a_stage_says_of_its_api_follows_the_api(logged):
    """Pointers carry the endpoint type: a change of it must reach workers without a deployment."""
    client, api = api_of(logged, lambda client, api, root: mock(client, api, root, "{}"))
    text = '{"requestId": "$context.requestId", "api": "$context.apiId", "endpointType": "$context.endpointType"}'
    settings(logged, client, api, accessLogSettings__format=text)
    change = lambda before, after: client.update_rest_api(restApiId=api, patchOperations=[
        {"op": "replace", "path": f"/endpointConfiguration/types/{before}", "value": after}])

    seen = []
    for step in (None, ("EDGE", "REGIONAL"), ("REGIONAL", "EDGE")):
        if step:
            change(*step)
            logged.settled(api, "dev")
        answer = logged.call(api, "dev")
        own = lambda: [line for line in own_lines(logged.access, api) if line["requestId"] == answer.headers["x-amzn-requestid"]]
        seen.append(eventually(own)[0]["endpointType"])

    assert seen == ["EDGE", "REGIONAL", "EDGE"]


def test_a_json_format_stays_json_whatever_callers_send(logged):
    upstream = Upstream("chunked", Chunked)
    client, api = api_of(logged, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/", "GET"))
    text = json.dumps({name: f"$context.{name}" for name in FIELDS}) + "\n"
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[{"op": "replace", "path": "/accessLogSettings/format", "value": text}])
    logged.settled(api, "dev")

    agent = 'a"b\\c,<d>' + "x" * 2000
    answer = logged.call(api, "dev", "?q=1", headers={"User-Agent": agent})
    line = eventually(lambda: own_lines(logged.access, api))[0]

    assert line["requestId"] == answer.headers["x-amzn-requestid"] and line["apiId"] == api
    assert line["identity.userAgent"] == agent[:1024]
    assert (line["status"], line["responseLength"], line["integration.status"]) == ("200", "1234", "200")
    assert (line["protocol"], line["endpointType"], line["path"], line["tlsVersion"]) == ("HTTP/1.1", "EDGE", "/dev/", "-")
    assert re.fullmatch(r"\d+", line["responseLatency"]) and re.fullmatch(r"\d+", line["integrationLatency"])
    assert line["xrayTraceId"].startswith("Root=1-")
    assert {line[name] for name in ("identity.caller", "authorizer.principalId", "authorizer.error", "nothing.such", "wafResponseCode")} == {"-"}
    upstream.shutdown()


def test_a_gateways_own_answer_is_logged_with_its_error(logged):
    client, api = api_of(logged, mock)
    text = f'{api} $context.requestId $context.status $context.error.responseType $context.error.messageString ${{context.path}}'
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[{"op": "replace", "path": "/accessLogSettings/format", "value": text}])
    logged.settled(api, "dev")

    answer = logged.call(api, "dev", "/nowhere")
    line = eventually(lambda: [line for line in logged.access.read_text().splitlines() if line.startswith(api)])[0]

    assert line == f'{api} {answer.headers["x-amzn-requestid"]} 403 MISSING_AUTHENTICATION_TOKEN "Missing Authentication Token" /dev/nowhere'


@pytest.mark.skipif(not shutil.which("curl"), reason="curl speaks HTTP/2")
def test_http2_is_logged_as_such(logged):
    client, api = api_of(logged, mock)
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[
        {"op": "replace", "path": "/accessLogSettings/format", "value": f"{api} $context.requestId $context.protocol"}])
    logged.settled(api, "dev")

    subprocess.run(["curl", "-sS", "--http2-prior-knowledge", logged.url(api, "dev")], check=True, capture_output=True, timeout=20)
    line = eventually(lambda: [line for line in logged.access.read_text().splitlines() if line.startswith(api)])[0]

    assert line.endswith(" HTTP/2.0")


def metric(gateway, name):
    text = call(f"http://{gateway.addresses['status']}/metrics").text
    return sum(int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def test_a_pipe_that_nobody_reads_costs_lines_and_no_request(tmp_path):
    """reliability F36."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    gateway = Gateway(tmp_path, "--access-log", pipe, "--log-buffer", 65536, "--cores", 1).start()
    try:
        client, api = api_of(gateway, mock)
        gateway.settled(api, "dev")
        for _ in range(300):
            assert gateway.call(api, "dev", headers={"User-Agent": "x" * 1500}, timeout=2).status == 200

        eventually(lambda: metric(gateway, "stagecoach_log_dropped_total") > 0)

        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 10
    finally:
        gateway.stop()


def test_a_worker_that_leaves_writes_its_last_lines(tmp_path):
    gateway = Gateway(tmp_path, "--access-log", tmp_path / "access.log", "--execution-log", tmp_path / "execution.log").start()
    try:
        client, api = api_of(gateway, mock)
        level(gateway, client, api, "INFO")
        answers = [gateway.call(api, "dev") for _ in range(20)]
    finally:
        gateway.stop()

    access, execution = own_lines(tmp_path / "access.log", api), records(tmp_path / "execution.log")
    asked = [answer.headers["x-amzn-requestid"] for answer in answers]
    assert sorted(line["requestId"] for line in access) == sorted(asked)
    assert {record["requestId"] for record in execution if "Method completed" in record["message"]} == set(asked)


def test_a_rotated_file_is_followed(logged):
    client, api = api_of(logged, mock)
    logged.settled(api, "dev")
    logged.call(api, "dev")
    eventually(lambda: api in logged.access.read_text())

    old = logged.access.rename(logged.access.with_suffix(".1"))
    assert eventually(lambda: logged.call(api, "dev").status == 200 and logged.access.exists() and own_lines(logged.access, api))
    shutil.copyfileobj(open(old), open(logged.access, "a"))


def test_a_worker_opens_its_logs_again_at_sighup(logged, tmp_path):
    client, api = api_of(logged, mock)
    log = tmp_path / "access.log"
    worker = Process(tmp_path, "worker", ["worker", "--control-plane", f"http://{logged.addresses['feed']}", "--insecure-plaintext-feed",
                                          "--state-dir", str(tmp_path / "state"), "--access-log", str(log), "--cores", "1"], ("traffic", "status"))
    url = f"http://{worker.ports['traffic']}/_aws/execute-api/{api}/dev"
    try:
        worker.start()
        eventually(lambda: call(url).status == 200)
        eventually(lambda: api in log.read_text())

        log.rename(tmp_path / "old.log")
        worker.process.send_signal(signal.SIGHUP)
        assert call(url).status == 200

        assert eventually(lambda: log.exists() and api in log.read_text())
        assert worker.process.poll() is None
    finally:
        worker.stop()


def test_tls_is_logged_with_awss_names(tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"], check=True, capture_output=True)
    log = tmp_path / "access.log"
    # One core, so that the lines come in the order of the requests.
    gateway = Gateway(tmp_path, "--cores", 1, "--access-log", log, "--traffic-tls", "127.0.0.1:0", "--tls-certificate", tmp_path / "cert.pem",
                      "--tls-key", tmp_path / "key.pem").start()
    try:
        client, api = api_of(gateway, mock)
        client.update_stage(restApiId=api, stageName="dev", patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/format", "value": f"{api} $context.requestId $context.tlsVersion $context.cipherSuite"}])
        gateway.settled(api, "dev")
        url = gateway.url(api, "dev").replace("http://" + gateway.addresses["traffic"], "https://" + gateway.addresses["tls"])
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            trust = ssl._create_unverified_context()
            trust.maximum_version = version
            urllib.request.urlopen(url, context=trust, timeout=10).read()

        lines = eventually(lambda: (lines := [line for line in log.read_text().splitlines() if line.startswith(api)]) and len(lines) == 2 and lines)
        (old, old_cipher), (new, new_cipher) = (line.split()[2:] for line in lines)
        assert (old, new) == ("TLSv1.2", "TLSv1.3")
        assert old_cipher.startswith("ECDHE-ECDSA-") and new_cipher.startswith("TLS_")
    finally:
        gateway.stop()
