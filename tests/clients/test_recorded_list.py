"""`tests/recorded.md` names tests that exist: the list of what is held against recordings cannot rot."""
import re

import pytest
from conftest import ROOT
from test_golden import SCENARIOS, WAITING, replay

ROW = re.compile(r"^\| (?P<section>[\d., ]+) \| (?P<what>.+) \| (?P<source>.+) \| `(?P<test>[^`]+)` \|$")
LINES = [line for line in (ROOT / "tests/recorded.md").read_text().splitlines() if line.startswith("| ") and not line.startswith("| §")]
REPLAYED = {replay.name(scenario).rpartition("::")[2] for scenario in SCENARIOS if not replay.unplayable(scenario)}
WAITS = {test for tests in WAITING.values() for test in tests}


def missing(test):
    """Why a test that the list names is not there; empty when it is."""
    kind, _, name = test.partition(":")
    if kind == "golden":
        return "" if name in REPLAYED - WAITS else "no such scenario is replayed"
    file, _, name = test.partition("::")
    path = ROOT / (file if "/" in file else f"tests/clients/{file}")
    if not path.is_file():
        return "no such file"
    definition = rf"^def {name}\(" if path.suffix == ".py" else rf"#\[test\](\s*#\[[^\]]*\])*\s+fn {name}\("
    return "" if re.search(definition, path.read_text(), re.M) else "no such test"


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.split("|")[2].strip()[:60])
def test_every_recorded_row_has_a_test_that_exists(line):
    row = ROW.match(line)

    assert row, f"not a row: {line}"
    assert not missing(row["test"]), f"{row['test']}: {missing(row['test'])}"


def test_a_test_that_is_gone_is_noticed():
    assert missing("test_mappings.py::test_nothing_of_the_kind") == "no such test"
    assert missing("test_nothing.py::test_x") == "no such file" and missing("golden:test_nothing")
    assert missing("crates/plan/src/router.rs::nothing") == "no such test"
