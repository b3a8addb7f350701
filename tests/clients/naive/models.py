"""Model and RequestValidator."""
from .base import Base, allow, need, replace


class Models(Base):
    """Model and RequestValidator."""

    def do_create_model(self, a, b, c):
        api, found = self.api(a)
        body = {"name": ("mine", "yours", "no-name", "")[b % 4], "contentType": ("application/json", "json")[c % 4 // 3], "schema": '{"type": "object"}'}

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            allow(body["name"], "Model name must be non-empty")
            allow("-" not in body["name"], f"Model name must be alphanumeric: {body['name']}")
            allow(body["name"] not in found["models"], "Model name already exists for this REST API", 409)
            allow("/" in body["contentType"], "Validation Result: warnings : [], errors : [Invalid content type specified: json]")
            found["models"][body["name"]] = {**body, "id": self.fresh("model")}
            return 201, found["models"][body["name"]]
        return "POST", f"/restapis/{api}/models", body, think

    def uses(self, found, fits):
        return any(fits(method) for resource in found["resources"].values() for method in resource["methods"].values())

    def do_delete_model(self, a, b, _c):
        api, found = self.api(a)
        name = ("mine", "yours")[b % 2]

        def think():
            need(found, f"Invalid model name specified: {name}")
            need(found["models"].get(name), f"Invalid model name specified: {name}")
            allow(not self.uses(found, lambda method: name in method.get("requestModels", {}).values()), None, 409)
            del found["models"][name]
            return 202, None
        return "DELETE", f"/restapis/{api}/models/{name}", None, think

    def do_create_validator(self, a, b, c):
        api, found = self.api(a)
        body = {"name": ("body", "all", " ")[b % 3], "validateRequestBody": c % 2 == 0}

        def think():
            need(found, "Invalid REST API identifier specified", 400)
            allow(body["name"].strip(), "Request Validator name cannot be blank")
            allow(all(held["name"] != body["name"] for held in found["validators"].values()), "Request Validator name must be unique", 409)
            validator = self.fresh("validator")
            found["validators"][validator] = {"id": validator, "validateRequestParameters": False, **body}
            return 201, found["validators"][validator]
        return "POST", f"/restapis/{api}/requestvalidators", body, think

    def validator(self, a, b):
        api, found = self.api(a)
        validator = self.pick(b, found["validators"] if found else ())
        return found, validator, f"/restapis/{api}/requestvalidators/{validator}"

    def do_update_validator(self, a, b, c):
        found, validator, path = self.validator(a, b)
        target = ("/validateRequestBody", "/validateRequestParameters", "/nothing")[c % 3]

        def think():
            document = need(found and found["validators"].get(validator), "Invalid Request Validator identifier specified")
            allow(target != "/nothing", "Invalid patch path  '/nothing' specified for op 'replace'. Must be one of: "
                  "[/name, /validateRequestParameters, /validateRequestBody]")
            document[target[1:]] = c % 2 == 0
            return 200, document
        return "PATCH", path, replace(target, str(c % 2 == 0).lower()), think

    def do_delete_validator(self, a, b, _c):
        found, validator, path = self.validator(a, b)

        def think():
            need(found and found["validators"].get(validator), "Invalid Request Validator identifier specified")
            allow(not self.uses(found, lambda method: method.get("requestValidatorId") == validator), None, 409)
            del found["validators"][validator]
            return 202, None
        return "DELETE", path, None, think
