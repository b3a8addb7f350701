"""The published service model as an oracle: calls are spelled by it, and raw answers are held against it, byte for byte."""
import json

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import create_request_object, prepare_request_dict
from botocore.credentials import Credentials
from botocore.serialize import create_serializer
from conftest import call

MODEL = botocore.session.get_session().get_service_model("apigateway", api_version="2015-07-09")

#: Members that AWS gives whenever it gives the shape, §3 (the model itself requires nothing of answers).
ALWAYS = {shape: words.split() for shape, words in {
    "RestApi": "id name createdDate apiKeySource endpointConfiguration disableExecuteApiEndpoint rootResourceId apiStatus",
    "EndpointConfiguration": "types ipAddressType", "Resource": "id path", "Method": "httpMethod authorizationType apiKeyRequired",
    "MethodResponse": "statusCode", "IntegrationResponse": "statusCode", "TlsConfig": "insecureSkipVerification",
    "Integration": "type timeoutInMillis passthroughBehavior cacheNamespace cacheKeyParameters",
    "Deployment": "id createdDate", "MethodSnapshot": "authorizationType apiKeyRequired",
    "Stage": "stageName deploymentId cacheClusterEnabled cacheClusterStatus methodSettings tracingEnabled createdDate lastUpdatedDate",
    "MethodSetting": "metricsEnabled dataTraceEnabled throttlingBurstLimit throttlingRateLimit cachingEnabled cacheTtlInSeconds cacheDataEncrypted "
                     "requireAuthorizationForCacheControl unauthorizedCacheControlHeaderStrategy",
    "CanarySettings": "percentTraffic deploymentId useStageCache", "AccessLogSettings": "", "Authorizer": "id name type",
    "Model": "id name contentType schema", "Template": "value", "RequestValidator": "id validateRequestBody validateRequestParameters",
    "GatewayResponse": "responseType responseParameters responseTemplates defaultResponse",
    "DocumentationPart": "id location properties", "DocumentationPartLocation": "type", "DocumentationPartIds": "ids",
    "DocumentationVersion": "version createdDate", "ApiKey": "id enabled createdDate lastUpdatedDate stageKeys", "ApiKeyIds": "ids",
    "UsagePlan": "id name apiStages", "ApiStage": "apiId stage", "QuotaSettings": "limit offset period", "UsagePlanKey": "id type name value",
    "Usage": "usagePlanId startDate endDate items", "DomainName": "domainName endpointConfiguration domainNameStatus securityPolicy routingMode",
    "MutualTlsAuthentication": "truststoreUri", "BasePathMapping": "basePath restApiId", "VpcLink": "id name targetArns status",
    "ClientCertificate": "clientCertificateId pemEncodedCertificate createdDate expirationDate",
    "Account": "throttleSettings features apiKeyVersion", "Tags": "tags", "SdkType": "id friendlyName description",
    "SdkConfigurationProperty": "name friendlyName description required", "ExportResponse": "contentType contentDisposition body",
    "SdkResponse": "contentType contentDisposition body", "TestInvokeMethodResponse": "status log latency headers multiValueHeaders body",
    "TestInvokeAuthorizerResponse": "clientStatus log latency",
}.items()}


class Wire:
    """Sends operations as SDKs spell them, signed, and gives the raw answer."""

    def __init__(self, endpoint, region="us-east-1", model=MODEL):
        self.endpoint, self.region, self.model = endpoint, region, model
        self.serializer = create_serializer(model.metadata["protocol"], include_validation=False)
        self.credentials = Credentials("test", "test")

    def __call__(self, operation, **params):
        request = self.serializer.serialize_to_request(params, self.model.operation_model(operation))
        request.update(context={})
        request["headers"] = {"Accept": "application/json", **request["headers"]}
        prepare_request_dict(request, self.endpoint)
        signed = create_request_object(request)
        SigV4Auth(self.credentials, self.model.signing_name, self.region).add_auth(signed)
        ready = signed.prepare()
        body = ready.body.encode() if isinstance(ready.body, str) else ready.body
        return call(ready.url, method=ready.method, body=body or None, headers=dict(ready.headers.items()), timeout=30)


def once(pairs):
    """A JSON object none of whose members is given twice."""
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), f"a member is given twice: {names}"
    return dict(pairs)


class Judge:
    """Holds answers against output shapes; `seen` collects every (shape, member) that was emitted."""

    def __init__(self, model=MODEL, always=ALWAYS):
        self.model, self.always, self.seen = model, always, set()

    def success(self, operation, answer):
        """What is wrong with a successful answer to `operation`, as a list of texts."""
        expected = self.model.operation_model(operation).http.get("responseCode", 200)
        if answer.status != expected:
            return [f"status {answer.status}, not {expected}: {answer.text[:300]}"]
        shape = self.model.operation_model(operation).output_shape
        faults = [] if answer.headers["x-amzn-requestid"] else ["no x-amzn-RequestId"]
        if shape is None:
            return faults + ([f"a body: {answer.body[:80]}"] if answer.body not in (b"", b"{}") else [])
        if "payload" in shape.serialization:
            return faults + self._payload(shape, answer)
        if answer.headers.get_content_type() != "application/json":
            faults.append(f"content type {answer.headers['content-type']}")
        try:
            body = json.loads(answer.body, object_pairs_hook=once)
        except (ValueError, AssertionError) as error:
            return faults + [f"not JSON: {error}: {answer.body[:80]}"]
        return faults + self._value(shape, body, "$")

    def echo(self, operation, params, answer):
        """What a creating `operation` was given and does not answer as it was given."""
        if not operation.startswith(("Create", "Put", "Generate")) or answer.status >= 300:
            return []
        body, model = json.loads(answer.body), self.model.operation_model(operation)
        members = {member.serialization.get("name", name) for name, member in model.output_shape.members.items()}
        given = {}
        for name, member in model.input_shape.members.items():
            wire = member.serialization.get("name", name)
            if name in params and wire in members and member.serialization.get("location") is None and name not in CHANGED:
                given[wire] = params[name]
        return [f"$.{name}: {body.get(name)!r}, not {value!r}" for name, value in given.items() if not holds(body.get(name), value)]

    def failure(self, operation, answer):
        """What is wrong with a refusal: it must be an error that the model lists for `operation`, in AWS's form."""
        modelled = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in self.model.operation_model(operation).error_shapes}
        code = answer.headers.get("x-amzn-errortype", "").split(":")[0]
        if modelled.get(code) != answer.status:
            return [f"{code or 'no x-amzn-ErrorType'} with status {answer.status} is not modelled: {answer.text[:200]}"]
        try:
            message = json.loads(answer.body, object_pairs_hook=once)["message"]
        except (ValueError, KeyError, AssertionError) as error:
            return [f"not an error body: {error!r}: {answer.body[:80]}"]
        return [] if isinstance(message, str) and message else [f"message {message!r}"]

    def _payload(self, shape, answer):
        faults = []
        for name, member in shape.members.items():
            place = member.serialization.get("location")
            value = answer.headers.get(member.serialization["name"]) if place == "header" else answer.body
            if value:
                self.seen.add((shape.name, name))
            elif name in self.always.get(shape.name, []):
                faults.append(f"no {name}")
        return faults

    def _value(self, shape, value, at):
        return getattr(self, f"_{shape.type_name}", self._scalar)(shape, value, at)

    def _structure(self, shape, value, at):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is not an object"]
        if shape.name == "Method" and value == {}:
            return []  # without `embed` a resource names its methods only (§3.2)
        members = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        faults = [f"{at}.{wire}: not in {shape.name}" for wire in value.keys() - members.keys()]
        for wire in members.keys() & value.keys():
            name, member = members[wire]
            self.seen.add((shape.name, name))
            faults += self._value(member, value[wire], f"{at}.{wire}")
        present = {members[wire][0] for wire in members.keys() & value.keys()}
        return faults + [f"{at}.{name}: missing from {shape.name}" for name in self.always.get(shape.name, []) if name not in present]

    def _list(self, shape, value, at):
        if not isinstance(value, list):
            return [f"{at}: {value!r} is not a list"]
        return [fault for n, item in enumerate(value) for fault in self._value(shape.member, item, f"{at}[{n}]")]

    def _map(self, shape, value, at):
        if not isinstance(value, dict):
            return [f"{at}: {value!r} is not a map"]
        # Null is lawful as the value of a map only (§2.2).
        return [fault for key, item in value.items() if item is not None for fault in self._value(shape.value, item, f"{at}[{key}]")]

    def _scalar(self, shape, value, at):
        if type(value) not in SCALARS[shape.type_name]:
            return [f"{at}: {value!r} is not a {shape.type_name}"]
        if shape.type_name == "string" and shape.enum and value not in shape.enum:
            return [f"{at}: {value!r} is not of {shape.enum}"]
        return []


#: What JSON may hold for a scalar; a double keeps its fraction on the wire, a timestamp is epoch seconds (§2.2).
SCALARS = {"string": (str,), "boolean": (bool,), "integer": (int,), "long": (int,), "double": (float,), "float": (float,), "timestamp": (int, float)}


#: Arguments that AWS stores in a form of its own: policies are normalised (§3.1), a stage key becomes a text (§3.14).
CHANGED = {"policy", "stageKeys"}


def holds(found, given):
    """Whether an answer has what was given; objects may have more."""
    if isinstance(given, dict) and isinstance(found, dict):
        return all(holds(found.get(name), value) for name, value in given.items())
    if isinstance(given, list) and isinstance(found, list):
        return len(found) == len(given) and all(map(holds, found, given))
    return found == given


def label_members(operation, of=MODEL):
    """Input members that stand in the path of `operation`, in the order of the path."""
    model = of.operation_model(operation)
    labels = {}
    for name, member in (model.input_shape.members if model.input_shape else {}).items():
        if member.serialization.get("location") == "uri":
            labels[name] = model.http["requestUri"].index("{" + member.serialization["name"] + "}")
    return sorted(labels, key=labels.get)
