"""The calls of Terraform's AWS provider for every `aws_api_gateway_*` resource, in its order, with its waits: what is written is read back, and
a second plan is empty (issue point 4; provider sources, `internal/service/apigateway`)."""
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway
from oracle_world import ACCOUNT, CERTIFICATE, POLICY, REGION, ROLE, SCHEMA, document
from terraform_kinds import KINDS, SETTINGS, text, unescaped
from terraform_provider import Resource

JSON, LOGS = "application/json", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:access"
LAMBDA = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/arn:aws:lambda:{REGION}:{ACCOUNT}:function:f/invocations"
POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_a"
NLB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/nlb/50dc6c495c0c9188"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("terraform")).start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def make(gateway):
    client, count = gateway.client(), iter(range(1000))

    def make(kind, tags=None, **arguments):
        return Resource(client, kind, arguments, tags)

    make.client, make.fresh = client, lambda stem: f"{stem}{next(count)}"
    return make


@pytest.fixture
def api(make):
    return make("rest_api", name=make.fresh("api"), endpointConfiguration={"types": ["REGIONAL"]})


@pytest.fixture
def method(make, api):
    at = dict(restApiId=api.key["restApiId"], resourceId=api.made["rootResourceId"], httpMethod="GET")
    made = make("method", **at, authorizationType="NONE", apiKeyRequired=False)
    return made


@pytest.fixture
def deployed(make, method):
    make("integration", **method.key, type="MOCK", requestTemplates={JSON: '{"statusCode": 200}'}, connectionType="INTERNET", timeoutInMillis=29000)
    return make("deployment", restApiId=method.key["restApiId"], description="", variables={})


def of(resource):
    return {"restApiId": resource.key["restApiId"]}


def test_every_kind_of_the_table_is_run_here(request):
    source = request.path.read_text()

    assert [name for name in KINDS if f'make("{name}"' not in source] == []


def test_rest_api(make):
    api = make("rest_api", tags={"a": "1", "b": "2"}, name="one", binaryMediaTypes=["image/png", "a/b"], description="d", minimumCompressionSize=100,
               policy=json.dumps(POLICY), endpointConfiguration={"types": ["EDGE"]})

    api.apply(name="two", binaryMediaTypes=["a/b", "*/*"], description="", minimumCompressionSize=None, apiKeySource="AUTHORIZER", disableExecuteApiEndpoint=True)
    api.apply(endpointConfiguration={"types": ["REGIONAL"], "ipAddressType": "dualstack"}, policy=json.dumps({**POLICY, "Id": "other"}), minimumCompressionSize=0)
    api.apply(tags={"b": "3", "c": "4"})
    assert api.get()["rootResourceId"] == next(item["id"] for item in make.client.get_resources(**of(api))["items"] if item["path"] == "/")

    api.destroy()


def test_private_rest_api_and_its_endpoints(make):
    api = make("rest_api", name="private", endpointConfiguration={"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1", "vpce-2"]})

    api.apply(endpointConfiguration={"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-3"]})

    assert api.get()["endpointConfiguration"]["ipAddressType"] == "dualstack"
    api.destroy()


def test_rest_api_with_a_body_is_put_and_the_arguments_are_applied_again(make):
    api = make("rest_api", name="by hand", description="kept", binaryMediaTypes=["x/y"])
    put = make.client.put_rest_api(**of(api), mode="overwrite", body=document(title="from the file"))
    operations = [{"op": "remove", "path": f"/binaryMediaTypes/{one.replace('/', '~1')}"} for one in put.get("binaryMediaTypes", [])]
    operations += [{"op": "add", "path": "/binaryMediaTypes/x~1y"}, {"op": "replace", "path": "/description", "value": "kept"},
                   {"op": "replace", "path": "/name", "value": "by hand"}]

    api.patch(operations)

    assert put["name"] == "from the file"
    api.assert_as_configured()
    assert {item["path"] for item in make.client.get_resources(**of(api))["items"]} == {"/", "/imported"}


def test_rest_api_put(make, api):
    made = make.client.put_rest_api(**of(api), mode="merge", failOnWarnings=True, body=document(path="/put"), parameters={"basepath": "prepend"})
    again = make.client.put_rest_api(**of(api), mode="merge", failOnWarnings=True, body=document(path="/put"), parameters={"basepath": "prepend"})

    assert made["id"] == again["id"] == api.key["restApiId"]
    assert {item["path"] for item in make.client.get_resources(**of(api))["items"]} == {"/", "/put"}


def test_rest_api_policy(make, api):
    change = lambda value: make.client.update_rest_api(**of(api), patchOperations=[{"op": "replace", "path": "/policy", "value": value}])

    change(json.dumps(POLICY))
    written = unescaped(make.client.get_rest_api(**of(api))["policy"])
    change("")

    assert written == POLICY
    assert not make.client.get_rest_api(**of(api)).get("policy")


def test_resource(make, api):
    parent = make("resource", **of(api), parentId=api.made["rootResourceId"], pathPart="parent")
    child = make("resource", **of(api), parentId=parent.key["resourceId"], pathPart="child")

    child.apply(pathPart="renamed")
    child.apply(parentId=api.made["rootResourceId"])

    assert child.get()["path"] == "/renamed"
    child.destroy()
    parent.destroy()


def test_method(make, api, method):
    model = make("model", **of(api), name="Pet", contentType=JSON, schema=json.dumps(SCHEMA))
    validator = make("request_validator", **of(api), name="v", validateRequestBody=True, validateRequestParameters=False)
    token = make("authorizer", **of(api), name="t", type="TOKEN", identitySource="method.request.header.Authorization", authorizerUri=LAMBDA, authorizerResultTtlInSeconds=300)
    pool = make("authorizer", **of(api), name="p", type="COGNITO_USER_POOLS", identitySource="method.request.header.Authorization",
                providerARNs=[POOL], authorizerResultTtlInSeconds=300)

    method.apply(requestModels={JSON: "Pet"}, requestParameters={"method.request.header.A": True, "method.request.querystring.b": False},
                 requestValidatorId=validator.key["requestValidatorId"], apiKeyRequired=True, operationName="Op")
    method.apply(requestParameters={"method.request.header.A": False, "method.request.path.c": True}, requestModels={JSON: "Error", "text/plain": "Empty"})
    method.apply(authorizationType="CUSTOM", authorizerId=token.key["authorizerId"])
    method.apply(authorizationType="COGNITO_USER_POOLS", authorizerId=pool.key["authorizerId"], authorizationScopes=["a", "b"])
    method.apply(authorizationScopes=["b", "c"])
    method.apply(authorizationType="NONE", authorizerId=None, authorizationScopes=None, requestValidatorId=None, operationName=None,
                 requestModels=None, requestParameters=None, apiKeyRequired=False)

    method.destroy()
    for one in (token, pool, validator, model):
        one.destroy()


def test_method_response(make, method):
    response = make("method_response", **method.key, statusCode="200", responseModels={JSON: "Empty"}, responseParameters={"method.response.header.A": True})

    response.apply(responseModels={JSON: "Error", "text/plain": "Empty"}, responseParameters={"method.response.header.A": False, "method.response.header.B": True})
    response.apply(responseModels=None, responseParameters=None)

    response.destroy()


def test_integration_of_http_with_every_argument(make, method):
    link = make("vpc_link", name="link", targetArns=[NLB])
    method.apply(requestParameters={"method.request.querystring.a": True, "method.request.querystring.b": True})
    a, b = ("integration.request.querystring.a", "integration.request.querystring.b")
    integration = make("integration", **method.key, type="HTTP", integrationHttpMethod="POST", uri="http://upstream.example.test/a", credentials=ROLE,
                       requestTemplates={JSON: "$input.body", "text/plain": ""}, requestParameters={a: "method.request.querystring.a"},
                       cacheKeyParameters=["method.request.querystring.a"], cacheNamespace="pets", contentHandling="CONVERT_TO_TEXT", connectionType="INTERNET",
                       timeoutInMillis=5000, passthroughBehavior="NEVER", tlsConfig={"insecureSkipVerification": True})

    integration.apply(uri="https://upstream.example.test/b", requestTemplates={JSON: "{}", "application/xml": "<a/>"}, requestParameters={b: "'literal'"},
                      cacheKeyParameters=["method.request.querystring.b"], cacheNamespace="other", contentHandling="CONVERT_TO_BINARY", timeoutInMillis=29000,
                      tlsConfig={"insecureSkipVerification": False})
    integration.apply(connectionType="VPC_LINK", connectionId=link.key["vpcLinkId"], requestTemplates=None, requestParameters=None, cacheKeyParameters=None)
    integration.apply(contentHandling=None)

    integration.destroy()
    link.destroy()


def test_integration_of_a_function_and_a_mock(make, method):
    function = make("integration", **method.key, type="AWS_PROXY", integrationHttpMethod="POST", uri=LAMBDA, connectionType="INTERNET", timeoutInMillis=29000)
    function.apply(uri=LAMBDA.replace(":f/", ":g/"), timeoutInMillis=1000)
    function.destroy()

    mock = make("integration", **method.key, type="MOCK", connectionType="INTERNET", timeoutInMillis=29000, requestTemplates={JSON: '{"statusCode": 200}'})
    mock.apply(requestTemplates={JSON: '{"statusCode": 201}'})

    mock.destroy()


def test_integration_response(make, method):
    make("integration", **method.key, type="MOCK", connectionType="INTERNET", timeoutInMillis=29000)
    make("method_response", **method.key, statusCode="200", responseParameters={"method.response.header.A": True})
    response = make("integration_response", **method.key, statusCode="200", responseTemplates={JSON: "", "text/plain": "a"},
                    responseParameters={"method.response.header.A": "'a'"}, selectionPattern="2..")

    response.apply(responseTemplates={JSON: "$input.body"}, contentHandling="CONVERT_TO_TEXT")
    response.apply(responseTemplates={}, responseParameters={}, selectionPattern=None, contentHandling=None)

    response.destroy()


def test_deployment_and_stage(make, deployed):
    second = make("deployment", **of(deployed), description="two", variables={"from": "deployment"})
    version = make("documentation_version", **of(deployed), documentationVersion="1")
    certificate = make("client_certificate")
    stage = make("stage", tags={"a": "1"}, **deployed.key, stageName="prod", description="d", variables={"a": "1", "b": "2"}, cacheClusterEnabled=True, cacheClusterSize="0.5",
                 documentationVersion="1", tracingEnabled=True, clientCertificateId=certificate.key["clientCertificateId"], accessLogSettings={"destinationArn": LOGS, "format": "$context.requestId"},
                 canarySettings={"percentTraffic": 10.0, "deploymentId": deployed.key["deploymentId"], "stageVariableOverrides": {"a": "9"}, "useStageCache": True})

    deployed.apply(description="one")
    stage.apply(tags={"b": "2"}, description="other", variables={"b": "3", "c": "4"}, cacheClusterSize="1.6", tracingEnabled=False,
                canarySettings={"percentTraffic": 33.5, "stageVariableOverrides": {"b": "8"}, "useStageCache": False})
    stage.apply(accessLogSettings={"destinationArn": LOGS + "2", "format": "$context.requestId $context.status"}, clientCertificateId=None, documentationVersion=None)
    stage.apply(deploymentId=second.key["deploymentId"], canarySettings=None, accessLogSettings=None, variables=None, cacheClusterEnabled=False)
    second.apply(description="newer")

    deployed.destroy()
    stage.destroy()
    for one in (second, version, certificate):
        one.destroy()


@pytest.mark.parametrize("path", ["*/*", "test/GET", "~1/GET"])
def test_method_settings(make, deployed, path):
    stage = make("stage", **deployed.key, stageName="s")
    make.client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ROLE}])
    wanted = {"metricsEnabled": True, "loggingLevel": "INFO", "dataTraceEnabled": True, "throttlingBurstLimit": -1, "throttlingRateLimit": -1.0, "cachingEnabled": True,
              "cacheTtlInSeconds": 60, "cacheDataEncrypted": True, "requireAuthorizationForCacheControl": False,
              "unauthorizedCacheControlHeaderStrategy": "FAIL_WITH_403"}
    settings = lambda: stage.get()["methodSettings"].get(path)

    for change in (wanted, {"throttlingRateLimit": 10.5, "throttlingBurstLimit": 7, "loggingLevel": "OFF", "cachingEnabled": False}):
        wanted.update(change)
        stage.patch([{"op": "replace", "path": f"/{path}/{SETTINGS[name]}", "value": text(value)} for name, value in change.items()])
        assert settings() == wanted
    stage.patch([{"op": "remove", "path": f"/{path}"}])

    assert settings() is None
    with pytest.raises(ClientError, match="no method setting for this method"):
        stage.patch([{"op": "remove", "path": f"/{path}"}])


def test_authorizer(make, api):
    token = make("authorizer", **of(api), name="token", type="TOKEN", authorizerUri=LAMBDA, authorizerCredentials=ROLE, authorizerResultTtlInSeconds=300,
                 identitySource="method.request.header.Authorization", identityValidationExpression=".*")
    pool = make("authorizer", **of(api), name="pool", type="COGNITO_USER_POOLS", providerARNs=[POOL], authorizerResultTtlInSeconds=300,
                identitySource="method.request.header.Authorization")

    token.apply(name="renamed", authorizerUri=LAMBDA.replace(":f/", ":g/"), identitySource="method.request.header.X", authorizerResultTtlInSeconds=0,
                identityValidationExpression="a+", authorizerCredentials=ROLE + "2")
    token.apply(type="REQUEST", identitySource="method.request.header.X,method.request.querystring.y", identityValidationExpression=None)
    pool.apply(providerARNs=[POOL + "2", POOL + "3"])
    pool.patch([{"op": "replace", "path": "/authorizerCredentials", "value": ROLE}])

    token.destroy()
    pool.destroy()


def test_model_and_request_validator(make, api):
    model = make("model", **of(api), name="Pet", contentType=JSON, description="d", schema=json.dumps(SCHEMA))
    validator = make("request_validator", **of(api), name="v", validateRequestBody=False, validateRequestParameters=False)

    model.apply(description="", schema=json.dumps({**SCHEMA, "title": "t"}))
    validator.apply(name="w", validateRequestBody=True, validateRequestParameters=True)
    validator.apply(validateRequestBody=False)

    model.destroy()
    validator.destroy()


def test_gateway_response(make, api):
    response = make("gateway_response", **of(api), responseType="UNAUTHORIZED", statusCode="401", responseTemplates={JSON: "{}"},
                    responseParameters={"gatewayresponse.header.A": "'a'"})

    response.apply(statusCode="477", responseTemplates={JSON: '{"b": 1}', "text/plain": "t"}, responseParameters={"gatewayresponse.header.B": "'b'"})

    make.client.delete_gateway_response(**response.key)
    assert make.client.get_gateway_response(**response.key)["defaultResponse"] is True


def test_documentation(make, api):
    part = make("documentation_part", **of(api), location={"type": "METHOD", "path": "/pets", "method": "GET", "name": "", "statusCode": ""}, properties='{"a": 1}')
    whole = make("documentation_part", **of(api), location={"type": "API", "path": "", "method": "", "name": "", "statusCode": ""}, properties='{"b": 1}')
    version = make("documentation_version", **of(api), documentationVersion="1.0", description="d")

    part.apply(properties='{"a": 2}')
    version.apply(description="e")

    for one in (part, whole, version):
        one.destroy()


def test_api_key_usage_plan_and_their_link(make, deployed):
    stage, other = make("stage", **deployed.key, stageName="a"), make("stage", **deployed.key, stageName="b")
    key = make("api_key", tags={"a": "1"}, name=make.fresh("key"), description="Managed by Terraform", enabled=True, value="")
    api = of(deployed)["restApiId"]
    plan = make("usage_plan", tags={"a": "1"}, name="plan", description="d", productCode="code", quota={"limit": 10, "offset": 2, "period": "WEEK"},
                throttle={"rateLimit": 5.5, "burstLimit": 3}, apiStages=[{"apiId": api, "stage": "a", "throttle": {"/pets/GET": {"rateLimit": 1.5, "burstLimit": 2}}}])
    link = make("usage_plan_key", **plan.key, keyId=key.key["apiKey"], keyType="API_KEY")

    key.apply(enabled=False, description="other", tags={"b": "2"})
    plan.apply(name="renamed", description="", productCode="other", quota={"limit": 20, "offset": 0, "period": "MONTH"}, throttle={"rateLimit": 7.0, "burstLimit": 9}, tags={},
               apiStages=[{"apiId": api, "stage": "b", "throttle": {"/pets/GET": {"rateLimit": 3, "burstLimit": 4}, "//POST": {"rateLimit": 1, "burstLimit": 1}}}])
    plan.apply(productCode=None, quota=None, throttle=None, apiStages=[{"apiId": api, "stage": "a"}, {"apiId": api, "stage": "b"}])

    assert key.get()["value"] and link.get()["value"] == key.get()["value"]
    link.destroy()
    plan.apply(apiStages=None)
    for one in (plan, key, stage, other):
        one.destroy()


def test_domain_name_and_base_path_mapping(make, deployed):
    make("stage", **deployed.key, stageName="prod")
    edge = make("domain_name", tags={"a": "1"}, domainName="edge.example.test", certificateArn=CERTIFICATE)
    regional = make("domain_name", domainName="regional.example.test", regionalCertificateArn=CERTIFICATE, endpointConfiguration={"types": ["REGIONAL"]},
                    securityPolicy="TLS_1_2", mutualTlsAuthentication={"truststoreUri": "s3://trust/a.pem"}, ownershipVerificationCertificateArn=CERTIFICATE)
    api = of(deployed)["restApiId"]
    mapping = make("base_path_mapping", domainName="regional.example.test", restApiId=api, basePath="v1", stage="prod")

    edge.apply(certificateArn=CERTIFICATE + "2", securityPolicy="TLS_1_0", tags={"c": "3"})
    regional.apply(regionalCertificateArn=CERTIFICATE + "3", mutualTlsAuthentication={"truststoreUri": "s3://trust/b.pem", "truststoreVersion": "2"})
    regional.apply(mutualTlsAuthentication=None)
    mapping.apply(stage=None)
    mapping.apply(basePath="v2", stage="prod")
    whole = make("base_path_mapping", domainName="edge.example.test", restApiId=api, basePath="", stage="")
    whole.apply(stage="prod")

    assert edge.get()["distributionDomainName"] and regional.get()["regionalDomainName"] and regional.get()["regionalHostedZoneId"]
    for one in (whole, mapping, edge, regional):
        one.destroy()


def test_vpc_link_and_client_certificate(make):
    link = make("vpc_link", tags={"a": "1"}, name="link", targetArns=[NLB])
    certificate = make("client_certificate", tags={"a": "1"}, description="d")

    link.apply(name="renamed", description="d", tags={"b": "2"})
    certificate.apply(description="e", tags={"b": "2"})

    assert certificate.get()["pemEncodedCertificate"].startswith("-----BEGIN CERTIFICATE-----")
    link.destroy()
    certificate.destroy()


def test_account(make):
    change = lambda value: make.client.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": value}])

    change(ROLE)
    set_to = make.client.get_account()
    change("")

    assert set_to["cloudwatchRoleArn"] == ROLE and set_to["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0}
    assert not make.client.get_account().get("cloudwatchRoleArn")


def test_domain_name_access_association_is_refused_clearly(make):
    with pytest.raises(ClientError) as refused:
        make.client.create_domain_name_access_association(domainNameArn=f"arn:aws:apigateway:{REGION}:{ACCOUNT}:/domainnames/d.example.test+abc123",
                                                          accessAssociationSourceType="VPCE", accessAssociationSource="vpce-1")

    assert refused.value.response["Error"]["Code"] == "BadRequestException" and refused.value.response["Error"]["Message"]
