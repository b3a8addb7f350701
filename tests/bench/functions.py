#!/usr/bin/env python3
"""Lambda functions through the gateway and straight at the host: latency, CPU, cold starts. One `stagecoach dev` serves both.

  functions.py [--rounds N] [--seconds N] [--colds N] [python|node|rust …]

Warm: wrk over one connection (latency) and over eight (CPU), the host alone and the gateway in turns. CPU is that of all processes, the function's among
them. Cold: the answer of an invocation that starts a process, against the same command line and variables started by hand with a Runtime API of a few lines."""
import argparse
import base64
import http.client
import http.server
import io
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading
import time
import zipfile

from bench import BIN, ROOT, TARGET, Bench, cpu_seconds, tree, wait_for, free_port

RUST = ROOT / "tests/runtimes/rust"
SOURCES = {
    "python": ("python3.12", "app.handler", "app.py", 'def handler(event, context):\n    return {"statusCode": 200, "body": event["path"]}\n'),
    "node": ("nodejs20.x", "app.handler", "app.mjs", "export const handler = async (event) => ({ statusCode: 200, body: event.path });\n"),
    "rust": ("provided.al2023", "app.path", "bootstrap", None),
}


def package(name, content):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return base64.b64encode(packed.getvalue()).decode()


def rust_bootstrap():
    """The function built as it would be shipped: release, with AWS's own runtime client."""
    where = TARGET / "runtimes"
    subprocess.run(["cargo", "build", "--quiet", "--release", "--manifest-path", RUST / "Cargo.toml", "--target-dir", where], check=True)
    return (where / "release/bootstrap").read_bytes()


class Functions(Bench):
    def start(self):
        for name in ("traffic", "admin", "feed", "status"):
            self.ports[name] = free_port()
        ports = [word for name, port in self.ports.items() for word in (f"--{name}", f"127.0.0.1:{port}")]
        self.dev = self.spawn(BIN, "dev", *ports, "--data-dir", self.directory / "data", "--log", "warn")
        wait_for(self.ports["traffic"])

    def lambdas(self, method, path, body=None, raw=b""):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["admin"], timeout=60)
        connection.request(method, path, json.dumps(body).encode() if body is not None else raw)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status < 300 and not answer.getheader("x-amz-function-error"), (answer.status, data)
        return data

    def create(self, name):
        runtime, handler, file, source = SOURCES[name]
        zipped = package(file, source if source is not None else rust_bootstrap())
        self.lambdas("POST", "/2015-03-31/functions", {
            "FunctionName": name, "Runtime": runtime, "Handler": handler, "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": zipped}})
        self.lambdas("POST", f"/2015-03-31/functions/{name}/policy", {
            "StatementId": "gateway", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"})

    def expose(self, names):
        """An API with a path per function; answers its path prefix."""
        arn = lambda name: f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        integration = lambda name: {"type": "aws_proxy", "httpMethod": "POST",
                                    "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn(name)}/invocations"}
        paths = {f"/{name}": {"get": {"x-amazon-apigateway-integration": integration(name)}} for name in names}
        document = {"openapi": "3.0.1", "info": {"title": "functions", "version": "1"}, "paths": paths}
        api = self.admin("POST", "/restapis?mode=import", json.dumps(document).encode())["id"]
        self.admin("POST", f"/restapis/{api}/deployments", json.dumps({"stageName": "bench"}).encode())
        prefix = f"/_aws/execute-api/{api}/bench"
        self.settle(prefix)
        return prefix

    def load(self, port, path, connections, seconds, event=None):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        if event is not None:
            script = self.directory / "invoke.lua"
            script.write_text(f"wrk.method = 'POST'; wrk.body = [==[{event}]==]")
            command += ["-s", script]
        before = cpu_seconds(self.dev.pid)
        out = subprocess.run([*map(str, command), f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out and "Socket errors" not in out, out
        unit = {"us": 0.001, "ms": 1, "s": 1000}
        latency = {p: float(v) * unit[u] for p, v, u in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", out, re.M)}
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        return {"p50": latency["50"], "p99": latency["99"], "rate": requests / seconds, "cpu": (cpu_seconds(self.dev.pid) - before) * 1e6 / requests}

    # -- warm

    def warm(self, name, prefix, options):
        """Rows of the host alone and of the gateway, measured in turns."""
        event = json.dumps({"path": f"/{name}", "httpMethod": "GET", "headers": {"host": "bench"}, "body": None})
        ways = {"host": (self.ports["admin"], f"/2015-03-31/functions/{name}/invocations", event), "gateway": (self.ports["traffic"], f"{prefix}/{name}", None)}
        rows = {(way, connections): [] for way in ways for connections in (1, 8)}
        for way, (port, path, body) in ways.items():
            self.load(port, path, 8, 1, body)
        for _ in range(options.rounds):
            for (way, connections), seen in rows.items():
                port, path, body = ways[way]
                seen.append(self.load(port, path, connections, options.seconds, body))
        return {key: {what: statistics.median(row[what] for row in seen) for what in seen[0]} for key, seen in rows.items()}

    # -- cold

    def cold(self, name, count):
        """Milliseconds to the first answer of a new process: of the host, and of the bare process."""
        path = f"/2015-03-31/functions/{name}"
        ours, bare = [], []
        for number in range(count):
            self.lambdas("PUT", f"{path}/configuration", {"Environment": {"Variables": {"ROUND": str(number)}}})
            began = time.perf_counter()
            self.lambdas("POST", f"{path}/invocations", {"path": "/"})
            ours.append((time.perf_counter() - began) * 1000)
            bare.append(first_answer(self.environment(name)))
        return ours, bare

    def environment(self, name):
        """The process of a function, as it was started: the newest one."""
        marked = []
        for pid in tree(self.dev.pid):
            variables = dict(pair.split("=", 1) for pair in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in pair)
            if variables.get("AWS_LAMBDA_FUNCTION_NAME") == name:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
                marked.append((int(variables["ROUND"]), words, variables, os.readlink(f"/proc/{pid}/cwd")))
        return max(marked)[1:]


class OneEvent(http.server.BaseHTTPRequestHandler):
    """A Runtime API that gives one event and hears the answer."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.given:
            self.server.over.wait()
            return
        self.server.given = True
        body = b'{"path": "/"}'
        self.send_response(200)
        for pair in {"Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60000),
                     "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Content-Length": str(len(body))}.items():
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.answered.set()
        self.server.over.wait()

    def log_message(self, *_):
        pass


def first_answer(started):
    """Milliseconds from the start of a process to its first answer."""
    words, variables, folder = started
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneEvent)
    server.daemon_threads, server.given, server.answered, server.over = True, False, threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    variables = {**variables, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}"}
    began = time.perf_counter()
    process = subprocess.Popen(words, env=variables, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert server.answered.wait(30), "the bare process did not answer"
    took = (time.perf_counter() - began) * 1000
    process.kill()
    process.wait()
    server.over.set()
    server.shutdown()
    return took


def report(name, rows, colds):
    for (way, connections), row in rows.items():
        print(f"{name:7} {way:8} {connections:>3} {row['p50']:9.3f} {row['p99']:9.3f} {row['rate']:9.0f} {row['cpu']:9.1f}", flush=True)
    ours, bare = (statistics.median(side) for side in colds)
    print(f"{name:7} gateway uses {rows['gateway', 8]['cpu'] / rows['host', 8]['cpu']:.2f} times the CPU of the host alone; "
          f"cold {ours:.1f} ms, bare process {bare:.1f} ms, {ours - bare:+.1f} ms (minima {min(colds[0]):.1f}, {min(colds[1]):.1f})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--colds", type=int, default=15)
    parser.add_argument("runtimes", nargs="*", default=list(SOURCES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stagecoach-bench.") as directory:
        bench = Functions(directory)
        try:
            bench.start()
            for name in options.runtimes:
                bench.create(name)
            prefix = bench.expose(options.runtimes)
            print(f"{'':7} {'':8} {'c':>3} {'p50 ms':>9} {'p99 ms':>9} {'per s':>9} {'CPU µs':>9}")
            for name in options.runtimes:
                report(name, bench.warm(name, prefix, options), bench.cold(name, options.colds))
        finally:
            bench.stop()


if __name__ == "__main__":
    main()
