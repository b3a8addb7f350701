"""Asynchronous invocations of the function host in `stagecoach dev`."""
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway, eventually
from test_functions import allow, create, package
from test_integrations import child, deploy, invocation, put

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


def test_a_function_hears_of_an_event_that_failed_for_good(gateway, tmp_path):
    lambdas = gateway.client("lambda")
    create(lambdas, "fails", package(app__py="def handler(event, context):\n    raise ValueError('as told')\n"))
    file = tmp_path / "records"
    keeps = f"import json\ndef handler(event, context):\n    with open({str(file)!r}, 'a') as file:\n        file.write(json.dumps(event) + '\\n')\n"
    to = create(lambdas, "keeps", package(app__py=keeps))["FunctionArn"]
    with pytest.raises(ClientError) as refused:
        lambdas.put_function_event_invoke_config(FunctionName="fails", DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}})
    kept = lambdas.put_function_event_invoke_config(FunctionName="fails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": to}})
    listed = gateway.cli("lambda", "list-function-event-invoke-configs", "--function-name", "fails")["FunctionEventInvokeConfigs"]

    accepted = lambdas.invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"a": 1}')
    record = json.loads(eventually(lambda: file.exists() and file.read_text()))

    for name in ("fails", "keeps"):
        lambdas.delete_function(FunctionName=name)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert "functions only" in refused.value.response["Error"]["Message"]
    assert (kept["MaximumRetryAttempts"], kept["DestinationConfig"]["OnFailure"]) == (0, {"Destination": to})
    assert [one["FunctionArn"] for one in listed] == [kept["FunctionArn"]] and kept["LastModified"].year >= 2024
    assert record["requestContext"] == {"requestId": accepted["ResponseMetadata"]["RequestId"], "functionArn": kept["FunctionArn"],
                                        "condition": "RetriesExhausted", "approximateInvokeCount": 1}
    assert (record["requestPayload"], record["responsePayload"]["errorMessage"]) == ({"a": 1}, "as told")


def test_the_deprecated_operation_runs_a_function_later(gateway, tmp_path):
    lambdas = gateway.client("lambda")
    create(lambdas, "appends", package(app__py=APPENDS))
    gate, file = tmp_path / "gate", tmp_path / "lines"
    gate.touch()

    accepted = lambdas.invoke_async(FunctionName="appends", InvokeArgs=json.dumps({"gate": str(gate), "file": str(file)}))

    assert accepted["Status"] == 202
    assert eventually(lambda: lines(file)) == [accepted["ResponseMetadata"]["RequestId"]]
    lambdas.delete_function(FunctionName="appends")


def test_the_gateway_answers_an_asynchronous_integration_before_the_function_ran(gateway, tmp_path):
    lambdas, client = gateway.client("lambda"), gateway.client()
    create(lambdas, "appends", package(app__py=APPENDS))
    allow(lambdas, "appends")
    api = client.create_rest_api(name="later")
    at = put(client, api["id"], child(client, api, api["rootResourceId"], "f"), verb="POST", responses=("202",), type="AWS", integrationHttpMethod="POST",
             uri=invocation("appends"), requestParameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"})
    client.put_integration_response(**at, statusCode="202", responseTemplates={"application/json": '{"accepted": true}'})
    deploy(gateway, client, api, stageName="s")
    gate, file = tmp_path / "gate", tmp_path / "lines"

    answer = gateway.call(api["id"], "s", "/f", method="POST", body=json.dumps({"gate": str(gate), "file": str(file)}).encode(),
                          headers={"content-type": "application/json"})
    before = lines(file)
    gate.touch()
    after = eventually(lambda: lines(file))
    # Another event, answered after the first one left the queue: had that run twice, it would be seen.
    gateway.call(api["id"], "s", "/f", method="POST", body=json.dumps({"gate": str(gate), "file": str(file)}).encode(), headers={"content-type": "application/json"})
    both = eventually(lambda: len(lines(file)) > 1 and lines(file))

    lambdas.delete_function(FunctionName="appends")
    assert (answer.status, answer.json, before) == (202, {"accepted": True}, [])
    assert len(after) == 1 and len(both) == len(set(both)) == 2
