"""A checker: is what clients saw of a stage the history of one register?

The audit log claims an order of the writes. The order proves linearizability when replaying it through the model gives
each client the answer it got, and no operation comes before one that had ended when it began.
"""
import dataclasses


@dataclasses.dataclass
class Done:
    """One call, as its client saw it."""
    name: str
    began: float
    ended: float
    reply: object
    stage: str | None = None
    values: dict = dataclasses.field(default_factory=dict)
    revision: int = 0

    @property
    def kept(self):
        return 200 <= self.reply.status < 300


@dataclasses.dataclass(frozen=True)
class Register:
    """A stage, as far as these writes change it."""
    deployment: str
    canary: tuple | None = None
    token: str | None = None

    def after(self, done):
        change = {"move": lambda it: {"deployment": it["deployment"]}, "create_deployment": lambda it: {"deployment": it["deployment"]},
                  "canary": lambda it: {"canary": (it["deployment"], it["percent"])},
                  "promote": lambda _: {"deployment": self.canary[0]}, "drop": lambda _: {"canary": None}}[done.name]
        return dataclasses.replace(self, token=done.values["token"], **change(done.values))

    @classmethod
    def shown(cls, document):
        canary = document.get("canarySettings")
        return cls(document["deploymentId"], (canary["deploymentId"], canary["percentTraffic"]) if canary else None,
                   (document.get("variables") or {}).get("token"))


def in_order(history):
    """Whether the order of `history` respects time: nothing comes before what had ended when it began."""
    earliest_end = float("inf")
    for done in reversed(history):
        if earliest_end < done.began:
            return False
        earliest_end = min(earliest_end, done.ended)
    return True


def check_register(first, writes, reads):
    """Replays one stage's writes in the order of their revisions; places each read after the write it saw."""
    states, state, history = {first.token: (0, first)}, first, []
    for done in writes:
        state = state.after(done)
        states[done.values["token"]] = (done.revision, state)
        if done.name != "create_deployment":
            assert Register.shown(done.reply.body) == state, (done, state)
        history.append(((done.revision, 0, 0), done))
    for done in reads:
        seen = Register.shown(done.reply.body)
        revision, expected = states[seen.token]
        assert seen == expected, f"a read saw {seen}, a state that never was: {expected}"
        history.append(((revision, 1, done.began), done))
    assert in_order([done for _, done in sorted(history, key=lambda item: item[0])]), "no order of the operations explains what was seen"
    return state
