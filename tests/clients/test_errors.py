"""Every error text of AWS that is known, from `tests/golden/errors.jsonl`: one case a row, named by its source."""
import itertools
import json
import re

import pytest
from conftest import ROOT, Gateway, call

GOLDEN = ROOT / "tests/golden"
ROWS = [json.loads(line) for line in (GOLDEN / "errors.jsonl").read_text().splitlines()]
GIVEN = json.loads((GOLDEN / "errors-given.json").read_text())
SCENARIOS = [json.loads(line) for line in (GOLDEN / "recordings.jsonl").read_text().splitlines()]
#: Scenario, answer, and what AWS said.
RECORDED = [(scenario["test"].rpartition("::")[2], expected["key"], expected["aws"]) for scenario in SCENARIOS for expected in scenario["expect"]
            if isinstance(expected["aws"], dict) and "Error" in expected["aws"]]
ACCOUNT = "000000000000"
SERIAL = itertools.count()
#: What a recording says instead of a value of its own.
TOKEN = re.compile(r"<[a-zA-Z-]+(?::\d+)?>")


class Scene:
    """One row's own documents, and the names that its texts use for them."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.names = {"account": ACCOUNT, "unknown": "nope00nope", "model": "Pet", "n": str(next(SERIAL))}

    def fill(self, value):
        """Replaces `<name>` by what it stands for, and `<1025 x>` by so many letters."""
        text = re.sub(r"<(\d+) x>", lambda many: "x" * int(many[1]), json.dumps(value))
        for name, meant in self.names.items():
            text = text.replace(f"<{name}>", meant)
        return json.loads(text)

    def send(self, method, path, body=None, keep=None):
        """Makes one call; a body of text is sent as it is."""
        raw = body.encode() if isinstance(body, str) else None if body is None else json.dumps(self.fill(body)).encode()
        answer = call(self.gateway.admin + self.fill(path).replace(" ", "%20").replace("{", "%7B").replace("}", "%7D"), method, raw, timeout=60)
        for name, member in (keep or {}).items():
            self.names[name] = answer.json[member]
            self.names[name.upper()] = self.names[name].upper()
        return answer

    def make(self, steps):
        for step in steps:
            if isinstance(step, str):
                self.make(GIVEN[step])
            else:
                answer = self.send(*step)
                assert answer.status < 300, (step, answer.status, answer.text)

    def state(self, path):
        """What a failing call must leave as it was: the history, and the document or list the call is about."""
        about = call(self.gateway.admin + self.fill(path).split("?")[0].replace(" ", "%20").replace("{", "%7B").replace("}", "%7D") + "?limit=500")
        return last_change(self.gateway), about.status, about.body


def last_change(gateway):
    """The revision of the last committed write."""
    while new := call(f"{gateway.admin}/_stagecoach/v1/changes?limit=500&position={gateway.seen}").json["item"]:
        gateway.seen = new[-1]["revision"]
    return gateway.seen


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """A gateway for rows that need these arguments; most need none and share one."""
    started = {}

    def of(*arguments):
        if arguments not in started:
            started[arguments] = Gateway(tmp_path_factory.mktemp("errors"), *arguments).start()
            started[arguments].seen = 0
        return started[arguments]

    yield of
    for gateway in started.values():
        gateway.stop()


def check_text(scene, row, message):
    assert isinstance(message, str)
    if "message" in row:
        assert message == scene.fill(row["message"])
    assert message.startswith(scene.fill(row.get("starts", ""))) and message.endswith(scene.fill(row.get("ends", ""))), message


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['source']} | {row['name']}" for row in ROWS])
def test_a_bad_call_is_answered_in_the_words_of_aws_and_changes_nothing(gateway, row):
    scene, path = Scene(gateway(*row.get("arguments", []))), row["call"][1]
    scene.make(row["given"])
    before = scene.state(path)

    answer = scene.send(*row["call"])
    after = scene.state(path)
    scene.make(row.get("then", []))

    listed = lambda value: value if isinstance(value, list) else [value]
    assert answer.status in listed(row["status"]) and answer.headers["x-amzn-errortype"] in listed(row["code"]), (answer.status, answer.headers["x-amzn-errortype"], answer.text)
    check_text(scene, row, answer.json["message"])
    assert after == before


def covers(row, answer):
    """Whether a row demands the recorded answer, whatever the names in it."""
    error = answer["Error"]
    if row["status"] != answer["ResponseMetadata"]["HTTPStatusCode"] or row["code"] != error["Code"] or "message" not in row:
        return False
    parts = re.split(r"<(?:account|unknown|model|api|plan)>", row["message"])
    return re.fullmatch("[A-Za-z0-9:_-]+".join(map(re.escape, parts)), TOKEN.sub("Pet", error["Message"])) is not None


@pytest.mark.parametrize("answer", [answer for _, _, answer in RECORDED], ids=[f"{test} {key}" for test, key, _ in RECORDED])
def test_every_recorded_error_has_a_row(answer):
    assert any(covers(row, answer) for row in ROWS), answer["Error"]


def test_rows_have_a_source_and_a_name_of_their_own():
    names = [(row["source"], row["name"]) for row in ROWS]

    assert len(set(names)) == len(names) and all(source and name for source, name in names)
