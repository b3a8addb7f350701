"""Random operations, good and bad, on SQLite and on Postgres at once, held against a naive model.

Every answer has the status, the error text (where AWS's is known) and the document that the model expects; after every
operation the lists that it may have changed are what the model holds, and in the end all of them are; the engines give
the same answers to the byte but for ids and times. A failing sequence is shrunk and printed.
"""
import concurrent.futures
import os
import re
import signal

import pytest
from conftest import Gateway
from fleet import Fleet, Postgres
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from naive import NOWHERE, Id, Refused, World
from wire import Connection

# More of both finds more: STAGECOACH_EXAMPLES=2000.
EXAMPLES, LONGEST = int(os.environ.get("STAGECOACH_EXAMPLES", "40")), 40
TIMES = {"createdDate", "lastUpdatedDate"}
# Members that say what the model does not keep.
IGNORED = {"version", "apiKeySource", "endpointConfiguration", "disableExecuteApiEndpoint", "securityPolicy", "apiStatus", "tags"}
# Every sequence begins on an API that can be deployed.
FIRST = [("create_api", 0, 0, 0), ("create_resource", 0, 0, 0), ("put_method", 0, 0, 1), ("put_integration", 0, 0, 0), ("create_deployment", 0, 1, 0),
         ("create_plan", 0, 4, 0), ("create_key", 0, 0, 0), ("add_plan_key", 0, 0, 0)]
# A refused CreateUsagePlan tells the id that the plan would have had.
NEVER_MADE = re.compile(r"(?<=specified for )usageplan [a-z0-9]{6}$")
NUMBER = st.integers(0, 23)
OPERATIONS = World().operations
# "nothing" is what a failing sequence shrinks to; what makes things comes more often than what takes them away.
CHOICES = ["nothing", *OPERATIONS, *(name for name in OPERATIONS if name.startswith(("create", "put", "add"))) , *(["update_stage"] * 4)]
SEQUENCES = st.lists(st.tuples(st.sampled_from(CHOICES), NUMBER, NUMBER, NUMBER), min_size=LONGEST // 2, max_size=LONGEST)


GLOBAL = ("api", "root", "plan", "key")


def scope(path):
    """The API that a path is under."""
    parts = path.split("?")[0].split("/")
    return parts[2] if parts[1] == "restapis" and len(parts) > 2 else ""


class Engine:
    """A control plane, and the ids it gave."""

    def __init__(self, name, connection):
        self.name, self.connection, self.real, self.symbols = name, connection, {}, {}

    def reset(self):
        assert self.connection.call("POST", "/_stagecoach/v1/reset").status == 204
        self.real, self.symbols = {}, {}

    def learn(self, symbol, real, path):
        """Ids below an API follow from names and paths, so another API has the same ones."""
        self.real[symbol] = real
        self.symbols.setdefault(scope(path) if symbol.partition("-")[0] not in GLOBAL else "", {})[real] = symbol

    def call(self, method, path, body=None):
        text = re.sub(r"[a-z]+-\d+", lambda found: self.real.get(found[0], found[0]), path)
        return self.connection.call(method, text, self.translated(body, self.real))

    def translated(self, value, names):
        if isinstance(value, dict):
            return {key: self.translated(member, names) for key, member in value.items()}
        if isinstance(value, list):
            return [self.translated(member, names) for member in value]
        if isinstance(value, str):
            pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
            value = re.sub(rf"(?<![\w-])({pattern})(?![\w-])", lambda found: names[found[0]], value) if pattern else value
            return NEVER_MADE.sub("usageplan -", value)
        return value

    def shown(self, reply, path):
        """An answer without times, with the model's ids."""
        names = self.symbols.get("", {}) | self.symbols.get(scope(path), {})
        return reply.status, plain(self.translated(reply.body, names))


def plain(value):
    """Without times and empty maps, which are another matter; lists of documents in an order of their own."""
    if isinstance(value, dict):
        members = {key: plain(member) for key, member in sorted(value.items()) if key not in TIMES}
        return {key: member for key, member in members.items() if member not in ({}, [], None)}
    if isinstance(value, list):
        return sorted(map(plain, value), key=repr)
    return value


def fits(expected, actual):
    """Equal, but for what the model does not keep of an API."""
    if isinstance(actual, dict):
        actual = {key: member for key, member in actual.items() if key not in IGNORED}
    return plain(expected) == actual if not isinstance(expected, (str, type(None))) else expected == actual


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    if "STAGECOACH_POSTGRES_BIN" not in os.environ:
        pytest.skip("run through ./tests/run, which finds Postgres")
    directory = tmp_path_factory.mktemp("random")
    gateway, postgres = Gateway(directory).start(), Postgres(directory / "server").start()
    fleet = Fleet(directory, postgres.url, workers=0).start()
    yield [Engine("sqlite", Connection(gateway.addresses["admin"])),
           Engine("postgres", Connection(fleet.controls[0].ports["admin"], fleet.key["accessKeyId"], fleet.key["secretAccessKey"]))]
    fleet.stop()
    postgres.stop()
    gateway.stop(signal.SIGKILL)


def both(pool, engines, *call):
    return list(pool.map(lambda engine: engine.call(*call), engines))


def step(pool, engines, world, operation):
    """One operation on both engines, compared with the model's answer."""
    name, *numbers = operation
    method, path, body, think = getattr(world, f"do_{name}")(*numbers)
    told = f"{name}{tuple(numbers)}: {method} {path} {body}"
    replies = both(pool, engines, method, path, body)
    try:
        status, document = think()
    except Refused as refused:
        for engine, reply in zip(engines, replies):
            _, shown = engine.shown(reply, path)
            message = (shown or {}).get("message")
            assert reply.status == refused.status, f"{told}\n{engine.name} answered {reply}, AWS {refused}"
            assert refused.message in (None, message), f"{told}\n{engine.name} said {message!r}, AWS {refused.message!r}"
    else:
        for engine, reply in zip(engines, replies):
            assert reply.status == status, f"{told}\n{engine.name} answered {reply}, AWS {status}"
            for member in ("id", "rootResourceId"):
                if isinstance((document or {}).get(member), Id):
                    engine.learn(document[member], reply.body[member], path)
            _, shown = engine.shown(reply, path)
            assert fits(document, shown), f"{told}\n{engine.name} answered\n  {shown}, AWS\n  {plain(document)}"
    one, two = (engine.shown(reply, path) for engine, reply in zip(engines, replies))
    assert one == two, f"{told}\nthe engines differ: {one} and {two}"
    return path


def compare_lists(pool, engines, world, about=None):
    """What is listed is what the model holds; `about` names the API or kind that may have changed."""
    for path, documents in world.listings():
        if about and not path.startswith(about):
            continue
        for engine, reply in zip(engines, both(pool, engines, "GET", path)):
            status, shown = engine.shown(reply, path)
            items = [item for item in shown.get("item", []) if item.get("name") not in ("Empty", "Error")]
            items = [{key: member for key, member in item.items() if key not in IGNORED} for item in items]
            assert status == 200 and sorted(items, key=repr) == plain(documents), f"GET {path}: {engine.name} lists\n  {items}, the model has\n  {plain(documents)}"


def lists_about(path):
    """Where the effects of a call on `path` show."""
    parts = path.split("/")
    return "/".join(parts[:4]).split("?")[0] if parts[1] == "restapis" and len(parts) > 3 else None


@settings(max_examples=EXAMPLES, derandomize=not os.environ.get("STAGECOACH_RANDOM"), deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
          phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
@given(sequence=SEQUENCES)
def test_random_operations_are_answered_alike_by_the_model_and_by_both_engines(engines, sequence):
    world = World()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(Engine.reset, engines))
        for operation in [*FIRST, *(operation for operation in sequence if operation[0] != "nothing")]:
            path = step(pool, engines, world, operation)
            compare_lists(pool, engines, world, lists_about(path) or "/nothing")

        compare_lists(pool, engines, world)
        assert NOWHERE not in world.apis
