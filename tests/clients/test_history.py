"""What AWS has not: who changed what, and how two deployments differ."""
import json

import pytest
from conftest import call


def changes(gateway, **words):
    query = "&".join(f"{name}={value}" for name, value in words.items())
    answer = call(f"{gateway.admin}/_stagecoach/v1/changes?{query}")
    assert answer.status == 200, answer.text
    return answer.json


@pytest.fixture
def deployed(apigateway):
    """An API with one MOCK method, deployed to `dev`."""
    api = apigateway.create_rest_api(name="history")
    place = dict(restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET")
    apigateway.put_method(**place, authorizationType="NONE")
    apigateway.put_integration(**place, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    first = apigateway.create_deployment(restApiId=api["id"], stageName="dev")
    return place, first["id"]


def test_every_write_is_listed_with_who_what_when_and_the_documents_it_touched(gateway, apigateway, deployed):
    place, _ = deployed
    api = place["restApiId"]
    apigateway.update_stage(restApiId=api, stageName="dev", patchOperations=[dict(op="replace", path="/variables/a", value="1")])
    with pytest.raises(apigateway.exceptions.NotFoundException):
        apigateway.update_stage(restApiId=api, stageName="gone", patchOperations=[])

    listed = changes(gateway, api=api, limit=500)["item"]

    assert [row["operation"] for row in listed] == ["CreateRestApi", "PutMethod", "PutIntegration", "CreateDeployment", "UpdateStage"]
    last = listed[-1]
    assert last["target"] == f"/restapis/{api}/stages/dev" and last["actor"] == "test" and last["requestId"]
    assert last["documents"] == [{"kind": "stage", "parent": api, "id": "dev", "change": "put"}]
    assert [row["revision"] for row in listed] == sorted(row["revision"] for row in listed)


def test_changes_page_without_gap_or_repetition(gateway, apigateway, deployed):
    api = deployed[0]["restApiId"]
    whole = changes(gateway, api=api, limit=500)["item"]

    pages, position = [], None
    while True:
        page = changes(gateway, api=api, limit=1, **({"position": position} if position else {}))
        pages += page["item"]
        position = page.get("position")
        if not position:
            break

    assert pages == whole
    assert call(f"{gateway.admin}/_stagecoach/v1/changes?limit=0").status == 400
    assert call(f"{gateway.admin}/_stagecoach/v1/changes?position=x").status == 400


def test_two_deployments_differ_in_what_was_edited_between_them(gateway, apigateway, deployed):
    place, first = deployed
    api = place["restApiId"]
    apigateway.update_integration(**place, patchOperations=[dict(op="replace", path="/passthroughBehavior", value="NEVER")])
    apigateway.create_model(restApiId=api, name="Pet", contentType="application/json", schema="{}")
    second = apigateway.create_deployment(restApiId=api)["id"]
    at = f"{gateway.admin}/_stagecoach/v1/apis/{api}/diff"

    readable = call(f"{at}?from={first}&to={second}", headers={"accept": "text/plain"}).text
    same = call(f"{at}?from={second}&to=draft").json

    assert readable == ('~ method GET /\n    /methodIntegration/passthroughBehavior: "WHEN_NO_MATCH" -> "NEVER"\n+ model Pet\n')
    assert same == {"from": second, "to": "draft", "same": True, "differences": []}
    unknown = call(f"{at}?from=nope00&to={second}")
    assert (unknown.status, json.loads(unknown.body)["message"]) == (404, "Invalid Deployment identifier specified")
    assert call(f"{at}?from={first}").status == 400
    assert call(f"{gateway.admin}/_stagecoach/v1/apis/nope/diff?from={first}&to={second}").status == 404
