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
TIMEOUT = b'{"message": "Endpoint request timed out"}'
# Function: what the endpoint does, and the client's status.
STATUSES = {"forbidden": (403, {}, {"Message": "no"}, 500), "throttled": (429, {}, {"Type": "User"}, 500), "internal": (500, {}, {}, 502),
            "gateway": (502, {}, {}, 502), "error": (200, {"x-amz-function-error": "Unhandled"}, {"errorMessage": "no"}, 502),
            "text": (200, {}, b"no JSON", 502), "good": (200, {}, GOOD, 200)}
# What happens to the connection instead of an answer.
BROKEN = ["hangs", "resets", "unanswered", "leaves", "interrupts", "refused"]
LARGEST_EVENT, LARGEST_PAYLOAD = 6_291_456, 10 * 1024 * 1024
TOO_LARGE = {"errorType": "Function.ResponseSizeTooLarge",
             "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}
# Function: what it answers, however much that is.
SIZES = {"seven": ({}, {"statusCode": 200, "body": "x" * 7_000_000}, 200), "twelve": ({}, {"statusCode": 200, "body": "x" * 12_000_000}, 502),
         "thirty": ({}, {"statusCode": 200, "body": "x" * 30_000_000}, 502), "capped": ({"x-amz-function-error": "Unhandled"}, TOO_LARGE, 502)}


class Faulty(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        name, length = self.path.split("%3A")[-1].split("/")[0], int(self.headers.get("content-length") or 0)
        self.rfile.read(1 if name == "interrupts" else length)
        self.server.calls.append((name, self.headers["x-amzn-lambda-integration-tag"], self.client_address, self.headers["x-amz-invocation-type"]))
        if name == "hangs":
            self.close_connection = not self.server.stop.wait(3)
        elif name == "resets":
            self.connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
            self.abort()
        elif name in ("unanswered", "interrupts"):
            self.abort()
        elif name == "leaves":
            self.close_connection = True
        elif name == "limited" and length > LARGEST_EVENT:
            self.reply(413, {"x-amzn-ErrorType": "RequestTooLargeException"}, {"Message": f"{length} byte payload is too large"})
        elif name == "limited":
            self.reply(200, {}, GOOD)
        elif name in SIZES:
            self.reply(200, *SIZES[name][:2])
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


class Endpoint(Upstream):
    """Counts the connections that it has closed."""

    def shutdown_request(self, request):
        super().shutdown_request(request)
        self.closed += 1


@pytest.fixture(scope="module")
def functions():
    server = Endpoint("faulty", Faulty)
    server.calls, server.stop, server.handle_error, server.closed = [], threading.Event(), lambda *_: None, 0
    yield server
    server.stop.set()
    server.shutdown()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, functions):
    folder = tmp_path_factory.mktemp("faults")
    gateway = Gateway(folder, "--cores", "1", "--lambda-endpoint", "*:refused=http://127.0.0.1:1",
                      "--lambda-endpoint", f"http://{functions.address}", "--execution-log", folder / "execution.log").start()
    gateway.log = folder / "execution.log"
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def api(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="faults")
    resource = lambda name: child(client, api, api["rootResourceId"], name)
    for name in [*STATUSES, *BROKEN, *SIZES, "closes"]:
        put(client, api["id"], resource(name), type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name),
            timeoutInMillis=500 if name == "hangs" else 29_000)
    for name, more in {"mapped": {}, "event": {"requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}}}.items():
        at = put(client, api["id"], resource(name), responses=("200", "404"), type="AWS", integrationHttpMethod="POST", uri=invocation(name), **more)
        client.put_integration_response(**at, statusCode="200")
        client.put_integration_response(**at, statusCode="404", selectionPattern="not found: .*", responseTemplates={
            "application/json": "$input.path('$.errorMessage')"})
    put(client, api["id"], resource("limited"), "POST", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("limited"))
    for name, function in {"throttled-result": "throttled", "internal-result": "internal"}.items():
        client.put_integration_response(statusCode="200", **put(client, api["id"], resource(name), type="AWS", integrationHttpMethod="POST", uri=invocation(function)))
    deploy(gateway, client, api, stageName="dev")
    client.update_stage(restApiId=api["id"], stageName="dev", patchOperations=[{"op": "replace", "path": "/*/*/logging/loglevel", "value": "ERROR"}])
    gateway.settled(api["id"], "dev")
    return api


def ask(gateway, functions, api, name, *how):
    """The answer, and how often the function was called for it."""
    functions.calls.clear()
    answer = open_request(gateway, api, f"/{name}", *how)
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


@pytest.mark.parametrize("name", ["resets", "unanswered", "leaves"])
def test_a_connection_that_breaks_is_a_502_and_never_a_second_invocation(gateway, functions, api, name):
    """The request goes over a connection that served another one before, which is where a retry would tempt; then over a new one."""
    ask(gateway, functions, api, "good")
    reused = functions.calls[-1][2]

    first = ask(gateway, functions, api, name)
    over = functions.calls[-1][2]
    second = ask(gateway, functions, api, name)

    assert first == second == (502, INTERNAL, 1)
    assert over == reused != functions.calls[-1][2]
    line = "Execution failed due to a network error communicating with endpoint"
    assert eventually(lambda: line in gateway.log.read_text())


def test_a_request_that_was_sent_in_part_is_not_sent_again(gateway, functions, api):
    ask(gateway, functions, api, "good")

    got = ask(gateway, functions, api, "interrupts", "GET", "x" * 5_000_000)

    assert got == (502, INTERNAL, 1)


def test_an_endpoint_that_refuses_connections_is_a_502_and_named_in_the_log(gateway, functions, api):
    got = ask(gateway, functions, api, "refused")

    assert got == (502, INTERNAL, 0)
    assert eventually(lambda: [line for line in (gateway.directory / "log").read_text().splitlines() if "127.0.0.1:1" in line and "cannot be reached" in line])


@pytest.mark.parametrize("name", SIZES)
def test_answers_may_be_as_large_as_the_gateways_limit_whatever_the_functions(gateway, functions, api, name):
    """Lambda itself makes an error of more than 6 MB; another endpoint may answer with more."""
    status, body, calls = ask(gateway, functions, api, name)

    assert (status, calls) == (SIZES[name][2], 1)
    assert body == (b"x" * 7_000_000 if status == 200 else INTERNAL)


@pytest.mark.parametrize("size,status,body,error,calls", [
    (1_000, 200, b"done", None, 1),
    (7_000_000, 413, b'{"message": "Request Too Long"}', "BadRequestException", 1),
    (LARGEST_PAYLOAD + 1, 413, b"HTTP content length exceeded 10485760 bytes.", "RequestTooLargeException", 0)])
def test_events_are_limited_by_lambda_and_requests_by_the_gateway(gateway, functions, api, size, status, body, error, calls):
    functions.calls.clear()

    # What is announced to be too large need not be sent.
    sent = b"x" * size if size <= LARGEST_PAYLOAD else b""
    answer = open_request(gateway, api, "/limited", "POST", sent, {"content-length": str(size)})

    assert (answer.status, answer.read(), answer.headers["x-amzn-errortype"], len(functions.calls)) == (status, body, error, calls)


@pytest.mark.parametrize("name,status", [("throttled-result", 500), ("internal-result", 502)])
def test_a_service_that_fails_is_no_result(gateway, functions, api, name, status):
    """Without proxy, too: nothing is mapped."""
    got = open_request(gateway, api, f"/{name}")

    assert (got.status, got.read()) == (status, INTERNAL)


def test_connections_closed_while_idle_cost_no_request(gateway, functions, api):
    functions.calls.clear()

    answers = []
    for _ in range(20):
        closed = functions.closed
        answers.append(open_request(gateway, api, "/closes").status)
        # A request that meets the close on its way may have been run, and is a 502.
        eventually(lambda: functions.closed > closed)

    assert answers == [200] * 20
    assert len({call[1] for call in functions.calls}) == len(functions.calls) == 20


def test_a_result_without_proxy_chooses_by_its_error_message(gateway, functions, api):
    got = ask(gateway, functions, api, "mapped")

    assert got == (404, b"not found: 7", 1)


def test_an_asynchronous_invocation_is_answered_by_the_default_response(gateway, functions, api):
    got = ask(gateway, functions, api, "event")

    assert got == (200, b"", 1)
    assert functions.calls[-1][3] == "Event"
