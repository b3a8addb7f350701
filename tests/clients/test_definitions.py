"""Files in, files out: import, export and import again give the same snapshot (issue point 2)."""
import json
import pathlib

import pytest
from botocore.exceptions import ClientError
from conftest import ROOT, call, eventually

EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_file())


def digest(gateway, api, deployment):
    return call(f"{gateway.admin}/_stagecoach/v1/snapshots/{api}/{deployment}").json["digest"]


def deployed(gateway, client, api, stage="dev"):
    return digest(gateway, api, client.create_deployment(restApiId=api, stageName=stage)["id"])


def test_documentation_comes_in_with_a_file_and_out_with_a_stage(gateway, apigateway):
    body = (ROOT / "tests/openapi/documentation.json").read_bytes()
    api = apigateway.import_rest_api(body=body)["id"]
    apigateway.create_deployment(restApiId=api, stageName="dev")
    read = lambda **given: json.loads(apigateway.get_export(
        restApiId=api, stageName="dev", exportType="oas30", accepts="application/json", **given)["body"].read())

    undocumented = read(parameters={"extensions": "documentation"})
    apigateway.update_stage(restApiId=api, stageName="dev", patchOperations=[
        {"op": "replace", "path": "/documentationVersion", "value": "1.0.3"}])
    documented = read(parameters={"extensions": "documentation"})
    without = apigateway.import_rest_api(body=body, parameters={"ignore": "documentation"})["id"]

    assert "x-amazon-apigateway-documentation" not in undocumented
    assert documented["x-amazon-apigateway-documentation"]["version"] == "1.0.3"
    assert len(documented["x-amazon-apigateway-documentation"]["documentationParts"]) >= 10
    operation = documented["paths"]["/pets/{id}"]["get"]
    assert operation["summary"] == "Get a pet" and operation["responses"]["400"]["description"] == "Invalid request error."
    again = apigateway.put_rest_api(restApiId=without, mode="merge", failOnWarnings=True, body=json.dumps(documented).encode())
    assert again["id"] == without


def test_a_warning_is_told_or_refuses_everything(apigateway):
    body = json.dumps({"swagger": "2.0", "info": {"title": "w", "version": "1"}, "paths": {"/a": {"get": {
        "responses": {"200": {"description": "ok", "schema": {"$ref": "#/definitions/Nowhere"}}},
        "x-amazon-apigateway-integration": {"type": "mock"}}}}}).encode()

    told = apigateway.import_rest_api(body=body)
    with pytest.raises(ClientError) as refused:
        apigateway.import_rest_api(body=body, failOnWarnings=True)

    warning = "Reference to model 'Nowhere' not found. Ignoring."
    assert told["warnings"] == [warning]
    assert refused.value.response["Error"]["Message"] == f"Warnings found during import:\n\t{warning}"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_survives_every_export_and_import(gateway, apigateway, name):
    first = apigateway.import_rest_api(body=(ROOT / "examples" / name).read_bytes())
    before = deployed(gateway, apigateway, first["id"])

    for kind, accept in (("oas30", "application/json"), ("oas30", "application/yaml"), ("swagger", "application/json")):
        exported = apigateway.get_export(restApiId=first["id"], stageName="dev", exportType=kind, accepts=accept,
                                         parameters={"extensions": "apigateway"})
        again = apigateway.import_rest_api(body=exported["body"].read())
        assert deployed(gateway, apigateway, again["id"]) == before, (kind, accept)
        assert exported["contentType"] == "application/octet-stream"
        version = first.get("version")
        assert exported["contentDisposition"] == f'attachment; filename="{kind}_{version}.{accept.split("/")[1]}"'
    assert deployed(gateway, apigateway, first["id"]) == before, "redeploying an unchanged API"
    operations = sum(len(item.get("resourceMethods", {})) for page in apigateway.get_paginator("get_resources").paginate(
        restApiId=first["id"]) for item in page["items"])
    assert operations >= 15


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "tests/openapi").iterdir()))
def test_a_file_of_every_extension_deploys_as_what_its_export_deploys(gateway, apigateway, name):
    body = (ROOT / "tests/openapi" / name).read_bytes()
    how = {"failOnWarnings": True, "parameters": {"endpointConfigurationTypes": "PRIVATE" if b"vpcEndpointIds" in body else "REGIONAL"}}
    first = apigateway.import_rest_api(body=body, **how)
    before = deployed(gateway, apigateway, first["id"])

    exported = apigateway.get_export(restApiId=first["id"], stageName="dev", exportType="swagger" if b"swagger" in body else "oas30",
                                     accepts="application/yaml", parameters={"extensions": "apigateway"})
    again = apigateway.import_rest_api(body=exported["body"].read(), **how)

    assert deployed(gateway, apigateway, again["id"]) == before
    assert again["endpointConfiguration"] == first["endpointConfiguration"]


def test_put_rest_api_merges_and_overwrites(gateway, apigateway):
    def document(*paths):
        mock = {"x-amazon-apigateway-integration": {"type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
                                                    "responses": {"default": {"statusCode": "200"}}},
                "responses": {"200": {"description": "ok"}}}
        import json
        return json.dumps({"openapi": "3.0.1", "info": {"title": "merge", "version": "1"}, "paths": {p: {"get": mock} for p in paths}}).encode()

    api = apigateway.import_rest_api(body=document("/a", "/b"))["id"]
    paths = lambda: sorted(item["path"] for item in apigateway.get_resources(restApiId=api, limit=500)["items"])

    apigateway.put_rest_api(restApiId=api, mode="merge", body=document("/c"))
    merged = paths()
    apigateway.put_rest_api(restApiId=api, mode="overwrite", body=document("/b", "/d"))

    assert merged == ["/", "/a", "/b", "/c"]
    assert paths() == ["/", "/b", "/d"]


def test_a_refused_import_leaves_nothing(apigateway):
    before = {api["id"] for page in apigateway.get_paginator("get_rest_apis").paginate() for api in page["items"]}

    with pytest.raises(ClientError) as refused:
        apigateway.import_rest_api(body=b'{"openapi": "3.0.1", "info": {"title": "x"}, "paths": {"/a": {"get": {'
                                        b'"x-amazon-apigateway-integration": {"type": "http", "httpMethod": "GET", "uri": "nowhere"}}}}}')

    assert "Invalid HTTP endpoint specified for URI" in str(refused.value)
    assert {api["id"] for page in apigateway.get_paginator("get_rest_apis").paginate() for api in page["items"]} == before


def test_check_says_what_a_deploy_would(gateway, tmp_path):
    import subprocess
    from conftest import BIN
    good = subprocess.run([BIN, "check", str(ROOT / "examples/petstore.yaml")], capture_output=True, text=True)
    bad = tmp_path / "bad.yaml"
    bad.write_text("openapi: 3.0.1\ninfo: {title: x}\npaths:\n  /a:\n    get:\n      responses: {}\n")
    refused = subprocess.run([BIN, "check", str(bad)], capture_output=True, text=True)

    made = gateway.client().import_rest_api(body=(ROOT / "examples/petstore.yaml").read_bytes())["id"]

    assert good.returncode == 0 and "ready to deploy" in good.stdout
    assert f"snapshot {deployed(gateway, gateway.client(), made)}" in good.stdout
    assert refused.returncode != 0 and "No integration defined for method" in refused.stderr
