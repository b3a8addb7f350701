"""What hangs under an API beside its methods: texts and status codes of rest-admin-api §2.6, and what follows from one another."""
import json

import pytest
from botocore.exceptions import ClientError

JSON = "application/json"
URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
ACCOUNT = "000000000000"
FILE = json.dumps({"openapi": "3.0.1", "info": {"title": "t"}, "paths": {}, "x-amazon-apigateway-documentation": {"documentationParts": [
    {"location": {"type": "API"}, "properties": {"description": "new"}},
    {"location": {"type": "METHOD", "method": "GET"}, "properties": {"summary": "s"}}]}}).encode()
UNKNOWN_API = f"Invalid API identifier specified {ACCOUNT}:nowhere"


def failure(call, **given):
    with pytest.raises(ClientError) as caught:
        call(**given)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def api(apigateway):
    return apigateway.create_rest_api(name="parts")["id"]


ON_NO_API = [
    ("create_model", dict(name="M", contentType=JSON, schema="{}"), 404, UNKNOWN_API),
    ("get_models", {}, 404, UNKNOWN_API),
    ("get_model", dict(modelName="M"), 404, "Invalid model name specified: M"),
    ("get_model_template", dict(modelName="M"), 404, "Invalid model name specified: M"),
    ("delete_model", dict(modelName="M"), 404, "Invalid model name specified: M"),
    ("create_request_validator", dict(name="v"), 400, "Invalid REST API identifier specified"),
    ("get_request_validators", {}, 404, UNKNOWN_API),
    ("delete_request_validator", dict(requestValidatorId="v"), 404, "Invalid Request Validator identifier specified"),
    ("create_authorizer", dict(name="a", type="TOKEN", authorizerUri=URI, identitySource="method.request.header.A"), 409,
     "Unable to complete operation due to concurrent modification. Please try again later."),
    ("get_authorizers", {}, 404, UNKNOWN_API),
    ("get_authorizer", dict(authorizerId="a"), 404, "Invalid Authorizer identifier specified"),
    ("put_gateway_response", dict(responseType="THROTTLED"), 404, UNKNOWN_API),
    ("get_gateway_response", dict(responseType="THROTTLED"), 404, UNKNOWN_API),
    ("get_gateway_responses", {}, 404, UNKNOWN_API),
    ("delete_gateway_response", dict(responseType="THROTTLED"), 404, UNKNOWN_API),
    ("create_documentation_part", dict(location={"type": "API"}, properties="{}"), 404, UNKNOWN_API),
    ("get_documentation_parts", {}, 404, UNKNOWN_API),
    ("get_documentation_part", dict(documentationPartId="p"), 404, "Invalid Documentation part identifier specified"),
    ("delete_documentation_part", dict(documentationPartId="p"), 404, UNKNOWN_API),
    ("create_documentation_version", dict(documentationVersion="v"), 404, UNKNOWN_API),
    ("get_documentation_version", dict(documentationVersion="v"), 404, "Invalid Documentation version specified"),
]


@pytest.mark.parametrize("operation, given, status, message", ON_NO_API, ids=[row[0] for row in ON_NO_API])
def test_an_unknown_api_is_told_as_aws_tells_it(apigateway, operation, given, status, message):
    """rest-admin-api §2.6."""
    code = {400: "BadRequestException", 404: "NotFoundException", 409: "ConflictException"}[status]

    answer = failure(getattr(apigateway, operation), restApiId="nowhere", **given)

    assert answer == (status, code, message)


def test_an_unknown_response_type_is_told_before_an_unknown_api(apigateway):
    """rest-admin-api §2.4, evaluation order."""
    for operation in ("get_gateway_response", "put_gateway_response", "delete_gateway_response"):
        status, code, message = failure(getattr(apigateway, operation), restApiId="nowhere", responseType="WRONG")

        assert (status, code) == (400, "ValidationException")
        assert message.startswith("1 validation error detected: Value 'WRONG' at 'responseType' failed to satisfy constraint: Member must "
                                  "satisfy enum value set: [REQUEST_TOO_LARGE, ")


def test_what_a_method_uses_may_not_go(apigateway, api):
    """rest-admin-api §2.6, "in use"."""
    root = apigateway.get_rest_api(restApiId=api)["rootResourceId"]
    authorizer = apigateway.create_authorizer(restApiId=api, name="who", type="TOKEN", authorizerUri=URI, identitySource="method.request.header.A")["id"]
    validator = apigateway.create_request_validator(restApiId=api, name="check", validateRequestBody=True)["id"]
    apigateway.create_model(restApiId=api, name="Pet", contentType=JSON, schema="{}")
    apigateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="CUSTOM", authorizerId=authorizer,
                          requestValidatorId=validator, requestModels={JSON: "Pet"})

    held = [failure(apigateway.delete_authorizer, restApiId=api, authorizerId=authorizer),
            failure(apigateway.delete_request_validator, restApiId=api, requestValidatorId=validator),
            failure(apigateway.delete_model, restApiId=api, modelName="Pet")]
    apigateway.delete_method(restApiId=api, resourceId=root, httpMethod="GET")
    apigateway.delete_authorizer(restApiId=api, authorizerId=authorizer)
    apigateway.delete_request_validator(restApiId=api, requestValidatorId=validator)
    apigateway.delete_model(restApiId=api, modelName="Pet")

    assert held == [(409, "ConflictException", "Cannot delete authorizer 'who', is referenced in method: GET//"),
                    (409, "ConflictException", "Cannot delete request validator 'check', is referenced in method: GET//"),
                    (409, "ConflictException", "Cannot delete model 'Pet', is referenced in method request: //GET")]


def test_models_are_flattened_and_make_templates(apigateway, api):
    """rest-admin-api §3.7."""
    link = f"https://apigateway.amazonaws.com/restapis/{api}/models/Tag"
    apigateway.create_model(restApiId=api, name="Tag", contentType=JSON, schema='{"type":"string"}')
    apigateway.create_model(restApiId=api, name="Pet", contentType=JSON, schema=json.dumps({"type": "object", "properties": {"tag": {"$ref": link}}}))

    plain = apigateway.get_model(restApiId=api, modelName="Pet")["schema"]
    flat = apigateway.get_model(restApiId=api, modelName="Pet", flatten=True)["schema"]
    template = apigateway.get_model_template(restApiId=api, modelName="Pet")["value"]

    assert json.loads(plain)["properties"]["tag"] == {"$ref": link}
    assert json.loads(flat)["properties"]["tag"] == {"type": "string"}
    assert template == "#set($inputRoot = $input.path('$'))\n{\n  \"tag\" : \"foo\"\n}"


def test_deleting_a_default_gateway_response_is_a_404(apigateway, api):
    """rest-admin-api §2.6, DeleteGatewayResponse."""
    apigateway.put_gateway_response(restApiId=api, responseType="THROTTLED", statusCode="430")
    apigateway.delete_gateway_response(restApiId=api, responseType="THROTTLED")

    answer = failure(apigateway.delete_gateway_response, restApiId=api, responseType="THROTTLED")

    assert answer == (404, "NotFoundException", "Gateway response type not defined on api")
    assert apigateway.get_gateway_response(restApiId=api, responseType="THROTTLED")["statusCode"] == "429"
    assert len(apigateway.get_gateway_responses(restApiId=api)["items"]) == 21


def test_documentation_parts_are_imported_and_found(apigateway, api):
    """rest-admin-api §3.20."""
    old = apigateway.create_documentation_part(restApiId=api, location={"type": "MODEL", "name": "Pet"}, properties='{"description":"old"}')
    read = lambda **filters: [part["location"] for part in apigateway.get_documentation_parts(restApiId=api, **filters)["items"]]

    merged = apigateway.import_documentation_parts(restApiId=api, body=FILE)
    after_merge = read()
    replaced = apigateway.import_documentation_parts(restApiId=api, body=FILE, mode="overwrite")

    assert old["location"] in after_merge and len(after_merge) == 3
    assert sorted(merged["ids"]) == sorted(replaced["ids"]) and "warnings" not in merged
    assert read(type="METHOD") == read(path="/") == [{"type": "METHOD", "path": "/", "method": "GET"}]
    assert read(nameQuery="Pet") == []
    assert {"type": "RESOURCE", "path": "/"} in read(locationStatus="UNDOCUMENTED")
    assert failure(apigateway.get_documentation_parts, restApiId=api, locationStatus="NO")[1] == "ValidationException"


def test_a_stage_shows_only_versions_that_exist(apigateway, api):
    """rest-admin-api §3.20; documentation changes no snapshot (§4.1)."""
    root = apigateway.get_rest_api(restApiId=api)["rootResourceId"]
    apigateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    apigateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    deployment = apigateway.create_deployment(restApiId=api, stageName="dev")["id"]
    read = lambda: apigateway.get_stage(restApiId=api, stageName="dev").get("documentationVersion")
    to = lambda version: dict(restApiId=api, stageName="dev", patchOperations=[{"op": "replace", "path": "/documentationVersion", "value": version}])

    apigateway.create_documentation_part(restApiId=api, location={"type": "API"}, properties="{}")
    apigateway.create_documentation_version(restApiId=api, documentationVersion="v1", stageName="dev", description="d")
    linked = read()
    again = failure(apigateway.create_documentation_version, restApiId=api, documentationVersion="v1")
    unknown = failure(apigateway.update_stage, **to("v2"))
    on_create = failure(apigateway.create_stage, restApiId=api, stageName="other", deploymentId=deployment, documentationVersion="v2")
    apigateway.delete_documentation_version(restApiId=api, documentationVersion="v1")

    assert linked == "v1" and read() is None
    assert again[:2] == (409, "ConflictException")
    assert unknown == on_create == (400, "BadRequestException", "Invalid Documentation version specified")
    assert failure(apigateway.create_documentation_version, restApiId=api, documentationVersion="v3", stageName="none")[2] == \
        "Invalid stage identifier specified"
