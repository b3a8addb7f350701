"""Bad input to every operation gets an AWS-shaped 4xx and changes nothing (issue point 7)."""
import json
import re
import urllib.parse

import botocore.session
import pytest
from conftest import Gateway, call
from oracle_model import Wire, label_members
from oracle_world import World

MODEL = botocore.session.get_session().get_service_model("apigateway")
OPERATIONS = list(MODEL.operation_names)
#: What these may lawfully answer to a body they do not read.
BODYLESS = {name for name in OPERATIONS if name.startswith(("Get", "Delete", "Flush", "Untag", "Reject"))}
#: Answers 200 with an empty list for an unknown plan (rest-admin-api §3.13, recorded).
TOLERANT = {"GetUsagePlanKeys"}
#: What a query must hold for the call to be whole.
QUERIES = {"GetUsage": "?startDate=2026-01-01&endDate=2026-01-02", "UntagResource": "?tagKeys=a", "ImportApiKeys": "&format=csv"}
LARGE = b'{"name": "' + b"x" * (10 * 1024 * 1024) + b'"}'
WRONG_TYPES = [b"[]", b'"text"', b"7", b'{"name": 7, "pathPart": {}, "authorizationType": [], "type": 1, "patchOperations": "x", "stageName": 3, '
               b'"description": {}, "responseParameters": [], "deploymentId": 1, "tags": [], "headers": 3, "body": {}, "keyId": 1}']
#: Unknown members are ignored, so these are wrong for updates only.
WRONG_PATCHES = [b'{"patchOperations": [{"op": 1, "path": [], "value": {}}]}', b'{"patchOperations": [7]}',
                 b'{"patchOperations": [{"op": "explode", "path": "/name"}]}', b'{"patchOperations": [{"op": "replace", "path": "/nowhere", "value": "x"}]}',
                 b'{"patchOperations": [{"op": "replace"}]}']


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("bad")).start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def known(gateway):
    """One of everything, as URI labels."""
    world = World(Wire(gateway.admin), "127.0.0.1:1", "arn:aws:lambda:us-east-1:000000000000:function:f")
    labels, mapping = {"resource_arn": world.arn, **UNLABELLED}, world.mapping
    members = {**world.method, "statusCode": "200", **world.deployment, **world.stage, **world.part, **world.doc_version, **world.plan_key, **mapping,
               **world.gateway_response, **world.certificate, **world.key, "vpcLinkId": world.link, "authorizerId": world.api.authorizer,
               "modelName": world.api.model, "requestValidatorId": world.api.validator, "parentId": world.pets["resourceId"]}
    for operation in OPERATIONS:
        shape = MODEL.operation_model(operation).input_shape
        for name in label_members(operation):
            label = shape.members[name].serialization["name"]
            labels[label] = members.get(name, labels.get(label))
    return labels


#: Labels of what is not made here.
UNLABELLED = {"export_type": "oas30", "sdk_type": "javascript", "sdktype_id": "javascript", "domain_name_access_association_arn": "arn:aws:apigateway:x"}
#: Labels that name nothing; others are `nope00nope`.
UNKNOWN = {"http_method": "PUT", "status_code": "599", "response_type": "THROTTLED", "export_type": "pdf", "resource_arn": "arn:aws:apigateway:us-east-1::/restapis/nope00nope"}


def target(operation, labels):
    shape = MODEL.operation_model(operation).http
    path = re.sub(r"\{(\w+)\}", lambda match: urllib.parse.quote(labels.get(match.group(1), "nope00nope"), safe=""), shape["requestUri"])
    return shape["method"], path + QUERIES.get(operation, "")


def head(gateway):
    return call(f"{gateway.admin}/_stagecoach/v1/fleet").json["head"]


def assert_refused(answer, what):
    assert 400 <= answer.status < 500, (what, answer.status, answer.text)
    assert isinstance(answer.json["message"], str) and answer.headers["x-amzn-errortype"], what
    assert answer.headers["x-amzn-requestid"], what


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if label_members(name) and name not in TOLERANT])
def test_unknown_ids_are_404_or_400_in_aws_shape(gateway, known, operation):
    method, path = target(operation, UNKNOWN)
    # The right body for the verb, so that it is the id that is wrong.
    body = {"PATCH": b'{"patchOperations": []}', "GET": None, "DELETE": None}.get(method, b'{"pathPart": "x", "authorizationType": "NONE", '
            b'"type": "MOCK", "stageName": "x", "deploymentId": "y"}')
    if operation == "PutRestApi":
        body = b'{"openapi": "3.0.1", "info": {"title": "x"}, "paths": {}}'

    answer = call(gateway.admin + path, method=method, body=body)

    assert_refused(answer, operation)
    nested = dict(UNKNOWN, restapi_id=known["restapi_id"])
    method, path = target(operation, nested)
    if re.search(r"/restapis/[^/]+/.+/nope|/restapis/[^/]+/[a-z]+/nope", path):
        assert_refused(call(gateway.admin + path, method=method, body=body), operation + " (nested)")


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in BODYLESS])
def test_malformed_and_mistyped_bodies_are_refused_and_nothing_is_written(gateway, known, operation):
    method, path = target(operation, known)
    before = head(gateway)

    patches = WRONG_PATCHES if operation.startswith("Update") else []
    for body in (b"{", b"\x00\xff", b'{"a": }', *WRONG_TYPES, *patches):
        answer = call(gateway.admin + path, method=method, body=body, headers={"content-type": "application/json"})
        assert_refused(answer, (operation, body[:60]))

    assert head(gateway) == before


@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in BODYLESS])
def test_a_body_of_ten_megabytes_is_413_and_nothing_is_written(gateway, known, operation):
    method, path = target(operation, known)
    before = head(gateway)

    answer = call(gateway.admin + path, method=method, body=LARGE, timeout=60)

    assert answer.status in (400, 413), (operation, answer.status)
    assert_refused(answer, operation)
    assert head(gateway) == before


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_content_type_that_is_none_of_json_changes_no_answer_to_a_server_error(gateway, known, operation):
    method, path = target(operation, known)
    if operation.startswith(("Delete", "Create", "Put", "Import", "Generate", "Tag")):
        body = b"name=x&type=y"
    else:
        body = None if method == "GET" else b"name=x"
    if operation.startswith(("Delete", "Flush", "Untag")):
        path = target(operation, {})[1]

    answer = call(gateway.admin + path, method=method, body=body, headers={"content-type": "application/x-www-form-urlencoded"})

    assert answer.status < 500, (operation, answer.text)
    if body and operation not in BODYLESS:
        assert_refused(answer, operation)


def test_hostile_labels_and_queries_are_answered(gateway, known):
    for path in ("/restapis/%00", "/restapis/%ff%fe", "/restapis/" + "a" * 8000, "/restapis/x%2Fy", "/restapis?limit=x&position=%%%", "/restapis?position=AAAA",
                 f"/restapis/{known['restapi_id']}/resources?embed=%00", "/restapis/../../etc/passwd", "/%7Brestapi_id%7D", "/_stagecoach/v1/nothing",
                 f"/restapis/{known['restapi_id']}/stages/{known['stage_name']}/exports/pdf", f"/restapis/{known['restapi_id']}/stages/{known['stage_name']}/exports/oas30?extensions=what"):
        answer = call(gateway.admin + path)
        assert answer.status < 500, (path, answer.text)
    for path in (f"/restapis/{known['restapi_id']}/stages/{known['stage_name']}/exports/pdf", "/restapis/%00", "/_stagecoach/v1/nothing"):
        assert_refused(call(gateway.admin + path), path)


def test_the_target_is_as_it_was(gateway, known):
    client = gateway.client()

    stage = client.get_stage(restApiId=known["restapi_id"], stageName=known["stage_name"])
    assert stage["deploymentId"] == known["deployment_id"]
    methods = client.get_resource(restApiId=known["restapi_id"], resourceId=known["resource_id"], embed=["methods"])["resourceMethods"]
    assert sorted(methods) == ["GET", "POST"] and methods["POST"]["methodIntegration"]["type"] == "HTTP"
    assert len(client.get_rest_apis()["items"]) == 1
