"""Bodies and limits over real processes: time-outs, payloads, streams, conversion and compression (rest-data-plane §3, §6)."""
import hashlib
import http.client
import http.server
import json
import pathlib
import subprocess
import threading
import time
import urllib.parse

import botocore.exceptions
import pytest
from conftest import BIN, Gateway, Upstream
from test_integrations import Functions, child, deploy, invocation, put

MEGABYTE = 1024 * 1024
PIECE = bytes(range(32, 96)) * 1024


class Backend(http.server.BaseHTTPRequestHandler):
    """Does what the query string says, and keeps what it was sent."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        self.server.seen = {"verb": self.command, "headers": dict(self.headers.items()), "body": self.body(asked)}
        time.sleep(float(asked.get("wait", 0)))
        self.send_response(int(asked.get("status", 200)))
        body = self.server.answers.get(url.path.strip("/"), b"")
        length = int(asked.get("length", len(body)))
        framing = {"transfer-encoding": "chunked"} if "chunked" in asked else {"content-length": str(length)}
        for name, value in {"content-type": "text/plain", **json.loads(asked.get("headers", "{}")), **framing}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.send(body if "length" not in asked else None, length, "chunked" in asked, "halves" in asked)

    def send(self, body, length, chunked, halves):
        while length > 0:
            piece = body or PIECE[:min(length, len(PIECE))]
            length -= len(piece)
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if halves:
                halves = False
                assert self.server.go_on.wait(10)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def body(self, asked):
        """The body, or its length and digest where it is not to be kept."""
        kept, digest, length = [], hashlib.sha256(), 0
        for piece in self.pieces():
            length += len(piece)
            digest.update(piece) if "sink" in asked else kept.append(piece)
        return (length, digest.hexdigest()) if "sink" in asked else b"".join(kept)

    def pieces(self):
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        left = int(self.headers.get("content-length") or 0)
        while left:
            piece = self.rfile.read(min(left, len(PIECE)))
            left -= len(piece)
            yield piece

    do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def backend():
    server = Upstream("bodies", Backend)
    server.answers, server.seen, server.go_on = {}, None, threading.Event()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def patient(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("patient"), "--max-integration-timeout", "60").start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def small(tmp_path_factory, functions):
    """Payloads of 100,000 bytes at most."""
    gateway = Gateway(tmp_path_factory.mktemp("small"), "--max-payload", "100000", "--lambda-endpoint", f"http://{functions.address}").start()
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


def open_request(gateway, api, path, verb="GET", body=None, headers=None):
    connection = http.client.HTTPConnection(gateway.addresses["traffic"], timeout=10)
    connection.request(verb, f"/_aws/execute-api/{api['id']}/dev{path}", body, headers or {})
    return connection.getresponse()


def test_answers_are_limited_as_requests_are(small, backend, functions):
    """rest-data-plane §3.8, §6.4 and §6.6: 500 from HTTP, 502 from functions; what has begun can only be broken off."""
    functions.answers.update({
        f"{kind}{size}": lambda event, kind=kind, size=size: (200, {}, {"body": "x" * size} if kind == "proxy" else "x" * (size - 2))
        for kind in ("proxy", "plain") for size in (100_000, 100_001)})
    client = small.client()
    api = client.create_rest_api(name="small")
    paths = {}
    for kind, size in (pair.split() for pair in ("HTTP 100000", "HTTP 100001", "HTTP_PROXY 100000", "HTTP_PROXY 100001", "AWS 100000",
                                                 "AWS 100001", "AWS_PROXY 100000", "AWS_PROXY 100001")):
        path = f"{kind}-{size}"
        uri = f"http://{backend.address}/?length={size}"
        if kind.startswith("AWS"):
            uri = invocation(("proxy" if kind == "AWS_PROXY" else "plain") + size)
        at = put(client, api["id"], child(client, api, api["rootResourceId"], path), type=kind, integrationHttpMethod="POST", uri=uri)
        if not kind.endswith("PROXY"):
            client.put_integration_response(**at, statusCode="200")
        paths[kind, int(size)] = f"/{path}"
    put(client, api["id"], child(client, api, api["rootResourceId"], "chunked"), type="HTTP_PROXY", integrationHttpMethod="GET",
        uri=f"http://{backend.address}/?length=100001&chunked=1")
    deploy(small, client, api, stageName="dev")

    got = {key: small.call(api["id"], "dev", path) for key, path in paths.items()}
    begun = open_request(small, api, "/chunked")

    assert {key: answer.status for key, answer in got.items()} == {
        **{(kind, 100_000): 200 for kind in ("HTTP", "HTTP_PROXY", "AWS", "AWS_PROXY")},
        ("HTTP", 100_001): 500, ("HTTP_PROXY", 100_001): 500, ("AWS", 100_001): 502, ("AWS_PROXY", 100_001): 502}
    assert all(len(answer.body) == 100_000 for key, answer in got.items() if key[1] == 100_000)
    assert all(answer.text == '{"message": "Internal server error"}' for key, answer in got.items() if key[1] != 100_000)
    assert begun.status == 200
    with pytest.raises(http.client.IncompleteRead):
        begun.read()


def test_a_streamed_answer_has_no_limit_and_nothing_is_done_to_it(small, backend):
    """rest-data-plane §3.8, "response streaming": no compression, no conversion, no cache; fifteen minutes."""
    client = small.client()
    api = client.create_rest_api(name="stream", minimumCompressionSize=0, binaryMediaTypes=["text/plain"])
    uri = f"http://{backend.address}/?length=300000&chunked=1"
    at = put(client, api["id"], api["rootResourceId"], type="HTTP_PROXY", integrationHttpMethod="GET", uri=uri,
             responseTransferMode="STREAM", timeoutInMillis=900_000)
    put(client, api["id"], child(client, api, api["rootResourceId"], "halves"), type="HTTP_PROXY", integrationHttpMethod="GET",
        uri=uri + "&halves=1", responseTransferMode="STREAM")
    late = refusal(lambda: client.update_integration(**at, patchOperations=[{"op": "replace", "path": "/timeoutInMillis", "value": "900001"}]))
    deploy(small, client, api, stageName="dev")

    whole = small.call(api["id"], "dev", "/", headers={"accept-encoding": "gzip", "accept": "text/html"})
    backend.go_on.clear()
    halves = open_request(small, api, "/halves")
    first = halves.read(len(PIECE))
    backend.go_on.set()

    assert "between 50 ms and 900000 ms" in late
    assert (whole.status, whole.headers["content-encoding"], len(whole.body)) == (200, None, 300_000)
    assert whole.body == (PIECE * 5)[:300_000]
    assert first == PIECE and len(halves.read()) == 300_000 - len(PIECE)


def memory(gateway):
    """The most that the process ever held, bytes."""
    status = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("mode", ["BUFFERED", "STREAM"])
def test_a_hundred_megabytes_pass_both_ways_and_are_never_held(tmp_path, backend, mode):
    gateway = Gateway(tmp_path, "--max-payload", str(100 * MEGABYTE), "--cores", "1").start()
    try:
        client = gateway.client()
        api = client.create_rest_api(name="large")
        put(client, api["id"], api["rootResourceId"], "POST", type="HTTP_PROXY", integrationHttpMethod="POST", responseTransferMode=mode,
            uri=f"http://{backend.address}/?sink=1&chunked=1&length={100 * MEGABYTE}")
        deploy(gateway, client, api, stageName="dev")
        before, digest = memory(gateway), hashlib.sha256()

        answer = open_request(gateway, api, "/", "POST", (PIECE for _ in range(100 * MEGABYTE // len(PIECE))), {"content-type": "a/b"})
        while piece := answer.read(MEGABYTE):
            digest.update(piece)

        sent = hashlib.sha256(PIECE * (100 * MEGABYTE // len(PIECE))).hexdigest()
        assert (answer.status, digest.hexdigest(), backend.seen["body"]) == (200, sent, (100 * MEGABYTE, sent))
        assert memory(gateway) - before < 20 * MEGABYTE
    finally:
        gateway.stop()


def test_what_is_too_large_is_told_in_awss_words_and_reaches_nobody(small, backend):
    """rest-data-plane §2.1, §2.4, §3.8."""
    client = small.client()
    api = client.create_rest_api(name="limits")
    for kind in ("HTTP", "HTTP_PROXY", "MOCK"):
        at = put(client, api["id"], child(client, api, api["rootResourceId"], kind), "POST", type=kind, integrationHttpMethod="POST",
                 uri=f"http://{backend.address}/", requestTemplates={"application/json": '{"statusCode": 200}'} if kind == "MOCK" else {})
        if kind != "HTTP_PROXY":
            client.put_integration_response(**at, statusCode="200")
    deploy(small, client, api, stageName="dev")
    told = (413, "text/plain", b"HTTP content length exceeded 100000 bytes.")
    send = lambda kind, body: (lambda answer: (answer.status, answer.headers["content-type"], answer.read()))(open_request(small, api, f"/{kind}", "POST", body))
    common = len("/_aws/execute-api//dev/MOCK?") + len(api["id"]), len(small.addresses["traffic"]) + len("2") + len("identity")

    for kind in ("HTTP", "HTTP_PROXY", "MOCK"):
        backend.seen = None
        assert send(kind, b"x" * 100_000)[0] == 200
        assert kind == "MOCK" or backend.seen["body"] == b"x" * 100_000
        backend.seen = None
        assert send(kind, b"x" * 100_001) == told
        assert send(kind, (piece for piece in [b"x" * 50_000] * 2 + [b"x"])) == told
        assert backend.seen is None
    value = lambda more: open_request(small, api, "/MOCK", "POST", b"{}", {"x-long": "v" * (10_240 - common[1] + more)})
    fits, long = value(0), value(1)
    url = lambda more: open_request(small, api, "/MOCK?" + "q" * (10_240 - common[0] + more), "POST", b"{}")
    assert (fits.status, long.status, long.read()) == (200, 413, b'{"message":"Request Too Long"}')
    assert (url(0).status, url(2).status) == (200, 414)


def test_some_verbs_carry_no_body_and_a_header_may_replace_the_verb(small, backend):
    """rest-data-plane §1.2, §3.1, §6.1."""
    client = small.client()
    api = client.create_rest_api(name="verbs")
    any_verb, only_get = (child(client, api, api["rootResourceId"], name) for name in ("any", "get"))
    put(client, api["id"], any_verb, "ANY", type="HTTP_PROXY", integrationHttpMethod="ANY", uri=f"http://{backend.address}/fixed")
    put(client, api["id"], only_get, "GET", type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{backend.address}/fixed")
    for verb in ("GET", "HEAD", "OPTIONS", "POST"):
        at = put(client, api["id"], child(client, api, api["rootResourceId"], f"as-{verb}"), "POST", type="HTTP", integrationHttpMethod=verb,
                 uri=f"http://{backend.address}/fixed", requestTemplates={"application/json": "templated"})
        client.put_integration_response(**at, statusCode="200")
    backend.answers["fixed"] = b"answer"
    deploy(small, client, api, stageName="dev")

    def send(verb, path, body=b"sent", **headers):
        backend.seen = None
        answer = open_request(small, api, path, verb, body, headers)
        seen = backend.seen or {}
        return answer.status, answer.read(), seen.get("verb"), seen.get("body")

    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        assert send(verb, "/any") == (200, b"answer", verb, b"sent")
        assert send("POST", "/any", **{"X-HTTP-Method-Override": verb}) == (200, b"answer", verb, b"sent")
    assert send("GET", "/any") == (200, b"answer", "GET", b"") and send("OPTIONS", "/any") == (200, b"answer", "OPTIONS", b"")
    assert send("HEAD", "/any") == (200, b"", "HEAD", b"")
    assert [send("POST", f"/as-{verb}")[2:] for verb in ("GET", "HEAD", "OPTIONS", "POST")] == [
        ("GET", b""), ("HEAD", b""), ("OPTIONS", b""), ("POST", b"templated")]
    assert (send("HEAD", "/get")[0], send("TRACE", "/any")[0], send("OPTIONS", "/get")[0]) == (403, 403, 403)
    overridden = lambda verb: send("POST", "/get", **{"X-HTTP-Method-Override": verb})[0]
    assert [overridden(verb) for verb in ("GET", "ANY", "get", "NOPE", "POST")] == [200, 403, 403, 403, 403]


def test_templates_are_chosen_by_the_media_type_alone_and_a_list_in_accept_names_none(small, backend):
    """rest-data-plane §3.6, §5.3."""
    client, rows = small.client(), {"json": {"application/json": "JSON", "text/xml": "XML"}, "first": {"text/plain": "PLAIN", "text/xml": "XML"}, "none": {}}
    api = client.create_rest_api(name="chosen")
    backend.answers["as-is"] = b"as it is"
    for name, templates in rows.items():
        at = put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", type="HTTP", integrationHttpMethod="POST",
                 uri=f"http://{backend.address}/as-is", requestTemplates={"application/json": "json", "text/xml": "xml"})
        client.put_integration_response(**at, statusCode="200", responseTemplates=templates)
    client.put_gateway_response(restApiId=api["id"], responseType="MISSING_AUTHENTICATION_TOKEN",
                                responseTemplates={"application/json": "JSON", "text/xml": "XML"})
    deploy(small, client, api, stageName="dev")

    def send(name, accept, kind=None):
        answer = open_request(small, api, f"/{name}", "POST", b"sent", {k: v for k, v in (("accept", accept), ("content-type", kind)) if v})
        return answer.read().decode(), answer.headers["content-type"], backend.seen["body"].decode()

    for accept, chosen in ((None, "json"), ("text/xml", "xml"), ("text/xml; q=0.1", "xml"), ("text/xml, text/plain", "json"), ("*/*", "json")):
        assert send("json", accept)[:2] == (("XML", "text/xml") if chosen == "xml" else ("JSON", "application/json")), accept
        assert send("missing", accept)[0] == ("XML" if chosen == "xml" else "JSON"), accept
        assert send("first", accept)[:2] == (("XML", "text/xml") if chosen == "xml" else ("PLAIN", "text/plain")), accept
        assert send("none", accept)[:2] == ("as it is", "application/json"), accept
    assert [send("none", None, kind)[2] for kind in (None, "application/json;charset=utf-8", "text/xml; a=b", "text/html")] == ["json", "json", "xml", "sent"]


def test_the_time_a_client_takes_to_send_is_not_the_integrations(small, backend):
    """AWS reads all of a request before it calls; here it goes on as it comes, and the clock starts at its end."""
    client = small.client()
    api = client.create_rest_api(name="slow client")
    for name, query in (("quick", ""), ("slow", "?wait=0.6")):
        put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", type="HTTP_PROXY", integrationHttpMethod="POST",
            uri=f"http://{backend.address}/{query}", timeoutInMillis=400)
    deploy(small, client, api, stageName="dev")

    def pieces():
        for _ in range(6):
            time.sleep(0.15)
            yield b"piece"

    quick, slow = (open_request(small, api, path, "POST", pieces()) for path in ("/quick", "/slow"))

    assert (quick.status, slow.status, slow.read()) == (200, 504, b'{"message": "Endpoint request timed out"}')


def test_an_answer_without_a_type_is_called_json(small, backend):
    """[V §3.4] "when no other value exists"; a missing type is no binary type (§3.5)."""
    backend.answers["typeless"] = b"bytes"
    client = small.client()
    api = client.create_rest_api(name="typeless", binaryMediaTypes=["application/json"])
    put(client, api["id"], api["rootResourceId"], type="HTTP_PROXY", integrationHttpMethod="GET",
        uri=f"http://{backend.address}/typeless?headers=%7B%22content-type%22:null%7D")
    deploy(small, client, api, stageName="dev")

    answer = open_request(small, api, "/", headers={"accept": "text/plain"})

    assert (answer.status, answer.headers["content-type"], answer.read()) == (200, "application/json", b"bytes")
