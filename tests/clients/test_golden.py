"""Answers equal to those recorded on AWS (tests/golden), on SQLite and on Postgres."""
import http.server
import json
import os
import sys

import pytest
from conftest import ROOT, Gateway, Upstream
from fleet import Fleet, Postgres

sys.path.insert(0, str(ROOT / "tests/golden"))
import replay  # noqa: E402

SCENARIOS = replay.scenarios(ROOT / "tests/golden/recordings.jsonl")

# What is not built yet, and the scenarios that wait for it. One that passes leaves this table.
WAITING = {
    "API keys in workers": ("test_api_key_required_for_methods",),
}


def _on_sqlite(directory):
    gateway = Gateway(directory).start()
    yield replay.Target(gateway.admin, gateway.addresses["traffic"])
    gateway.stop()


def _on_postgres(directory):
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    postgres = Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=1).start()
    yield replay.Target(fleet.admin(), fleet.workers[0].ports["traffic"], key=fleet.key["accessKeyId"], secret=fleet.key["secretAccessKey"])
    fleet.stop()
    postgres.stop()


@pytest.fixture(scope="module", params=[_on_sqlite, _on_postgres], ids=["sqlite", "postgres"])
def target(request, tmp_path_factory):
    yield from request.param(tmp_path_factory.mktemp("golden"))


class HttpBin(http.server.BaseHTTPRequestHandler):
    """What the scenarios with an HTTP back end were recorded with, as far as they look at it."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        text = json.dumps({"json": json.loads(body or b"null")}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def httpbin():
    server = Upstream("httpbin", HttpBin)
    yield server.address
    server.shutdown()


def _marks(scenario):
    if replay.unplayable(scenario):
        return [pytest.mark.skip(reason=replay.unplayable(scenario))]
    test = replay.name(scenario).rpartition("::")[2]
    return [pytest.mark.xfail(reason=f"waits for {what}", strict=True) for what, waiting in WAITING.items() if test in waiting]


@pytest.mark.parametrize("scenario", [pytest.param(it, id=replay.name(it), marks=_marks(it)) for it in SCENARIOS])
def test_a_recorded_scenario_is_answered_as_aws_did(target, httpbin, scenario):
    target.reset()

    differences = replay.replay(replay.with_echo(scenario, httpbin), target)

    assert not differences, "\n".join(differences)


def test_the_calls_that_were_not_recorded_are_answered_as_aws_did(target):
    """Recording test_integration_response_invalid_responsetemplates: two answers whose calls follow from their texts."""
    from botocore.exceptions import ClientError
    target.reset()
    client = target.client("apigateway", "us-east-1")
    api = client.create_rest_api(name="templates")
    method = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**method, authorizationType="NONE")
    client.put_method_response(**method, statusCode="200")
    client.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})

    answers = []
    for templates in ({"application/json": 123}, {"123": "{}"}):
        with pytest.raises(ClientError) as refused:
            client.put_integration_response(**method, statusCode="200", responseTemplates=templates)
        answers.append(refused.value.response["Error"])

    assert answers == [
        {"Code": "SerializationException",
         "Message": "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String"},
        {"Code": "BadRequestException", "Message": "Validation Result: warnings : [], errors : [Invalid content type specified: 123]"}]
