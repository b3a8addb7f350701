"""Functions that misbehave, through the gateway: what their callers see, and that nothing of them is left."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from conftest import Gateway, eventually
from test_functions import allow, create, package, proxy
from test_integrations import invocation

MISBEHAVES = """
import os, subprocess, sys, time
def handler(event, context):
    how = (event.get("queryStringParameters") or {}).get("how", "")
    if how == "hang":
        time.sleep(60)
    elif how == "exit":
        os._exit(3)
    elif how == "memory":
        taken = []
        while True:
            taken.append(bytearray(16 << 20))
    elif how == "flood":
        for _ in range(200_000):
            sys.stdout.write("x" * 200 + chr(10))
    elif how == "fork":
        subprocess.Popen(["sleep", "1000"])
        time.sleep(60)
    elif how == "leave":
        subprocess.Popen(["sleep", "1001"])
        subprocess.Popen(["sleep", "1002"], start_new_session=True)
    elif how == "forks":
        while os.fork():
            pass
        time.sleep(1000)
    return {"statusCode": 200, "body": how}
"""
FAILED = (502, '{"message": "Internal server error"}')


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("faults"), "--function-idle-seconds", "2").start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def api(gateway):
    lambdas = gateway.client("lambda")
    create(lambdas, "misbehaves", package(app__py=MISBEHAVES), MemorySize=128)
    lambdas.update_function_configuration(FunctionName="misbehaves", Timeout=2)
    allow(lambdas, "misbehaves")
    return proxy(gateway, "faults", invocation("misbehaves"), {"s": {}})["id"]


def seen(gateway, api, how=""):
    answer = gateway.call(api, "s", f"/f?how={how}", timeout=30)
    return answer.status, answer.text


def descendants(pid):
    """Processes below `pid`, whatever session they are in."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(child)]
    return found


def running(*words):
    """Processes whose command line is `words`."""
    wanted, found = b"\0".join(word.encode() for word in words) + b"\0", []
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes() == wanted:
                found.append(line.parent.name)
        except OSError:
            pass
    return found


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    """Memory of a process, MiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


@pytest.mark.parametrize("how", ["hang", "exit", "memory", "fork", "forks"])
def test_a_function_that_fails_is_a_502_and_the_next_call_is_served(gateway, api, how):
    failed = seen(gateway, api, how)
    after = seen(gateway, api)

    assert (failed, after) == (FAILED, (200, ""))
    assert eventually(lambda: not running("sleep", "1000") and len(descendants(gateway.process.pid)) <= 1)


def test_a_flood_of_output_is_served_and_held_nowhere(gateway, api):
    assert seen(gateway, api, "flood") == (200, "flood")
    before = resident(gateway.process.pid)

    answers = {seen(gateway, api, "flood") for _ in range(5)}

    # Two hundred megabytes were printed.
    assert answers == {(200, "flood")}
    assert resident(gateway.process.pid) - before < 30


def test_what_a_function_leaves_behind_ends_with_its_environment(gateway, api):
    assert seen(gateway, api, "leave") == (200, "leave")
    assert len(running("sleep", "1001") + running("sleep", "1002")) == 2

    # The environment is idle for long enough.
    eventually(lambda: not running("sleep", "1001") and not running("sleep", "1002"))


def test_nothing_leaks_over_a_hundred_thousand_invocations(gateway, api):
    lambdas, pid = gateway.client("lambda"), gateway.process.pid
    create(lambdas, "soak", package(app__py='def handler(event, context):\n    return {"statusCode": 200, "body": "ok"}\n'))
    allow(lambdas, "soak")
    url = gateway.url(proxy(gateway, "soak", invocation("soak"), {"s": {}})["id"], "s", "/f")

    done, seen = 0, []
    while done < 100_000:
        done += load(url, 5)
        seen.append((done, round(resident(pid)), descriptors(pid), len(descendants(pid))))

    settled = next(row for row in seen if row[0] > 10_000)
    assert seen[-1][1] - settled[1] < 16, seen
    assert seen[-1][2] - settled[2] < 32, seen
    assert max(row[3] for row in seen) <= 16, seen
    lambdas.delete_function(FunctionName="soak")
    eventually(lambda: len(descendants(pid)) <= 1)
    assert eventually(lambda: descriptors(pid) <= settled[2])


def load(url, seconds):
    """Requests on eight connections that were answered; one that was not with a 2xx is a failure."""
    wrk = shutil.which("wrk") or pytest.fail("wrk is missing; ./tests/run installs it")
    out = subprocess.run([wrk, "-t1", "-c8", f"-d{seconds}s", url], capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return int(re.search(r"(\d+) requests in", out).group(1))
