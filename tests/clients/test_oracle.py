"""All operations of the published service model are answered as it says: status, members, types, errors (issue point 1)."""
import pytest
from conftest import Gateway, Upstream, call
from oracle_model import MODEL, Judge, Wire, label_members
from oracle_scenarios import EMPTY, INFALLIBLE, REFUSED, SCENARIOS, TOLERANT, UNKNOWN, WRONG
from oracle_world import World
from test_integrations import Functions

OPERATIONS = list(MODEL.operation_names)
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:authorize"

#: Members that no call can bring about here, and why.
UNSEEN = {
    ("RestApi", "apiStatusMessage"): "an API is never pending", ("Stage", "webAclArn"): "set by a web firewall only",
    ("MutualTlsAuthentication", "truststoreWarnings"): "the store is the operator's",
    ("TestInvokeAuthorizerResponse", "claims"): "needs a pool of users", ("DomainName", "domainNameStatusMessage"): "a domain is never pending",
    ("ApiKeys", "warnings"): "belongs to imports",
    ("DocumentationPartIds", "warnings"): "what is odd in such a file is an error",
    ("JwtIssuer", "jwksUri"): "the worker finds the keys, not the control plane",
}


def authorize(event):
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": event["methodArn"]}
    return 200, {}, {"principalId": "somebody", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": {"a": "b"}}


class Walk:
    """Every operation once: what was wrong with its answers."""

    def __init__(self, world, judge):
        self.world, self.judge = world, judge
        self.live = {name: self.call_live(name) for name in OPERATIONS}
        self.wrong = {name: self.call_wrong(name) for name in OPERATIONS}

    def scenarios(self, operation):
        made = SCENARIOS[operation](self.world)
        return made if isinstance(made, list) else [made]

    def call_live(self, operation):
        judge = self.judge.failure if operation in REFUSED else self.judge.success
        try:
            return [fault for params in self.scenarios(operation) for fault in self.judged(judge, operation, params)]
        except (AssertionError, KeyError) as error:
            return [f"no scenario: {error!r}"]

    def judged(self, judge, operation, params):
        answer = self.world.wire(operation, **params)
        return judge(operation, answer) + self.judge.echo(operation, params, answer)

    def call_wrong(self, operation):
        if operation in INFALLIBLE:
            return []
        judge = self.judge.success if operation in TOLERANT else self.judge.failure
        try:
            return [fault for params in self.mistakes(operation) for fault in judge(operation, self.world.wire(operation, **params))]
        except (AssertionError, KeyError) as error:
            return [f"no scenario: {error!r}"]

    def mistakes(self, operation):
        """Calls of which only an id is wrong: all of its labels, then the last alone."""
        labels, right = label_members(operation), self.scenarios(operation)[0]
        if operation in REFUSED:
            return [right]
        if not labels:
            return [WRONG.get(operation) or dict(right, position="no token")]
        unknown = {name: UNKNOWN.get(name, "nope00nope") for name in labels}
        last = {} if operation.startswith("Put") or "responseType" in labels else {labels[-1]: unknown[labels[-1]]}
        return [dict(right, **unknown), *([dict(self.scenarios(operation)[0], **last)] if last and len(labels) > 1 else [])]


@pytest.fixture(scope="module")
def walk(tmp_path_factory, upstream):
    functions = Upstream("functions", Functions)
    functions.calls, functions.answers = [], {"authorize": authorize}
    gateway = Gateway(tmp_path_factory.mktemp("oracle"), "--lambda-endpoint", f"http://{functions.address}").start()
    yield Walk(World(Wire(gateway.admin), upstream.address, FUNCTION), Judge())
    gateway.stop()
    functions.shutdown()


def test_the_table_has_a_row_for_every_operation_of_the_model():
    assert sorted(SCENARIOS) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_live_call_is_answered_as_the_model_says(walk, operation):
    assert walk.live[operation] == []


def test_calls_need_no_signature_here_and_answer_alike(walk):
    signed = walk.world.wire("GetAccount")

    unsigned = call(f"{walk.world.wire.endpoint}/account")

    assert (unsigned.status, unsigned.json) == (signed.status, signed.json)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_unknown_id_is_answered_by_an_error_of_the_model(walk, operation):
    assert walk.wrong[operation] == []


def test_every_member_of_every_answer_has_been_seen(walk):
    shapes = {}
    for name in set(OPERATIONS) - REFUSED - EMPTY:
        gather(MODEL.operation_model(name).output_shape, shapes)
    members = {(name, member) for name, shape in shapes.items() for member in shape.members}

    assert sorted(members - walk.judge.seen - UNSEEN.keys()) == []
    assert sorted(UNSEEN.keys() & walk.judge.seen) == []


def gather(shape, into):
    """All structures within `shape`."""
    kind = shape.type_name if shape else None
    if kind == "structure" and shape.name not in into:
        into[shape.name] = shape
        for member in shape.members.values():
            gather(member, into)
    elif kind in ("list", "map"):
        gather(shape.member if kind == "list" else shape.value, into)


def test_all_operations_are_covered(walk, capsys):
    good = [name for name in OPERATIONS if not walk.live[name] and not walk.wrong[name]]

    with capsys.disabled():
        print(f"\noperations answered as the service model says: {len(good)}/{len(OPERATIONS)}")

    assert len(good) == len(OPERATIONS) == len(SCENARIOS) == 124
