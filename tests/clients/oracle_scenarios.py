"""One row per operation: the parameters of a live call in `World` (a list of them where variants differ in what they answer)."""
import datetime
import json

from oracle_world import CERTIFICATE, JSON, POLICY, REGION, ROLE, SCHEMA, TAGS, document, replace

DAY = datetime.date.today().isoformat()
COGNITO = f"arn:aws:cognito-idp:{REGION}:000000000000:userpool/{REGION}_pool"
ASSOCIATION = f"arn:aws:apigateway:{REGION}:000000000000:/domainnameaccessassociations/domainname/d.example.test+abc123/vpcesource/vpce-1"
PARTS = json.dumps({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": {},
                    "x-amazon-apigateway-documentation": {"version": "1", "documentationParts": [
                        {"location": {"type": "API"}, "properties": {"description": "all"}}]}}).encode()
JWT = {"issuers": [{"issuer": "https://issuer.example.test", "audiences": ["pets"], "additionalClaims": [
    {"claimName": "kind", "format": "SINGLE_STRING", "required": True, "expectedValues": ["cat"]}]}], "defaultAlgorithms": ["RS256"]}


def keys():
    return b"Name,key,description,Enabled,usageplanIds\nimported,abcdefghijklmnopqrstuvwxyz012345,by file,true,\n"


def patch(at, *operations):
    return {**at, "patchOperations": list(operations)}


SCENARIOS = {
    "CreateRestApi": lambda w: [
        dict(name="full", description="d", version="2", binaryMediaTypes=["a/b"], minimumCompressionSize=0, apiKeySource="AUTHORIZER", tags=TAGS,
             endpointConfiguration={"types": ["REGIONAL"], "ipAddressType": "dualstack"}, disableExecuteApiEndpoint=True,
             policy=json.dumps(POLICY), securityPolicy="SecurityPolicy_TLS13_1_2_2021_06", endpointAccessMode="STRICT"),
        dict(name="private", endpointConfiguration={"types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1"]}),
        dict(name="bare"), dict(name="clone", cloneFrom=w.method["restApiId"])],
    "ImportRestApi": lambda w: [dict(body=document()), dict(body=document(warn=True), parameters={"endpointConfigurationTypes": "REGIONAL"})],
    "PutRestApi": lambda w: dict(restApiId=w.fresh_api()["id"], mode="overwrite", body=document(warn=True)),
    "GetRestApi": lambda w: w.of_api,
    "GetRestApis": lambda w: [dict(limit=1) if w.api and w.fresh_api() else None, dict(limit=500)],
    "UpdateRestApi": lambda w: patch(w.of_api, replace("/name", "everything")),
    "DeleteRestApi": lambda w: dict(restApiId=w.fresh_api()["id"]),
    "CreateResource": lambda w: dict(**w.of_api, parentId=w.api.root, pathPart=w.fresh("c")),
    "GetResource": lambda w: [dict(**w.pets, embed=["methods"]) if w.method else None, w.pets],
    "GetResources": lambda w: dict(**w.of_api, limit=1, embed=["methods"]) if w.method else None,
    "UpdateResource": lambda w: patch(w.fresh_resource(), replace("/pathPart", w.fresh("moved"))),
    "DeleteResource": lambda w: w.fresh_resource(),
    "PutMethod": lambda w: [dict(**w.fresh_resource(), httpMethod="GET", **w.draft.full_method()),
                            dict(**w.fresh_resource(), httpMethod="GET", authorizationType="COGNITO_USER_POOLS", authorizationScopes=["read"],
                                 authorizerId=w.make("CreateAuthorizer", **w.draft.at, name=w.fresh("pool"), type="COGNITO_USER_POOLS",
                                                     providerARNs=[COGNITO], identitySource="method.request.header.Authorization")["id"])],
    "GetMethod": lambda w: w.method,
    "UpdateMethod": lambda w: patch(w.fresh_method(), replace("/apiKeyRequired", "true")),
    "DeleteMethod": lambda w: w.fresh_method(),
    "TestInvokeMethod": lambda w: dict(**w.open_method, pathWithQueryString="/pets?kind=cat", headers={"X-A": "b"}),
    "PutMethodResponse": lambda w: dict(**w.fresh_method(), statusCode="200", **w.draft.full_method_response()),
    "GetMethodResponse": lambda w: dict(**w.method, statusCode="200"),
    "UpdateMethodResponse": lambda w: dict(patch(w.fresh_integration(), replace("/responseParameters/method.response.header.X-B", "true", "add")), statusCode="200"),
    "DeleteMethodResponse": lambda w: dict(**w.fresh_integration(), statusCode="200"),
    "PutIntegration": lambda w: [dict(**w.fresh_method(), **w.full_integration()), dict(**w.fresh_method(), **w.full_integration(link=True)),
                                 dict(**w.fresh_method(), **streamed(w)), dict(**w.fresh_method(), **w.mock)],
    "GetIntegration": lambda w: w.method,
    "UpdateIntegration": lambda w: patch(w.fresh_integration(), replace("/timeoutInMillis", "3000")),
    "DeleteIntegration": lambda w: w.fresh_integration(),
    "PutIntegrationResponse": lambda w: dict(**w.fresh_integration(), statusCode="200", **w.full_integration_response),
    "GetIntegrationResponse": lambda w: dict(**w.method, statusCode="200"),
    "UpdateIntegrationResponse": lambda w: dict(patch(w.method, replace("/contentHandling", "CONVERT_TO_TEXT")), statusCode="200"),
    "DeleteIntegrationResponse": lambda w: dict(**integration_response(w), statusCode="200"),
    "CreateDeployment": lambda w: dict(w.of_api, description="d", stageName=w.fresh("s"), stageDescription="s", variables={"a": "b"},
                                       tracingEnabled=True, cacheClusterEnabled=False) if w.open_method else None,
    "GetDeployment": lambda w: dict(**w.deployment, embed=["apisummary"]),
    "GetDeployments": lambda w: dict(**w.of_api, limit=1) if w.deployment and w.fresh_deployment() else None,
    "UpdateDeployment": lambda w: patch(w.deployment, replace("/description", "changed")),
    "DeleteDeployment": lambda w: w.fresh_deployment(),
    "CreateStage": lambda w: dict(**w.deployment, stageName=w.fresh("s"), **w.full_stage()),
    "GetStage": lambda w: w.stage,
    "GetStages": lambda w: w.deployment if w.stage else None,
    "UpdateStage": lambda w: patch(w.fresh_stage(), *w.stage_patches()) if w.stage else None,
    "DeleteStage": lambda w: w.fresh_stage(),
    "FlushStageCache": lambda w: w.stage,
    "FlushStageAuthorizersCache": lambda w: w.stage,
    "GetExport": lambda w: dict(**w.stage, exportType="oas30", parameters={"extensions": "integrations"}, accepts=JSON),
    "GetSdk": lambda w: dict(**w.stage, sdkType="javascript"),
    "CreateAuthorizer": lambda w: [
        dict(**w.of_api, name=w.fresh("a"), **w.full_authorizer()),
        dict(**w.of_api, name=w.fresh("a"), type="COGNITO_USER_POOLS", providerARNs=[COGNITO], identitySource="method.request.header.Authorization"),
        dict(**w.of_api, name=w.fresh("a"), type="JWT", identitySource="method.request.header.Authorization", jwtConfiguration=JWT)],
    "GetAuthorizer": lambda w: dict(**w.of_api, authorizerId=w.api.authorizer),
    "GetAuthorizers": lambda w: dict(**w.of_api, limit=1) if w.api.authorizer and w.api.fresh_authorizer() else None,
    "UpdateAuthorizer": lambda w: patch(w.api.fresh_authorizer(), replace("/authorizerResultTtlInSeconds", "30")),
    "DeleteAuthorizer": lambda w: w.api.fresh_authorizer(),
    "TestInvokeAuthorizer": lambda w: dict(**w.of_api, authorizerId=w.api.authorizer, headers={"Authorization": "allow"}),
    "CreateModel": lambda w: dict(**w.of_api, name=w.fresh("M"), contentType=JSON, description="m", schema=json.dumps(SCHEMA)),
    "GetModel": lambda w: [dict(**w.of_api, modelName=w.api.model), dict(**w.of_api, modelName=w.api.model, flatten=True)],
    "GetModels": lambda w: dict(**w.of_api, limit=1) if w.api.model else None,
    "GetModelTemplate": lambda w: dict(**w.of_api, modelName=w.api.model),
    "UpdateModel": lambda w: patch(w.api.fresh_model(), replace("/description", "changed")),
    "DeleteModel": lambda w: w.api.fresh_model(),
    "CreateRequestValidator": lambda w: dict(**w.of_api, name=w.fresh("v"), validateRequestBody=True, validateRequestParameters=True),
    "GetRequestValidator": lambda w: dict(**w.of_api, requestValidatorId=w.api.validator),
    "GetRequestValidators": lambda w: dict(**w.of_api, limit=1) if w.api.validator and w.api.fresh_validator() else None,
    "UpdateRequestValidator": lambda w: patch(w.api.fresh_validator(), replace("/name", "changed")),
    "DeleteRequestValidator": lambda w: w.api.fresh_validator(),
    "PutGatewayResponse": lambda w: dict(**w.of_api, responseType="ACCESS_DENIED", statusCode="403", responseTemplates={JSON: "{}"},
                                         responseParameters={"gatewayresponse.header.X-Why": "'no'"}),
    "GetGatewayResponse": lambda w: [w.gateway_response, dict(**w.of_api, responseType="DEFAULT_4XX")],
    "GetGatewayResponses": lambda w: [w.of_api, dict(**w.of_api, limit=2)],
    "UpdateGatewayResponse": lambda w: patch(dict(**w.of_api, responseType="UNAUTHORIZED"), replace("/statusCode", "401")),
    "DeleteGatewayResponse": lambda w: w.gateway_response,
    "CreateDocumentationPart": lambda w: dict(**w.of_api, properties='{"a": 1}', location={
        "type": "RESPONSE_HEADER", "path": "/pets", "method": "GET", "statusCode": "200", "name": w.fresh("X")}),
    "GetDocumentationPart": lambda w: w.part,
    "GetDocumentationParts": lambda w: dict(**w.of_api, limit=1) if w.part and w.fresh_part() else None,
    "ImportDocumentationParts": lambda w: dict(restApiId=w.fresh_api()["id"], mode="overwrite", body=PARTS),
    "UpdateDocumentationPart": lambda w: patch(w.part, replace("/properties", '{"a": 2}')),
    "DeleteDocumentationPart": lambda w: w.fresh_part(),
    "CreateDocumentationVersion": lambda w: dict(**w.of_api, documentationVersion=w.fresh("v"), description="d", stageName=w.stage["stageName"]),
    "GetDocumentationVersion": lambda w: w.doc_version,
    "GetDocumentationVersions": lambda w: dict(**w.of_api, limit=1) if w.doc_version and w.fresh_doc_version() else None,
    "UpdateDocumentationVersion": lambda w: patch(w.doc_version, replace("/description", "changed")),
    "DeleteDocumentationVersion": lambda w: w.fresh_doc_version(),
    "CreateApiKey": lambda w: dict(name=w.fresh("key"), description="d", enabled=True, value=w.fresh("a" * 20 + "v"), customerId="c", tags=TAGS,
                                   generateDistinctId=True, stageKeys=[{"restApiId": w.api.at["restApiId"], "stageName": w.stage["stageName"]}]),
    "ImportApiKeys": lambda w: dict(body=keys(), format="csv"),
    "GetApiKey": lambda w: dict(**w.key, includeValue=True),
    "GetApiKeys": lambda w: dict(limit=1, includeValues=True) if w.key and w.fresh_key() else None,
    "UpdateApiKey": lambda w: patch(w.key, replace("/description", "changed")),
    "DeleteApiKey": lambda w: w.fresh_key(),
    "CreateUsagePlan": lambda w: [dict(name=w.fresh("plan"), **w.full_plan()), dict(name=w.fresh("bare"))],
    "GetUsagePlan": lambda w: w.plan,
    "GetUsagePlans": lambda w: [dict(limit=1) if w.plan and w.fresh_plan() else None, dict(keyId=w.key["apiKey"])],
    "UpdateUsagePlan": lambda w: patch(w.plan, replace("/throttle/rateLimit", "7")),
    "DeleteUsagePlan": lambda w: w.fresh_plan(),
    "CreateUsagePlanKey": lambda w: dict(**w.fresh_plan(), keyId=w.fresh_key()["apiKey"], keyType="API_KEY"),
    "GetUsagePlanKey": lambda w: w.plan_key,
    "GetUsagePlanKeys": lambda w: dict(plan_of_two_keys(w), limit=1),
    "DeleteUsagePlanKey": lambda w: w.fresh_plan_key(),
    "GetUsage": lambda w: dict(plan_of_two_keys(w), startDate=DAY, endDate=DAY, limit=1),
    "UpdateUsage": lambda w: patch(w.plan_key, replace("/remaining", "50")),
    "CreateDomainName": lambda w: [
        dict(domainName=f"{w.fresh('r')}.example.test", **w.full_domain),
        dict(domainName=f"{w.fresh('e')}.example.test", certificateArn=CERTIFICATE, certificateName="mine", endpointConfiguration={"types": ["EDGE"]},
             endpointAccessMode="BASIC"),
        dict(domainName=f"{w.fresh('p')}.example.test", certificateArn=CERTIFICATE, endpointConfiguration={"types": ["PRIVATE"]}, policy=json.dumps(POLICY))],
    "GetDomainName": lambda w: w.domain,
    "GetDomainNames": lambda w: dict(limit=1) if w.domain and w.fresh_domain() else None,
    "UpdateDomainName": lambda w: [patch(w.domain, replace("/securityPolicy", "TLS_1_2")), patch(private_domain(w), replace("/managementPolicy", json.dumps(POLICY)))],
    "DeleteDomainName": lambda w: w.fresh_domain(),
    "CreateBasePathMapping": lambda w: [dict(**w.domain, **w.of_api, basePath=w.fresh("b"), stage=w.stage["stageName"]), dict(**w.fresh_domain(), **w.of_api)],
    "GetBasePathMapping": lambda w: w.mapping,
    "GetBasePathMappings": lambda w: dict(**w.domain, limit=1) if w.mapping and w.fresh_mapping() else None,
    "UpdateBasePathMapping": lambda w: patch(w.mapping, replace("/stage", w.stage["stageName"])),
    "DeleteBasePathMapping": lambda w: w.fresh_mapping(),
    "CreateDomainNameAccessAssociation": lambda w: dict(domainNameArn=f"arn:aws:apigateway:{REGION}:000000000000:/domainnames/d.example.test+abc123",
                                                        accessAssociationSourceType="VPCE", accessAssociationSource="vpce-1"),
    "GetDomainNameAccessAssociations": lambda w: dict(limit=1),
    "DeleteDomainNameAccessAssociation": lambda w: dict(domainNameAccessAssociationArn=ASSOCIATION),
    "RejectDomainNameAccessAssociation": lambda w: dict(domainNameAccessAssociationArn=ASSOCIATION, domainNameArn="arn:aws:apigateway:us-east-1:000000000000:/domainnames/d"),
    "CreateVpcLink": lambda w: dict(name=w.fresh("link"), **w.full_link),
    "GetVpcLink": lambda w: dict(vpcLinkId=w.link),
    "GetVpcLinks": lambda w: dict(limit=1) if w.link and w.fresh_link() else None,
    "UpdateVpcLink": lambda w: patch(dict(vpcLinkId=w.link), replace("/name", "changed")),
    "DeleteVpcLink": lambda w: w.fresh_link(),
    "GenerateClientCertificate": lambda w: dict(description="d", tags=TAGS),
    "GetClientCertificate": lambda w: w.certificate,
    "GetClientCertificates": lambda w: dict(limit=1) if w.certificate and w.fresh_certificate() else None,
    "UpdateClientCertificate": lambda w: patch(w.certificate, replace("/description", "changed")),
    "DeleteClientCertificate": lambda w: w.fresh_certificate(),
    "GetAccount": lambda w: {},
    "UpdateAccount": lambda w: patch({}, replace("/cloudwatchRoleArn", ROLE)),
    "TagResource": lambda w: dict(resourceArn=w.arn, tags={"more": "tags"}),
    "UntagResource": lambda w: dict(resourceArn=w.arn, tagKeys=["more", "absent"]),
    "GetTags": lambda w: dict(resourceArn=w.arn),
    "GetSdkType": lambda w: dict(id="javascript"),
    "GetSdkTypes": lambda w: [{}, dict(limit=1)],
}


def integration_response(w):
    at = w.fresh_integration()
    w.make("PutIntegrationResponse", **at, statusCode="200")
    return at


def private_domain(w):
    made = w.make("CreateDomainName", domainName=f"{w.fresh('p')}.example.test", certificateArn=CERTIFICATE, endpointConfiguration={"types": ["PRIVATE"]})
    return {"domainName": made["domainName"], "domainNameId": made["domainNameId"]}


def streamed(w):
    balancer = f"arn:aws:elasticloadbalancing:{REGION}:000000000000:loadbalancer/app/alb/50dc6c495c0c9188"
    return dict(type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://upstream.example.test/", connectionType="VPC_LINK", connectionId=w.link,
                responseTransferMode="STREAM", integrationTarget=balancer)


def plan_of_two_keys(w):
    at = w.fresh_plan()
    for _ in range(2):
        w.make("CreateUsagePlanKey", **at, keyId=w.fresh_key()["apiKey"], keyType="API_KEY")
    return at


#: Operations that Stagecoach refuses whatever is asked: the domains of a virtual private cloud it does not have.
REFUSED = {f"{verb}DomainNameAccessAssociation" for verb in ("Create", "Delete", "Reject")}

#: And whose list therefore is empty.
EMPTY = {"GetDomainNameAccessAssociations"}

#: A label that names nothing, by member.
UNKNOWN = {"httpMethod": "PATCH", "statusCode": "599", "responseType": "THROTTLED", "exportType": "pdf", "sdkType": "cobol", "domainName": "nope.example.test",
           "resourceArn": f"arn:aws:apigateway:{REGION}::/restapis/nope00nope", "domainNameAccessAssociationArn": ASSOCIATION}

#: What is wrong where no label can be.
WRONG = {
    "CreateRestApi": dict(name="x", cloneFrom="nope00nope"), "ImportRestApi": dict(body=b"no document"), "CreateApiKey": dict(name="x", value="short"),
    "ImportApiKeys": dict(body=b"no,header\n", format="csv"), "CreateUsagePlan": dict(name="x", apiStages=[{"apiId": "nope00nope", "stage": "nope"}]),
    "CreateDomainName": dict(domainName=""), "CreateVpcLink": dict(name="x", targetArns=["no arn"]), "UpdateAccount": patch({}, replace("/nowhere", "x")),
}

#: Nothing that these take can be wrong by itself.
INFALLIBLE = {"GetAccount", "GenerateClientCertificate"}

#: Answers 200 with an empty list for an unknown plan (§3.13, recorded).
TOLERANT = {"GetUsagePlanKeys"}
