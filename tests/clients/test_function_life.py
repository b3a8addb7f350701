"""The whole life of a function as boto3 tells it to the Lambda API of `stagecoach dev`; every answer is held against the published model."""
import base64
import hashlib
import json
import re

import pytest
from conftest import ROOT, Gateway, eventually
from lambda_strict import MODEL, LambdaJudge, refused, strict
from oracle_model import Wire, label_members
from test_functions import NODE_STREAM, package

ROLE, ARN = "arn:aws:iam::000000000000:role/r", "arn:aws:lambda:us-east-1:000000000000:function"
ECHO = """
import json, os, time
print("loaded")
def handler(event, context):
    print("got", json.dumps(event))
    if isinstance(event, dict) and "write" in event:
        open(event["write"], "a").write("x")
    return {"event": event, "label": %r, "version": context.function_version, "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
            "variable": os.environ.get("COLOUR"), "custom": context.client_context and context.client_context.custom}
"""
ONE, TWO = package(app__py=ECHO % "one"), package(app__py=ECHO % "two")
WAITERS = ["function_exists", "function_active", "function_active_v2", "function_updated", "function_updated_v2"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("life")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def lambdas(gateway):
    client = strict(gateway.client("lambda"))
    yield client
    for function in client.list_functions()["Functions"]:
        client.delete_function(FunctionName=function["FunctionName"])


def create(lambdas, name="f", code=ONE, **how):
    settings = {"Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "Timeout": 5, **how}
    return lambdas.create_function(FunctionName=name, Code={"ZipFile": code}, **settings)


def invoke(lambdas, name="f", event=None, **how):
    answer = lambdas.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **how)
    return {**answer, "Payload": json.loads(answer["Payload"].read() or b"null")}


def sha256(code):
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_a_function_is_created_awaited_and_described(lambdas):
    made = create(lambdas, Description="d", MemorySize=256, Environment={"Variables": {"COLOUR": "red"}}, Tags={"team": "a"}, Architectures=["arm64"],
                  TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024})
    for waiter in WAITERS:
        lambdas.get_waiter(waiter).wait(FunctionName="f", WaiterConfig={"MaxAttempts": 3})

    whole, configuration = lambdas.get_function(FunctionName="f"), without_metadata(lambdas.get_function_configuration(FunctionName="f"))

    expected = {"FunctionName": "f", "FunctionArn": f"{ARN}:f", "Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "Timeout": 5, "MemorySize": 256,
                "Description": "d", "CodeSize": len(ONE), "CodeSha256": sha256(ONE), "Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful",
                "Environment": {"Variables": {"COLOUR": "red"}}, "Architectures": ["arm64"], "TracingConfig": {"Mode": "Active"}, "EphemeralStorage": {"Size": 1024},
                "PackageType": "Zip"}
    assert {name: made[name] for name in expected} == expected
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    assert whole["Configuration"] == configuration == {**without_metadata(made), **configuration}
    assert whole["Tags"] == {"team": "a"} and "Concurrency" not in whole
    assert invoke(lambdas)["Payload"] == {"event": None, "label": "one", "version": "$LATEST", "arn": f"{ARN}:f", "memory": "256", "variable": "red", "custom": None}


@pytest.mark.parametrize("change, code, text", [
    ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file"),
    ({"Runtime": "cobol85"}, "InvalidParameterValueException", "cobol85"),
    ({"Role": "somebody"}, "ValidationException", "'role' failed to satisfy constraint: Member must satisfy regular expression pattern"),
    ({"Timeout": 901}, "ValidationException", "'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
    ({"MemorySize": 10241}, "ValidationException", "'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"),
    ({"Environment": {"Variables": {"AWS_REGION": "mars-1"}}}, "InvalidParameterValueException", "AWS_REGION"),
    ({"FunctionName": "a/b"}, "ValidationException", "'functionName' failed to satisfy constraint"),
])
def test_a_function_that_cannot_be_is_refused_and_not_there(gateway, change, code, text):
    client = strict(gateway.client("lambda"))
    sent = {"FunctionName": "never", "Runtime": "python3.12", "Handler": "app.handler", "Role": ROLE, "Code": {"ZipFile": ONE}, **change}

    status, kind, message = refused(client.create_function, **sent)

    assert (status, kind) == (400, code) and text in message, message
    assert client.list_functions()["Functions"] == []


def test_a_name_is_taken_once_and_what_is_gone_is_404(lambdas):
    create(lambdas)

    taken = refused(lambdas.create_function, FunctionName="f", Runtime="python3.12", Handler="a.b", Role=ROLE, Code={"ZipFile": TWO})
    lambdas.delete_function(FunctionName="f")
    gone = [refused(call, FunctionName="f") for call in (lambdas.get_function, lambdas.get_function_configuration, lambdas.delete_function, lambdas.invoke,
                                                       lambdas.list_versions_by_function, lambdas.list_aliases, lambdas.publish_version)]

    assert taken == (409, "ResourceConflictException", "Function already exist: f")
    assert set(gone) == {(404, "ResourceNotFoundException", f"Function not found: {ARN}:f")}
    create(lambdas, code=TWO)
    assert invoke(lambdas)["Payload"]["label"] == "two", "a new function of an old name is the new one"


def test_code_and_configuration_are_updated_and_what_runs_is_the_new_one(lambdas):
    made = create(lambdas, Environment={"Variables": {"COLOUR": "red"}})
    before = invoke(lambdas)["Payload"]

    coded = lambdas.update_function_code(FunctionName="f", ZipFile=TWO)
    lambdas.get_waiter("function_updated_v2").wait(FunctionName="f")
    tried = lambdas.update_function_code(FunctionName="f", ZipFile=ONE, DryRun=True)
    configured = lambdas.update_function_configuration(FunctionName="f", MemorySize=512, Environment={"Variables": {"COLOUR": "blue"}}, Description="new")
    lambdas.get_waiter("function_updated").wait(FunctionName="f")
    after = invoke(lambdas)["Payload"]

    assert (before["label"], before["variable"], after["label"], after["variable"], after["memory"]) == ("one", "red", "two", "blue", "512")
    assert (coded["CodeSha256"], coded["CodeSize"], tried["CodeSha256"]) == (sha256(TWO), len(TWO), sha256(ONE))
    assert configured["CodeSha256"] == sha256(TWO) and (configured["Description"], configured["Timeout"]) == ("new", 5)
    assert len({made["RevisionId"], coded["RevisionId"], configured["RevisionId"]}) == 3


def test_every_write_may_name_the_revision_it_is_based_on(lambdas):
    """A stale RevisionId is PreconditionFailedException (dependencies §3.5, recorded)."""
    stale = create(lambdas)["RevisionId"]
    lambdas.update_function_configuration(FunctionName="f", Timeout=6, RevisionId=stale)
    lambdas.publish_version(FunctionName="f")
    alias = lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    lambdas.update_alias(FunctionName="f", Name="live", Description="d", RevisionId=alias["RevisionId"])
    permission = dict(FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")
    lambdas.add_permission(**permission)

    late = [refused(lambdas.update_function_code, FunctionName="f", ZipFile=TWO, RevisionId=stale),
            refused(lambdas.update_function_configuration, FunctionName="f", Timeout=7, RevisionId=stale),
            refused(lambdas.publish_version, FunctionName="f", RevisionId=stale),
            refused(lambdas.update_alias, FunctionName="f", Name="live", Description="e", RevisionId=alias["RevisionId"]),
            refused(lambdas.add_permission, **{**permission, "StatementId": "t"}, RevisionId=stale),
            refused(lambdas.remove_permission, FunctionName="f", StatementId="s", RevisionId=stale)]

    text = "The Revision Id provided does not match the latest Revision Id. Call the {} API to retrieve the latest Revision Id"
    assert late == [(412, "PreconditionFailedException", text.format("GetFunction/GetAlias"))] * 4 + [(412, "PreconditionFailedException", text.format("GetPolicy"))] * 2
    assert lambdas.get_function_configuration(FunctionName="f")["Timeout"] == 6 and lambdas.get_alias(FunctionName="f", Name="live")["Description"] == "d"
    revision = lambdas.get_policy(FunctionName="f")["RevisionId"]
    assert revision == lambdas.get_function_configuration(FunctionName="f")["RevisionId"]
    lambdas.remove_permission(FunctionName="f", StatementId="s", RevisionId=revision)


def test_creating_a_version_answers_the_functions_own_arn_and_publishing_code_the_versions(lambdas):
    made = create(lambdas, Publish=True)
    updated = lambdas.update_function_code(FunctionName="f", ZipFile=TWO, Publish=True)

    assert (made["Version"], made["FunctionArn"]) == ("1", f"{ARN}:f") and (updated["Version"], updated["FunctionArn"]) == ("2", f"{ARN}:f:2")


def test_versions_are_frozen_listed_and_deleted(lambdas):
    create(lambdas)
    first = lambdas.publish_version(FunctionName="f", CodeSha256=sha256(ONE), Description="first")
    again = lambdas.publish_version(FunctionName="f", Description="other")
    lambdas.get_waiter("published_version_active").wait(FunctionName="f", Qualifier="1")
    second = lambdas.update_function_code(FunctionName="f", ZipFile=TWO, Publish=True)
    third = lambdas.update_function_configuration(FunctionName="f", Timeout=9) and lambdas.publish_version(FunctionName="f")
    wrong = refused(lambdas.publish_version, FunctionName="f", CodeSha256=sha256(ONE))
    lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="3", RoutingConfig={"AdditionalVersionWeights": {"1": 0.5}})

    held = [refused(lambdas.delete_function, FunctionName="f", Qualifier=number)[:2] for number in ("1", "3")]
    latest = refused(lambdas.delete_function, FunctionName="f", Qualifier="$LATEST")
    lambdas.delete_function(FunctionName="f", Qualifier="2")

    assert (first["Version"], first["FunctionArn"], first["Description"], again["Version"], again["Description"]) == ("1", f"{ARN}:f:1", "first", "1", "first")
    assert (second["Version"], second["FunctionArn"], third["Version"], third["Timeout"]) == ("2", f"{ARN}:f:2", "3", 9)
    assert wrong[:2] == (400, "InvalidParameterValueException") and sha256(ONE) in wrong[2]
    assert held == [(409, "ResourceConflictException")] * 2 and latest[:2] == (400, "InvalidParameterValueException")
    assert [version["Version"] for version in lambdas.list_versions_by_function(FunctionName="f")["Versions"]] == ["$LATEST", "1", "3"]
    assert refused(lambdas.get_function, FunctionName="f", Qualifier="2") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:f:2")
    assert [invoke(lambdas, Qualifier=number)["Payload"]["label"] for number in ("1", "3", "$LATEST")] == ["one", "two", "two"]
    assert without_metadata(lambdas.get_function_configuration(FunctionName="f", Qualifier="1"))["CodeSha256"] == sha256(ONE)


def test_small_pages_hold_everything_once(lambdas):
    names = [f"p{n}" for n in range(5)]
    for name in names:
        create(lambdas, name, Publish=True)
    for n in range(5):
        lambdas.update_function_configuration(FunctionName="p0", Timeout=10 + n)
        lambdas.publish_version(FunctionName="p0")
        lambdas.create_alias(FunctionName="p0", Name=f"a{n}", FunctionVersion=str(1 + n % 2))

    def walk(operation, member, **params):
        pages = list(lambdas.get_paginator(operation).paginate(**params, PaginationConfig={"PageSize": 2}))
        assert len(pages) > 1 and all(page.get("NextMarker") for page in pages[:-1]) and not pages[-1].get("NextMarker")
        return [item for page in pages for item in page[member]]

    assert [item["FunctionArn"] for item in walk("list_functions", "Functions")] == [f"{ARN}:{name}" for name in names]
    every = [(item["FunctionName"], item["Version"]) for item in walk("list_functions", "Functions", FunctionVersion="ALL")]
    assert sorted(every) == sorted([(name, version) for name in names for version in ("$LATEST", "1")] + [("p0", str(n)) for n in range(2, 7)])
    assert [item["Version"] for item in walk("list_versions_by_function", "Versions", FunctionName="p0")] == ["$LATEST", "1", "2", "3", "4", "5", "6"]
    assert [item["Name"] for item in walk("list_aliases", "Aliases", FunctionName="p0")] == ["a0", "a1", "a2", "a3", "a4"]
    assert [item["Name"] for item in lambdas.list_aliases(FunctionName="p0", FunctionVersion="2")["Aliases"]] == ["a1", "a3"]
    first = lambdas.get_paginator("list_functions").paginate(PaginationConfig={"MaxItems": 3}).build_full_result()
    rest = lambdas.get_paginator("list_functions").paginate(PaginationConfig={"StartingToken": first["NextToken"]}).build_full_result()
    assert [item["FunctionName"] for item in first["Functions"] + rest["Functions"]] == names
    assert refused(lambdas.list_functions, Marker="not a marker")[:2] == (400, "InvalidParameterValueException")


@pytest.mark.parametrize("name", ["f", "function:f", "000000000000:function:f", f"{ARN}:f"])
def test_a_function_is_named_by_name_partial_arn_or_arn_with_or_without_qualifier(lambdas, name):
    create(lambdas, Publish=True)
    lambdas.create_alias(FunctionName=name, Name="live", FunctionVersion="1")

    seen = {qualifier: invoke(lambdas, name + (f":{qualifier}" if qualifier else ""))["Payload"] for qualifier in ("", "1", "live", "$LATEST")}

    assert {qualifier: payload["version"] for qualifier, payload in seen.items()} == {"": "$LATEST", "1": "1", "live": "1", "$LATEST": "$LATEST"}
    assert seen["live"]["arn"] == f"{ARN}:f:live" and seen[""]["arn"] == f"{ARN}:f"
    assert invoke(lambdas, name, Qualifier="live")["Payload"] == seen["live"]
    assert lambdas.get_function(FunctionName=f"{name}:live")["Configuration"]["FunctionArn"] == f"{ARN}:f:live"
    assert lambdas.get_function_configuration(FunctionName=name, Qualifier="1")["FunctionArn"] == f"{ARN}:f:1"
    assert refused(lambdas.invoke, FunctionName=f"{name}:live", Qualifier="1")[:2] == (400, "InvalidParameterValueException")
    assert refused(lambdas.invoke, FunctionName=f"{name}:none") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:f:none")
    for wrong in ("arn:aws:lambda:eu-west-1:000000000000:function:f", "arn:aws:lambda:us-east-1:111111111111:function:f"):
        assert refused(lambdas.get_function, FunctionName=wrong)[:2] == (404, "ResourceNotFoundException")


def test_kinds_of_invocations(lambdas, tmp_path):
    create(lambdas, Publish=True)
    file = tmp_path / "written"

    plain = invoke(lambdas, event={"a": "ü"})
    tailed = invoke(lambdas, event=[1], LogType="Tail", Qualifier="1",
                    ClientContext=base64.b64encode(json.dumps({"custom": {"k": "v"}, "env": {}, "client": {}}).encode()).decode())
    tried = lambdas.invoke(FunctionName="f", InvocationType="DryRun", Payload=json.dumps({"write": str(file)}))
    later = lambdas.invoke(FunctionName="f", InvocationType="Event", Payload=json.dumps({"write": str(file)}))
    eventually(file.exists)

    log = base64.b64decode(tailed["LogResult"]).decode()
    assert (plain["StatusCode"], plain["ExecutedVersion"], plain["Payload"]["event"]) == (200, "$LATEST", {"a": "ü"}) and "LogResult" not in plain
    assert tailed["Payload"]["custom"] == {"k": "v"} and (tailed["ExecutedVersion"], "FunctionError" in tailed) == ("1", False)
    request_id = tailed["ResponseMetadata"]["RequestId"]
    assert re.search(rf"START RequestId: {request_id} Version: 1\ngot \[1\]\nEND RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: [\d.]+ ms", log), log
    assert (tried["StatusCode"], tried["Payload"].read(), later["StatusCode"], later["Payload"].read()) == (204, b"", 202, b"")
    assert file.read_text() == "x"
    assert refused(lambdas.invoke, FunctionName="f", Payload=b"{")[:2] == (400, "InvalidRequestContentException")
    assert refused(lambdas.invoke, FunctionName="f", ClientContext="%%%")[:2] == (400, "InvalidRequestContentException")
    assert refused(lambdas.invoke, FunctionName="f", Payload=b'"' + b"x" * 6_291_456 + b'"')[:2] == (413, "RequestTooLargeException")
    assert refused(lambdas.invoke, FunctionName="f", InvocationType="Event", Payload=b'"' + b"x" * 1_048_576 + b'"')[:2] == (413, "RequestTooLargeException")


def test_a_stream_of_events_is_what_the_function_writes(lambdas):
    create(lambdas, "streams", package(app__js=NODE_STREAM), Runtime="nodejs20.x")
    create(lambdas, "plain")
    create(lambdas, "fails", package(app__js="exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write('a'); throw new RangeError('odd') })"),
           Runtime="nodejs20.x")

    def stream(name):
        answer = lambdas.invoke_with_response_stream(FunctionName=name, Payload=b'{"a": 1}')
        events = list(answer["EventStream"])
        return answer, b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event), events[-1]["InvokeComplete"]

    streamed, plain, failed = stream("streams"), stream("plain"), stream("fails")

    assert (streamed[0]["StatusCode"], streamed[0]["ExecutedVersion"]) == (200, "$LATEST")
    assert streamed[1:] == (b'{"statusCode":201,"headers":{"x-from":"node"}}' + bytes(8) + b"one two", {})
    assert json.loads(plain[1])["event"] == {"a": 1} and plain[2] == {}
    assert failed[1] == b"a" and failed[2]["ErrorCode"] == "RangeError"


def test_reserved_and_provisioned_concurrency(lambdas):
    create(lambdas, Publish=True)
    lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    reserved = lambdas.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=2)
    account = lambdas.get_account_settings()
    provisioned = lambdas.put_provisioned_concurrency_config(FunctionName="f", Qualifier="live", ProvisionedConcurrentExecutions=1)
    ready = eventually(lambda: (found := lambdas.get_provisioned_concurrency_config(FunctionName="f", Qualifier="live"))["Status"] == "READY" and found)
    listed = lambdas.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"]

    lambdas.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    with pytest.raises(lambdas.exceptions.TooManyRequestsException) as blocked:
        invoke(lambdas)
    still = invoke(lambdas, Qualifier="live")["Payload"]["version"]
    lambdas.delete_provisioned_concurrency_config(FunctionName="f", Qualifier="live")
    whole = lambdas.get_function(FunctionName="f")["Concurrency"]
    lambdas.delete_function_concurrency(FunctionName="f")

    assert reserved["ReservedConcurrentExecutions"] == 2 and whole == {"ReservedConcurrentExecutions": 0}
    assert account["AccountLimit"]["UnreservedConcurrentExecutions"] == account["AccountLimit"]["ConcurrentExecutions"] - 2
    assert account["AccountUsage"] == {"TotalCodeSize": len(ONE), "FunctionCount": 1}
    assert (provisioned["Status"], provisioned["RequestedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 1)
    assert (ready["AvailableProvisionedConcurrentExecutions"], ready["AllocatedProvisionedConcurrentExecutions"]) == (1, 1)
    assert [(item["FunctionArn"], item["Status"]) for item in listed] == [(f"{ARN}:f:live", "READY")]
    # dependencies §3.4, recorded: test_lambda_concurrency_block, test_reserved_concurrency*.
    error = blocked.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Message"], error["Type"]) == (429, "Rate Exceeded.", "User")
    assert error["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded" and still == "1"
    assert invoke(lambdas)["StatusCode"] == 200 and "ReservedConcurrentExecutions" not in lambdas.get_function_concurrency(FunctionName="f")


def test_tags_and_the_code_signing_that_terraform_reads(lambdas):
    create(lambdas, Tags={"a": "1", "b": "2"}, Publish=True)

    lambdas.tag_resource(Resource=f"{ARN}:f", Tags={"b": "3", "c": "ü/:"})
    lambdas.untag_resource(Resource=f"{ARN}:f", TagKeys=["a", "absent"])

    assert lambdas.list_tags(Resource=f"{ARN}:f")["Tags"] == {"b": "3", "c": "ü/:"} == lambdas.get_function(FunctionName="f")["Tags"]
    assert refused(lambdas.tag_resource, Resource=f"{ARN}:f:1", Tags={"x": "y"})[:2] == (400, "InvalidParameterValueException")
    assert refused(lambdas.list_tags, Resource=f"{ARN}:none")[:2] == (404, "ResourceNotFoundException")
    assert refused(lambdas.tag_resource, Resource=f"{ARN}:f", Tags={f"t{n}": "" for n in range(49)})[:2] == (400, "InvalidParameterValueException")
    assert without_metadata(lambdas.get_function_code_signing_config(FunctionName="f")) == {"FunctionName": "f"}


BUILT = set(re.findall(r"^    Lambda(\w+) =>", (ROOT / "crates/functions/src/api/table.rs").read_text(), re.M))


@pytest.mark.parametrize("operation", sorted(set(MODEL.operation_names) - BUILT))
def test_what_is_not_supported_says_so_by_name(gateway, operation):
    ask = Wire(gateway.admin, model=MODEL)

    answer = ask(operation, **{label: "x" for label in label_members(operation, MODEL)})

    assert LambdaJudge().failure(operation, answer) == []
    assert (answer.status, answer.json["message"]) == (501, f"The operation {operation} is not supported by this host.")


def test_the_table_of_operations_is_read_as_it_is_written():
    assert {"CreateFunction", "Invoke", "InvokeWithResponseStream", "GetPolicy"} <= BUILT < set(MODEL.operation_names)
