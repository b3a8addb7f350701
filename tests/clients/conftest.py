"""Fixtures: a real `stagecoach` process on free ports, real clients, a real upstream."""
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("STAGECOACH_BIN", str(ROOT / "target/debug/stagecoach"))


def eventually(check, within=20.0):
    """Calls `check` until it returns something true; the last exception or value is the failure."""
    deadline = time.monotonic() + within
    while True:
        try:
            value = check()
            if value:
                return value
            problem = AssertionError(f"still {value!r} after {within} s")
        except (AssertionError, OSError) as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(0.02)


class Answer:
    """A response, whatever its status."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def call(url, method="GET", body=None, headers=None, timeout=10):
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.headers, error.read())


class Gateway:
    """`stagecoach dev` with its own data directory."""

    def __init__(self, directory, *arguments):
        self.directory, self.arguments, self.process = pathlib.Path(directory), arguments, None

    def start(self):
        addresses = self.directory / "addresses.json"
        addresses.unlink(missing_ok=True)
        ports = [word for name in ("traffic", "admin", "feed", "status") for word in (f"--{name}", "127.0.0.1:0")]
        self.log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen(
            [BIN, "dev", *ports, "--addresses", str(addresses), "--data-dir", str(self.directory / "data"),
             "--allow-reset", *map(str, self.arguments)],
            stdout=self.log, stderr=self.log)
        eventually(lambda: self._alive() and addresses.exists())
        self.addresses = json.loads(addresses.read_text())
        return self

    def _alive(self):
        assert self.process.poll() is None, (self.directory / "log").read_text()
        return True

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(40)

    @property
    def admin(self):
        return f"http://{self.addresses['admin']}"

    def url(self, api, stage, path=""):
        return f"http://{self.addresses['traffic']}/_aws/execute-api/{api}/{stage}{path}"

    def call(self, api, stage, path="", **how):
        return call(self.url(api, stage, path), **how)

    def settled(self, api, stage):
        """Waits until every worker serves the stage as it is now."""
        answer = call(f"{self.admin}/_stagecoach/v1/convergence/{api}/{stage}?wait=10s", timeout=15)
        assert answer.status == 200 and answer.json["converged"], answer.text

    def client(self, service="apigateway"):
        return boto3.client(service, endpoint_url=self.admin, region_name="us-east-1", aws_access_key_id="test",
                            aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}))

    @property
    def environment(self):
        """Variables that point a client of AWS's here."""
        return {"AWS_ENDPOINT_URL": self.admin, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_PAGER": ""}

    def cli(self, *words, check=True):
        environment = {**os.environ, **self.environment}
        aws = pathlib.Path(sys.executable).parent / "aws"
        done = subprocess.run([sys.executable, str(aws), *map(str, words)], env=environment, capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        if not check:
            return done
        return json.loads(done.stdout) if done.stdout.strip() else None


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("dev")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def apigateway(gateway):
    return gateway.client()


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with what it was asked, as JSON."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = json.dumps({"method": self.command, "path": self.path, "headers": dict(self.headers.items()),
                           "body": body.decode("utf8", "replace"), "upstream": self.server.label}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

    def log_message(self, *_):
        pass


class Upstream(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, label, handler=Echo):
        super().__init__(("127.0.0.1", 0), handler)
        self.label = label
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"


@pytest.fixture(scope="session")
def upstream():
    server = Upstream("main")
    yield server
    server.shutdown()
