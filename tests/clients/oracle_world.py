"""An account with one of everything, made as it is needed, so that a missing operation fails only what rests on it."""
import json
from functools import cached_property

REGION, ACCOUNT = "us-east-1", "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}]}
SCHEMA = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "properties": {"name": {"type": "string"}}}
TAGS = {"team": "pets"}
JSON = "application/json"


def document(title="imported", path="/imported", warn=False):
    """An OpenAPI file with one operation; `warn` adds a value that is dropped with a warning (§5.3)."""
    integration = {"type": "http", "httpMethod": "GET", "uri": "http://upstream.example.test/", "responses": {"default": {"statusCode": "200"}}}
    if warn:
        integration["requestParameters"] = {"integration.request.header.X-Odd": True}
    return json.dumps({"openapi": "3.0.1", "info": {"title": title, "version": "1"}, "paths": {path: {"get": {
        "responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}}}}).encode()


def replace(path, value, op="replace"):
    return {"op": op, "path": path, "value": value}


class World:
    """`make` sends an operation, insists that it succeeds and notes the answer; properties are made once."""

    def __init__(self, wire, upstream, function):
        self.wire, self.upstream, self.serial, self.made = wire, upstream, 0, []
        self.function = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"

    def make(self, operation, **params):
        answer = self.wire(operation, **params)
        assert answer.status < 300, f"{operation}: {answer.status} {answer.text[:300]}"
        body = json.loads(answer.body) if answer.body else None
        self.made.append((operation, body))
        return body

    def fresh(self, stem):
        self.serial += 1
        return f"{stem}{self.serial}"

    def fresh_api(self, **how):
        return self.make("CreateRestApi", name=self.fresh("api"), **how)

    @cached_property
    def api(self):
        """What is deployed, with every member set."""
        return self.fresh_definition(description="everything", version="1.0", binaryMediaTypes=["image/png"], minimumCompressionSize=1024, tags=TAGS,
                                     endpointConfiguration={"types": ["REGIONAL"]}, policy=json.dumps(POLICY))

    @cached_property
    def draft(self):
        """What is never deployed, so that its methods may lack integrations."""
        return self.fresh_definition()

    def fresh_definition(self, **how):
        api = self.fresh_api(**how)
        return Definition(self, {"restApiId": api["id"]}, api["rootResourceId"])

    @property
    def of_api(self):
        return self.api.at

    def fresh_resource(self):
        return {**self.draft.at, "resourceId": self.make("CreateResource", **self.draft.at, parentId=self.draft.root, pathPart=self.fresh("r"))["id"]}

    def fresh_method(self):
        at = {**self.fresh_resource(), "httpMethod": "GET"}
        self.make("PutMethod", **at, authorizationType="NONE")
        return at

    def fresh_integration(self):
        at = self.fresh_method()
        self.make("PutIntegration", **at, **self.mock)
        self.make("PutMethodResponse", **at, statusCode="200", responseParameters={"method.response.header.X-From": False})
        return at

    mock = {"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}}

    @cached_property
    def pets(self):
        return {**self.of_api, "resourceId": self.make("CreateResource", **self.of_api, parentId=self.api.root, pathPart="pets")["id"]}

    @cached_property
    def method(self):
        """`POST /pets` with every field, an HTTP integration with every field, and both kinds of responses."""
        at = {**self.pets, "httpMethod": "POST"}
        self.make("PutMethod", **at, **self.api.full_method())
        self.make("PutIntegration", **at, **self.full_integration())
        self.make("PutMethodResponse", **at, statusCode="200", **self.api.full_method_response())
        self.make("PutIntegrationResponse", **at, statusCode="200", **self.full_integration_response)
        return at

    def full_integration(self, link=False):
        network = dict(connectionType="VPC_LINK", connectionId=self.link) if link else dict(connectionType="INTERNET")
        return dict(type="HTTP", integrationHttpMethod="POST", uri=f"http://{self.upstream}/pets", credentials=ROLE, timeoutInMillis=5000, **network,
                    requestParameters={"integration.request.querystring.kind": "method.request.querystring.kind"},
                    requestTemplates={JSON: "$input.json('$')"}, passthroughBehavior="NEVER", contentHandling="CONVERT_TO_TEXT",
                    cacheNamespace="pets", cacheKeyParameters=["method.request.querystring.kind"], tlsConfig={"insecureSkipVerification": True})

    full_integration_response = dict(selectionPattern="2\\d\\d", responseTemplates={JSON: "$input.json('$')"}, contentHandling="CONVERT_TO_TEXT",
                                     responseParameters={"method.response.header.X-From": "integration.response.header.X-From"})

    @cached_property
    def open_method(self):
        """`GET /pets`, a proxy to the upstream; what the deployments serve."""
        at = {**self.pets, "httpMethod": "GET"}
        self.make("PutMethod", **at, authorizationType="NONE")
        self.make("PutIntegration", **at, type="HTTP_PROXY", integrationHttpMethod="GET", uri=f"http://{self.upstream}/pets")
        return at

    def full_authorizer(self):
        return dict(type="TOKEN", authType="custom", authorizerUri=self.function, identitySource="method.request.header.Authorization",
                    identityValidationExpression=".*", authorizerResultTtlInSeconds=60, authorizerCredentials=ROLE)

    def fresh_part(self):
        made = self.make("CreateDocumentationPart", **self.of_api, location={"type": "METHOD", "path": f"/{self.fresh('d')}", "method": "GET"}, properties='{"a": 1}')
        return {**self.of_api, "documentationPartId": made["id"]}

    def fresh_doc_version(self):
        name = self.fresh("v")
        self.make("CreateDocumentationVersion", **self.of_api, documentationVersion=name, description="as of today")
        return {**self.of_api, "documentationVersion": name}

    @cached_property
    def part(self):
        return self.fresh_part()

    @cached_property
    def doc_version(self):
        self.part
        return self.fresh_doc_version()

    @cached_property
    def gateway_response(self):
        at = {**self.of_api, "responseType": "THROTTLED"}
        self.make("PutGatewayResponse", **at, statusCode="429", responseParameters={"gatewayresponse.header.X-Why": "'busy'"}, responseTemplates={JSON: "{}"})
        return at

    def fresh_deployment(self):
        self.open_method
        return {**self.of_api, "deploymentId": self.make("CreateDeployment", **self.of_api, description="a deployment")["id"]}

    @cached_property
    def deployment(self):
        return self.fresh_deployment()

    def fresh_stage(self, **how):
        name = self.fresh("stage")
        self.make("CreateStage", **self.deployment, stageName=name, **how)
        return {**self.of_api, "stageName": name}

    def full_stage(self):
        return dict(description="full", cacheClusterEnabled=True, cacheClusterSize="0.5", variables={"a": "b"}, tracingEnabled=True, tags=TAGS,
                    documentationVersion=self.doc_version["documentationVersion"],
                    canarySettings={"percentTraffic": 10, "deploymentId": self.deployment["deploymentId"], "useStageCache": True,
                                    "stageVariableOverrides": {"a": "c"}})

    @cached_property
    def stage(self):
        """A stage every member of which is set."""
        at = self.fresh_stage(**self.full_stage())
        self.make("UpdateAccount", patchOperations=[replace("/cloudwatchRoleArn", ROLE)])
        self.make("UpdateStage", **at, patchOperations=self.stage_patches())
        return at

    def stage_patches(self):
        return [replace("/*/*/throttling/rateLimit", "10.5"), replace("/*/*/logging/loglevel", "INFO"), replace("/clientCertificateId", self.certificate["clientCertificateId"]),
                replace("/accessLogSettings/destinationArn", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:access"), replace("/accessLogSettings/format", "$context.requestId")]

    @cached_property
    def key(self):
        return self.fresh_key()

    def fresh_key(self):
        return {"apiKey": self.make("CreateApiKey", name=self.fresh("key"), description="a key", enabled=True, tags=TAGS, customerId="c1")["id"]}

    def full_plan(self):
        stage = {"apiId": self.api.at["restApiId"], "stage": self.stage["stageName"], "throttle": {"/pets/GET": {"rateLimit": 1.5, "burstLimit": 2}}}
        return dict(description="a plan", apiStages=[stage], throttle={"rateLimit": 10, "burstLimit": 20}, tags=TAGS,
                    quota={"limit": 100, "offset": 0, "period": "MONTH"})

    @cached_property
    def plan(self):
        """A usage plan every member of which is set, with the key in it."""
        plan = {"usagePlanId": self.make("CreateUsagePlan", name=self.fresh("plan"), **self.full_plan())["id"]}
        self.make("UpdateUsagePlan", **plan, patchOperations=[replace("/productCode", "p1")])
        self.make("CreateUsagePlanKey", **plan, keyId=self.key["apiKey"], keyType="API_KEY")
        return plan

    def fresh_plan(self):
        return {"usagePlanId": self.make("CreateUsagePlan", name=self.fresh("plan"))["id"]}

    def fresh_plan_key(self):
        at = {"keyId": self.fresh_key()["apiKey"], **self.fresh_plan()}
        self.make("CreateUsagePlanKey", **at, keyType="API_KEY")
        return at

    @property
    def plan_key(self):
        return {**self.plan, "keyId": self.key["apiKey"]}

    full_domain = dict(regionalCertificateArn=CERTIFICATE, regionalCertificateName="mine", endpointConfiguration={"types": ["REGIONAL"]}, tags=TAGS,
                       securityPolicy="TLS_1_2", mutualTlsAuthentication={"truststoreUri": "s3://trust/store.pem", "truststoreVersion": "v1"},
                       ownershipVerificationCertificateArn=CERTIFICATE, routingMode="BASE_PATH_MAPPING_ONLY")

    def fresh_domain(self):
        name = f"{self.fresh('d')}.example.test"
        self.make("CreateDomainName", domainName=name, **self.full_domain)
        return {"domainName": name}

    @cached_property
    def domain(self):
        return self.fresh_domain()

    def fresh_mapping(self):
        at = {**self.domain, "basePath": self.fresh("base")}
        self.make("CreateBasePathMapping", **at, **self.of_api, stage=self.stage["stageName"])
        return at

    @cached_property
    def mapping(self):
        return self.fresh_mapping()

    @cached_property
    def link(self):
        return self.fresh_link()["vpcLinkId"]

    def fresh_link(self):
        return {"vpcLinkId": self.make("CreateVpcLink", name=self.fresh("link"), **self.full_link)["id"]}

    full_link = dict(description="a link", targetArns=[f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/nlb/50dc6c495c0c9188"], tags=TAGS)

    def fresh_certificate(self):
        return {"clientCertificateId": self.make("GenerateClientCertificate", description="a certificate", tags=TAGS)["clientCertificateId"]}

    @cached_property
    def certificate(self):
        return self.fresh_certificate()

    @property
    def arn(self):
        return f"arn:aws:apigateway:{REGION}::/restapis/{self.api.at['restApiId']}"


class Definition:
    """An API and what its methods refer to."""

    def __init__(self, world, at, root):
        self.world, self.at, self.root = world, at, root

    @cached_property
    def authorizer(self):
        return self.fresh_authorizer()["authorizerId"]

    @cached_property
    def model(self):
        return self.fresh_model()["modelName"]

    @cached_property
    def validator(self):
        return self.fresh_validator()["requestValidatorId"]

    def fresh_authorizer(self):
        return {**self.at, "authorizerId": self.world.make("CreateAuthorizer", **self.at, name=self.world.fresh("a"), **self.world.full_authorizer())["id"]}

    def fresh_model(self):
        name = self.world.fresh("Model")
        self.world.make("CreateModel", **self.at, name=name, contentType=JSON, description="a pet", schema=json.dumps(SCHEMA))
        return {**self.at, "modelName": name}

    def fresh_validator(self):
        made = self.world.make("CreateRequestValidator", **self.at, name=self.world.fresh("v"), validateRequestBody=True)
        return {**self.at, "requestValidatorId": made["id"]}

    def full_method(self):
        return dict(authorizationType="CUSTOM", authorizerId=self.authorizer, apiKeyRequired=True, operationName="AddPet",
                    requestValidatorId=self.validator, requestModels={JSON: self.model},
                    requestParameters={"method.request.querystring.kind": True})

    def full_method_response(self):
        return dict(responseParameters={"method.response.header.X-From": True}, responseModels={JSON: self.model})
