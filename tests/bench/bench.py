#!/usr/bin/env python3
"""Side-by-side benchmark against Debian's nginx: CPU per request, throughput, latency, instructions, system calls.

  bench.py run    bracketed rounds (nginx, ours, nginx, …) and the deterministic counters, as a table
  bench.py gate   instructions and system calls per W1, W7 and W11 request only; fails above the limits of limits.json

Everything runs on loopback. One-core mode: the proxy on core 1, load generator and upstream on core 0."""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BIN = pathlib.Path(os.environ.get("STAGECOACH_BIN", TARGET / "dist/stagecoach"))
COUNTED = (("W1", "/b128"), ("W7", "/mock"), ("W11", "/function"))
TICK = os.sysconf("SC_CLK_TCK")
BODY = {128: json.dumps({"pad": "x" * 116}), 10240: json.dumps({"pad": "x" * 10228})}
PET = {"id": 7, "name": "Rex", "kind": "dog", "tags": ["brown", "small"], "owner": {"name": "Ada", "age": 36}}
TEMPLATES = (
    """{"tenant": "$input.params('x-tenant')", "stage": "$context.stage", "pet": $input.json('$'), "tags": [#foreach($tag in $input.path('$.tags'))"""
    """"$util.escapeJavaScript($tag)"#if($foreach.hasNext), #end#end]}""",
    """{"id": "$context.requestId", "pad": $input.json('$.pad')}""")
MODEL = {
    "type": "object", "required": ["id", "name", "kind"], "properties": {
        "id": {"type": "integer", "minimum": 1}, "name": {"type": "string", "maxLength": 40}, "kind": {"type": "string", "enum": ["dog", "cat"]},
        "tags": {"type": "array", "maxItems": 8, "items": {"type": "string"}},
        "owner": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, within=20):
    deadline = time.monotonic() + within
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing listens on {port}")
            time.sleep(0.05)


def tree(pid):
    """A process and its descendants."""
    pids = [pid]
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            pids += tree(int(child))
    return pids


def cpu_seconds(pid):
    """User and system time of a process tree, from the scheduler's nanosecond counters of each thread."""
    total = 0
    for member in tree(pid):
        for task in pathlib.Path(f"/proc/{member}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (OSError, IndexError):
                pass
    return total / 1e9


class Bench:
    def __init__(self, directory):
        self.directory, self.processes = pathlib.Path(directory), []
        self.ports = {}

    def spawn(self, *command, core=None, **how):
        pinned = ["taskset", "-c", str(core), *command] if core is not None else list(command)
        log = open(self.directory / "log", "ab")
        process = subprocess.Popen(list(map(str, pinned)), stdout=log, stderr=log, **how)
        self.processes.append(process)
        return process

    def stop(self, *processes):
        for process in processes or self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes or self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    # -- peers

    def nginx(self, name, servers, core):
        """An nginx with one worker; answers its master process."""
        where = self.directory / name
        where.mkdir()
        (where / "conf").write_text(f"""
            daemon off; worker_processes 1; pid {where}/pid; error_log {where}/error.log crit;
            events {{ worker_connections 4096; }}
            http {{ access_log off; keepalive_requests 100000000; default_type application/json;
              client_body_temp_path {where}; proxy_temp_path {where}; fastcgi_temp_path {where}; uwsgi_temp_path {where}; scgi_temp_path {where};
              {servers} }}""")
        return self.spawn(shutil.which("nginx") or "/usr/sbin/nginx", "-p", where, "-c", where / "conf", core=core)

    def start_upstream(self):
        self.ports["upstream"] = port = free_port()
        program = self.directory / "upstream"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "upstream.c"], check=True)
        self.spawn(program, port, *BODY, core=0)
        wait_for(port)

    def start_nginx(self):
        plain, tls, h2 = self.ports["nginx"], self.ports["nginx_tls"], self.ports["nginx_h2"] = [free_port() for _ in range(3)]
        place = "proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection '';"
        places = f"location / {{ {place} }} location /mock {{ return 200 '{BODY[128]}'; }}"
        cached = f"location /cached/ {{ proxy_pass http://up/; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_cache c; proxy_cache_valid 200 1h; }}"
        keys = f"ssl_certificate {self.directory}/cert.pem; ssl_certificate_key {self.directory}/key.pem; ssl_protocols TLSv1.3;"
        self.nginx_process = self.nginx("nginx", f"""
            upstream up {{ server 127.0.0.1:{self.ports['upstream']}; keepalive 128; keepalive_requests 100000000; }}
            proxy_cache_path {self.directory}/nginx_cache keys_zone=c:10m;
            server {{ listen 127.0.0.1:{plain}; {places} {cached} }}
            server {{ listen 127.0.0.1:{h2} http2; {places} }}
            server {{ listen 127.0.0.1:{tls} ssl; {keys} {places} }}""", 1)
        wait_for(plain)

    def certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                        "/CN=localhost", "-keyout", self.directory / "key.pem", "-out", self.directory / "cert.pem"], check=True, capture_output=True)

    def start_control(self):
        for name in ("admin", "feed", "control_status"):
            self.ports[name] = free_port()
        self.control = self.spawn(BIN, "control", "--database-url", f"sqlite://{self.directory}/control.db", "--admin", f"127.0.0.1:{self.ports['admin']}",
                                  "--feed", f"127.0.0.1:{self.ports['feed']}", "--status", f"127.0.0.1:{self.ports['control_status']}",
                                  "--insecure-open-admin", "--insecure-plaintext-feed", core=0)
        wait_for(self.ports["admin"])

    def worker_command(self, name="worker"):
        for port in ("traffic", "tls", "status"):
            self.ports[port] = free_port()
        return [BIN, "worker", "--control-plane", f"http://127.0.0.1:{self.ports['feed']}", "--insecure-plaintext-feed", "--state-dir",
                self.directory / name, "--traffic", f"127.0.0.1:{self.ports['traffic']}", "--traffic-tls", f"127.0.0.1:{self.ports['tls']}",
                "--tls-certificate", self.directory / "cert.pem", "--tls-key", self.directory / "key.pem",
                "--status", f"127.0.0.1:{self.ports['status']}", "--cores", "1", "--allow-private-upstreams", "--log", "warn",
                "--lambda-endpoint", f"http://127.0.0.1:{self.ports['upstream']}"]

    def start_worker(self, *wrapper, core=1, name="worker"):
        self.worker = self.spawn(*wrapper, *self.worker_command(name), core=core)
        wait_for(self.ports["traffic"], 60)
        return self.worker

    # -- the API under test

    def admin(self, method, path, body=b"", kind="application/json"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['admin']}{path}", data=body, method=method, headers={"content-type": kind})
        with urllib.request.urlopen(request, timeout=120) as response:
            return json.loads(response.read() or b"null")

    def deploy(self, routes):
        """An API with the benchmark's routes and `routes` more; answers its path prefix."""
        up = f"http://127.0.0.1:{self.ports['upstream']}"
        proxy = lambda uri: {"x-amazon-apigateway-integration": {"type": "http_proxy", "httpMethod": "GET", "uri": uri}}
        paths = {f"/b{size}": {"get": proxy(f"{up}/b{size}")} for size in BODY}
        paths["/mock"] = {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {
            "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": BODY[128]}}}}}}
        paths |= self.posts(up)
        function = "arn:aws:lambda:us-east-1:000000000000:function:bench"
        paths["/function"] = {"get": {"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri":
            f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"}}}
        for number in range(routes):
            paths[f"/group{number % 97}/item{number}/{{id}}"] = {"get": proxy(f"{up}/b128")}
        document = {"openapi": "3.0.1", "info": {"title": f"bench{routes}", "version": "1"}, "paths": paths,
                    "components": {"schemas": {"Pet": MODEL}},
                    "x-amazon-apigateway-request-validators": {"body": {"validateRequestBody": True, "validateRequestParameters": False}}}
        api = self.admin("POST", "/restapis?mode=import", json.dumps(document).encode())["id"]
        self.admin("POST", f"/restapis/{api}/deployments", json.dumps({"stageName": "bench"}).encode())
        self.cached_stage(api)
        return f"/_aws/execute-api/{api}/bench"

    @staticmethod
    def posts(up):
        """Routes that read a body: through two templates, and past a model."""
        back = {"type": "http", "httpMethod": "POST", "uri": f"{up}/b128"}
        mapped = {**back, "requestTemplates": {"application/json": TEMPLATES[0]},
                  "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": TEMPLATES[1]}}}}
        body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
        return {
            "/mapped": {"post": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": mapped}},
            "/checked": {"post": {"requestBody": body, "x-amazon-apigateway-request-validator": "body",
                                  "x-amazon-apigateway-integration": {**back, "type": "http_proxy"}}}}

    def cached_stage(self, api):
        """The same deployment on a stage of its own, with the method cache on: the other one must not pay for it."""
        deployment = self.admin("GET", f"/restapis/{api}/stages/bench")["deploymentId"]
        stage = {"stageName": "cached", "deploymentId": deployment, "cacheClusterEnabled": True}
        self.admin("POST", f"/restapis/{api}/stages", json.dumps(stage).encode())
        settings = {"caching/enabled": "true", "caching/ttlInSeconds": "3600"}
        operations = [{"op": "replace", "path": f"/*/*/{path}", "value": value} for path, value in settings.items()]
        self.admin("PATCH", f"/restapis/{api}/stages/cached", json.dumps({"patchOperations": operations}).encode())

    def settle(self, prefix):
        api = prefix.split("/")[3]
        answer = self.admin("GET", f"/_stagecoach/v1/convergence/{api}/bench?wait=60s")
        assert answer["converged"], answer

    # -- load

    def post_script(self):
        """Makes wrk post PET."""
        script = self.directory / "post.lua"
        script.write_text(f"""wrk.method = "POST"; wrk.body = [==[{json.dumps(PET)}]==]
            wrk.headers["Content-Type"] = "application/json"; wrk.headers["X-Tenant"] = "acme" """)
        return script

    def wrk(self, port, path, seconds=2, connections=64, close=False, tls=False, post=False):
        command = ["taskset", "-c", "0", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
        command += ["-H", "Connection: close"] if close else []
        command += ["-s", str(self.post_script())] if post else []
        out = subprocess.run([*command, f"http{'s' if tls else ''}://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in out, out
        unit = {"us": 1, "ms": 1000, "s": 1e6}
        latency = {p: float(v) * unit[u] for p, v, u in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", out, re.M)}
        return {"requests": int(re.search(r"(\d+) requests in", out).group(1)), "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
                "p50": latency.get("50", 0), "p99": latency.get("99", 0)}

    def h2load(self, port, path, seconds=2):
        out = subprocess.run(["taskset", "-c", "0", "h2load", "-c8", "-m8", "-D", str(seconds), f"http://127.0.0.1:{port}{path}"],
                             capture_output=True, text=True, check=True).stdout
        done = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed", out)
        assert int(done.group(3)) == 0 and "2xx" in out, out
        return {"requests": int(done.group(2)), "rate": float(re.search(r"finished in .*?, ([\d.]+) req/s", out).group(1)), "p50": 0, "p99": 0}

    def measure(self, process, load):
        before = cpu_seconds(process.pid)
        result = load()
        result["cpu_us"] = (cpu_seconds(process.pid) - before) * 1e6 / max(1, result["requests"])
        return result


def workloads(bench, prefix):
    """name → (load on nginx, load on ours)"""
    ports = bench.ports
    pair = lambda path, **how: (lambda: bench.wrk(ports["nginx"], path, **how), lambda: bench.wrk(ports["traffic"], prefix + path, **how))
    return {
        "W1": pair("/b128"), "W3": pair("/b10240"), "W4": pair("/b128", close=True),
        "W5": (lambda: bench.h2load(ports["nginx_h2"], "/b128"), lambda: bench.h2load(ports["traffic"], prefix + "/b128")),
        "W6": (lambda: bench.wrk(ports["nginx_tls"], "/b128", tls=True), lambda: bench.wrk(ports["tls"], prefix + "/b128", tls=True)),
        "W7": pair("/mock"),
        "W8": (lambda: bench.wrk(ports["nginx"], "/cached/b128"), lambda: bench.wrk(ports["traffic"], prefix.removesuffix("bench") + "cached/b128")),
        # nginx only passes the same request on: what ours does besides is what the ratio shows.
        **{name: (lambda: bench.wrk(ports["nginx"], "/b128", post=True), lambda path=path: bench.wrk(ports["traffic"], prefix + path, post=True))
           for name, path in (("W9", "/mapped"), ("W10", "/checked"))},
        "W11": (lambda: bench.wrk(ports["nginx"], "/b128"), lambda: bench.wrk(ports["traffic"], prefix + "/function")),
    }


def compare(bench, loads, rounds):
    """Bracketed: nginx, ours, nginx, ours, …, nginx; each of ours against the mean of its two neighbours."""
    theirs, ours = loads
    loads[0](), loads[1]()
    left, rows = bench.measure(bench.nginx_process, theirs), []
    for _ in range(rounds):
        mine, right = bench.measure(bench.worker, ours), bench.measure(bench.nginx_process, theirs)
        mean = lambda key: (left[key] + right[key]) / 2
        rows.append({"nginx_us": mean("cpu_us"), "ours_us": mine["cpu_us"], "ratio": mine["cpu_us"] / mean("cpu_us"),
                     "throughput": mine["rate"] / mean("rate"), "p50": mine["p50"], "p99": mine["p99"], "nginx_p50": mean("p50"), "nginx_p99": mean("p99")})
        left = right
    middle = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    ratios = sorted(row["ratio"] for row in rows)
    return {**middle, "low": ratios[0], "high": ratios[-1]}


# -- deterministic counters

def instructions(bench, path):
    """User instructions per request: callgrind, 16 connections, (I(4000) - I(1000)) / 3000."""
    def total(requests):
        out = bench.directory / f"callgrind.{requests}"
        worker = bench.start_worker("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "-q", core=None, name=f"callgrind-{path.count('/')}-{requests}")
        bench.settle_worker(path)
        subprocess.run(["h2load", "--h1", "-c16", f"-n{requests}", f"http://127.0.0.1:{bench.ports['traffic']}{path}"], check=True, capture_output=True)
        bench.stop(worker)
        return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M).group(1))
    small = total(1000)
    return (total(4000) - small) / 3000


def syscalls(bench, path):
    """System calls per request: strace -c on the worker while it is under load."""
    out = bench.directory / "strace"
    trace = subprocess.Popen(["strace", "-c", "-f", "-o", out, "-p", str(bench.worker.pid)], stderr=subprocess.DEVNULL)
    time.sleep(1)
    done = bench.wrk(bench.ports["traffic"], path, seconds=3)
    trace.send_signal(signal.SIGINT)
    trace.wait()
    calls = sum(int(row.split()[3]) for row in out.read_text().splitlines() if re.match(r"\s*[\d.]+\s+[\d.]+\s+\d+\s+\d+", row) and "total" not in row)
    return calls / done["requests"]


def settle_worker(self, path):
    """Waits until this worker answers `path` with 200."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.ports['traffic']}{path}", timeout=5).read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


Bench.settle_worker = settle_worker


def run(bench, options):
    bench.start_nginx()
    bench.start_worker()
    prefix = bench.deploy(10)
    bench.settle_worker(prefix + "/b128")
    print(f"{'':4} {'nginx µs':>9} {'ours µs':>9} {'ratio':>6} {'spread':>13} {'through.':>8} {'p50 µs':>8} {'p99 µs':>8} {'nginx p50':>9} {'p99':>8}")
    def row(name, result):
        print(f"{name:4} {result['nginx_us']:9.1f} {result['ours_us']:9.1f} {result['ratio']:6.2f} {result['low']:6.2f}–{result['high']:5.2f} "
              f"{result['throughput']:9.2f} {result['p50']:8.0f} {result['p99']:8.0f} {result['nginx_p50']:9.0f} {result['nginx_p99']:8.0f}", flush=True)
    ours = {}
    for name, loads in workloads(bench, prefix).items():
        if not options.only or name in options.only:
            result = compare(bench, loads, options.rounds)
            row(name, result)
            ours[name] = result["ours_us"]
    for name in ("W9", "W10"):
        if name in ours and "W1" in ours:
            print(f"{name} is {ours[name] / ours['W1']:.2f} of our W1")
    for routes in (10, 1_000, 10_000) if not options.only else ():
        at = bench.deploy(routes) if routes != 10 else prefix
        bench.settle_worker(at + "/b128")
        row(f"W1/{routes}", compare(bench, workloads(bench, at)["W1"], 3))
    counters(bench, prefix)


def counters(bench, prefix):
    """Prints and returns the deterministic numbers."""
    numbers = {}
    if not getattr(bench, "worker", None):
        bench.start_worker()
        bench.settle_worker(prefix + "/b128")
    for name, path in COUNTED:
        numbers[f"syscalls {name}"] = syscalls(bench, prefix + path)
    bench.stop(bench.worker)
    for name, path in COUNTED:
        numbers[f"instructions {name}"] = instructions(bench, prefix + path)
    for name, value in numbers.items():
        print(f"{name:18} {value:10.1f}")
    return numbers


def gate(bench, _options):
    limits = json.loads((HERE / "limits.json").read_text())
    numbers = counters(bench, bench.deploy(10))
    over = {name: (numbers[name], limit) for name, limit in limits.items() if numbers[name] > limit}
    for name, (value, limit) in over.items():
        print(f"over the limit: {name} is {value:.1f}, allowed {limit}")
    return 1 if over else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "gate"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stagecoach-bench.") as directory:
        os.chmod(directory, 0o755)
        bench = Bench(directory)
        try:
            bench.certificate()
            bench.start_upstream()
            bench.start_control()
            return {"run": run, "gate": gate}[options.what](bench, options)
        except BaseException:
            print((bench.directory / "log").read_text()[-4000:], file=sys.stderr)
            raise
        finally:
            bench.stop()


if __name__ == "__main__":
    sys.exit(main())
