"""The main job with unmodified clients: define by hand, deploy, call, edit, delete (issue point 1)."""
import json
import time

import pytest
from botocore.exceptions import ClientError
from conftest import eventually


def mock(client, api, resource, verb, body):
    """A MOCK method that answers 200 with `body`."""
    at = {"restApiId": api, "resourceId": resource, "httpMethod": verb}
    client.put_method(**at, authorizationType="NONE")
    client.put_integration(**at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_method_response(**at, statusCode="200")
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": body})


def test_boto3_builds_deploys_calls_and_deletes_an_api(gateway, apigateway, upstream):
    api = apigateway.create_rest_api(name="by hand", description="made by boto3")
    root = api["rootResourceId"]
    pets = apigateway.create_resource(restApiId=api["id"], parentId=root, pathPart="pets")["id"]
    pet = apigateway.create_resource(restApiId=api["id"], parentId=pets, pathPart="{id}")["id"]
    proxy = apigateway.create_resource(restApiId=api["id"], parentId=root, pathPart="{proxy+}")["id"]
    mock(apigateway, api["id"], pets, "GET", '{"pets": []}')
    mock(apigateway, api["id"], pet, "GET", '{"pet": true}')
    at = {"restApiId": api["id"], "resourceId": proxy, "httpMethod": "ANY"}
    apigateway.put_method(**at, authorizationType="NONE", requestParameters={"method.request.path.proxy": True})
    apigateway.put_integration(**at, type="HTTP_PROXY", integrationHttpMethod="ANY",
                               uri=f"http://{upstream.address}/base/{{proxy}}",
                               requestParameters={"integration.request.path.proxy": "method.request.path.proxy"})

    before = gateway.call(api["id"], "dev", "/pets")
    for stage in ("dev", "prod"):
        apigateway.create_deployment(restApiId=api["id"], stageName=stage)
        gateway.settled(api["id"], stage)

    assert (before.status, before.text) == (403, '{"message":"Forbidden"}')
    for stage in ("dev", "prod"):
        assert gateway.call(api["id"], stage, "/pets").json == {"pets": []}
        assert gateway.call(api["id"], stage, "/pets/7").json == {"pet": True}
        seen = gateway.call(api["id"], stage, "/a/b?x=1&x=2", method="POST", body=b"hello").json
        assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/base/a/b?x=1&x=2", "hello")
    assert gateway.call(api["id"], "dev").status == 403

    apigateway.delete_rest_api(restApiId=api["id"])
    eventually(lambda: gateway.call(api["id"], "prod", "/pets").status == 403)
    with pytest.raises(ClientError) as gone:
        apigateway.get_resource(restApiId=api["id"], resourceId=pets)
    assert gone.value.response["Error"]["Code"] == "NotFoundException"
    with pytest.raises(ClientError):
        apigateway.get_stage(restApiId=api["id"], stageName="dev")


def test_an_edit_is_invisible_until_it_is_deployed(gateway, apigateway):
    api = apigateway.create_rest_api(name="edits")
    mock(apigateway, api["id"], api["rootResourceId"], "GET", '{"version": 1}')
    apigateway.create_deployment(restApiId=api["id"], stageName="dev")
    gateway.settled(api["id"], "dev")

    apigateway.update_integration_response(
        restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET", statusCode="200",
        patchOperations=[{"op": "replace", "path": "/responseTemplates/application~1json", "value": '{"version": 2}'}])
    undeployed = gateway.call(api["id"], "dev").json
    apigateway.create_deployment(restApiId=api["id"], stageName="dev")
    gateway.settled(api["id"], "dev")

    assert undeployed == {"version": 1}
    assert gateway.call(api["id"], "dev").json == {"version": 2}


def test_aws_cli_builds_deploys_and_rolls_back(gateway):
    api = gateway.cli("apigateway", "create-rest-api", "--name", "cli")
    at = ["--rest-api-id", api["id"], "--resource-id", api["rootResourceId"], "--http-method", "GET"]
    gateway.cli("apigateway", "put-method", *at, "--authorization-type", "NONE")
    gateway.cli("apigateway", "put-integration", *at, "--type", "MOCK",
                "--request-templates", json.dumps({"application/json": '{"statusCode": 200}'}))
    gateway.cli("apigateway", "put-method-response", *at, "--status-code", "200")
    respond = ["apigateway", "put-integration-response", *at, "--status-code", "200", "--response-templates"]
    deployments = []
    for version in ("one", "two"):
        gateway.cli(*respond, json.dumps({"application/json": json.dumps({"version": version})}))
        deployments.append(gateway.cli("apigateway", "create-deployment", "--rest-api-id", api["id"], "--stage-name", "prod")["id"])
    gateway.settled(api["id"], "prod")
    latest = gateway.call(api["id"], "prod").json

    gateway.cli("apigateway", "update-stage", "--rest-api-id", api["id"], "--stage-name", "prod",
                "--patch-operations", f"op=replace,path=/deploymentId,value={deployments[0]}")
    gateway.settled(api["id"], "prod")

    assert latest == {"version": "two"}
    assert gateway.call(api["id"], "prod").json == {"version": "one"}
    ids = gateway.cli("apigateway", "get-deployments", "--rest-api-id", api["id"], "--query", "items[].id")
    assert sorted(ids) == sorted(deployments)
    refused = gateway.cli("apigateway", "delete-deployment", "--rest-api-id", api["id"], "--deployment-id", deployments[0], check=False)
    assert "Active stages pointing to this deployment must be moved or deleted" in refused.stderr


def test_paginators_walk_every_resource_once(apigateway):
    api = apigateway.create_rest_api(name="pages")
    made = {apigateway.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=f"r{n}")["id"] for n in range(30)}

    pages = list(apigateway.get_paginator("get_resources").paginate(restApiId=api["id"], PaginationConfig={"PageSize": 7}))

    seen = [item["id"] for page in pages for item in page["items"]]
    assert len(pages) == 5
    assert sorted(seen) == sorted(made | {api["rootResourceId"]})


def test_an_operation_that_is_not_built_says_so(gateway):
    with pytest.raises(ClientError) as refused:
        gateway.client("apigatewayv2").get_apis()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "GetApis" in refused.value.response["Error"]["Message"]
