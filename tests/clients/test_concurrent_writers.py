"""Two control planes, one Postgres, eight clients, thousands of mixed writes on one API: nothing is lost, nothing tears.

Every stage is a register. The audit log claims an order of its writes; the order is a proof of linearizability when
replaying it through the model gives each client the answer it got, and no operation comes before one that had ended
when it began.
"""
import collections
import itertools
import os
import random
import threading
import time

import pytest
from fleet import Fleet, Postgres
from linear import Done, Register, check_register, in_order
from wire import Connection

WRITES, CLIENTS, STAGES, SEED = 5000, 8, ("blue", "green", "canary", "prod"), 20150709
MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
LOST_RACE = "Unable to complete operation due to concurrent modification. Please try again later."
# What a write may be answered when another client was first.
REFUSALS = {
    "create_deployment": set(), "delete_deployment": {"Active stages pointing to this deployment must be moved or deleted"},
    "move": {"Deployment id does not exist"}, "canary": {"Deployment id does not exist"},
    "promote": {"Promotion not available. Canary does not exist."},
    "drop": {"Cannot remove method setting canarySettings because there is no method setting for this method "},
}


class Shared:
    """What clients tell each other: deployments they may point at."""

    def __init__(self, api, root, hot, deployments):
        self.api, self.root, self.hot, self.deployments, self.lock = api, root, hot, list(deployments), threading.Lock()


class Writer(threading.Thread):
    """One client: random writes, now and then a read, everything remembered."""

    def __init__(self, number, connection, shared, writes):
        super().__init__(daemon=True)
        self.random, self.connection, self.shared, self.number = random.Random(SEED + number), connection, shared, number
        self.left, self.done, self.names = writes, [], itertools.count()
        self.resources, self.responses, self.integrated, self.template = set(), set(), set(), None
        self.resource, self.problem = build(connection, shared.api, shared.root, f"client{number}"), None

    def run(self):
        choices = [(name.removeprefix("write_"), getattr(self, name)) for name in dir(self) if name.startswith("write_")]
        weights = [WEIGHTS[name] for name, _ in choices]
        try:
            while self.left:
                if self.random.random() < 0.15:
                    stage = self.random.choice(STAGES)
                    self.call("read", "GET", f"/stages/{stage}", stage=stage)
                self.random.choices(choices, weights)[0][1]()
        except Exception as problem:  # noqa: BLE001 - told by the test
            self.problem = problem

    def call(self, name, method, path, document=None, stage=None, **values):
        self.left -= name != "read"
        began = time.monotonic()
        reply = self.connection.call(method, f"/restapis/{self.shared.api}{path}", document)
        done = Done(name, began, time.monotonic(), reply, stage, values)
        self.done.append(done)
        return done

    def token(self):
        return f"c{self.number}n{next(self.names)}"

    def write_create_resource(self):
        done = self.call("create_resource", "POST", f"/resources/{self.shared.root}", {"pathPart": self.token()})
        if done.kept:
            self.resources.add(done.reply.body["id"])

    def write_delete_resource(self):
        if len(self.resources) > 3:
            resource = self.random.choice(sorted(self.resources))
            if self.call("delete_resource", "DELETE", f"/resources/{resource}").kept:
                self.resources.remove(resource)

    def write_put_response(self):
        """A response of this client's own method, or of its integration when the method has it."""
        status = str(self.random.randrange(200, 260))
        part = "integration/" if status in self.responses else ""
        done = self.call(f"put_{part}response", "PUT", f"/resources/{self.resource}/methods/GET/{part}responses/{status}",
                         {"selectionPattern": status} if part else {})
        if done.kept:
            (self.integrated if part else self.responses).add(status)

    def write_delete_response(self):
        if len(self.responses) > 5:
            status = self.random.choice(sorted(self.responses))
            if self.call("delete_response", "DELETE", f"/resources/{self.resource}/methods/GET/responses/{status}").kept:
                self.responses.remove(status)

    def write_put_integration(self):
        template = {"application/json": f'{{"statusCode": 200, "token": "{self.token()}"}}'}
        done = self.call("put_integration", "PUT", f"/resources/{self.resource}/methods/GET/integration", {**MOCK, "requestTemplates": template})
        if done.kept:
            self.template = template

    def write_patch_shared_method(self):
        header = self.token()
        self.call("patch_method", "PATCH", f"/resources/{self.shared.hot}/methods/GET", patch(
            ("add", f"/requestParameters/method.request.header.{header}", "false")), header=header)

    def write_patch_api(self):
        kind = self.token()
        self.call("patch_api", "PATCH", "", patch(("add", f"/binaryMediaTypes/a~1{kind}", None)), media=f"a/{kind}")

    def write_create_deployment(self):
        document, stage, token = {}, None, self.token()
        if self.random.random() < 0.5:
            stage = self.random.choice(STAGES)
            document = {"stageName": stage, "variables": {"token": token}}
        done = self.call("create_deployment", "POST", "/deployments", document, stage=stage, token=token)
        if done.kept:
            done.values["deployment"] = done.reply.body["id"]
            with self.shared.lock:
                self.shared.deployments.append(done.reply.body["id"])

    def write_delete_deployment(self):
        with self.shared.lock:
            if len(self.shared.deployments) < 12:
                return
            deployment = self.shared.deployments.pop(self.random.randrange(len(self.shared.deployments)))
        done = self.call("delete_deployment", "DELETE", f"/deployments/{deployment}", deployment=deployment)
        if not done.kept:
            with self.shared.lock:
                self.shared.deployments.append(deployment)

    def stage(self, name, *operations, **values):
        stage, token = self.random.choice(STAGES), self.token()
        self.call(name, "PATCH", f"/stages/{stage}", patch(*operations, ("replace", "/variables/token", token)),
                  stage=stage, token=token, **values)

    def any_deployment(self):
        with self.shared.lock:
            return self.random.choice(self.shared.deployments)

    def write_move(self):
        deployment = self.any_deployment()
        self.stage("move", ("replace", "/deploymentId", deployment), deployment=deployment)

    def write_canary(self):
        deployment, percent = self.any_deployment(), self.random.choice((5.0, 50.0, 100.0))
        self.stage("canary", ("replace", "/canarySettings/deploymentId", deployment),
                   ("replace", "/canarySettings/percentTraffic", str(percent)), deployment=deployment, percent=percent)

    def write_promote(self):
        stage, token = self.random.choice(STAGES), self.token()
        copy = {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"}
        self.call("promote", "PATCH", f"/stages/{stage}", {"patchOperations": [
            copy, {"op": "replace", "path": "/variables/token", "value": token}]}, stage=stage, token=token)

    def write_drop(self):
        self.stage("drop", ("remove", "/canarySettings", None))


WEIGHTS = {"create_resource": 14, "delete_resource": 14, "put_response": 16, "delete_response": 6, "put_integration": 8, "patch_shared_method": 6, "patch_api": 4, "create_deployment": 6,
           "delete_deployment": 4, "move": 8, "canary": 8, "promote": 5, "drop": 3}


def build(connection, api, root, part):
    """A resource with a whole method: a deployment refuses half of one."""
    resource = connection.call("POST", f"/restapis/{api}/resources/{root}", {"pathPart": part}).body["id"]
    for path, document in (("", {"authorizationType": "NONE"}), ("/integration", MOCK)):
        assert connection.call("PUT", f"/restapis/{api}/resources/{resource}/methods/GET{path}", document).status == 201
    return resource


def patch(*operations):
    return {"patchOperations": [{key: value for key, value in zip(("op", "path", "value"), operation) if value is not None}
                                for operation in operations]}


def pages(connection, path, query=""):
    items, position = [], None
    while True:
        words = sorted(filter(None, [query, "limit=500", f"position={position}" if position else ""]))
        reply = connection.call("GET", f"{path}?{'&'.join(words)}")
        assert reply.status == 200, reply
        items += reply.body["item"]
        position = reply.body.get("position")
        if not position:
            return items


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    directory = tmp_path_factory.mktemp("writers")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=1, controls=2).start()
    yield fleet
    fleet.stop()
    postgres.stop()


@pytest.fixture(scope="module")
def run(fleet):
    """The whole run: what was there before, what each client did, and what the audit log says."""
    planes = [Connection(control.ports["admin"], fleet.key["accessKeyId"], fleet.key["secretAccessKey"]) for control in fleet.controls]
    api = planes[0].call("POST", "/restapis", {"name": "contended"}).body
    hot = build(planes[0], api["id"], api["rootResourceId"], "hot")
    deployments = [planes[0].call("POST", f"/restapis/{api['id']}/deployments", {}).body["id"] for _ in range(8)]
    for stage in STAGES:
        assert planes[1].call("POST", f"/restapis/{api['id']}/stages", {"stageName": stage, "deploymentId": deployments[0]}).status == 201
    shared = Shared(api["id"], api["rootResourceId"], hot, deployments)
    writers = [Writer(number, Connection(fleet.controls[number % 2].ports["admin"], fleet.key["accessKeyId"], fleet.key["secretAccessKey"]),
                      shared, WRITES // CLIENTS) for number in range(CLIENTS)]
    began = time.monotonic()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    took = time.monotonic() - began
    assert not any(writer.problem for writer in writers), [writer.problem for writer in writers]
    done = [done for writer in writers for done in writer.done]
    audit = pages(planes[0], "/_stagecoach/v1/changes")
    revisions = {row["requestId"]: row["revision"] for row in audit}
    for it in done:
        it.revision = revisions.get(it.reply.request_id, 0)
    took_each = sorted(it.ended - it.began for it in done)
    print(f"seed {SEED}: {len(done)} calls in {took:.1f} s, p50 {took_each[len(done) // 2] * 1000:.0f} ms, p99 {took_each[len(done) * 99 // 100] * 1000:.0f} ms")
    counts = collections.Counter((it.name, it.reply.status) for it in done)
    print(", ".join(f"{name} {status}: {count}" for (name, status), count in sorted(counts.items())))
    return {"planes": planes, "shared": shared, "writers": writers, "done": done, "audit": audit, "first": Register(deployments[0])}


def test_no_write_fails_but_for_what_another_client_did_before(run):
    unexplained = [it for it in run["done"] if not it.kept and it.reply.message not in REFUSALS.get(it.name, set()) | {LOST_RACE}]
    lost = [it for it in run["done"] if it.reply.message == LOST_RACE]

    assert not [it for it in run["done"] if it.reply.status >= 500]
    assert not unexplained, {(it.name, it.reply.message) for it in unexplained}
    assert not lost, f"{len(lost)} writes gave up: {collections.Counter(it.name for it in lost)}"


def test_every_acknowledged_write_has_one_revision_and_the_revisions_have_no_gap(run):
    revisions = [row["revision"] for row in run["audit"]]
    ids = collections.Counter(row["requestId"] for row in run["audit"])
    writes = [it for it in run["done"] if it.name != "read"]

    assert revisions == list(range(revisions[0], revisions[0] + len(revisions)))
    assert all(ids[it.reply.request_id] == it.kept for it in writes)
    assert in_order(sorted((it for it in writes if it.kept), key=lambda it: it.revision)), "revisions go against time"


@pytest.mark.parametrize("stage", STAGES)
def test_the_history_of_a_stage_is_linearizable(run, stage):
    mine = [it for it in run["done"] if it.stage == stage and it.kept]
    writes = sorted((it for it in mine if it.name != "read"), key=lambda it: it.revision)

    last = check_register(run["first"], writes, [it for it in mine if it.name == "read"])

    assert len(writes) > 50
    shown = [plane.call("GET", f"/restapis/{run['shared'].api}/stages/{stage}").body for plane in run["planes"]]
    assert [Register.shown(document) for document in shown] == [last, last]


def test_what_was_acknowledged_is_what_is_listed(run):
    api, kept = f"/restapis/{run['shared'].api}", [it for it in run["done"] if it.kept]

    resources = {item["id"]: item for item in pages(run["planes"][1], f"{api}/resources", "embed=methods")}
    deployments = {item["id"] for item in pages(run["planes"][0], f"{api}/deployments")}
    method = run["planes"][0].call("GET", f"{api}/resources/{run['shared'].hot}/methods/GET").body
    document = run["planes"][1].call("GET", api).body

    writers = run["writers"]
    assert set(resources) == {run["shared"].root, run["shared"].hot}.union(*(writer.resources | {writer.resource} for writer in writers))
    for writer in writers:
        own = resources[writer.resource]["resourceMethods"]["GET"]
        assert set(own["methodResponses"]) == writer.responses
        assert set(own["methodIntegration"]["integrationResponses"]) == writer.integrated
        assert own["methodIntegration"]["requestTemplates"] == writer.template
    assert deployments == set(run["shared"].deployments)
    headers = {f"method.request.header.{it.values['header']}" for it in kept if it.name == "patch_method"}
    assert set(method["requestParameters"]) == headers
    assert set(document["binaryMediaTypes"]) == {it.values["media"] for it in kept if it.name == "patch_api"}


def test_the_worker_serves_every_stage_in_the_end(run, fleet):
    for stage in STAGES:
        fleet.settled(run["shared"].api, stage)
