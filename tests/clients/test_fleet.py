"""One control plane on Postgres, three workers, steady traffic while everything changes (issue points 3 and 4)."""
import concurrent.futures
import http.client
import math
import pathlib
import re
import signal
import statistics
import threading
import time

import pytest
from conftest import call, eventually
from fleet import Fleet, Postgres, postgres
from test_main_job import mock

CHANGES = 50


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, postgres):
    fleet = Fleet(tmp_path_factory.mktemp("fleet"), postgres.url).start()
    yield fleet
    fleet.stop()


class Traffic:
    """A fixed total rate over all workers on kept-alive connections; remembers every answer."""

    def __init__(self, fleet, api, stage, rate=300):
        self.stop, self.answers, self.failures = threading.Event(), [], []
        self.threads = [threading.Thread(target=self._drive, args=(worker.ports["traffic"], api, stage, rate / 6), daemon=True)
                        for worker in fleet.workers for _ in range(2)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _drive(self, address, api, stage, rate):
        connection, due = http.client.HTTPConnection(address, timeout=10), time.monotonic()
        while not self.stop.is_set():
            due += 1 / rate
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.request("GET", f"/_aws/execute-api/{api}/{stage}")
                response = connection.getresponse()
                body = response.read().decode()
                (self.answers if response.status == 200 else self.failures).append((time.monotonic(), response.status, body))
            except OSError as error:
                self.failures.append((time.monotonic(), 0, repr(error)))
                connection.close()


def versioned(client, name):
    api = client.create_rest_api(name=name)
    mock(client, api["id"], api["rootResourceId"], "GET", '{"version": 0}')
    return api["id"], api["rootResourceId"]


def publish(client, api, root, version):
    """Edits the body and makes a deployment; answers its id."""
    client.update_integration_response(
        restApiId=api, resourceId=root, httpMethod="GET", statusCode="200",
        patchOperations=[{"op": "replace", "path": "/responseTemplates/application~1json", "value": f'{{"version": {version}}}'}])
    return client.create_deployment(restApiId=api)["id"]


def point(client, api, *operations):
    client.update_stage(restApiId=api, stageName="prod", patchOperations=[
        dict(zip(("op", "path", "value"), operation)) for operation in operations])


def fetched_bytes(fleet):
    return [float(re.search(r"^stagecoach_feed_fetched_bytes\S* (\S+)", worker.metrics(), re.M).group(1)) for worker in fleet.workers]


def test_deploys_canaries_promotions_and_rollbacks_lose_no_request(fleet):
    client = fleet.client()
    api, root = versioned(client, "fleet")
    first = publish(client, api, root, 1)
    client.create_stage(restApiId=api, stageName="prod", deploymentId=first)
    fleet.settled(api, "prod")
    lags, deployments = [], [first]

    def settle():
        started = time.monotonic()
        fleet.settled(api, "prod")
        lags.append(time.monotonic() - started)

    with Traffic(fleet, api, "prod") as traffic:
        for number in range(CHANGES):
            deployments.append(publish(client, api, root, 2 + number))
            point(client, api, ("replace", "/deploymentId", deployments[-1]))
            settle()
        for number in range(CHANGES):
            percent = ("0.0", "50.0", "100.0")[number % 3]
            point(client, api, ("replace", "/canarySettings/deploymentId", deployments[number]),
                  ("replace", "/canarySettings/percentTraffic", percent))
            settle()
        for number in range(CHANGES):
            point(client, api, ("replace", "/canarySettings/deploymentId", deployments[number]),
                  ("replace", "/canarySettings/percentTraffic", "0.0"))
            client.update_stage(restApiId=api, stageName="prod", patchOperations=[
                {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"}])
            settle()
        point(client, api, ("remove", "/canarySettings"))
        point(client, api, ("replace", "/deploymentId", deployments[-1]))
        settle()
        before = fetched_bytes(fleet)
        for number in range(CHANGES):
            point(client, api, ("replace", "/deploymentId", deployments[-1 - (number + 1) % 2]))
            settle()
        after = fetched_bytes(fleet)

    assert not traffic.failures, traffic.failures[:5]
    assert len(traffic.answers) > 1000
    assert after == before, "a rollback must fetch nothing"
    lags.sort()
    p99 = lags[math.ceil(len(lags) * 0.99) - 1]
    print(f"{len(traffic.answers)} requests, {len(lags)} changes, convergence p50 {statistics.median(lags) * 1000:.0f} ms p99 {p99 * 1000:.0f} ms")
    assert p99 < 1.0


def test_the_canary_gets_its_share(fleet):
    client = fleet.client()
    api, root = versioned(client, "share")
    base, canary = publish(client, api, root, 1), publish(client, api, root, 2)
    client.create_stage(restApiId=api, stageName="prod", deploymentId=base,
                        canarySettings={"deploymentId": canary, "percentTraffic": 50.0})
    fleet.settled(api, "prod")

    counts = []
    for percent in (10.0, 50.0, 100.0):
        point(client, api, ("replace", "/canarySettings/percentTraffic", str(percent)))
        fleet.settled(api, "prod")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            bodies = list(pool.map(lambda n: call(fleet.url_of(n % 3, api, "prod")).json["version"], range(3000)))
        counts.append((percent / 100, bodies.count(2), len(bodies)))

    for share, seen, total in counts:
        bound = 3.2905 * math.sqrt(total * share * (1 - share))  # 99.9 % two-sided
        assert abs(seen - total * share) <= bound, (share, seen, total)


def test_workers_outlive_the_control_plane_and_the_database(tmp_path_factory):
    directory = tmp_path_factory.mktemp("outage")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=2).start()
    try:
        client = fleet.client()
        api, root = versioned(client, "outage")
        client.create_stage(restApiId=api, stageName="prod", deploymentId=publish(client, api, root, 1))
        fleet.settled(api, "prod")

        fleet.controls[0].stop(signal.SIGKILL)
        postgres.stop()
        assert call(fleet.url_of(0, api, "prod")).json == {"version": 1}
        fleet.workers[1].stop(signal.SIGKILL)
        started = time.monotonic()
        fleet.workers[1].start()
        assert call(fleet.url_of(1, api, "prod")).json == {"version": 1}
        assert time.monotonic() - started < 2.0

        fleet.workers[1].stop(signal.SIGKILL)
        blobs = [path for path in (fleet.directory / "state-w1").rglob("*") if path.is_file() and re.fullmatch(r"[0-9a-f]{64}", path.name)]
        assert blobs
        for blob in blobs:
            blob.write_bytes(b"not what the name says")
        postgres.start()
        fleet.workers[1].start(wait=False)
        fleet.controls[0].start()
        eventually(lambda: call(fleet.url_of(1, api, "prod")).status == 200, within=30)
        assert call(fleet.url_of(1, api, "prod")).json == {"version": 1}
        aside = [path for path in (fleet.directory / "state-w1").rglob("*corrupt*")]
        assert aside, "the corrupted file is set aside, not deleted"
    finally:
        fleet.stop()
        postgres.stop()


def test_two_replicas_on_one_database_agree(tmp_path_factory):
    directory = tmp_path_factory.mktemp("replicas")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=2, controls=2).start()
    try:
        one, two = fleet.client(0), fleet.client(1)
        api, root = versioned(one, "replicas")
        deployment = publish(two, api, root, 1)
        two.create_stage(restApiId=api, stageName="prod", deploymentId=deployment)
        fleet.settled(api, "prod", 0)
        fleet.settled(api, "prod", 1)
        assert [call(fleet.url_of(worker, api, "prod")).json for worker in (0, 1)] == [{"version": 1}] * 2

        def variable(number):
            client = (one, two)[number % 2]
            client.update_stage(restApiId=api, stageName="prod", patchOperations=[
                {"op": "replace", "path": f"/variables/v{number}", "value": str(number)}])
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(variable, range(60)))
        stored = [client.get_stage(restApiId=api, stageName="prod")["variables"] for client in (one, two)]
        assert stored == [{f"v{number}": str(number) for number in range(60)}] * 2

        fleet.controls[0].stop(signal.SIGKILL)
        point(two, api, ("replace", "/deploymentId", publish(two, api, root, 2)))
        eventually(lambda: all(call(fleet.url_of(worker, api, "prod")).json == {"version": 2} for worker in (0, 1)))
    finally:
        fleet.stop()
        postgres.stop()


def test_a_drained_worker_finishes_what_it_started(fleet):
    client = fleet.client()
    api, root = versioned(client, "drain")
    client.create_stage(restApiId=api, stageName="prod", deploymentId=publish(client, api, root, 1))
    fleet.settled(api, "prod")
    worker, stop, failures, served = fleet.workers[2], threading.Event(), [], []

    def drive():
        connection = http.client.HTTPConnection(worker.ports["traffic"], timeout=10)
        while not stop.is_set():
            try:
                connection.request("GET", f"/_aws/execute-api/{api}/prod")
                response = connection.getresponse()
                response.read()
                served.append(response.status)
                if response.getheader("connection") == "close":
                    return
            except ConnectionRefusedError:
                return
            except OSError as error:
                failures.append(repr(error))
                return

    threads = [threading.Thread(target=drive) for _ in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(served) > 200)
    worker.stop(signal.SIGTERM)
    stop.set()
    for thread in threads:
        thread.join()
    worker.start()

    assert worker.process.poll() is None
    assert not failures, failures
    assert set(served) == {200}


def test_a_snapshot_a_worker_cannot_load_is_rejected_with_its_reason_and_the_old_one_serves(tmp_path_factory):
    directory = tmp_path_factory.mktemp("refusal")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=2).start()
    try:
        client = fleet.client()
        api, root = versioned(client, "refusal")
        client.create_stage(restApiId=api, stageName="prod", deploymentId=publish(client, api, root, 1))
        fleet.settled(api, "prod")

        fleet.controls[0].stop(signal.SIGTERM)
        fleet.controls[0].arguments += ["--test-snapshot-format", "99"]
        fleet.controls[0].start()
        point(client, api, ("replace", "/deploymentId", publish(client, api, root, 2)))

        def refusals():
            workers = fleet.native("/fleet").json["workers"]
            return [outcome for worker in workers if worker["live"] for outcome in worker["outcomes"]]
        seen = eventually(lambda: len(refusals()) == 2 and refusals())
        assert {outcome["result"] for outcome in seen} == {"UNKNOWN_FORMAT"}
        assert all("99" in outcome["message"] for outcome in seen), seen
        laggards = fleet.native(f"/convergence/{api}/prod").json
        assert not laggards["converged"] and laggards["laggards"][0]["outcome"]["result"] == "UNKNOWN_FORMAT"
        assert [call(fleet.url_of(worker, api, "prod")).json for worker in (0, 1)] == [{"version": 1}] * 2
    finally:
        fleet.stop()
        postgres.stop()


def test_admin_calls_need_a_valid_signature_of_a_live_key(fleet):
    import subprocess
    from botocore.exceptions import ClientError
    from conftest import BIN

    unsigned = call(fleet.admin() + "/restapis")
    assert (unsigned.status, unsigned.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")
    right = dict(fleet.key)
    for change, code in (({"secretAccessKey": "wrong"}, "InvalidSignatureException"), ({"accessKeyId": "AKIANOBODY"}, "UnrecognizedClientException")):
        fleet.key = {**right, **change}
        with pytest.raises(ClientError) as refused:
            fleet.client().get_rest_apis()
        assert refused.value.response["Error"]["Code"] == code
        assert fleet.native("/fleet").status == 403
    extra = fleet._tool("key", "create", "--database-url", fleet.url)
    import json
    fleet.key = json.loads(extra)
    assert fleet.client().get_rest_apis()["ResponseMetadata"]["HTTPStatusCode"] == 200
    fleet._tool("key", "revoke", "--database-url", fleet.url, fleet.key["accessKeyId"])
    with pytest.raises(ClientError):
        fleet.client().get_rest_apis()
    fleet.key = right
    assert fleet.native("/fleet").json["live"] == 3
    assert subprocess.run([BIN, "fleet", "status", "--database-url", fleet.url], capture_output=True, text=True).stdout.count("following") == 3


def test_a_nul_in_an_id_is_unknown_on_postgres_too(fleet):
    from botocore.exceptions import ClientError
    client = fleet.client()
    api, _ = versioned(client, "nul")
    definition = b'{"openapi": "3.0.1", "info": {"title": "nul\\u0000", "version": "\\u0000"}, "paths": {}%s}'
    schemas = b', "components": {"schemas": {"A\\u0000B": {}}}'

    for wrong in (lambda: client.create_stage(restApiId=api, stageName="x", deploymentId="\0"), lambda: client.create_rest_api(name="x", cloneFrom="\0"),
                  lambda: client.get_rest_api(restApiId="\0"), lambda: client.get_resources(restApiId=api, position="MToA"),
                  lambda: client.import_rest_api(body=definition % schemas)):
        with pytest.raises(ClientError) as refused:
            wrong()
        assert 400 <= refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500, refused.value
    assert client.import_rest_api(body=definition % b"")["name"] == "nul\0"
    for path in ("/snapshots/%00/x", "/convergence/%00/%00"):
        assert fleet.native(path).status == 404
