"""CORS: as AWS users build it (MOCK on OPTIONS, gateway responses), and the stage that answers preflights by itself."""
import pytest
from botocore.exceptions import ClientError
from conftest import eventually
from test_integrations import child, deploy, put
from test_main_job import mock

ALLOWED = {"Access-Control-Allow-Headers": "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token",
           "Access-Control-Allow-Methods": "GET,OPTIONS", "Access-Control-Allow-Origin": "*"}
PREFLIGHT = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-one"}


def cors(answer):
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-") or name.lower() == "vary"}


def options(client, api, resource):
    """What the console's "Enable CORS" makes [D CORS]."""
    at = {"restApiId": api, "resourceId": resource, "httpMethod": "OPTIONS"}
    client.put_method(**at, authorizationType="NONE")
    client.put_integration(**at, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_method_response(**at, statusCode="200", responseModels={"application/json": "Empty"},
                               responseParameters={f"method.response.header.{name}": False for name in ALLOWED})
    client.put_integration_response(**at, statusCode="200", responseParameters={
        f"method.response.header.{name}": f"'{value}'" for name, value in ALLOWED.items()})


def test_cors_as_aws_users_build_it(gateway):
    """Every header of the preflight's answer, and of the gateway's own answers with DEFAULT_4XX and DEFAULT_5XX."""
    client = gateway.client()
    api = client.create_rest_api(name="cors")
    pets = child(client, api, api["rootResourceId"], "pets")
    mock(client, api["id"], pets, "GET", "{}")
    put(client, api["id"], pets, "POST", type="MOCK", requestTemplates={"application/json": "{}"})
    options(client, api["id"], pets)
    for family in ("DEFAULT_4XX", "DEFAULT_5XX"):
        client.put_gateway_response(restApiId=api["id"], responseType=family, responseParameters={
            "gatewayresponse.header.Access-Control-Allow-Origin": "'*'", "gatewayresponse.header.Access-Control-Allow-Headers": "'*'"})
    deploy(gateway, client, api, stageName="dev")

    preflight = gateway.call(api["id"], "dev", "/pets", method="OPTIONS", headers=PREFLIGHT)
    refused = gateway.call(api["id"], "dev", "/nowhere", headers={"Origin": "https://a.example"})
    broken = gateway.call(api["id"], "dev", "/pets", method="POST", headers={"Origin": "https://a.example"})
    plain = gateway.call(api["id"], "dev", "/pets", headers={"Origin": "https://a.example"})

    assert (preflight.status, preflight.body) == (200, b"")
    assert cors(preflight) == {name.lower(): value for name, value in ALLOWED.items()}
    own = {"date", "x-amzn-requestid", "x-amz-apigw-id", "content-type", "content-length", "connection"}
    assert {name.lower() for name in preflight.headers} == own | {name.lower() for name in ALLOWED}
    assert (preflight.headers["content-type"], preflight.headers["content-length"]) == ("application/json", "0")
    for answer, status, body in ((refused, 403, b'{"message":"Missing Authentication Token"}'), (broken, 500, b'{"message": "Internal server error"}')):
        assert (answer.status, answer.body) == (status, body)
        assert cors(answer) == {"access-control-allow-origin": "*", "access-control-allow-headers": "*"}
    assert cors(plain) == {}, "AWS adds nothing by itself"


@pytest.fixture
def tagged(gateway):
    """A stage without OPTIONS methods, and the call that tags it."""
    client = gateway.client()
    api = client.create_rest_api(name="preflights")
    pets = child(client, api, api["rootResourceId"], "pets")
    mock(client, api["id"], pets, "GET", "{}")
    mock(client, api["id"], pets, "DELETE", "{}")
    own = child(client, api, api["rootResourceId"], "own")
    mock(client, api["id"], own, "GET", "{}")
    options(client, api["id"], own)
    deploy(gateway, client, api, stageName="dev")
    api["arn"] = f"arn:aws:apigateway:us-east-1::/restapis/{api['id']}/stages/dev"

    def tag(**tags):
        names = {"origins": "stagecoach:cors", "max_age": "stagecoach:cors:max-age"}
        client.tag_resource(resourceArn=api["arn"], tags={names.get(name, f"stagecoach:cors:{name}"): value for name, value in tags.items()})
        gateway.settled(api["id"], "dev")

    api["tag"] = tag
    return api


def test_a_stage_answers_preflights_only_once_it_is_tagged(gateway, tagged):
    ask = lambda path="/pets", **headers: gateway.call(tagged["id"], "dev", path, method="OPTIONS", headers={**PREFLIGHT, **headers})

    before = ask()
    tagged["tag"](origins="https://a.example https://*.b.example", credentials="true", max_age="600", headers="any", expose="x-amzn-requestid")
    after = ask()

    assert (before.status, cors(before)) == (403, {})
    assert (after.status, after.body) == (204, b"")
    assert cors(after) == {
        "access-control-allow-origin": "https://a.example", "access-control-allow-methods": "GET,DELETE", "access-control-allow-headers": "x-one",
        "access-control-allow-credentials": "true", "access-control-max-age": "600", "vary": "Origin"}
    assert "x-amzn-requestid" in after.headers
    assert cors(ask(Origin="https://x.b.example"))["access-control-allow-origin"] == "https://x.b.example"
    for odd in (ask("/nowhere"), ask(Origin="https://evil.example")):
        assert (odd.status, odd.body, cors(odd).get("access-control-allow-methods")) == (403, b'{"message":"Missing Authentication Token"}', None)
    assert cors(ask(Origin="https://evil.example")) == {}
    assert gateway.call(tagged["id"], "dev", "/pets", method="OPTIONS").status == 403, "no preflight without its headers"


def test_a_method_of_its_own_goes_first_and_other_answers_are_completed(gateway, tagged):
    tagged["tag"](origins="any", methods="GET", expose="x-amzn-requestid")

    own = gateway.call(tagged["id"], "dev", "/own", method="OPTIONS", headers=PREFLIGHT)
    automatic = gateway.call(tagged["id"], "dev", "/pets", method="OPTIONS", headers=PREFLIGHT)
    answers = [gateway.call(tagged["id"], "dev", path, headers={"Origin": "https://a.example"}) for path in ("/pets", "/nowhere")]
    local = gateway.call(tagged["id"], "dev", "/pets")

    assert own.status == 200 and cors(own)["access-control-allow-methods"] == "GET,OPTIONS"
    assert cors(automatic) == {"access-control-allow-origin": "*", "access-control-allow-methods": "GET",
                               "access-control-allow-headers": ALLOWED["Access-Control-Allow-Headers"]}
    assert [answer.status for answer in answers] == [200, 403]
    for answer in answers:
        assert cors(answer) == {"access-control-allow-origin": "*", "access-control-expose-headers": "x-amzn-requestid"}
    assert cors(local) == {}


def test_tags_that_cannot_be_read_are_refused_and_untagging_turns_it_off(gateway, tagged):
    client = gateway.client()
    tagged["tag"](origins="https://a.example")

    for tags in ({"stagecoach:cors": "a.example"}, {"stagecoach:cors:max-age": "-1"}, {"stagecoach:cors:colour": "blue"},
                 {"stagecoach:cors": "any", "stagecoach:cors:credentials": "true"}):
        with pytest.raises(ClientError) as refused:
            client.tag_resource(resourceArn=tagged["arn"], tags=tags)
        assert refused.value.response["Error"]["Code"] == "BadRequestException"
    kept = client.get_stage(restApiId=tagged["id"], stageName="dev")["tags"]
    client.untag_resource(resourceArn=tagged["arn"], tagKeys=["stagecoach:cors"])

    assert kept == {"stagecoach:cors": "https://a.example"}
    eventually(lambda: gateway.call(tagged["id"], "dev", "/pets", method="OPTIONS", headers=PREFLIGHT).status == 403)
