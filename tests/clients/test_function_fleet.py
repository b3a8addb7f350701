"""Function hosts of their own: several on one Postgres, reached through the control plane and by workers; kills, restarts, drains."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import call, eventually
from fleet import Fleet, Process, postgres
from test_functions import allow, create, package
from test_integrations import child, invocation, put

CODE = """
import json, os, time
def handler(event, context):
    query = event.get("queryStringParameters") or {}
    if "mark" in query:
        open(query["mark"], "w").close()
    time.sleep(float(query.get("sleep", 0)))
    return {"statusCode": 200, "body": json.dumps({"label": %r, "pid": os.getpid()})}
"""


class FunctionFleet(Fleet):
    """A control plane, a worker, and two function hosts, which the control plane takes turns at; the worker knows the first."""

    def __init__(self, directory, url):
        super().__init__(directory, url, workers=1)
        for folder in [self.directory, *self.directory.parents]:
            if os.getuid() == 0 and str(folder).startswith(f"{tempfile.gettempdir()}/"):
                folder.chmod(0o755)
        self.hosts = [self._host(index) for index in range(2)]
        self.controls[0].arguments += ["--functions-endpoint", ",".join(f"http://{self.host(index)}" for index in range(2))]
        self.workers[0].arguments += ["--lambda-endpoint", f"http://{self.host(0)}"]

    def _host(self, index):
        # The first one's functions have users of their own, the second one's a sandbox.
        apart = [["--function-users", "20000-20099"] if os.getuid() == 0 else [], ["--function-isolation", "bubblewrap"] if shutil.which("bwrap") else []]
        arguments = ["functions", "--database-url", self.url, "--data-dir", str(self.directory / f"functions-{index}"), *apart[index]]
        return Process(self.directory, f"functions-{index}", arguments, ("functions", "status"))

    def host(self, index):
        return self.hosts[index].ports["functions"]

    def start(self):
        self.key = json.loads(self._tool("key", "create", "--database-url", self.url, "--description", "tests"))
        os.environ.update(AWS_ACCESS_KEY_ID=self.key["accessKeyId"], AWS_SECRET_ACCESS_KEY=self.key["secretAccessKey"])
        for process in [*self.hosts, *self.controls, *self.workers]:
            process.start()
        return self

    def stop(self):
        super().stop()
        for host in self.hosts:
            host.stop()

    def lambdas(self, index, secret=None):
        return boto3.client("lambda", endpoint_url=f"http://{self.host(index)}", region_name="us-east-1",
                            aws_access_key_id=self.key["accessKeyId"], aws_secret_access_key=secret or self.key["secretAccessKey"],
                            config=Config(retries={"max_attempts": 0}, read_timeout=30))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory, postgres):
    with pytest.MonkeyPatch.context() as patch:
        # The worker signs its calls with these.
        patch.setenv("AWS_ACCESS_KEY_ID", "")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "")
        fleet = FunctionFleet(tmp_path_factory.mktemp("fleet"), postgres.url).start()
        yield fleet
        fleet.stop()


@pytest.fixture(scope="module")
def api(fleet):
    """An API whose GET /f invokes the function `fleet`, made through the control plane."""
    lambdas, client = fleet.client(service="lambda"), fleet.client()
    create(lambdas, "fleet", package(app__py=CODE % "first"))
    allow(lambdas, "fleet")
    made = client.create_rest_api(name="functions")
    resource = child(client, made, made["rootResourceId"], "f")
    put(client, made["id"], resource, type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("fleet"))
    client.create_deployment(restApiId=made["id"], stageName="s")
    fleet.settled(made["id"], "s")
    return made["id"]


def served(fleet, api, query="", timeout=15):
    return call(fleet.url_of(0, api, "s", f"/f{query}"), timeout=timeout)


def label(answer):
    return json.loads(json.loads(answer["Payload"].read())["body"])["label"]


def test_a_function_made_through_the_control_plane_is_served_by_every_host(fleet, api):
    assert served(fleet, api).json["label"] == "first"

    fleet.lambdas(1).update_function_code(FunctionName="fleet", ZipFile=package(app__py=CODE % "second"))

    # The other host hears of it from the database.
    eventually(lambda: served(fleet, api).json["label"] == "second")
    assert [label(fleet.lambdas(index).invoke(FunctionName="fleet", Payload=b"{}")) for index in range(2)] == ["second"] * 2
    assert label(fleet.client(service="lambda").invoke(FunctionName="fleet", Payload=b"{}")) == "second"


def test_a_host_takes_no_call_that_is_not_signed_with_a_key(fleet, api):
    with pytest.raises(ClientError) as wrong:
        fleet.lambdas(0, secret="not the secret").invoke(FunctionName="fleet")
    unsigned = call(f"http://{fleet.host(0)}/2015-03-31/functions/fleet/invocations", "POST", b"{}")
    elsewhere = call(f"http://{fleet.host(0)}/restapis")

    assert wrong.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (unsigned.status, elsewhere.status) == (403, 404)


def test_a_functions_log_is_read_and_followed_on_all_hosts(fleet, api):
    lambdas = fleet.client(service="lambda")
    create(lambdas, "talks", package(app__py="def handler(event, context):\n    print('said', event['what'])\n"))
    say = lambda host, what: fleet.lambdas(host).invoke(FunctionName="talks", Payload=json.dumps({"what": what}))
    say(0, "one"), say(1, "two")
    url, headers = fleet.signed("/functions/talks/logs?follow=true")

    followed = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10)
    read = []
    threading.Thread(target=lambda: read.extend(iter(followed.readline, b"")), daemon=True).start()
    eventually(lambda: {b"said one\n", b"said two\n"} <= set(read))
    say(0, "three"), say(1, "four")
    eventually(lambda: {b"said three\n", b"said four\n"} <= set(read))

    whole = fleet.native("/functions/talks/logs").text.splitlines()
    assert {"said one", "said two", "said three", "said four"} <= set(whole)
    assert call(url).status == 403, "unsigned"


def test_a_host_counts_what_it_runs(fleet, api):
    lambdas = fleet.lambdas(0)
    create(lambdas, "counted", package(app__py="def handler(event, context):\n    return 1 / event['by']\n"))
    for by in (1, 1, 0):
        lambdas.invoke(FunctionName="counted", Payload=json.dumps({"by": by}))
    lambdas.put_function_concurrency(FunctionName="counted", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError):
        lambdas.invoke(FunctionName="counted", Payload=b"{}")

    metrics = fleet.hosts[0].metrics()

    seen = dict(re.findall(r'stagecoach_function_invocations_total\{function="counted",outcome="(\w+)"\} (\d+)', metrics))
    assert seen == {"ok": "2", "error": "1", "throttled": "1"}, metrics
    assert int(re.search(r"^stagecoach_function_environments (\d+)$", metrics, re.M).group(1)) >= 1
    assert "stagecoach_function_invocations_running 0" in metrics and "stagecoach_function_duration_seconds_bucket" in metrics


def test_a_host_counts_the_events_that_wait_and_those_it_gave_up(fleet, api):
    lambdas = fleet.lambdas(0)
    create(lambdas, "dropped", package(app__py="def handler(event, context):\n    return 1\n"))
    lambdas.put_function_concurrency(FunctionName="dropped", ReservedConcurrentExecutions=0)

    accepted = lambdas.invoke(FunctionName="dropped", InvocationType="Event", Payload=b"{}")

    count = lambda name: float(re.search(rf"^stagecoach_function_events_{name} (\S+)$", fleet.hosts[0].metrics(), re.M).group(1))
    assert accepted["StatusCode"] == 202
    assert eventually(lambda: count("given_up_total") == 1)
    assert (count("queued"), count("running"), count("oldest_age_seconds")) == (0, 0, 0)


def test_a_revoked_key_is_refused_within_seconds(fleet, api):
    key = json.loads(fleet._tool("key", "create", "--database-url", fleet.url, "--description", "short"))
    client = boto3.client("lambda", endpoint_url=f"http://{fleet.host(0)}", region_name="us-east-1", aws_access_key_id=key["accessKeyId"],
                          aws_secret_access_key=key["secretAccessKey"], config=Config(retries={"max_attempts": 0}))
    assert client.get_function(FunctionName="fleet")["Configuration"]["State"] == "Active"

    fleet._tool("key", "revoke", "--database-url", fleet.url, key["accessKeyId"])

    def refused():
        try:
            return client.get_function(FunctionName="fleet") is None
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    eventually(refused)


def test_provisioned_concurrency_is_kept_on_every_host(fleet, api):
    lambdas = fleet.client(service="lambda")
    version = lambdas.publish_version(FunctionName="fleet")["Version"]

    lambdas.put_provisioned_concurrency_config(FunctionName="fleet", Qualifier=version, ProvisionedConcurrentExecutions=2)

    of = lambda index: fleet.lambdas(index).get_provisioned_concurrency_config(FunctionName="fleet", Qualifier=version)
    for index in range(2):
        eventually(lambda: of(index)["Status"] == "READY" and len(children(fleet.hosts[index])) >= 2)
    lambdas.delete_provisioned_concurrency_config(FunctionName="fleet", Qualifier=version)


# A function that broke off, and a host that is not there.
FAILURES = {(502, b'{"message": "Internal server error"}'), (504, b'{"message": "Network error communicating with endpoint"}')}


def children(host):
    tasks = pathlib.Path(f"/proc/{host.process.pid}/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split()]


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_host_killed_under_load_fails_what_was_in_flight_and_serves_again_once_it_is_back(fleet, api):
    stop, answers = threading.Event(), []

    def drive():
        connection = http.client.HTTPConnection(fleet.workers[0].ports["traffic"], timeout=30)
        while not stop.is_set():
            connection.request("GET", f"/_aws/execute-api/{api}/s/f?sleep=0.05")
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))

    with ThreadPoolExecutor(8) as pool:
        driving = [pool.submit(drive) for _ in range(8)]
        eventually(lambda: len(answers) > 100)
        before, processes = len(answers), children(fleet.hosts[0])
        fleet.hosts[0].stop(signal.SIGKILL)
        eventually(lambda: any(status != 200 for status, _ in answers[before:]))
        fleet.hosts[0].start()
        back = len(answers)
        eventually(lambda: sum(status == 200 for status, _ in answers[back:]) > 200)
        stop.set()
        for one in driving:
            one.result()

    failed = [(status, body) for status, body in answers if status != 200]
    assert failed and set(failed) <= FAILURES, set(failed)
    assert all(status == 200 for status, _ in answers[-50:])
    assert processes and eventually(lambda: not any(map(alive, processes))), "the killed host's functions still run"


def test_the_control_plane_asks_the_next_host_when_one_is_gone(fleet, api):
    now = served(fleet, api).json["label"]
    fleet.hosts[1].stop(signal.SIGKILL)

    labels = [label(fleet.client(service="lambda").invoke(FunctionName="fleet", Payload=b"{}")) for _ in range(4)]

    fleet.hosts[1].start()
    assert labels == [now] * 4


def test_a_host_that_is_told_to_stop_finishes_what_it_runs(fleet, api, tmp_path):
    tmp_path.chmod(0o777)  # the function is somebody else
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(served, fleet, api, f"?sleep=2&mark={tmp_path}/running")
        eventually((tmp_path / "running").exists)
        fleet.hosts[0].stop()
        answer = running.result()

    fleet.hosts[0].start()
    assert (answer.status, "label" in answer.json) == (200, True)


def test_functions_that_were_invoked_go_on_while_the_database_is_gone(fleet, api, postgres):
    now = served(fleet, api).json["label"]

    postgres.stop()
    # Longer than a key is fresh.
    until, answers = time.monotonic() + 7, set()
    while time.monotonic() < until:
        answers.add(served(fleet, api, "?sleep=0.2", timeout=60).status)
    postgres.start()

    assert answers == {200}
    eventually(lambda: label(fleet.client(service="lambda").invoke(FunctionName="fleet", Payload=b"{}")) == now)


def test_a_download_needs_no_key_on_any_host_and_nothing_else_goes_without_one(fleet):
    code = package(app__py=CODE % "it")
    create(fleet.client(service="lambda"), "located", code)

    location = fleet.client(service="lambda").get_function(FunctionName="located")["Code"]["Location"]
    path = location.removeprefix(fleet.admin())
    downloads = [call(f"{origin}{path}") for origin in (fleet.admin(), f"http://{fleet.host(0)}", f"http://{fleet.host(1)}")]
    others = [call(f"http://{fleet.host(0)}{other}").status for other in ("/2015-03-31/functions", path.split("?")[0])]

    assert [(answer.status, answer.body == code) for answer in downloads] == [(200, True)] * 3, [answer.body[:99] for answer in downloads]
    assert others == [403, 403]


def test_a_second_host_on_one_sqlite_file_is_refused(tmp_path):
    database = f"sqlite://{tmp_path}/stagecoach.db"
    hosts = [Process(tmp_path, f"host-{index}", ["functions", "--database-url", database, "--data-dir", str(tmp_path / f"host-{index}"),
                                                 "--insecure-open-admin"], ("functions", "status")) for index in range(2)]
    hosts[0].start()
    try:
        hosts[1].start(wait=False)

        assert hosts[1].process.wait(20) == 1
        assert "another function host uses this SQLite database" in (tmp_path / "host-1.log").read_text()
    finally:
        for host in hosts:
            host.stop()
    hosts[1].start()
    hosts[1].stop()
