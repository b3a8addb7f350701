"""Options of asynchronous invocations and layers as boto3 tells them to the Lambda API; every answer is held against the published model."""
import datetime
import io
import json
import urllib.request
import zipfile

import pytest
from conftest import Gateway, eventually
from lambda_strict import refused
from test_function_life import ARN, create, invoke, lambdas, sha256, without_metadata
from test_functions import package

INVALID, MISSING = (400, "InvalidParameterValueException"), (404, "ResourceNotFoundException")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("options")).start()
    yield gateway
    gateway.stop()


def test_options_of_events_are_put_updated_listed_and_deleted(lambdas):
    create(lambdas, Publish=True)
    create(lambdas, "hears")
    lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    none = refused(lambdas.get_function_event_invoke_config, FunctionName="f")

    put = lambdas.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60,
                                                   DestinationConfig={"OnFailure": {"Destination": f"{ARN}:hears"}})
    updated = lambdas.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    again = lambdas.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=120)
    for qualifier in ("1", "live"):
        lambdas.put_function_event_invoke_config(FunctionName="f", Qualifier=qualifier, MaximumRetryAttempts=2)

    pages = list(lambdas.get_paginator("list_function_event_invoke_configs").paginate(FunctionName="f", PaginationConfig={"PageSize": 2}))
    assert none[:2] == MISSING and f"{ARN}:f:$LATEST" in none[2]
    assert (put["FunctionArn"], put["MaximumRetryAttempts"], put["MaximumEventAgeInSeconds"]) == (f"{ARN}:f:$LATEST", 1, 60)
    assert put["DestinationConfig"]["OnFailure"] == {"Destination": f"{ARN}:hears"} and isinstance(put["LastModified"], datetime.datetime)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"], updated["DestinationConfig"]["OnFailure"]) == (0, 60, put["DestinationConfig"]["OnFailure"])
    assert "MaximumRetryAttempts" not in again and again["MaximumEventAgeInSeconds"] == 120
    assert without_metadata(lambdas.get_function_event_invoke_config(FunctionName="f")) == without_metadata(again)
    assert len(pages) == 2
    assert sorted(config["FunctionArn"] for page in pages for config in page["FunctionEventInvokeConfigs"]) == [f"{ARN}:f:{name}" for name in ("$LATEST", "1", "live")]
    lambdas.delete_function_event_invoke_config(FunctionName="f", Qualifier="live")
    assert refused(lambdas.delete_function_event_invoke_config, FunctionName="f", Qualifier="live")[:2] == MISSING
    assert refused(lambdas.update_function_event_invoke_config, FunctionName="f", Qualifier="live", MaximumRetryAttempts=1)[:2] == MISSING
    assert refused(lambdas.put_function_event_invoke_config, FunctionName="f")[:2] == INVALID
    assert refused(lambdas.put_function_event_invoke_config, FunctionName="none", MaximumRetryAttempts=1)[:2] == MISSING


def test_a_failed_event_is_told_to_its_destination_without_a_retry(lambdas, tmp_path):
    told = tmp_path / "told"
    create(lambdas, "fails", package(app__py="def handler(event, context):\n    raise ValueError('as told')\n"))
    create(lambdas, "hears", package(app__py=f"import json\ndef handler(event, context):\n    open({str(told)!r}, 'a').write(json.dumps(event) + '\\n')\n"))
    lambdas.put_function_event_invoke_config(FunctionName="fails", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": f"{ARN}:hears"}})

    sent = lambdas.invoke(FunctionName="fails", InvocationType="Event", Payload=b'{"a": 1}')
    record = eventually(lambda: told.exists() and json.loads(told.read_text()))

    assert record["requestPayload"] == {"a": 1} and record["requestContext"]["requestId"] == sent["ResponseMetadata"]["RequestId"]
    assert record["requestContext"]["condition"] == "RetriesExhausted" and record["requestContext"]["approximateInvokeCount"] == 1
    assert record["responsePayload"]["errorMessage"] == "as told" and record["responseContext"]["functionError"] == "Unhandled"


def test_layers_are_published_used_downloaded_and_deleted(lambdas):
    content = package(**{"python/extra__py": "X = 7\n"})
    made = lambdas.publish_layer_version(LayerName="extra", Description="d", Content={"ZipFile": content}, CompatibleRuntimes=["python3.12"], LicenseInfo="MIT")
    lambdas.publish_layer_version(LayerName="extra", Content={"ZipFile": package(**{"python/extra__py": "X = 8\n"})})
    code = package(app__py="import extra\ndef handler(event, context):\n    return extra.X\n")
    configuration = create(lambdas, "f", code, Layers=[made["LayerVersionArn"]])

    first = invoke(lambdas)["Payload"]
    lambdas.update_function_configuration(FunctionName="f", Layers=[made["LayerArn"] + ":2"])
    second = invoke(lambdas)["Payload"]
    with urllib.request.urlopen(lambdas.get_layer_version(LayerName="extra", VersionNumber=1)["Content"]["Location"]) as answer:
        downloaded = answer.read()

    assert (made["Version"], made["LayerArn"], made["Content"]["CodeSha256"]) == (1, "arn:aws:lambda:us-east-1:000000000000:layer:extra", sha256(content))
    assert configuration["Layers"] == [{"Arn": made["LayerVersionArn"], "CodeSize": len(content)}] and (first, second) == (7, 8)
    assert downloaded == content and zipfile.ZipFile(io.BytesIO(downloaded)).namelist() == ["python/extra.py"]
    assert lambdas.get_layer_version_by_arn(Arn=made["LayerVersionArn"])["Description"] == "d"
    versions = [item for page in lambdas.get_paginator("list_layer_versions").paginate(LayerName="extra", PaginationConfig={"PageSize": 1}) for item in page["LayerVersions"]]
    assert [item["Version"] for item in versions] == [2, 1], "the newest first"
    layers = [item for page in lambdas.get_paginator("list_layers").paginate() for item in page["Layers"]]
    assert [(layer["LayerName"], layer["LatestMatchingVersion"]["Version"]) for layer in layers] == [("extra", 2)]
    lambdas.delete_layer_version(LayerName="extra", VersionNumber=1)
    lambdas.delete_layer_version(LayerName="extra", VersionNumber=1)
    assert refused(lambdas.get_layer_version, LayerName="extra", VersionNumber=1)[:2] == MISSING
    assert refused(lambdas.update_function_configuration, FunctionName="f", Layers=[made["LayerVersionArn"]])[0] == 400
    assert invoke(lambdas)["Payload"] == 8
