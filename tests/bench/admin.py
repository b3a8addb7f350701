#!/usr/bin/env python3
"""The admin API under a constant load, on SQLite and on Postgres: 200 reads/s and 50 writes/s for 30 s.

usage: admin.py [--seconds 30] [--reads 200] [--writes 50] [sqlite] [postgres]

Open loop: calls are due at fixed times, whatever the answers before them took, and a latency counts from the time a call
was due. Environment: STAGECOACH_BIN (the program), STAGECOACH_POSTGRES_BIN (the folder with initdb and pg_ctl).
"""
import argparse
import collections
import itertools
import os
import pathlib
import queue
import random
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/clients"))
from conftest import BIN, Gateway  # noqa: E402
from fleet import Fleet, Postgres  # noqa: E402
from wire import Connection  # noqa: E402

# What there is: small APIs as teams have them, and one that is at AWS's default quota of resources.
APIS, RESOURCES, LARGE = 20, 15, 300
CONNECTIONS, GOAL_MS, SEED = 32, 100, 7
MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}


class Api:
    """One API with a method on every resource, a deployment and a stage."""

    def __init__(self, connection, name, resources):
        made = connection.call("POST", "/restapis", {"name": name}).body
        self.base, self.root, self.resources, self.spare, self.numbers = f"/restapis/{made['id']}", made["rootResourceId"], [], collections.deque(), itertools.count()
        for number in range(resources):
            resource = connection.call("POST", f"{self.base}/resources/{self.root}", {"pathPart": f"r{number}"}).body["id"]
            method = f"{self.base}/resources/{resource}/methods/GET"
            for path, document in (("", {"authorizationType": "NONE"}), ("/responses/200", {}), ("/integration", MOCK), ("/integration/responses/200", {})):
                assert connection.call("PUT", method + path, document).status == 201
            self.resources.append(resource)
        self.deployment = connection.call("POST", f"{self.base}/deployments", {"stageName": "prod"}).body["id"]

    def method(self, chosen):
        return f"{self.base}/resources/{chosen.choice(self.resources)}/methods/GET"


def replace(path, value):
    return {"patchOperations": [{"op": "replace", "path": path, "value": value}]}


# Calls of each kind and how often they come.
READS = (
    (30, "GetMethod", lambda api, chosen: ("GET", api.method(chosen), None)),
    (25, "GetStage", lambda api, _: ("GET", f"{api.base}/stages/prod", None)),
    (20, "GetResources", lambda api, _: ("GET", f"{api.base}/resources?embed=methods&limit=25", None)),
    (15, "GetRestApis", lambda api, _: ("GET", "/restapis?limit=25", None)),
    (10, "GetDeployment", lambda api, _: ("GET", f"{api.base}/deployments/{api.deployment}", None)),
)
WRITES = (
    (30, "UpdateStage", lambda api, chosen: ("PATCH", f"{api.base}/stages/prod", replace("/variables/v", str(chosen.random())))),
    (25, "UpdateMethod", lambda api, chosen: ("PATCH", api.method(chosen), replace("/operationName", f"o{chosen.random()}"))),
    (20, "PutIntegration", lambda api, chosen: ("PUT", f"{api.method(chosen)}/integration", MOCK)),
    (20, "CreateResource", lambda api, _: ("POST", f"{api.base}/resources/{api.root}", {"pathPart": f"n{next(api.numbers)}"})),
    (5, "CreateDeployment", lambda api, _: ("POST", f"{api.base}/deployments", {"stageName": "prod"})),
)


def schedule(arguments, apis):
    """(due, kind, name, method, path, body), in order of time."""
    chosen, calls = random.Random(SEED), []
    for kind, rate, table in (("read", arguments.reads, READS), ("write", arguments.writes, WRITES)):
        for number in range(int(rate * arguments.seconds)):
            _, name, make = chosen.choices(table, [weight for weight, *_ in table])[0]
            calls.append((number / rate, kind, name, *make(chosen.choice(apis), chosen)))
    return sorted(calls, key=lambda call: call[0])


def drive(connect, calls):
    """Makes each call when it is due; answers (kind, name, latency) and the failures."""
    due, taken, failures, begin = queue.SimpleQueue(), [], [], time.monotonic() + 0.2

    def work():
        connection = connect()
        while (call := due.get()) is not None:
            at, kind, name, *rest = call
            reply = connection.call(*rest)
            taken.append((kind, name, time.monotonic() - begin - at))
            if reply.status >= 300:
                failures.append((name, reply))
    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for call in calls:
        time.sleep(max(0.0, begin + call[0] - time.monotonic()))
        due.put(call)
    for _ in threads:
        due.put(None)
    for thread in threads:
        thread.join()
    return taken, failures


def tell(title, latencies):
    latencies = sorted(1000 * latency for latency in latencies)

    def at(share):
        return latencies[min(len(latencies) - 1, int(len(latencies) * share))]
    print(f"  {title:18} {len(latencies):6} calls   p50 {at(0.5):7.1f} ms   p99 {at(0.99):7.1f} ms   max {latencies[-1]:7.1f} ms")
    return at(0.99)


def cpu_seconds(process):
    """User and system time of a process so far: what the machine's other work does not change much."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(engine, connect, process, arguments):
    setting_up = connect()
    apis = [Api(setting_up, f"api{number}", RESOURCES) for number in range(APIS - 1)] + [Api(setting_up, "large", LARGE)]
    before = cpu_seconds(process)
    taken, failures = drive(connect, schedule(arguments, apis))
    used = cpu_seconds(process) - before
    print(f"{engine}: {arguments.reads} reads/s, {arguments.writes} writes/s for {arguments.seconds} s; {1000 * used / len(taken):.2f} ms CPU a call")
    worst = max(tell(f"all {kind}s", [latency for what, _, latency in taken if what == kind]) for kind in ("read", "write"))
    for name in [name for _, name, _ in (*READS, *WRITES)]:
        tell(name, [latency for _, what, latency in taken if what == name])
    print(f"  {len(failures)} failures{': ' + str(failures[:3]) if failures else ''}; p99 {'within' if worst < GOAL_MS else 'OVER'} the goal of {GOAL_MS} ms")


def on_sqlite(directory, arguments):
    gateway = Gateway(directory).start()
    try:
        measure("SQLite", lambda: Connection(gateway.addresses["admin"]), gateway.process, arguments)
    finally:
        gateway.stop()


def on_postgres(directory, arguments):
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=1).start()
    try:
        key = fleet.key["accessKeyId"], fleet.key["secretAccessKey"]
        measure("Postgres", lambda: Connection(fleet.controls[0].ports["admin"], *key), fleet.controls[0].process, arguments)
    finally:
        fleet.stop()
        postgres.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--reads", type=float, default=200)
    parser.add_argument("--writes", type=float, default=50)
    parser.add_argument("engines", nargs="*", default=["sqlite", "postgres"])
    arguments = parser.parse_args()
    print(f"program: {BIN}")
    for engine in arguments.engines:
        with tempfile.TemporaryDirectory(prefix="stagecoach-bench.") as directory:
            {"sqlite": on_sqlite, "postgres": on_postgres}[engine](pathlib.Path(directory), arguments)


if __name__ == "__main__":
    main()
