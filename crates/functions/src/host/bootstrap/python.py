"""Runs a Lambda handler against the Runtime API: the runtime of python3.* where the package brings none of its own."""

import decimal
import http.client
import importlib
import json
import os
import sys
import time
import traceback

PREFIX = "/2018-06-01/runtime/"


class Api:
    """The connection to the host; when it breaks there is nothing left to run for."""

    def __init__(self):
        self.connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def call(self, method, path, body=None, headers=None):
        try:
            self.connection.request(method, PREFIX + path, body, headers or {})
            response = self.connection.getresponse()
            return response.headers, response.read()
        except (OSError, http.client.HTTPException):
            os._exit(0)


class Record:
    def __init__(self, values):
        self.__dict__.update(values)

    def __repr__(self):
        return f"{type(self).__name__}({self.__dict__})"


class Context:
    def __init__(self, headers):
        env = os.environ.get
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers.get("Lambda-Runtime-Invoked-Function-Arn")
        self.function_name = env("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env("AWS_LAMBDA_FUNCTION_VERSION")
        self.log_group_name = env("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env("AWS_LAMBDA_LOG_STREAM_NAME")
        self.memory_limit_in_mb = env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        client = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = client_context(json.loads(client)) if client else None
        identity = json.loads(headers.get("Lambda-Runtime-Cognito-Identity") or "{}")
        self.identity = Record({
            "cognito_identity_id": identity.get("cognitoIdentityId"),
            "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
        })
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(time.time() * 1000), 0)

    def log(self, text):
        sys.stdout.write(str(text))


def client_context(values):
    client = values.get("client")
    return Record({"custom": values.get("custom"), "env": values.get("env"), "client": Record(client) if client else None})


class Failure(Exception):
    """An error with AWS's name for it."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.body = {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": list(trace)}


def load(handler):
    """The function that `folder/module.name` names."""
    module, dot, name = handler.rpartition(".")
    if not dot:
        text = f"Bad handler '{handler}': not enough values to unpack (expected 2, got 1)"
        raise Failure("Runtime.MalformedHandlerName", text)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Failure("Runtime.ImportModuleError", f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module}': {error}"
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Failure("Runtime.UserCodeSyntaxError", text, trace) from error
    try:
        return getattr(loaded, name)
    except AttributeError:
        raise Failure("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'") from None


def described(error, request_id, own_frames):
    """An exception as AWS tells it, without this file's own frames."""
    if isinstance(error, Failure):
        return {**error.body, "requestId": request_id}
    frames = traceback.extract_tb(error.__traceback__)[own_frames:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def dumped(value):
    try:
        return json.dumps(value, ensure_ascii=False, default=plain).encode()
    except Exception as error:
        raise Failure("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def post_error(api, path, body):
    print(f"[ERROR] {body['errorType']}: {body['errorMessage']}\n{''.join(body['stackTrace'])}", flush=True)
    headers = {"Content-Type": "application/json"}
    if body["errorType"].startswith("Runtime."):
        headers["Lambda-Runtime-Function-Error-Type"] = body["errorType"]
    api.call("POST", path, json.dumps(body).encode(), headers)


def serve(api, handler):
    """One invocation."""
    headers, event = api.call("GET", "invocation/next")
    request_id = headers["Lambda-Runtime-Aws-Request-Id"]
    trace = headers.get("Lambda-Runtime-Trace-Id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    path = f"invocation/{request_id}/"
    try:
        try:
            event = json.loads(event or b"null")
        except ValueError as error:
            raise Failure("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
        answer = dumped(handler(event, Context(headers)))
    except Exception as error:
        post_error(api, path + "error", described(error, request_id, 1))
    else:
        sys.stdout.flush()
        api.call("POST", path + "response", answer, {"Content-Type": "application/json"})


def work():
    """Loads the handler and serves, one invocation at a time."""
    api = Api()
    try:
        handler = load(sys.argv[1])
    except Exception as error:
        post_error(api, "init/error", described(error, "", 1))
        sys.exit(1)
    while True:
        serve(api, handler)


def fork_workers(count):
    """Returns in `count` processes; this one ends as the first of them does, and the host ends the others."""
    for _ in range(count):
        if os.fork() == 0:
            return
    _, status = os.wait()
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status))


def main():
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    count = os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY", "")
    if count.isdecimal() and int(count) > 1:
        fork_workers(int(count))
    work()


main()
