"""Answers equal to those recorded on AWS (tests/golden)."""
import re
import subprocess
import sys

from conftest import ROOT, Gateway


def test_every_recorded_scenario_of_built_operations_is_answered_as_aws_did(tmp_path):
    golden, gateway = ROOT / "tests/golden", Gateway(tmp_path).start()
    try:
        done = subprocess.run([sys.executable, golden / "replay.py", golden / "rest-admin.jsonl", gateway.admin, "000000000000", "-v"],
                              capture_output=True, text=True, timeout=300)
    finally:
        gateway.stop()

    passed, total = map(int, re.search(r"(\d+)/(\d+) tests", done.stdout).groups())
    assert passed == total == len((golden / "rest-admin.jsonl").read_text().splitlines()), done.stdout
