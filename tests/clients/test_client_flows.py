"""The call sequences of Chalice, Zappa and SAM CLI (issue point 4; rest-admin-api §1.1)."""
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway
from oracle_world import CERTIFICATE, JSON, document


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("flows")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def client(gateway):
    return gateway.client()


def swagger(body, path="/items"):
    """A Swagger file with one mock, as a generator of configurations writes it."""
    integration = {"type": "mock", "requestTemplates": {JSON: '{"statusCode": 200}'}, "responses": {"default": {"statusCode": "200", "responseTemplates": {JSON: body}}}}
    return json.dumps({"swagger": "2.0", "info": {"title": "generated", "version": "1.0"}, "schemes": ["https"], "x-amazon-apigateway-binary-media-types": ["image/png"],
                       "paths": {path: {"get": {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}}}}).encode()


def patch(path, value=None, op="replace"):
    return {"op": op, "path": path} if value is None else {"op": op, "path": path, "value": value}


def test_chalice_deploys_redeploys_and_deletes(gateway, client):
    api = client.import_rest_api(body=swagger('{"v": 1}'), parameters={"endpointConfigurationTypes": "EDGE"})["id"]
    client.update_rest_api(restApiId=api, patchOperations=[patch("/minimumCompressionSize", "")])
    client.create_deployment(restApiId=api, stageName="api", tracingEnabled=False)
    gateway.settled(api, "api")
    first = gateway.call(api, "api", "/items").json

    known = [item for page in client.get_paginator("get_rest_apis").paginate() for item in page["items"] if item["name"] == "generated"]
    current = client.get_rest_api(restApiId=api)
    client.put_rest_api(restApiId=api, mode="overwrite", body=swagger('{"v": 2}'))
    client.update_rest_api(restApiId=api, patchOperations=[
        patch("/minimumCompressionSize"), patch(f"/endpointConfiguration/types/{current['endpointConfiguration']['types'][0]}", "REGIONAL")])
    client.create_deployment(restApiId=api, stageName="api", tracingEnabled=True)
    gateway.settled(api, "api")

    assert [item["id"] for item in known] == [api]
    assert (first, gateway.call(api, "api", "/items").json) == ({"v": 1}, {"v": 2})
    after = client.get_rest_api(restApiId=api)
    assert after["endpointConfiguration"]["types"] == ["REGIONAL"] and "minimumCompressionSize" not in after
    assert client.get_stage(restApiId=api, stageName="api")["tracingEnabled"] is True
    assert client.get_authorizers(restApiId=api)["items"] == []
    client.delete_rest_api(restApiId=api)
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_rest_api(restApiId=api)


def test_chalice_gives_an_api_a_domain_and_fetches_an_sdk(client):
    api = client.import_rest_api(body=swagger("{}"))["id"]
    client.create_deployment(restApiId=api, stageName="api")
    domain = {"domainName": "chalice.example.test"}
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_domain_name(**domain)
    made = client.create_domain_name(**domain, endpointConfiguration={"types": ["EDGE"]}, certificateArn=CERTIFICATE, securityPolicy="TLS_1_2", tags={"by": "chalice"})
    client.create_base_path_mapping(**domain, basePath="(none)", restApiId=api, stage="api")

    client.update_domain_name(**domain, patchOperations=[patch("/certificateArn", CERTIFICATE + "2"), patch("/securityPolicy", "TLS_1_0")])
    sdk = client.get_sdk(restApiId=api, stageName="api", sdkType="javascript", parameters={"serviceName": "s"})

    assert made["distributionDomainName"] and made["distributionHostedZoneId"]
    assert client.get_domain_name(**domain)["certificateArn"] == CERTIFICATE + "2"
    assert sdk["body"].read()[:2] == b"PK" and "javascript" in sdk["contentDisposition"]
    with pytest.raises(ClientError) as refused:
        client.get_sdk(restApiId=api, stageName="api", sdkType="java", parameters={})
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
    client.delete_base_path_mapping(**domain, basePath="(none)")
    client.delete_domain_name(**domain)


def test_zappa_deploys_updates_and_binds_keys_and_domains(gateway, client):
    api = client.import_rest_api(body=swagger('{"z": 1}'))["id"]
    # Zappa's stack makes resources and methods; what follows is what it calls itself.
    client.create_deployment(restApiId=api, stageName="dev", stageDescription="", description="Automated deployment", cacheClusterEnabled=False,
                             cacheClusterSize="0.5", variables={})
    client.update_stage(restApiId=api, stageName="dev", patchOperations=[
        patch("/*/*/logging/loglevel", "OFF"), patch("/*/*/logging/dataTrace", "false"), patch("/*/*/metrics/enabled", "false"),
        patch("/*/*/caching/ttlInSeconds", "300"), patch("/*/*/caching/dataEncrypted", "false")])
    client.update_rest_api(restApiId=api, patchOperations=[patch("/binaryMediaTypes/*~1*", op="add")])
    with_all = client.get_rest_api(restApiId=api)["binaryMediaTypes"]
    client.update_rest_api(restApiId=api, patchOperations=[patch("/binaryMediaTypes/*~1*", op="remove"), patch("/minimumCompressionSize", "500")])
    client.update_rest_api(restApiId=api, patchOperations=[patch("/minimumCompressionSize")])
    resource = next(item["id"] for item in client.get_resources(restApiId=api, limit=500)["items"] if item["path"] == "/items")
    client.update_integration(restApiId=api, resourceId=resource, httpMethod="GET", patchOperations=[patch("/contentHandling", "")])

    key = client.create_api_key(name="zappa", description="d", enabled=True, generateDistinctId=True, value="", stageKeys=[{"restApiId": api, "stageName": "dev"}])["id"]
    second = client.create_api_key(name="zappa2")["id"]
    client.update_api_key(apiKey=second, patchOperations=[patch("/stages", f"{api}/dev", "add")])
    domain = {"domainName": "zappa.example.test"}
    client.create_domain_name(**domain, certificateName="z", certificateArn=CERTIFICATE)
    client.create_base_path_mapping(**domain, basePath="", restApiId=api, stage="dev")
    client.update_base_path_mapping(**domain, basePath="(none)", patchOperations=[patch("/stage", "dev")])
    client.update_domain_name(**domain, patchOperations=[patch("/certificateName", "y"), patch("/certificateArn", CERTIFICATE + "9")])

    assert sorted(with_all) == ["*/*", "image/png"]
    assert [item["name"] for item in client.get_rest_apis(limit=500)["items"] if item["id"] == api] == ["generated"]
    keys = {item["id"]: item["stageKeys"] for item in client.get_api_keys(limit=500)["items"]}
    assert keys[key] == keys[second] == [f"{api}/dev"]
    assert client.get_base_path_mappings(**domain)["items"] == [{"basePath": "(none)", "restApiId": api, "stage": "dev"}]
    gateway.settled(api, "dev")
    assert gateway.call(api, "dev", "/items").json == {"z": 1}
    client.delete_base_path_mapping(**domain, basePath="(none)")
    client.delete_api_key(apiKey=key)
    client.delete_rest_api(restApiId=api)


def test_sam_sync_moves_every_stage_and_removes_what_it_left(gateway, client):
    api = client.import_rest_api(body=swagger('{"s": 1}'))["id"]
    old = client.create_deployment(restApiId=api)["id"]
    for stage in ("Prod", "Stage"):
        client.create_stage(restApiId=api, stageName=stage, deploymentId=old)

    client.put_rest_api(restApiId=api, mode="overwrite", body=swagger('{"s": 2}'))
    new = client.create_deployment(restApiId=api, description="Created by SAM Sync")["id"]
    listed = client.get_stages(restApiId=api)["item"]
    for stage in listed:
        before = client.get_stage(restApiId=api, stageName=stage["stageName"])["deploymentId"]
        client.update_stage(restApiId=api, stageName=stage["stageName"], patchOperations=[patch("/deploymentId", new)])
        client.flush_stage_cache(restApiId=api, stageName=stage["stageName"])
        client.flush_stage_authorizers_cache(restApiId=api, stageName=stage["stageName"])
        try:
            client.delete_deployment(restApiId=api, deploymentId=before)
        except client.exceptions.BadRequestException:
            pass  # still used by the next stage, as SAM tolerates

    assert sorted(stage["stageName"] for stage in listed) == ["Prod", "Stage"]
    assert [item["id"] for item in client.get_deployments(restApiId=api)["items"]] == [new]
    for stage in listed:
        gateway.settled(api, stage["stageName"])
        assert gateway.call(api, stage["stageName"], "/items").json == {"s": 2}


def test_an_import_with_a_warning_is_told_and_may_be_refused(client):
    told = client.import_rest_api(body=document(warn=True))

    with pytest.raises(client.exceptions.BadRequestException):
        client.import_rest_api(body=document(warn=True), failOnWarnings=True)

    assert told["warnings"]
