"""Asynchronous invocations of the function host in `stagecoach dev`."""
import json

from conftest import Gateway, eventually
from test_functions import create, package

APPENDS = """
import os, time
def handler(event, context):
    while not os.path.exists(event["gate"]):
        time.sleep(0.02)
    with open(event["file"], "a") as file:
        file.write(context.aws_request_id + "\\n")
"""


def lines(path):
    return path.read_text().split() if path.exists() else []


def test_an_accepted_event_survives_a_kill(tmp_path):
    gateway = Gateway(tmp_path).start()
    lambdas = gateway.client("lambda")
    create(lambdas, "appends", package(app__py=APPENDS))
    gate, file = tmp_path / "gate", tmp_path / "lines"

    accepted = lambdas.invoke(FunctionName="appends", InvocationType="Event", Payload=json.dumps({"gate": str(gate), "file": str(file)}))
    gateway.stop(9)
    killed = lines(file)
    gate.touch()
    gateway.start()

    ran = eventually(lambda: lines(file))
    again = gateway.client("lambda").invoke(FunctionName="appends", Payload=json.dumps({"gate": str(gate), "file": str(file)}))
    gateway.stop()
    assert (accepted["StatusCode"], killed) == (202, [])
    assert set(ran) == {accepted["ResponseMetadata"]["RequestId"]}
    assert lines(file)[-1] == again["ResponseMetadata"]["RequestId"]


def test_a_stopped_host_keeps_what_it_could_not_finish(tmp_path):
    gateway = Gateway(tmp_path).start()
    lambdas = gateway.client("lambda")
    create(lambdas, "appends", package(app__py=APPENDS))
    lambdas.update_function_configuration(FunctionName="appends", Timeout=60)
    gate, file = tmp_path / "gate", tmp_path / "lines"

    accepted = lambdas.invoke(FunctionName="appends", InvocationType="Event", Payload=json.dumps({"gate": str(gate), "file": str(file)}))
    gateway.stop()
    stopped = lines(file)
    gate.touch()
    gateway.start()

    ran = eventually(lambda: lines(file))
    gateway.stop()
    assert (stopped, ran) == ([], [accepted["ResponseMetadata"]["RequestId"]])
