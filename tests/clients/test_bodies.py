"""Bodies and limits over real processes: time-outs, payloads, streams, conversion and compression (rest-data-plane §3, §6)."""
import http.server
import json
import subprocess
import time
import urllib.parse

import botocore.exceptions
import pytest
from conftest import BIN, Gateway, Upstream
from test_integrations import child, deploy, put


class Backend(http.server.BaseHTTPRequestHandler):
    """Does what the query string says, and keeps what it was sent."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        self.server.seen = {"verb": self.command, "headers": dict(self.headers.items()), "body": self.body()}
        time.sleep(float(asked.get("wait", 0)))
        self.send_response(int(asked.get("status", 200)))
        body = self.server.answers.get(url.path.strip("/"), b"")
        for name, value in {"content-type": "text/plain", **json.loads(asked.get("headers", "{}")), "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def backend():
    server = Upstream("bodies", Backend)
    server.answers, server.seen = {}, None
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("patient"), "--max-integration-timeout", "60").start()
    yield gateway
    gateway.stop()


def refusal(ask):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        ask()
    return refused.value.response["Error"]["Message"]


def definition(uri, timeout):
    integration = {"type": "HTTP_PROXY", "httpMethod": "GET", "uri": uri, "timeoutInMillis": timeout}
    return json.dumps({"openapi": "3.0.1", "info": {"title": "patient"}, "paths": {"/": {"get": {"x-amazon-apigateway-integration": integration}}}})


def test_an_operator_may_allow_longer_timeouts_than_aws(patient, backend, tmp_path):
    client, uri = patient.client(), f"http://{backend.address}/?wait=0.4"
    api = client.create_rest_api(name="patient")
    at = put(client, api["id"], api["rootResourceId"], type="HTTP_PROXY", integrationHttpMethod="GET", uri=uri, timeoutInMillis=60_000)
    change = lambda value: client.update_integration(**at, patchOperations=[{"op": "replace", "path": "/timeoutInMillis", "value": value}])
    deploy(patient, client, api, stageName="long")
    file = tmp_path / "api.json"
    check = lambda timeout, *flags: (file.write_text(definition(uri, timeout)), subprocess.run([BIN, "check", str(file), *flags], capture_output=True, text=True))[1]

    served = patient.call(api["id"], "long")
    told = [refusal(lambda: change("60001")), refusal(lambda: change("x")),
            refusal(lambda: client.put_integration(**at, type="MOCK", timeoutInMillis=60_001)),
            refusal(lambda: client.import_rest_api(body=definition(uri, 60_001)))]
    client.import_rest_api(body=definition(uri, 60_000))
    change("100")
    deploy(patient, client, api, stageName="short")
    late = patient.call(api["id"], "short")

    assert served.status == 200
    assert all("Timeout should be between 50 ms and 60000 ms" in text for text in told), told
    assert (late.status, late.text) == (504, '{"message": "Endpoint request timed out"}')
    assert check(29_000).returncode == 0 and "between 50 ms and 29000 ms" in check(29_001).stderr
    assert check(60_000, "--max-integration-timeout", "60").returncode == 0
