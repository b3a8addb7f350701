"""What a gateway answers when the Lambda API fails it, and how often it calls (rest-data-plane §6.5, §6.6)."""
import http.server
import json
import socket
import struct
import threading
import time

import pytest
from conftest import Gateway, Upstream, eventually
from test_bodies import open_request
from test_integrations import child, deploy, invocation, put

GOOD = {"statusCode": 200, "body": "done"}
INTERNAL = b'{"message": "Internal server error"}'
NETWORK = b'{"message": "Network error communicating with endpoint"}'
TIMEOUT = b'{"message": "Endpoint request timed out"}'
# Function: what the endpoint does, and the client's status.
STATUSES = {"forbidden": (403, {}, {"Message": "no"}, 500), "throttled": (429, {}, {"Type": "User"}, 500), "internal": (500, {}, {}, 502),
            "gateway": (502, {}, {}, 502), "error": (200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "no"}, 502),
            "text": (200, {}, b"no JSON", 502), "good": (200, {}, GOOD, 200)}
BROKEN = ["hangs", "resets", "unanswered"]


class Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        name = self.path.split("%3A")[-1].split("/")[0]
        self.server.calls.append((name, self.headers["x-amzn-lambda-integration-tag"], self.client_address, self.headers["x-amz-invocation-type"]))
        if name == "hangs":
            self.close_connection = not self.server.stop.wait(3)
        elif name == "resets":
            self.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            self.abort()
        elif name == "unanswered":
            self.abort()
        elif name == "mapped":
            self.reply(200, {"x-amz-function-error": "Handled"}, {"errorMessage": "not found: 7"})
        elif name == "event":
            self.reply(202, {}, b"")
        elif name == "closes":
            self.reply(200, {}, GOOD)
            self.close_connection = True
        else:
            self.reply(*STATUSES[name][:3])

    def abort(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def reply(self, status, headers, result):
        body = result if isinstance(result, bytes) else json.dumps(result).encode()
        self.send_response(status)
        for pair in {"content-length": str(len(body)), **headers}.items():
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(body)

    def finish(self):
        try:
            super().finish()
        except (OSError, ValueError):
            pass

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def functions():
    server = Upstream("faulty", Faulty)
    server.calls, server.stop, server.handle_error = [], threading.Event(), lambda *_: None
    yield server
    server.stop.set()
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    folder = tmp_path_factory.mktemp("faults")
    gateway = Gateway(folder, "--cores", "1", "--lambda-endpoint", f"http://{functions.address}", "--execution-log", folder / "execution.log").start()
    gateway.log = folder / "execution.log"
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def api(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="faults")
    resource = lambda name: child(client, api, api["rootResourceId"], name)
    for name in [*STATUSES, *BROKEN, "closes"]:
        put(client, api["id"], resource(name), type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name),
            timeoutInMillis=500 if name == "hangs" else 29_000)
    for name, more in {"mapped": {}, "event": {"requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}}}.items():
        at = put(client, api["id"], resource(name), responses=("200", "404"), type="AWS", integrationHttpMethod="POST", uri=invocation(name), **more)
        client.put_integration_response(**at, statusCode="200")
        client.put_integration_response(**at, statusCode="404", selectionPattern="not found: .*", responseTemplates={
            "application/json": "$input.path('$.errorMessage')"})
    deploy(gateway, client, api, stageName="dev")
    client.update_stage(restApiId=api["id"], stageName="dev", patchOperations=[{"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"}])
    gateway.settled(api["id"], "dev")
    return api


def ask(gateway, functions, api, name):
    """The answer, and how often the function was called for it."""
    functions.calls.clear()
    answer = open_request(gateway, api, f"/{name}")
    return answer.status, answer.read(), [call[0] for call in functions.calls].count(name)


@pytest.mark.parametrize("name", STATUSES)
def test_an_answer_of_the_lambda_api_is_told_as_the_gateways_own(gateway, functions, api, name):
    status = STATUSES[name][3]

    got = ask(gateway, functions, api, name)

    assert got == (status, b"done" if name == "good" else INTERNAL, 1)


def test_a_refused_invocation_is_logged_in_awss_words(gateway, functions, api):
    ask(gateway, functions, api, "forbidden")

    line = "Execution failed due to configuration error: Invalid permissions on Lambda function"
    assert eventually(lambda: line in gateway.log.read_text())


def test_a_function_that_hangs_is_a_504_at_the_set_time(gateway, functions, api):
    started = time.monotonic()

    got = ask(gateway, functions, api, "hangs")

    assert got == (504, TIMEOUT, 1)
    assert 0.5 <= time.monotonic() - started < 1.5


@pytest.mark.parametrize("name,wanted", [("resets", (500, INTERNAL, 1)), ("unanswered", (504, NETWORK, 1))])
def test_a_connection_that_breaks_is_never_answered_with_a_second_invocation(gateway, functions, api, name, wanted):
    """The request goes over a connection that served another one before, which is where a retry would tempt."""
    ask(gateway, functions, api, "good")
    reused = functions.calls[-1][2]

    got = ask(gateway, functions, api, name)

    assert got == wanted
    assert functions.calls[-1][2] == reused


def test_connections_closed_while_idle_cost_no_request(gateway, functions, api):
    functions.calls.clear()

    answers = [open_request(gateway, api, "/closes").status for _ in range(20)]

    assert answers == [200] * 20
    assert len({call[1] for call in functions.calls}) == len(functions.calls) == 20


def test_a_result_without_proxy_chooses_by_its_error_message(gateway, functions, api):
    got = ask(gateway, functions, api, "mapped")

    assert got == (404, b"not found: 7", 1)


def test_an_asynchronous_invocation_is_answered_by_the_default_response(gateway, functions, api):
    got = ask(gateway, functions, api, "event")

    assert got == (200, b"", 1)
    assert functions.calls[-1][3] == "Event"
