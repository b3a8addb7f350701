"""The method cache on live requests (rest-data-plane §9, §11), counted by the back end."""
import collections
import gzip
import http.server
import json
import os
import re

import pytest
from conftest import Gateway, Upstream, call, eventually
from fleet import Fleet, Postgres
from test_integrations import Functions, invocation, put
from test_main_job import mock

CLUSTER = [("/cacheClusterEnabled", "true"), ("/*/*/caching/enabled", "true")]
MAX_AGE_0 = {"Cache-Control": "max-age=0"}


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers how often its path was asked for; the first part of the path says in which form."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        form = self.path.split("?")[0].split("/")[1]
        self.server.asked[form] += 1
        text = json.dumps({"n": self.server.asked[form], "path": self.path}).encode()
        text += b" " * {"large": 2_000_000, "largechunks": 2_000_000, "tenth": 100_000}.get(form, 0)
        self.send_response(int(form) if form.isdigit() else 200)
        self.send_header("content-type", "application/json")
        self.send_header("x-back-end", "one")
        self.send_header("cache-control", "no-store")
        if form.endswith("chunks"):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            half = len(text) // 2
            for part in (text[:half], text[half:], b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            return
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_HEAD = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def back_end():
    server = Upstream("counting", Counting)
    server.asked = collections.Counter()
    yield server
    server.shutdown()


def patch(client, api, stage, *operations):
    client.update_stage(restApiId=api, stageName=stage, patchOperations=[
        {"op": "replace", "path": path, "value": value} for path, value in operations])


class Site:
    """An API whose `/{proxy+}` goes to the back end, on a stage with a cache."""

    def __init__(self, gateway, back_end, verbs=("ANY",), keys=("method.request.path.proxy",), settings=CLUSTER, name="cached", **method):
        self.gateway, self.client = gateway, gateway.client()
        made = self.client.create_rest_api(name=name)
        self.api, self.root = made["id"], made["rootResourceId"]
        self.resource = self.client.create_resource(restApiId=self.api, parentId=self.root, pathPart="{proxy+}")["id"]
        for verb in verbs:
            at = {"restApiId": self.api, "resourceId": self.resource, "httpMethod": verb}
            declared = {key: False for key in keys if key.startswith("method.")}
            self.client.put_method(**at, authorizationType="NONE", requestParameters=declared)
            self.client.put_integration(**at, type="HTTP_PROXY", integrationHttpMethod=verb, uri=f"http://{back_end.address}/{{proxy}}",
                                        requestParameters={"integration.request.path.proxy": "method.request.path.proxy"},
                                        cacheKeyParameters=list(keys), **method)
        self.client.create_deployment(restApiId=self.api, stageName="s")
        self.set(*settings)

    def set(self, *operations):
        patch(self.client, self.api, "s", *operations)
        self.gateway.settled(self.api, "s")

    def get(self, path, **how):
        return self.gateway.call(self.api, "s", path, **how)

    def count(self, path, **how):
        return self.get(path, **how).json["n"]


def metric(text, name):
    return int(re.search(rf"^stagecoach_cache_{name} (\d+)$", text, re.M).group(1))


def metrics(gateway):
    text = call(f"http://{gateway.addresses['status']}/metrics").text
    return {name: metric(text, name) for name in ("hits_total", "misses_total", "bytes", "limit_bytes")}


def test_a_second_get_is_answered_from_the_cache_and_counted(gateway, back_end):
    site, before = Site(gateway, back_end), metrics(gateway)

    first, second = site.get("/pets"), site.get("/pets?other=1")

    after = metrics(gateway)
    assert (first.status, first.json["n"], second.body) == (200, 1, first.body)
    assert second.headers["x-back-end"] == "one" and second.headers["content-type"] == "application/json"
    assert first.headers["x-amzn-requestid"] != second.headers["x-amzn-requestid"]
    assert (after["hits_total"] - before["hits_total"], after["misses_total"] - before["misses_total"]) == (1, 1)
    assert before["bytes"] < after["bytes"] < after["limit_bytes"] == 128 * 1024 * 1024


def test_only_get_is_cached_unless_the_method_says_so(gateway, back_end):
    site = Site(gateway, back_end)
    posts = [site.count("/a", method="POST", body=b"{}") for _ in range(2)]

    site.set(("/~1{proxy+}/POST/caching/enabled", "true"))

    cached = [site.count("/a", method="POST", body=b"{}") for _ in range(2)]
    assert (posts, cached) == ([1, 2], [3, 3])
    assert site.count("/a") == 4


def test_without_a_cluster_nothing_is_cached(gateway, back_end):
    site = Site(gateway, back_end, settings=[("/*/*/caching/enabled", "true")])
    before = metrics(gateway)

    counts = [site.count("/a") for _ in range(3)]

    assert counts == [1, 2, 3]
    assert metrics(gateway)["misses_total"] == before["misses_total"]


def test_an_entry_counts_for_its_ttl(gateway, back_end):
    site = Site(gateway, back_end, settings=[*CLUSTER, ("/*/*/caching/ttlInSeconds", "1")])
    first = site.count("/a")

    eventually(lambda: site.count("/a") == 2)

    site.set(("/*/*/caching/ttlInSeconds", "0"))
    assert first == 1 and [site.count("/a"), site.count("/a")] == [3, 4]


def test_parameters_in_the_key_tell_answers_apart_and_others_do_not(gateway, back_end):
    keys = ["method.request.querystring.page", "method.request.header.X-Tenant", "integration.request.path.proxy"]
    site = Site(gateway, back_end, keys=keys)
    ask = lambda path, tenant=None: site.count(path, headers={"X-Tenant": tenant} if tenant else {})

    counts = [ask("/a/x?page=1"), ask("/a/x?page=2"), ask("/a/x?page=1", "t"), ask("/a/y?page=1"), ask("/a/x?page=1&page=3")]

    assert counts == [1, 2, 3, 4, 5]
    assert [ask("/a/x?noise=1&page=2"), ask("/a/x?page=1", "t"), ask("/a/x?page=1")] == [2, 3, 1]


def test_methods_of_one_namespace_share_entries(gateway, back_end):
    client, api = gateway.client(), gateway.client().create_rest_api(name="namespace")
    for part in ("one", "two", "three"):
        resource = client.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=part)["id"]
        namespace = {"cacheNamespace": "shared"} if part != "three" else {}
        put(client, api["id"], resource, type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{back_end.address}/same", **namespace)
    client.create_deployment(restApiId=api["id"], stageName="s")
    patch(client, api["id"], "s", *CLUSTER)
    gateway.settled(api["id"], "s")

    counts = [gateway.call(api["id"], "s", f"/{part}").json["n"] for part in ("one", "two", "three")]

    assert counts == [1, 1, 2]


def test_failures_and_answers_for_one_client_are_not_kept(gateway, back_end):
    site = Site(gateway, back_end)

    statuses = {form: [site.get(f"/{form}").status for _ in range(2)] for form in ("404", "500", "206", "301")}

    assert statuses == {form: [int(form)] * 2 for form in statuses}
    assert [back_end.asked[form] for form in ("404", "500", "206", "301")] == [2, 2, 2, 1]


def test_what_is_too_large_arrives_whole_and_is_not_kept(gateway, back_end):
    site = Site(gateway, back_end)

    answers = {form: [site.get(f"/{form}") for _ in range(2)] for form in ("large", "largechunks", "chunks")}

    assert {form: [answer.json["n"] for answer in both] for form, both in answers.items()} == {
        "large": [1, 2], "largechunks": [1, 2], "chunks": [1, 1]}
    assert all(len(answer.body) > 2_000_000 for answer in (*answers["large"], *answers["largechunks"]))


def test_what_is_kept_is_not_compressed(gateway, back_end):
    site = Site(gateway, back_end)
    site.client.update_rest_api(restApiId=site.api, patchOperations=[{"op": "replace", "path": "/minimumCompressionSize", "value": "0"}])
    site.client.create_deployment(restApiId=site.api, stageName="s")
    site.gateway.settled(site.api, "s")

    answers = [site.get("/a", headers={"Accept-Encoding": coding}) for coding in ("gzip", "identity", "gzip")]

    assert [answer.headers["content-encoding"] for answer in answers] == ["gzip", None, "gzip"]
    assert [json.loads(gzip.decompress(answer.body) if answer.body[:2] == b"\x1f\x8b" else answer.body)["n"] for answer in answers] == [1, 1, 1]


@pytest.mark.parametrize("strategy, status, warns", [
    ("FAIL_WITH_403", 403, False), ("SUCCEED_WITH_RESPONSE_HEADER", 200, True), ("SUCCEED_WITHOUT_RESPONSE_HEADER", 200, False)])
def test_who_may_not_invalidate_gets_what_the_strategy_says(gateway, back_end, strategy, status, warns):
    site = Site(gateway, back_end, settings=[*CLUSTER, ("/*/*/caching/unauthorizedCacheControlHeaderStrategy", strategy)])
    miss, hit = site.get("/a", headers=MAX_AGE_0), site.get("/a")

    asked = site.get("/a", headers=MAX_AGE_0)

    warning = "199 Cache-control headers were ignored because the caller was unauthorized." if warns else None
    assert (miss.status, asked.status, hit.json["n"], back_end.asked["a"]) == (status, status, 1, 1)
    assert (miss.headers["warning"], asked.headers["warning"], hit.headers["warning"]) == (warning, warning, None)
    if status == 403:
        assert asked.headers["x-amzn-errortype"] == "AccessDeniedException"
        assert "execute-api:InvalidateCache" in asked.json["Message"]


def test_everybody_may_invalidate_where_no_authorization_is_required(gateway, back_end):
    site = Site(gateway, back_end, settings=[*CLUSTER, ("/*/*/caching/requireAuthorizationForCacheControl", "false")])
    before = [site.count("/a"), site.count("/a"), site.count("/a", headers={"Cache-Control": "no-cache"})]

    replaced = site.get("/a", headers=MAX_AGE_0)

    assert before == [1, 1, 1]
    assert (replaced.json["n"], replaced.headers["warning"], site.count("/a")) == (2, None, 2)


def test_mapped_answers_are_kept_as_they_were_with_a_trace_of_their_own(gateway, tmp_path):
    functions = Upstream("functions", Functions)
    functions.calls, functions.answers = [], {"f": lambda event: (200, {}, {"statusCode": 200, "body": "made"})}
    own = Gateway(tmp_path, "--lambda-endpoint", f"http://{functions.address}").start()
    try:
        client, api = own.client(), own.client().create_rest_api(name="mapped")
        part = lambda name: client.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=name)["id"]
        put(client, api["id"], part("function"), type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("f"))
        mock(client, api["id"], part("mock"), "GET", "$context.requestId")
        client.create_deployment(restApiId=api["id"], stageName="s")
        patch(client, api["id"], "s", *CLUSTER)
        own.settled(api["id"], "s")

        function, mocked = ([own.call(api["id"], "s", path) for _ in range(2)] for path in ("/function", "/mock"))

        traces = [answer.headers["x-amzn-trace-id"] for answer in function]
        assert [answer.text for answer in function] == ["made", "made"] and len(functions.calls) == 1
        assert all(traces) and traces[0] != traces[1]
        assert mocked[0].body == mocked[1].body and mocked[1].headers["x-amzn-trace-id"] is None
    finally:
        own.stop()
        functions.shutdown()


def test_a_flush_another_cluster_and_a_new_stage_begin_empty(gateway, back_end):
    site = Site(gateway, back_end)
    counts = [site.count("/a"), site.count("/a")]

    def flush():
        site.client.flush_stage_cache(restApiId=site.api, stageName="s")

    def again():
        site.client.delete_stage(restApiId=site.api, stageName="s")
        deployment = site.client.get_deployments(restApiId=site.api)["items"][0]["id"]
        site.client.create_stage(restApiId=site.api, stageName="s", deploymentId=deployment, cacheClusterEnabled=True)
        site.set(*CLUSTER)
    steps = [flush, lambda: site.set(("/cacheClusterSize", "1.6")), again,
             lambda: [site.set(("/cacheClusterEnabled", value)) for value in ("false", "true")],
             lambda: site.client.flush_stage_authorizers_cache(restApiId=site.api, stageName="s"), lambda: site.set(("/description", "x"))]
    for step in steps:
        step()
        site.gateway.settled(site.api, "s")
        counts += [site.count("/a"), site.count("/a")]

    assert counts == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5]
    shown = call(f"{gateway.admin}/restapis/{site.api}/stages/s").json
    assert not [name for name in shown if "generation" in name.lower()]


def test_a_deployment_has_entries_of_its_own_and_finds_them_after_a_roll_back(gateway, back_end):
    site = Site(gateway, back_end)
    first = site.client.get_stage(restApiId=site.api, stageName="s")["deploymentId"]
    second = site.client.create_deployment(restApiId=site.api)["id"]
    counts = [site.count("/a")]

    for deployment in (second, first, second):
        site.set(("/deploymentId", deployment))
        counts.append(site.count("/a"))

    assert counts == [1, 2, 1, 2]


def test_a_canary_uses_the_cache_only_if_told_and_never_another_deployments_entries(gateway, back_end):
    site = Site(gateway, back_end)
    other = site.client.create_deployment(restApiId=site.api)["id"]
    counts = [site.count("/a")]

    def ask(*operations):
        site.set(*operations)
        return [site.count("/a"), site.count("/a")]
    counts += ask(("/canarySettings/percentTraffic", "100"), ("/canarySettings/deploymentId", other))
    counts += ask(("/canarySettings/useStageCache", "true"))
    counts += ask(("/canarySettings/deploymentId", site.client.get_stage(restApiId=site.api, stageName="s")["deploymentId"]))
    counts += ask(("/canarySettings/percentTraffic", "0"))

    assert counts == [1, 2, 3, 4, 4, 1, 1, 1, 1]


def test_memory_is_bounded_by_the_flag_and_a_worker_may_do_without(tmp_path, back_end):
    (tmp_path / "small").mkdir()
    (tmp_path / "none").mkdir()
    small = Gateway(tmp_path / "small", "--cache-bytes", "2000000").start()
    none = Gateway(tmp_path / "none", "--cache-bytes", "0").start()
    try:
        held, site = [], Site(small, back_end, keys=["method.request.querystring.k"])
        for number in range(60):
            site.get(f"/tenth?k={number}")
            held.append(metrics(small)["bytes"])
        without = Site(none, back_end)

        counts = [without.count("/a"), without.count("/a")]

        assert max(held) <= 2_000_000 and held[-1] > 1_000_000, held
        assert site.count("/tenth?k=59") == 60 and site.count("/tenth?k=0") == 61
        assert counts == [1, 2] and "stagecoach_cache" not in call(f"http://{none.addresses['status']}/metrics").text
    finally:
        small.stop()
        none.stop()


class Workers:
    """A fleet, as far as a site looks at its gateway."""

    def __init__(self, fleet):
        self.fleet, self.client, self.settled = fleet, fleet.client, fleet.settled


def test_a_flush_reaches_every_worker(tmp_path_factory, back_end):
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    directory = tmp_path_factory.mktemp("flush")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=2).start()
    try:
        site = Site(Workers(fleet), back_end)
        count = lambda: [call(fleet.url_of(worker, site.api, "s", "/a")).json["n"] for worker in (0, 1)]
        before = [count(), count()]

        site.client.flush_stage_cache(restApiId=site.api, stageName="s")
        fleet.settled(site.api, "s")

        assert (before, [count(), count()]) == ([[1, 2], [1, 2]], [[3, 4], [3, 4]])
        assert [metric(worker.metrics(), "hits_total") for worker in fleet.workers] == [2, 2]
    finally:
        fleet.stop()
        postgres.stop()
