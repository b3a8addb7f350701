"""`x-stagecoach-explain` and `stagecoach explain` against a real process."""
import base64
import json
import subprocess

import pytest
from conftest import BIN, Gateway, call
from test_logs import api_of, http_proxy, mock

KEY = "an-operators-key-for-tests"


@pytest.fixture(scope="module")
def explained(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("explain"), "--explain-key", KEY).start()
    yield gateway
    gateway.stop()


def trace_of(gateway, answer):
    kept = call(f"http://{gateway.addresses['status']}/explain/{answer.headers['x-stagecoach-explain-id']}",
                headers={"x-stagecoach-explain": KEY})
    assert kept.status == 200, kept.text
    return kept.json


def test_every_step_of_a_proxied_request_is_told(explained, upstream):
    client, api = api_of(explained, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/x"))
    client.create_deployment(restApiId=api, stageName="dev", canarySettings={"percentTraffic": 100.0})
    explained.settled(api, "dev")

    answer = explained.call(api, "dev", "?a=1", method="POST", body=b"hello", headers={"x-stagecoach-explain": KEY})
    trace = trace_of(explained, answer)

    steps = [step["step"] for step in trace["steps"]]
    assert [name for name in steps if name != "note"] == [
        "asked", "located", "matched", "methodRequest", "guarded", "endpointRequest", "endpointResponse", "endpointBody", "methodResponse", "completed"]
    by = {step["step"]: step for step in trace["steps"]}
    assert (by["located"]["api"], by["located"]["stage"], by["located"]["canary"]["isCanary"]) == (api, "dev", True)
    assert by["methodRequest"]["body"] == by["endpointRequest"]["body"] == "hello"
    assert by["endpointResponse"]["status"] == trace["status"] == 200
    moments = [step["atMicroseconds"] for step in trace["steps"]]
    assert moments == sorted(moments)
    assert "x-stagecoach-explain" not in {name.lower() for name in json.loads(answer.text)["headers"]} and KEY not in json.dumps(trace)


def test_templates_and_selection_are_told_and_small_traces_travel_in_a_header(explained):
    client, api = api_of(explained, mock)
    explained.settled(api, "dev")

    answer = explained.call(api, "dev", headers={"x-stagecoach-explain": KEY})
    trace = json.loads(base64.b64decode(answer.headers["x-stagecoach-explain-trace"]))

    by = {step["step"]: step for step in trace["steps"]}
    assert trace == trace_of(explained, answer)
    assert (by["selected"]["outcome"], by["selected"]["status"]) == ("200", 200)
    assert [step["choice"] for step in trace["steps"] if step["step"] == "template"] == ["render", "render"]


def test_the_method_caches_part_is_told(explained):
    client, api = api_of(explained, mock)
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[{"op": "replace", "path": path, "value": "true"} for path in (
        "/cacheClusterEnabled", "/*/*/caching/enabled")] + [{"op": "replace", "path": "/*/*/caching/requireAuthorizationForCacheControl", "value": "false"}])
    explained.settled(api, "dev")

    answers = [explained.call(api, "dev", headers={"x-stagecoach-explain": KEY, **more}) for more in ({}, {}, {"Cache-Control": "max-age=0"})]
    told = [[step for step in trace_of(explained, answer)["steps"] if step["step"] in ("cache", "selected")] for answer in answers]

    assert [[step.get("outcome") for step in steps] for steps in told] == [["miss", "200"], ["hit"], ["replace", "200"]]


def test_refusals_are_explained_too(explained):
    client, api = api_of(explained, mock)
    explained.settled(api, "dev")

    unknown = explained.call("nosuchapi1", "dev", headers={"x-stagecoach-explain": KEY})
    unmatched = explained.call(api, "dev", "/nowhere", headers={"x-stagecoach-explain": KEY})

    assert [step["step"] for step in trace_of(explained, unknown)["steps"]] == ["asked", "notLocated", "completed"]
    failed = {step["step"]: step for step in trace_of(explained, unmatched)["steps"]}
    assert failed["gatewayResponse"]["responseType"] == "MISSING_AUTHENTICATION_TOKEN" and "notMatched" in failed


def test_an_endpoint_that_is_not_there_is_named(explained):
    client, api = api_of(explained, lambda client, api, root: http_proxy(client, api, root, "http://127.0.0.1:1/", "GET"))
    explained.settled(api, "dev")

    answer = explained.call(api, "dev", headers={"x-stagecoach-explain": KEY})

    by = {step["step"]: step for step in trace_of(explained, answer)["steps"]}
    assert answer.status == 504 and "refused" in by["trouble"]["problem"] and by["failed"]["responseType"] == "INTEGRATION_FAILURE"


def test_without_the_key_the_header_is_taken_away_and_nothing_is_told(explained, gateway, upstream):
    for process, key in ((explained, "wrong"), (explained, KEY + "x"), (gateway, KEY)):
        client, api = api_of(process, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/x"))
        process.settled(api, "dev")

        answer = process.call(api, "dev", method="POST", headers={"x-stagecoach-explain": key})

        assert answer.status == 200 and not [name for name in answer.headers if "explain" in name.lower()]
        assert "x-stagecoach-explain" not in {name.lower() for name in answer.json["headers"]}


def test_a_trace_is_shown_with_the_key_only(explained):
    client, api = api_of(explained, mock)
    explained.settled(api, "dev")
    answer = explained.call(api, "dev", headers={"x-stagecoach-explain": KEY})
    url = f"http://{explained.addresses['status']}/explain/{answer.headers['x-stagecoach-explain-id']}"

    refused = [call(url), call(url, headers={"x-stagecoach-explain": "wrong"})]

    assert [answer.status for answer in refused] == [404, 404]


def test_the_command_prints_a_table(explained, upstream):
    client, api = api_of(explained, lambda client, api, root: http_proxy(client, api, root, f"http://{upstream.address}/x"))
    explained.settled(api, "dev")

    words = [BIN, "explain", explained.url(api, "dev", "?a=1"), "--key", KEY, "--worker-status", f"http://{explained.addresses['status']}",
             "-X", "POST", "-H", "X-Own: 1", "-d", "hello"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    refused = subprocess.run([*words[:4], "not-the-key-at-all-no", *words[5:]], capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    assert "answered 200" in done.stdout and "endpointRequest" in done.stdout and "x-own: 1" in done.stdout and "body: hello" in done.stdout
    assert refused.returncode != 0 and "--explain-key" in refused.stderr
