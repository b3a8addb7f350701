"""What Terraform's AWS provider does for its `aws_api_gateway_*` resources, as a table: which operation makes, reads, changes and deletes a kind,
which attributes it reads back, and the patch operations it sends when one changes (provider sources, `internal/service/apigateway`)."""
import json
from dataclasses import dataclass, field


def text(value):
    """A value as the provider spells it in a patch operation."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:f}" if isinstance(value, float) else str(value)


def pointer(key):
    return key.replace("~", "~0").replace("/", "~1")


def put(path, new, op="replace"):
    return {"op": op, "path": path} if new is None else {"op": op, "path": path, "value": text(new)}


def replaced(path, none_if_empty=False):
    """One `replace` of the whole value."""
    return lambda old, new: [put(path, None if none_if_empty and not new else new)]


def entries(path, escape=True, same=True):
    """A map, key by key; `same` also replaces what has not changed, as the provider does for most maps."""
    def change(old, new):
        at = lambda key: f"{path}/{pointer(key) if escape else key}"
        gone = [put(at(key), None, "remove") for key in old if key not in new]
        kept = [put(at(key), new[key]) for key in old if key in new and (same or old[key] != new[key])]
        return gone + kept + [put(at(key), new[key], "add") for key in new if key not in old]
    return change


def variables(path):
    """A map that is only ever replaced key by key, and whose keys are removed."""
    return lambda old, new: [put(f"{path}/{key}", None, "remove") for key in old if key not in new] + [
        put(f"{path}/{key}", new[key]) for key in new if old.get(key) != new[key]]


def members(path, in_value=True):
    """A set; its members stand in the value, or in the path with an empty value."""
    def change(old, new):
        one = lambda op, member: put(path, member, op) if in_value else put(f"{path}/{member}", "", op)
        return [one("add", m) for m in new if m not in old] + [one("remove", m) for m in old if m not in new]
    return change


def emptied_and_filled(path):
    """A list that is removed member by member, then added again."""
    return lambda old, new: [put(f"{path}/{pointer(m)}", None, "remove") for m in old] + [put(f"{path}/{pointer(m)}", None, "add") for m in new]


def within(*paths, removed=None):
    """A block: each of its members replaced, or the block removed."""
    def change(old, new):
        if not new:
            return [put(*removed)] if removed else []
        return [put(f"{path}", new[path.rsplit("/", 1)[1]]) for path in paths if path.rsplit("/", 1)[1] in new]
    return change


def canary(old, new):
    if not new:
        return [put("/canarySettings", None, "remove")]
    old = old or {"percentTraffic": 0.0, "useStageCache": False}
    changed = variables("/canarySettings/stageVariableOverrides")(old.get("stageVariableOverrides", {}), new.get("stageVariableOverrides", {}))
    return changed + [put(f"/canarySettings/{name}", new[name]) for name in ("percentTraffic", "useStageCache") if new[name] != old[name]]


def api_stages(old, new):
    """Every stage is removed, then added with its throttles under an unescaped path."""
    names = [f"{stage['apiId']}:{stage['stage']}" for stage in old]
    changes = [put("/apiStages", name, "remove") for name in names]
    for stage in new:
        name = f"{stage['apiId']}:{stage['stage']}"
        changes.append(put("/apiStages", name, "add"))
        for path, limits in stage.get("throttle", {}).items():
            changes += [{"op": "replace", "path": f"/apiStages/{name}/throttle/{path}/{limit}", "value": f"{limits[limit]:g}"} for limit in ("rateLimit", "burstLimit")]
    return changes


def endpoint(old, new):
    changes = [put("/endpointConfiguration/types/0", new["types"][0])] if old["types"] != new["types"] else []
    ids = "/endpointConfiguration/vpcEndpointIds"
    changes += [put(ids, one, "remove") for one in old.get("vpcEndpointIds", [])] + [put(ids, one, "add") for one in new.get("vpcEndpointIds", [])]
    if old.get("ipAddressType") != new.get("ipAddressType"):
        changes.append(put("/endpointConfiguration/ipAddressType", new["ipAddressType"]))
    return changes


def mutual_tls(old, new):
    at = "/mutualTlsAuthentication"
    if not new:
        return [put(f"{at}/truststoreUri", "")]
    return [put(f"{at}/{name}", new[name]) for name in ("truststoreUri", "truststoreVersion") if (old or {}).get(name) != new.get(name)]


def same(value):
    return value


def unescaped(policy):
    """A policy as the provider reads it: the string is escaped once more than JSON needs (`flattenAPIPolicy`)."""
    return json.loads(json.loads(f'"{policy}"')) if policy else ""


def document(policy):
    return json.loads(policy) if policy else ""


def texts(templates):
    """Null templates are empty ones."""
    return {key: value or "" for key, value in (templates or {}).items()}


@dataclass
class Attribute:
    """One argument of a kind. Without `change` another value makes a new resource; `read` turns an answer into what is compared with `write`."""
    default: object = None
    change: object = None
    read: object = same
    write: object = same
    sent: bool = True


@dataclass
class Kind:
    """One resource. `key` maps the parameters that address it to members of the creating answer or of the arguments."""
    create: str
    read: str
    update: str = None
    delete: str = None
    key: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    arn: str = None
    #: The update is the creating call again.
    overwrites: bool = False
    #: The path of the answer's member that must say AVAILABLE before anything else is done.
    status: str = None
    #: Sent after creation with these attributes, for what creation does not take.
    afterwards: tuple = ()
    read_with: dict = field(default_factory=dict)


A = Attribute
OF_API = {"restApiId": "restApiId"}
OF_METHOD = {**OF_API, "resourceId": "resourceId", "httpMethod": "httpMethod"}
OF_STATUS = {**OF_METHOD, "statusCode": "statusCode"}
SETTINGS = {"metricsEnabled": "metrics/enabled", "loggingLevel": "logging/loglevel", "dataTraceEnabled": "logging/dataTrace",
            "throttlingBurstLimit": "throttling/burstLimit", "throttlingRateLimit": "throttling/rateLimit", "cachingEnabled": "caching/enabled",
            "cacheTtlInSeconds": "caching/ttlInSeconds", "cacheDataEncrypted": "caching/dataEncrypted",
            "requireAuthorizationForCacheControl": "caching/requireAuthorizationForCacheControl",
            "unauthorizedCacheControlHeaderStrategy": "caching/unauthorizedCacheControlHeaderStrategy"}

KINDS = {
    "rest_api": Kind("create_rest_api", "get_rest_api", "update_rest_api", "delete_rest_api", {"restApiId": "id"}, arn="/restapis/{restApiId}", status="apiStatus", attributes={
        "apiKeySource": A("HEADER", replaced("/apiKeySource")), "binaryMediaTypes": A([], emptied_and_filled("/binaryMediaTypes")),
        "description": A("", replaced("/description")), "disableExecuteApiEndpoint": A(False, replaced("/disableExecuteApiEndpoint")),
        "endpointConfiguration": A(None, endpoint), "minimumCompressionSize": A(None, replaced("/minimumCompressionSize")),
        "name": A(None, replaced("/name")), "policy": A("", replaced("/policy"), unescaped, document)}),
    "resource": Kind("create_resource", "get_resource", "update_resource", "delete_resource", {**OF_API, "resourceId": "id"}, attributes={
        "pathPart": A(None, replaced("/pathPart")), "parentId": A(None, replaced("/parentId"))}),
    "method": Kind("put_method", "get_method", "update_method", "delete_method", OF_METHOD, attributes={
        "requestModels": A({}, entries("/requestModels")), "requestParameters": A({}, entries("/requestParameters", escape=False, same=False)),
        "authorizationType": A(None, replaced("/authorizationType")), "authorizerId": A("", replaced("/authorizerId")),
        "authorizationScopes": A([], members("/authorizationScopes")), "apiKeyRequired": A(False, replaced("/apiKeyRequired")),
        "requestValidatorId": A("", replaced("/requestValidatorId", none_if_empty=True)), "operationName": A("", replaced("/operationName", none_if_empty=True))}),
    "method_response": Kind("put_method_response", "get_method_response", "update_method_response", "delete_method_response", OF_STATUS, attributes={
        "responseModels": A({}, entries("/responseModels")), "responseParameters": A({}, entries("/responseParameters", escape=False, same=False))}),
    "integration": Kind("put_integration", "get_integration", "update_integration", "delete_integration", OF_METHOD, attributes={
        "type": A(), "integrationHttpMethod": A(""), "credentials": A(""), "passthroughBehavior": A("WHEN_NO_MATCH"),
        "requestTemplates": A({}, entries("/requestTemplates"), texts), "requestParameters": A({}, entries("/requestParameters")),
        "cacheKeyParameters": A([], members("/cacheKeyParameters", in_value=False)), "cacheNamespace": A(None, replaced("/cacheNamespace")),
        "uri": A("", replaced("/uri")), "contentHandling": A("", replaced("/contentHandling")), "connectionType": A("INTERNET", replaced("/connectionType")),
        "connectionId": A("", replaced("/connectionId")), "timeoutInMillis": A(29000, replaced("/timeoutInMillis")),
        "tlsConfig": A(None, within("/tlsConfig/insecureSkipVerification"))}),
    "integration_response": Kind("put_integration_response", "get_integration_response", "put_integration_response", "delete_integration_response", OF_STATUS, overwrites=True, attributes={
        "responseTemplates": A({}, read=texts), "responseParameters": A({}), "contentHandling": A(""), "selectionPattern": A("")}),
    "deployment": Kind("create_deployment", "get_deployment", "update_deployment", "delete_deployment", {**OF_API, "deploymentId": "id"}, attributes={
        "description": A("", replaced("/description"))}),
    "stage": Kind("create_stage", "get_stage", "update_stage", "delete_stage", {**OF_API, "stageName": "stageName"}, arn="/restapis/{restApiId}/stages/{stageName}",
                  afterwards=("clientCertificateId", "accessLogSettings"), attributes={
        "cacheClusterEnabled": A(False, replaced("/cacheClusterEnabled")), "cacheClusterSize": A(None, replaced("/cacheClusterSize")),
        "clientCertificateId": A("", replaced("/clientCertificateId"), sent=False), "canarySettings": A(None, canary), "deploymentId": A(None, replaced("/deploymentId")),
        "description": A("", replaced("/description")), "tracingEnabled": A(False, replaced("/tracingEnabled")),
        "documentationVersion": A("", replaced("/documentationVersion")), "variables": A({}, variables("/variables")),
        "accessLogSettings": A(None, within("/accessLogSettings/destinationArn", "/accessLogSettings/format", removed=("/accessLogSettings", None, "remove")), sent=False)}),
    "authorizer": Kind("create_authorizer", "get_authorizer", "update_authorizer", "delete_authorizer", {**OF_API, "authorizerId": "id"}, attributes={
        "authorizerUri": A("", replaced("/authorizerUri")), "identitySource": A("method.request.header.Authorization", replaced("/identitySource")),
        "name": A(None, replaced("/name")), "type": A("TOKEN", replaced("/type")), "authorizerCredentials": A("", replaced("/authorizerCredentials")),
        "authorizerResultTtlInSeconds": A(300, replaced("/authorizerResultTtlInSeconds")),
        "identityValidationExpression": A("", replaced("/identityValidationExpression")), "providerARNs": A([], members("/providerARNs"))}),
    "model": Kind("create_model", "get_model", "update_model", "delete_model", {**OF_API, "modelName": "name"}, attributes={
        "name": A(), "contentType": A(), "description": A("", replaced("/description")), "schema": A(None, replaced("/schema"), document, document)}),
    "request_validator": Kind("create_request_validator", "get_request_validator", "update_request_validator", "delete_request_validator",
                              {**OF_API, "requestValidatorId": "id"}, attributes={
        "name": A(None, replaced("/name")), "validateRequestBody": A(False, replaced("/validateRequestBody")),
        "validateRequestParameters": A(False, replaced("/validateRequestParameters"))}),
    "gateway_response": Kind("put_gateway_response", "get_gateway_response", "put_gateway_response", "delete_gateway_response",
                             {**OF_API, "responseType": "responseType"}, overwrites=True, attributes={
        "statusCode": A(""), "responseTemplates": A({}), "responseParameters": A({})}),
    "documentation_part": Kind("create_documentation_part", "get_documentation_part", "update_documentation_part", "delete_documentation_part",
                               {**OF_API, "documentationPartId": "id"}, attributes={
        # Unset members of the location are sent as empty strings.
        "location": A(read=lambda place: {name: value for name, value in place.items() if value}, write=lambda place: {name: value for name, value in place.items() if value}),
        "properties": A(None, replaced("/properties"))}),
    "documentation_version": Kind("create_documentation_version", "get_documentation_version", "update_documentation_version", "delete_documentation_version",
                                  {**OF_API, "documentationVersion": "version"}, attributes={"description": A("", replaced("/description"))}),
    "api_key": Kind("create_api_key", "get_api_key", "update_api_key", "delete_api_key", {"apiKey": "id"}, arn="/apikeys/{apiKey}", read_with={"includeValue": True}, attributes={
        "name": A(), "value": A(None), "enabled": A(True, replaced("/enabled")), "description": A("Managed by Terraform", replaced("/description")),
        "customerId": A("", replaced("/customerId"))}),
    "usage_plan": Kind("create_usage_plan", "get_usage_plan", "update_usage_plan", "delete_usage_plan", {"usagePlanId": "id"}, arn="/usageplans/{usagePlanId}",
                       afterwards=("productCode",), attributes={
        "name": A(None, replaced("/name")), "description": A("", replaced("/description")),
        "productCode": A("", lambda old, new: [put("/productCode", new, "replace" if old else "add") if new else put("/productCode", None, "remove")], sent=False),
        "apiStages": A([], api_stages), "throttle": A(None, within("/throttle/rateLimit", "/throttle/burstLimit", removed=("/throttle", None, "remove"))),
        "quota": A(None, within("/quota/limit", "/quota/offset", "/quota/period", removed=("/quota", None, "remove")))}),
    "usage_plan_key": Kind("create_usage_plan_key", "get_usage_plan_key", None, "delete_usage_plan_key", {"usagePlanId": "usagePlanId", "keyId": "id"}, attributes={
        "keyId": A(), "keyType": A()}),
    "domain_name": Kind("create_domain_name", "get_domain_name", "update_domain_name", "delete_domain_name", {"domainName": "domainName"}, arn="/domainnames/{domainName}",
                        status="domainNameStatus", attributes={
        "certificateArn": A("", replaced("/certificateArn")), "certificateName": A("", replaced("/certificateName")),
        "endpointConfiguration": A(None, lambda old, new: [put("/endpointConfiguration/types/0", new["types"][0])]),
        "mutualTlsAuthentication": A(None, mutual_tls),
        "ownershipVerificationCertificateArn": A("", replaced("/ownershipVerificationCertificateArn")), "regionalCertificateArn": A("", replaced("/regionalCertificateArn")),
        "regionalCertificateName": A("", replaced("/regionalCertificateName")), "securityPolicy": A("TLS_1_2", replaced("/securityPolicy"))}),
    "base_path_mapping": Kind("create_base_path_mapping", "get_base_path_mapping", "update_base_path_mapping", "delete_base_path_mapping",
                              {"domainName": "domainName", "basePath": "basePath"}, attributes={
        "restApiId": A(None, replaced("/restapiId")), "stage": A("", replaced("/stage")),
        "basePath": A("", replaced("/basePath"), lambda path: "" if path == "(none)" else path)}),
    "vpc_link": Kind("create_vpc_link", "get_vpc_link", "update_vpc_link", "delete_vpc_link", {"vpcLinkId": "id"}, arn="/vpclinks/{vpcLinkId}", status="status", attributes={
        "name": A(None, replaced("/name")), "description": A("", replaced("/description")), "targetArns": A()}),
    "client_certificate": Kind("generate_client_certificate", "get_client_certificate", "update_client_certificate", "delete_client_certificate",
                               {"clientCertificateId": "clientCertificateId"}, arn="/clientcertificates/{clientCertificateId}", attributes={
        "description": A("", replaced("/description"))}),
}

#: SDK members that differ between request and answer.
ANSWERED_AS = {("integration", "integrationHttpMethod"): "httpMethod", ("usage_plan_key", "keyId"): "id", ("usage_plan_key", "keyType"): "type"}
