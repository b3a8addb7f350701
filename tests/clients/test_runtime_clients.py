"""AWS's own runtime clients, unmodified (awslambdaric, aws-lambda-ric, lambda_runtime), and ours for plain packages run the same functions: one table of
cases, the same answers, the failures in the shapes of dependencies §3.2 and §3.4."""
import base64
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Gateway
from lambda_strict import strict
from runtime_clients import INTERPRETER, KINDS, package
from test_function_life import ARN, ROLE

LARGEST = 6_291_556
#: How a handler's exception is told: type, and the members beside it (§3.2).
ERRORS = {"python": ("ValueError", {"errorMessage", "errorType", "requestId", "stackTrace"}), "nodejs": ("RangeError", {"errorMessage", "errorType", "trace"}),
          "provided": (None, {"errorMessage", "errorType"})}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("runtimes"), "--python", INTERPRETER).start()
    yield gateway
    gateway.stop()


class Runner:
    """Functions of one kind."""

    def __init__(self, gateway, kind):
        self.kind, self.runtime, self.client = kind, KINDS[kind][0], strict(gateway.client("lambda"))
        self.family = re.match("[a-z]+", self.runtime)[0]
        self.trace, self.names = None, iter(range(100))
        self.client.meta.events.register("before-call.lambda.Invoke", self._traced)

    def _traced(self, params, **_):
        if self.trace:
            params["headers"]["X-Amzn-Trace-Id"] = self.trace

    def function(self, handler="app.command", timeout=10, **variables):
        name = f"{self.kind}-{next(self.names)}"
        self.client.create_function(FunctionName=name, Runtime=self.runtime, Handler=handler, Role=ROLE, Code={"ZipFile": package(self.kind)}, Timeout=timeout,
                                    MemorySize=256, Environment={"Variables": variables}, Publish=True)
        return name

    def call(self, name, event=None, **how):
        """`(payload, error, whole answer)`."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **how)
        return json.loads(answer["Payload"].read()), answer.get("FunctionError"), answer

    def stream(self, name, event=None):
        events = list(self.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event))["EventStream"])
        return b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event), events[-1]["InvokeComplete"]


@pytest.fixture(scope="module", params=KINDS)
def runner(request, gateway):
    return Runner(gateway, request.param)


@pytest.fixture(scope="module")
def plain(runner):
    """One function for all cases that leave it as it was."""
    return runner.function()


@pytest.mark.parametrize("event", [None, {}, {"a": "ü€😀", "b": [1, 2.5, None, True]}, [], "text", 7, {"long": "x" * 1_000_000}],
                         ids=["null", "empty", "unicode", "list", "text", "number", "megabyte"])
def test_what_is_sent_is_answered(runner, plain, event):
    payload, error, answer = runner.call(plain, event, LogType="Tail")

    log = base64.b64decode(answer["LogResult"]).decode()
    assert (payload, error) == (event, None)
    assert f"REPORT RequestId: {answer['ResponseMetadata']['RequestId']}" in log
    assert "got " in log or len(str(event)) > 4096, log


def test_the_context_is_that_of_the_invocation(runner, plain):
    context = {"custom": {"k": "v"}, "env": {}, "client": {}}
    if runner.family == "provided":
        context.pop("client")  # lambda_runtime asks for all members of `client`, or none
    runner.trace, began = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", time.time() * 1000
    runner.client.create_alias(FunctionName=plain, Name="live", FunctionVersion="1")

    payload, _, answer = runner.call(plain, {"do": "context"}, Qualifier="live", ClientContext=base64.b64encode(json.dumps(context).encode()).decode())
    runner.trace = None

    assert payload["request_id"] == answer["ResponseMetadata"]["RequestId"]
    assert (payload["arn"], payload["name"], payload["version"], payload["memory"]) == (f"{ARN}:{plain}:live", plain, "1", 256)
    assert payload["log_group"] == f"/aws/lambda/{plain}" and re.fullmatch(r"\d{4}/\d\d/\d\d/\[1\][0-9a-f]{32}", payload["log_stream"]), payload["log_stream"]
    assert began < payload["deadline"] <= time.time() * 1000 + 10_100
    assert payload["trace"] == "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    assert payload["custom"] == {"k": "v"}
    ours = {"python": r"/runtime/python\.py$", "node": r"/runtime/node\.mjs$"}
    assert re.search(ours.get(runner.kind, runner.kind), payload["client"]), "AWS's client runs where the package brings it"


def test_an_exception_is_told_and_the_process_goes_on(runner, plain):
    before, _, _ = runner.call(plain, {"do": "context"})
    payload, error, answer = runner.call(plain, {"do": "raise"})
    after, _, _ = runner.call(plain, {"do": "context"})

    kind, members = ERRORS[runner.family]
    assert (error, answer["StatusCode"], payload["errorMessage"], set(payload)) == ("Unhandled", 200, "as told", members)
    assert payload["errorType"] == kind or kind is None and payload["errorType"]
    assert before["process"] == after["process"]
    if "requestId" in members:
        assert payload["requestId"] == answer["ResponseMetadata"]["RequestId"]
    if runner.family == "provided":
        payload, error, _ = runner.call(plain, {"do": "panic"})
        assert (error, payload["errorMessage"]) == ("Unhandled", "Lambda panicked: as told")
        assert runner.call(plain, {"do": "context"})[0]["process"] == before["process"]


@pytest.mark.parametrize("code, reason", [(0, "Runtime exited without providing a reason"), (3, "Runtime exited with error: exit status 3")])
def test_a_process_that_ends_is_told_and_another_one_serves_the_next(runner, plain, code, reason):
    payload, error, answer = runner.call(plain, {"do": "exit", "code": code})
    next_one, _, _ = runner.call(plain, {"a": 1})

    assert error == "Unhandled" and payload == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {answer['ResponseMetadata']['RequestId']} Error: {reason}"}
    assert next_one == {"a": 1}


def test_an_answer_may_be_as_large_as_awss(runner, plain):
    whole, _, _ = runner.call(plain, {"do": "large", "size": LARGEST - 2})  # the quotes count, too
    payload, error, _ = runner.call(plain, {"do": "large", "size": LARGEST})

    assert len(whole) == LARGEST - 2
    assert error == "Unhandled" and payload == {"errorType": "Function.ResponseSizeTooLarge",
                                                "errorMessage": f"Response payload size exceeded maximum allowed payload size ({LARGEST} bytes)."}


def test_an_invocation_ends_in_time(runner):
    name = runner.function(timeout=1)

    payload, error, answer = runner.call(name, {"do": "sleep", "seconds": 60})

    assert error == "Unhandled" and payload == {
        "errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {answer['ResponseMetadata']['RequestId']} Error: Task timed out after 1.00 seconds"}
    assert runner.call(name, {"a": 1})[0] == {"a": 1}


#: How a function that fails while it is loaded is told.
UNLOADED = {"python": ({"errorType": "ValueError", "errorMessage": "init as told"}), "nodejs": ({"errorType": "RangeError", "errorMessage": "init as told"}),
            "provided": ({"errorType": "Runtime.ExitError"})}


def test_what_fails_while_it_is_loaded_is_told_each_time(runner):
    raises, ends = runner.function(INIT="raise"), runner.function(INIT="exit")

    first, second, ended = runner.call(raises, {}), runner.call(raises, {}), runner.call(ends, {})

    for payload, error, _ in (first, second):
        assert error == "Unhandled" and {name: payload[name] for name in UNLOADED[runner.family]} == UNLOADED[runner.family], payload
    assert ended[0]["errorType"] == "Runtime.ExitError" and ended[0]["errorMessage"].endswith("Runtime exited with error: exit status 7")
    runner.client.update_function_configuration(FunctionName=raises, Environment={"Variables": {}})
    assert runner.call(raises, {"a": 1})[0] == {"a": 1}, "what was mended is loaded"


@pytest.mark.parametrize("handler, kind", [("nothing.command", "Runtime.ImportModuleError"), ("app.nothing", "Runtime.HandlerNotFound")])
def test_a_handler_that_is_not_there_is_told_by_name(runner, handler, kind):
    if runner.family == "provided":
        pytest.skip("a bootstrap finds its handlers itself")
    payload, error, _ = runner.call(runner.function(handler), {})

    assert (error, payload["errorType"]) == ("Unhandled", kind) and "nothing" in payload["errorMessage"]


def test_an_answer_is_streamed(runner):
    if runner.family == "python":
        pytest.skip("AWS's Python runtime does not stream")
    name = runner.function("app.stream")

    whole, end = runner.stream(name, {})
    buffered = runner.client.invoke(FunctionName=name, Payload=b"{}")
    cut, how = runner.stream(name, {"do": "exit"})

    assert whole.endswith(b"one two") and end == {}
    assert buffered["Payload"].read().endswith(b"one two") and "FunctionError" not in buffered
    assert cut.endswith(b"one ") and how["ErrorCode"] == "Runtime.ExitError"
    if runner.family == "nodejs":
        assert whole == b"one two"
        raised = runner.stream(name, {"do": "raise"})
        assert raised[0] == b"one " and raised[1]["ErrorCode"] == "RangeError" and json.loads(raised[1]["ErrorDetails"])["errorMessage"] == "as told"


def test_one_environment_serves_several_invocations_at_once(runner):
    """AWS's contract with its runtimes, `AWS_LAMBDA_MAX_CONCURRENCY` (§3.2): Python forks, the others share one process."""
    name = runner.function(AWS_LAMBDA_MAX_CONCURRENCY="4", **({"AWS_LAMBDA_NODEJS_WORKER_COUNT": "1"} if runner.family == "nodejs" else {}))
    runner.call(name, {})

    with ThreadPoolExecutor(4) as pool:
        served = list(pool.map(lambda _: runner.call(name, {"do": "sleep", "seconds": 2})[0], range(4)))

    assert max(one["began"] for one in served) < min(one["ended"] for one in served), "all four ran at once"
    assert len({one["log_stream"] for one in served}) == 1 and len({one["process"] for one in served}) == (4 if runner.family == "python" else 1)
