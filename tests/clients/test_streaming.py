"""AWS_PROXY with response streaming: InvokeWithResponseStream behind `responseTransferMode: STREAM` (rest-data-plane §3.8)."""
import binascii
import http.client
import http.server
import json
import os
import re
import struct
import threading
import time

import pytest
from botocore.eventstream import EventStreamBuffer
from conftest import Gateway, Upstream, eventually
from test_integrations import child, deploy, invocation, put

PRELUDE = json.dumps({"statusCode": 201, "headers": {"X-One": "1"}, "multiValueHeaders": {"x-two": ["a", "b"]},
                      "cookies": ["c=1", "d=2"]}).encode() + bytes(8)


def message(headers, payload):
    """One message, written from the format's description; `test_the_fake_speaks_as_aws_does` holds it against botocore."""
    packed = b"".join(struct.pack(">B", len(name)) + name + b"\7" + struct.pack(">H", len(value)) + value
                      for name, value in headers.items())
    start = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    body = start + struct.pack(">I", binascii.crc32(start)) + packed + payload
    return body + struct.pack(">I", binascii.crc32(body))


def event(kind, payload):
    return message({b":message-type": b"event", b":event-type": kind, b":content-type": b"application/octet-stream"}, payload)


def chunk(payload):
    return event(b"PayloadChunk", payload)


DONE = event(b"InvokeComplete", b"{}")
FAILED = event(b"InvokeComplete", json.dumps({"ErrorCode": "Error", "ErrorDetails": "it broke"}).encode())
GATE = threading.Event()
LARGE = 50_000_000


def gated():
    yield chunk(PRELUDE + b"first")
    assert GATE.wait(10)
    yield chunk(b" second") + DONE


def cut_anywhere():
    whole = chunk(PRELUDE[:-3]) + chunk(PRELUDE[-3:] + b"ab") + chunk(b"c") + DONE
    for at in range(0, len(whole), 7):
        yield whole[at:at + 7]


def large():
    yield chunk(PRELUDE)
    for _ in range(LARGE // 100_000):
        yield chunk(bytes(100_000))
    yield DONE


def pauses():
    yield chunk(PRELUDE + b"first")
    GATE.wait(20)


def slow():
    """Longer than the idle time-out as a whole, never idle for as long."""
    yield chunk(PRELUDE + b"0")
    for number in range(1, 6):
        time.sleep(0.4)
        yield chunk(str(number).encode())
    yield DONE


FUNCTIONS = {
    "pauses": pauses, "slow": slow,
    "gated": gated, "cut": cut_anywhere, "large": large,
    "failed-late": lambda: [chunk(PRELUDE + b"some"), FAILED],
    "failed-early": lambda: [FAILED],
    "exception": lambda: [message({b":message-type": b"exception", b":exception-type": b"ServiceException"}, b"{}")],
    "no-prelude": lambda: [chunk(b"just text"), DONE],
    "odd-prelude": lambda: [chunk(b'{"statusCode": 200, "body": "no"}' + bytes(8)), DONE],
    "truncated": lambda: [chunk(PRELUDE + b"some")],
    "damaged": lambda: [chunk(PRELUDE)[:-1] + b"\0", DONE],
    "leftover": lambda: [chunk(PRELUDE + b"some"), DONE + b"\0\0"],
    "empty": lambda: [chunk(b"{}" + bytes(8)), DONE],
}


class Streams(http.server.BaseHTTPRequestHandler):
    """InvokeWithResponseStream, by function name."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.calls.append(self.path)
        name = self.path.split("%3A")[-1].split("/")[0]
        if name == "silent":
            return GATE.wait(20)
        buffered = name == "buffered"
        self.send_response(429 if name == "throttled" else 200)
        self.send_header("content-type", "application/json" if buffered else "application/vnd.amazon.eventstream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        pieces = [json.dumps({"statusCode": 200}).encode()] if buffered else FUNCTIONS.get(name, lambda: [])()
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def functions():
    server = Upstream("streams", Streams)
    server.calls = []
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def served(tmp_path_factory, functions):
    gateway = Gateway(tmp_path_factory.mktemp("streaming"), "--lambda-endpoint", f"http://{functions.address}",
                      "--max-payload", "100000", "--execution-log", tmp_path_factory.mktemp("logs") / "log",
                      "--access-log", tmp_path_factory.mktemp("logs") / "access").start()
    client = gateway.client()
    api = client.create_rest_api(name="streaming", minimumCompressionSize=0)
    for name in [*FUNCTIONS, "throttled", "buffered", "silent"]:
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        put(client, api["id"], child(client, api, api["rootResourceId"], name), type="AWS_PROXY", integrationHttpMethod="POST",
            responseTransferMode="STREAM", timeoutInMillis=2000 if name == "silent" else 29000,
            uri=f"arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/{arn}/response-streaming-invocations")
    put(client, api["id"], child(client, api, api["rootResourceId"], "by-variable"), type="AWS_PROXY", integrationHttpMethod="POST",
        responseTransferMode="STREAM",
        uri="arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/arn:aws:lambda:us-east-1:000000000000:function:"
            "${stageVariables.function}/response-streaming-invocations")
    put(client, api["id"], child(client, api, api["rootResourceId"], "caller"), type="AWS_PROXY", integrationHttpMethod="POST",
        uri=invocation("cut"), credentials="arn:aws:iam::*:user/*")
    deploy(gateway, client, api, stageName="s", variables={"function": "cut"})
    client.update_stage(restApiId=api["id"], stageName="s", patchOperations=[
        {"op": "replace", "path": "/accessLogSettings/format",
         "value": "$context.requestId $context.resourcePath $context.integration.responseTransferMode"}])
    client.update_stage(restApiId=api["id"], stageName="s", patchOperations=[
        {"op": "replace", "path": f"/~1{function}/GET/logging/{name}", "value": value}
        for function in ("cut", "failed-late", "truncated") for name, value in (("loglevel", "INFO"), ("dataTrace", "true"))])
    gateway.settled(api["id"], "s")
    yield gateway, api["id"]
    gateway.stop()


def ask(served, name, headers=()):
    gateway, api = served
    connection = http.client.HTTPConnection(gateway.addresses["traffic"], timeout=20)
    connection.request("GET", f"/_aws/execute-api/{api}/s/{name}", headers=dict(headers))
    return connection.getresponse()


def test_the_fake_speaks_as_aws_does():
    buffer = EventStreamBuffer()
    buffer.add_data(chunk(b"abc") + FAILED)

    first, second = list(buffer)

    assert (first.headers[":event-type"], first.payload) == ("PayloadChunk", b"abc")
    assert json.loads(second.payload)["ErrorDetails"] == "it broke"


def test_bytes_reach_the_client_while_the_function_still_writes(served, functions):
    GATE.clear()
    functions.calls.clear()

    answer = ask(served, "gated", {"Accept-Encoding": "gzip"})
    first = answer.read(5)
    GATE.set()

    assert (answer.status, first, answer.read()) == (201, b"first", b" second")
    assert (answer.headers["x-one"], answer.headers.get_all("x-two")) == ("1", ["a", "b"])
    assert answer.headers.get_all("set-cookie") == ["c=1", "d=2"]
    assert (answer.headers["content-type"], answer.headers["content-encoding"]) == ("application/json", None)
    assert functions.calls[0].startswith("/2021-11-15/functions/arn%3Aaws%3Alambda")
    assert functions.calls[0].endswith("/response-streaming-invocations")


def test_messages_may_be_cut_anywhere_and_bodies_be_empty(served):
    cut, empty = ask(served, "cut"), ask(served, "empty")

    assert (cut.status, cut.read()) == (201, b"abc")
    assert (empty.status, empty.read()) == (200, b"")


def test_a_function_that_a_stage_variable_names_streams_for_the_log_and_the_codings_too(served):
    gateway, _ = served

    answer = ask(served, "by-variable", {"Accept-Encoding": "gzip"})

    assert (answer.status, answer.headers["content-encoding"], answer.read()) == (201, None, b"abc")
    log = gateway.arguments[gateway.arguments.index("--access-log") + 1]
    assert eventually(lambda: "/by-variable STREAMED" in log.read_text())


def test_a_stream_has_no_limit_and_is_never_held(served):
    gateway, _ = served
    resident = lambda: int(open(f"/proc/{gateway.process.pid}/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")
    before = resident()

    answer = ask(served, "large")
    total = 0
    while piece := answer.read(1 << 16):
        total += len(piece)

    assert (answer.status, total) == (201, LARGE)
    assert resident() - before < LARGE // 2


@pytest.mark.parametrize("name,status", [
    ("failed-early", 502), ("exception", 502), ("no-prelude", 502), ("odd-prelude", 502), ("damaged", 502),
    ("buffered", 502), ("throttled", 500), ("silent", 504)])
def test_what_fails_before_the_first_byte_is_the_gateways_answer(served, name, status):
    GATE.clear()

    answer = ask(served, name)

    GATE.set()
    text = {502: "Internal server error", 500: "Internal server error", 504: "Endpoint request timed out"}[status]
    assert (answer.status, json.loads(answer.read())) == (status, {"message": text})


@pytest.mark.parametrize("name", ["failed-late", "truncated", "leftover"])
def test_what_fails_later_breaks_the_answer_off(served, name):
    answer = ask(served, name)

    assert answer.status == 201
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()


def test_the_execution_log_shows_what_was_streamed(served):
    gateway, _ = served
    log = gateway.arguments[gateway.arguments.index("--execution-log") + 1]

    ask(served, "cut").read()

    lines = eventually(lambda: "Successfully completed execution" in (text := log.read_text()) and text)
    assert "Endpoint response body before transformations: abc" in lines


def test_the_callers_own_credentials_are_refused_by_name(served):
    refused = ask(served, "caller")

    assert refused.status == 501 and b"the caller's credentials" in refused.read()


class Pausing(http.server.BaseHTTPRequestHandler):
    """A back end that sends half an answer."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "10")
        self.end_headers()
        self.wfile.write(b"first")
        self.wfile.flush()
        GATE.wait(20)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def pausing(tmp_path_factory, functions):
    """A gateway that allows a stream to pause for a second."""
    back_end, logs = Upstream("pausing", Pausing), tmp_path_factory.mktemp("logs")
    gateway = Gateway(tmp_path_factory.mktemp("pausing"), "--lambda-endpoint", f"http://{functions.address}", "--stream-idle-timeout", "1",
                      "--access-log", logs / "access", "--execution-log", logs / "execution").start()
    client = gateway.client()
    api = client.create_rest_api(name="pausing")
    for name in ("pauses", "slow"):
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        put(client, api["id"], child(client, api, api["rootResourceId"], name), type="AWS_PROXY", integrationHttpMethod="POST", responseTransferMode="STREAM",
            uri=f"arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/{arn}/response-streaming-invocations")
    put(client, api["id"], child(client, api, api["rootResourceId"], "http"), type="HTTP_PROXY", integrationHttpMethod="GET", responseTransferMode="STREAM",
        uri=f"http://{back_end.address}/")
    deploy(gateway, client, api, stageName="s")
    client.update_stage(restApiId=api["id"], stageName="s", patchOperations=[
        {"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"},
        {"op": "replace", "path": "/accessLogSettings/format",
         "value": "$context.requestId $context.resourcePath [$context.integration.error] $context.integration.timeToFirstContent"}])
    gateway.settled(api["id"], "s")
    gateway.logs = logs
    yield gateway, api["id"]
    gateway.stop()
    back_end.shutdown()


@pytest.mark.parametrize("name", ["pauses", "http"])
def test_a_stream_that_pauses_for_too_long_is_broken_off_and_logged(pausing, name):
    gateway, _ = pausing
    GATE.clear()

    answer = ask(pausing, name)
    first = answer.read(5)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()

    GATE.set()
    assert (answer.status // 100, first) == (2, b"first")
    id = answer.headers["x-amzn-requestid"]
    access, execution = [eventually(lambda: [line for line in (gateway.logs / log).read_text().splitlines() if id in line]) for log in ("access", "execution")]
    assert re.fullmatch(rf"{id} /{name} \[nothing came for 1 s\] \d+", access[0]), access
    assert "Execution failed due to a timeout error" in execution[0]
    assert eventually(lambda: "nothing came for too long" in (gateway.directory / "log").read_text())


def test_a_stream_may_take_longer_than_it_may_pause(pausing):
    answer = ask(pausing, "slow")

    assert (answer.status, answer.read()) == (201, b"012345")


@pytest.mark.parametrize("name,said", [("failed-late", "customer function error: it broke"), ("truncated", "ended without InvokeComplete")])
def test_a_stream_that_fails_later_is_no_success_in_the_log(served, name, said):
    gateway, _ = served
    log = gateway.arguments[gateway.arguments.index("--execution-log") + 1]

    answer = ask(served, name)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()

    id = answer.headers["x-amzn-requestid"]
    lines = eventually(lambda: [line for line in log.read_text().splitlines() if id in line])
    assert any(said in line for line in lines), "\n".join(lines)
    assert not any("Successfully completed execution" in line for line in lines)
