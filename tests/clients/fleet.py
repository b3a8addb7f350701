"""A fleet of real processes: Postgres, control-plane replicas, workers, with mutual TLS between the planes."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import urllib.request

import boto3
import pytest
from botocore.config import Config
from conftest import BIN, call, eventually


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A private server that a test may kill."""

    def __init__(self, directory):
        self.directory, self.port = pathlib.Path(directory), free_port()
        self.bin = pathlib.Path(os.environ["STAGECOACH_POSTGRES_BIN"])
        self.directory.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(self.directory, "postgres")
            for parent in self.directory.parents:
                if str(parent).startswith("/tmp/"):
                    parent.chmod(0o755)
        self._run("initdb", "-D", "pg", "-U", "stagecoach", "-A", "trust", "--no-instructions")

    def _run(self, program, *arguments):
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        return subprocess.run([*user, str(self.bin / program), *arguments], cwd=self.directory, check=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        eventually(self._started)
        return self

    def _started(self):
        """A busy machine may refuse a process for a moment."""
        try:
            return self._run("pg_ctl", "-D", "pg", "-w", "-l", "pg/log", "-o",
                             f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.directory}", "start")
        except subprocess.CalledProcessError as error:
            raise OSError(str(error)) from error

    def stop(self, mode="immediate"):
        subprocess.run([*(["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []), str(self.bin / "pg_ctl"),
                        "-D", "pg", "-m", mode, "stop"], cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def url(self):
        return f"postgres://stagecoach@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A server of the module's own."""
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    server = Postgres(tmp_path_factory.mktemp("postgres") / "server").start()
    yield server
    server.stop()


class Process:
    """One stagecoach process on fixed ports, so that it can be killed and come back."""

    def __init__(self, directory, name, arguments, ports):
        self.directory, self.name, self.arguments = pathlib.Path(directory), name, arguments
        self.ports = {port: f"127.0.0.1:{free_port()}" for port in ports}
        self.process = None

    def start(self, wait=True):
        self.log = open(self.directory / f"{self.name}.log", "ab")
        ports = [word for name, address in self.ports.items() for word in (f"--{name}", address)]
        self.process = subprocess.Popen([BIN, *self.arguments, *ports], stdout=self.log, stderr=self.log)
        if wait:
            eventually(self.ready)
        return self

    def ready(self):
        assert self.process.poll() is None, (self.directory / f"{self.name}.log").read_text()
        return call(f"http://{self.ports['status']}/readyz", timeout=2).status == 200

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(40)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.ports['status']}/metrics", timeout=5) as response:
            return response.read().decode()


class Fleet:
    """Control planes over one database, and workers that follow them."""

    def __init__(self, directory, database_url, workers=3, controls=1, worker_environment=None):
        self.directory, self.url = pathlib.Path(directory), database_url
        self.pki = self.directory / "pki"
        self._tool("pki", "init", str(self.pki))
        self.controls = [self._control(index) for index in range(controls)]
        self.workers = [self._worker(index) for index in range(workers)]
        self.key = None

    def _tool(self, *arguments):
        done = subprocess.run([BIN, *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _control(self, index):
        arguments = ["control", "--database-url", self.url, "--pki-dir", str(self.pki), "--allow-reset"]
        return Process(self.directory, f"control-{index}", arguments, ("admin", "feed", "status"))

    def _worker(self, index):
        name = f"w{index}"
        self._tool("pki", "worker", str(self.pki), name)
        planes = ",".join(f"https://{control.ports['feed']}" for control in self.controls)
        arguments = ["worker", "--control-plane", planes, "--worker-id", name, "--pki-dir", str(self.pki), "--cores", "1",
                     "--state-dir", str(self.directory / f"state-{name}"), "--allow-private-upstreams"]
        return Process(self.directory, name, arguments, ("traffic", "status"))

    def start(self):
        self.key = json.loads(self._tool("key", "create", "--database-url", self.url, "--description", "tests"))
        for process in [*self.controls, *self.workers]:
            process.start()
        return self

    def stop(self):
        for process in [*self.workers, *self.controls]:
            process.stop(signal.SIGKILL)

    def admin(self, control=0):
        return f"http://{self.controls[control].ports['admin']}"

    def client(self, control=0, service="apigateway"):
        return boto3.client(service, endpoint_url=self.admin(control), region_name="us-east-1",
                            aws_access_key_id=self.key["accessKeyId"], aws_secret_access_key=self.key["secretAccessKey"],
                            config=Config(retries={"max_attempts": 0}))

    def native(self, path, control=0, timeout=15):
        """The answer to a signed GET of a native endpoint."""
        url, headers = self.signed(path, control)
        return call(url, headers=headers, timeout=timeout)

    def signed(self, path, control=0):
        """URL and headers of a GET of a native endpoint."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        request = AWSRequest("GET", f"{self.admin(control)}/_stagecoach/v1{path}")
        credentials = Credentials(self.key["accessKeyId"], self.key["secretAccessKey"])
        SigV4Auth(credentials, "apigateway", "us-east-1").add_auth(request)
        return request.url, dict(request.headers.items())

    def settled(self, api, stage, control=0):
        answer = self.native(f"/convergence/{api}/{stage}?wait=10s", control)
        assert answer.status == 200 and answer.json["converged"], answer.text
        return answer.json

    def url_of(self, worker, api, stage, path=""):
        return f"http://{self.workers[worker].ports['traffic']}/_aws/execute-api/{api}/{stage}{path}"
