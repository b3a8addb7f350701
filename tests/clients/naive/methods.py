"""Method, MethodResponse, Integration and IntegrationResponse."""
from .base import Base, Refused, STATUSES, TYPES, VERBS, allow, change, need, replace


class Methods(Base):
    """Method, MethodResponse, Integration and IntegrationResponse."""

    def do_put_method(self, a, b, c):
        api, found, resource, document = self.resource(a, b)
        verb, kind = VERBS[c % len(VERBS)], ("NONE", "AWS_IAM", "SOME")[a % 7 % 3]
        validator = self.pick(b, found["validators"] if found else ()) if c % 3 == 0 else None
        model = ("Empty", "mine", "absent")[b % 3] if c % 2 == 0 else None
        body = {"authorizationType": kind} | ({"requestValidatorId": validator} if validator else {}) | (
            {"requestModels": {"application/json": model}} if model else {})

        def think():
            need(document, "Invalid Resource identifier specified")
            allow(verb != "FETCH", None)
            allow(kind != "SOME", "Invalid Authorization type specified: SOME. Valid options are NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS,JWT")
            allow(not validator or validator in found["validators"], "Invalid Request Validator identifier specified")
            allow(not model or model in found["models"], f"Invalid model identifier specified: {model}")
            allow(verb not in document["methods"], "Method already exists for this resource", 409)
            document["methods"][verb] = {**body, "httpMethod": verb, "apiKeyRequired": False}
            return 201, document["methods"][verb]
        return "PUT", f"/restapis/{api}/resources/{resource}/methods/{verb}", body, think

    def do_update_method(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)
        parameter = f"method.request.header.h{a % 2}"
        op, target, value = (("replace", "/apiKeyRequired", "true"), ("add", f"/requestParameters/{parameter}", "true"),
                             ("remove", f"/requestParameters/{parameter}", None), ("replace", "/nothing", "x"))[(a + c) % 4]

        def think():
            method = self.found_method(document, verb)
            allow(target != "/nothing", None)
            if target == "/apiKeyRequired":
                method["apiKeyRequired"] = True
            else:
                parameters = dict(method.get("requestParameters", {}))
                allow(op == "add" or parameter in parameters, "Invalid parameter name specified", 404)
                parameters.update({parameter: True}) if op == "add" else parameters.pop(parameter)
                method.pop("requestParameters", None)
                method.update({"requestParameters": parameters} if parameters else {})
            return 200, method
        return "PATCH", path, change(op, target, value), think

    def do_delete_method(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)

        def think():
            self.found_method(document, verb)
            del document["methods"][verb]
            return 204, None
        return "DELETE", path, None, think

    def do_put_method_response(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)
        status = STATUSES[(a + b) % 3]

        def think():
            allow(status != "42", None)
            responses = self.found_method(document, verb).setdefault("methodResponses", {})
            allow(status not in responses, "Response already exists for this resource", 409)
            responses[status] = {"statusCode": status, "responseModels": {"application/json": "Empty"}}
            return 201, responses[status]
        return "PUT", f"{path}/responses/{status}", {"responseModels": {"application/json": "Empty"}}, think

    def do_delete_method_response(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)
        status = STATUSES[(a + b) % 2]

        def think():
            responses = self.found_method(document, verb).get("methodResponses", {})
            need(responses.get(status), "Invalid Response status code specified")
            del responses[status]
            return 204, None
        return "DELETE", f"{path}/responses/{status}", None, think

    def do_put_integration(self, a, b, c):
        *_, resource, document, verb, path = self.method(a, b, c)
        body = {"type": ("MOCK", "MOCK", "HTTP", "SMTP")[(a + b) % 4]} | ({"requestTemplates": {TYPES[a % 2]: '{"statusCode": 200}'}} if c % 2 else {})
        if body["type"] == "HTTP":
            body |= {"uri": "http://example.test/", "httpMethod": "GET"}

        def think():
            allow(body["type"] != "SMTP", None)
            method = self.found_method(document, verb)
            kept = method.get("methodIntegration", {}).get("integrationResponses")
            method["methodIntegration"] = {**body, "passthroughBehavior": "WHEN_NO_MATCH", "timeoutInMillis": 29000, "cacheNamespace": resource,
                                           "cacheKeyParameters": []} | ({"connectionType": "INTERNET"} if body["type"] == "HTTP" else {})
            shown = dict(method["methodIntegration"])
            if kept:
                method["methodIntegration"]["integrationResponses"] = kept
                shown["integrationResponses"] = kept
            return 201, shown
        return "PUT", f"{path}/integration", body, think

    @staticmethod
    def found_integration(method):
        return need(method.get("methodIntegration"), "Invalid Integration identifier specified")

    def do_delete_integration(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)

        def think():
            method = self.found_method(document, verb)
            self.found_integration(method)
            del method["methodIntegration"]
            return 204, None
        return "DELETE", f"{path}/integration", None, think

    def do_put_integration_response(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)
        status, pattern = STATUSES[(a + b) % 2], (None, "2..", "4..")[(b + c) % 3]
        body = {} if pattern is None else {"selectionPattern": pattern}

        def think():
            responses = self.found_integration(self.found_method(document, verb)).setdefault("integrationResponses", {})
            held = {response.get("selectionPattern") for other, response in responses.items() if other != status}
            if pattern in held:
                raise Refused(409, f"Integration response with selection pattern {pattern or 'default'} already exists")
            responses[status] = {"statusCode": status, **body}
            return 201, responses[status]
        return "PUT", f"{path}/integration/responses/{status}", body, think

    def do_delete_integration_response(self, a, b, c):
        *_, document, verb, path = self.method(a, b, c)
        status = STATUSES[(a + b) % 2]

        def think():
            need(document, "Invalid Resource identifier specified")
            method = need(document["methods"].get(verb), "Invalid Integration identifier specified")
            responses = self.found_integration(method).get("integrationResponses", {})
            need(responses.get(status), "Invalid Response status code specified")
            del responses[status]
            return 204, None
        return "DELETE", f"{path}/integration/responses/{status}", None, think
