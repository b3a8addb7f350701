"""Answers the gateway makes itself: default bytes, customisation, inheritance, templates and parameters (rest-data-plane §2)."""
import json

import pytest
from conftest import call
from test_integrations import child, deploy, put
from test_main_job import mock

CUSTOM = ('{"message": $context.error.messageString, "text": "$context.error.message", "type": "$context.error.responseType", '
          '"stage": "${context.stage}", "v": "$stageVariables.colour", "none": "$stageVariables.none", "q": "$method.request.querystring.q"}')


@pytest.fixture
def api(gateway):
    """An API whose methods fail in different ways, and the call that customises a response and deploys it."""
    client = gateway.client()
    api = client.create_rest_api(name="gateway responses")
    root = api["rootResourceId"]
    mock(client, api["id"], child(client, api, root, "ok"), "GET", "{}")
    put(client, api["id"], child(client, api, root, "broken"), type="MOCK", requestTemplates={"application/json": "{}"})
    put(client, api["id"], child(client, api, root, "typed"), "POST", type="MOCK", passthroughBehavior="NEVER",
        requestTemplates={"application/json": '{"statusCode": 200}'})
    put(client, api["id"], child(client, api, child(client, api, root, "absent"), "{id}"), "GET", type="HTTP_PROXY", integrationHttpMethod="GET",
        uri="http://127.0.0.1:1/")
    deploy(gateway, client, api, stageName="dev", variables={"colour": "blue"})

    def customise(kind, **response):
        client.put_gateway_response(restApiId=api["id"], responseType=kind, **response)
        deploy(gateway, client, api, stageName="dev")

    api["customise"] = customise
    return api


def test_defaults_have_the_bytes_recorded_on_aws(gateway, api):
    """§2.4, V common/test_routing_not_found, V integrations/TestApiGatewayHeaderRemapping."""
    early = gateway.call(api["id"], "dev", "/nowhere")
    verb = gateway.call(api["id"], "dev", "/ok", method="DELETE")
    during = gateway.call(api["id"], "dev", "/broken")
    media = gateway.call(api["id"], "dev", "/typed", method="POST", body=b"x", headers={"content-type": "text/plain"})
    network = gateway.call(api["id"], "dev", "/absent/1")

    for answer in (early, verb):
        assert (answer.status, answer.body) == (403, b'{"message":"Missing Authentication Token"}')
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert (during.status, during.body, during.headers["content-length"]) == (500, b'{"message": "Internal server error"}', "36")
    assert during.headers["x-amzn-errortype"] == "InternalServerErrorException"
    assert (media.status, media.body) == (415, b'{"message": "Unsupported Media Type"}')
    assert media.headers["x-amzn-errortype"] == "BadRequestException"
    assert (network.status, network.body) == (504, b'{"message": "Network error communicating with endpoint"}')
    for answer in (early, during, media, network):
        assert answer.headers["content-type"] == "application/json" and "x-amzn-trace-id" not in answer.headers
        assert len(answer.headers["x-amzn-requestid"]) == 36 and answer.headers["x-amz-apigw-id"].endswith("=")
    unknown = call(gateway.url("nosuchapi0", "dev", "/"))
    assert (unknown.status, unknown.body, unknown.headers["x-amzn-errortype"]) == (403, b'{"message":"Forbidden"}', "ForbiddenException")


def test_a_customised_type_has_its_status_template_and_parameters(gateway, api):
    """§2.2; the parameters are those of the guide's own example [D Gateway responses]."""
    api["customise"]("MISSING_AUTHENTICATION_TOKEN", statusCode="404", responseTemplates={"application/json": CUSTOM}, responseParameters={
        "gatewayresponse.header.Access-Control-Allow-Origin": "'a.b.c'",
        "gatewayresponse.header.x-request-query": "method.input.params.q",
        "gatewayresponse.header.x-request-header": "method.input.params.Accept",
        "gatewayresponse.header.x-request-path": "method.input.params.petId",
        "gatewayresponse.header.x-exact": "method.request.header.X-Mine",
        "gatewayresponse.header.x-stage": "context.stage",
        "gatewayresponse.header.x-colour": "stageVariables.colour",
        "gatewayresponse.header.Date": "'never'",
        "gatewayresponse.querystring.ignored": "'x'"})

    answer = gateway.call(api["id"], "dev", "/nowhere?q=a%20b", headers={"Accept": "*/*", "x-mine": "m"})

    assert answer.status == 404 and answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert answer.json == {"message": "Missing Authentication Token", "text": "Missing Authentication Token", "none": "",
                           "type": "MISSING_AUTHENTICATION_TOKEN", "stage": "dev", "v": "blue", "q": "a b"}
    sent = {name: answer.headers.get(name) for name in ("x-request-query", "x-request-header", "x-request-path", "x-exact", "x-stage", "x-colour")}
    assert sent == {"x-request-query": "a b", "x-request-header": "*/*", "x-request-path": None, "x-exact": "m", "x-stage": "dev", "x-colour": "blue"}
    assert answer.headers["access-control-allow-origin"] == "a.b.c" and answer.headers["x-amzn-remapped-date"] == "never"


def test_families_hand_down_and_a_type_of_its_own_keeps_its_status(gateway, api):
    """§2.2 rule 1, V api/test_gateway_response_put."""
    api["customise"]("DEFAULT_5XX", statusCode="599", responseParameters={"gatewayresponse.header.x-family": "'5'"})
    api["customise"]("DEFAULT_4XX", responseParameters={"gatewayresponse.header.x-family": "'4'"}, responseTemplates={"application/json": '{"four": true}'})
    api["customise"]("UNSUPPORTED_MEDIA_TYPE", responseParameters={"gatewayresponse.header.x-own": "'y'"})

    broken = gateway.call(api["id"], "dev", "/broken")
    nowhere = gateway.call(api["id"], "dev", "/nowhere")
    media = gateway.call(api["id"], "dev", "/typed", method="POST", body=b"x", headers={"content-type": "text/plain"})

    assert (broken.status, broken.headers["x-family"], broken.body) == (599, "5", b'{"message": "Internal server error"}')
    assert (nowhere.status, nowhere.headers["x-family"], nowhere.json) == (403, "4", {"four": True})
    assert (media.status, media.headers["x-own"], media.headers.get("x-family")) == (415, "y", None)
    assert media.body == b'{"message": "Unsupported Media Type"}'


def test_the_template_is_chosen_by_accept(gateway, api):
    """§2.2 rule 5."""
    api["customise"]("DEFAULT_4XX", responseTemplates={
        "application/json": '{"m":$context.error.messageString}', "application/xml": "<m>$context.error.message</m>", "text/html": "<p>$context.requestId</p>"})

    answers = {accept: gateway.call(api["id"], "dev", "/nowhere", headers={"accept": accept} if accept else {})
               for accept in ("application/xml", "application/xml; q=0.9", "image/png", "text/html", None)}

    shown = {accept: (answer.headers["content-type"], answer.text) for accept, answer in answers.items()}
    default = ("application/json", '{"m":"Missing Authentication Token"}')
    assert shown["application/xml"] == shown["application/xml; q=0.9"] == ("application/xml", "<m>Missing Authentication Token</m>")
    assert shown["image/png"] == shown[None] == default
    assert shown["text/html"] == ("text/html", f"<p>{answers['text/html'].headers['x-amzn-requestid']}</p>")


def test_what_a_response_reads_is_kept_when_the_request_has_moved_on(gateway, api):
    """An HTTP_PROXY integration has taken the client's headers by the time its endpoint turns out to be absent."""
    api["customise"]("INTEGRATION_FAILURE", statusCode="502", responseParameters={
        "gatewayresponse.header.Access-Control-Allow-Origin": "method.request.header.Origin",
        "gatewayresponse.header.x-id": "method.request.path.id"})

    answer = gateway.call(api["id"], "dev", "/absent/7", headers={"Origin": "https://a.example"})

    assert (answer.status, answer.headers["access-control-allow-origin"], answer.headers["x-id"]) == (502, "https://a.example", "7")
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_a_response_that_is_deleted_is_the_default_again(gateway, api):
    client = gateway.client()
    api["customise"]("DEFAULT_4XX", statusCode="418", responseTemplates={"text/plain": "tea"})

    custom = gateway.call(api["id"], "dev", "/nowhere")
    client.delete_gateway_response(restApiId=api["id"], responseType="DEFAULT_4XX")
    before = gateway.call(api["id"], "dev", "/nowhere")
    deploy(gateway, client, api, stageName="dev")
    after = gateway.call(api["id"], "dev", "/nowhere")

    assert (custom.status, custom.text, custom.headers["content-type"]) == (418, "tea", "text/plain")
    assert before.status == 418, "an edit is invisible until it is deployed"
    assert (after.status, json.loads(after.text)) == (403, {"message": "Missing Authentication Token"})
