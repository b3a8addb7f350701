"""RestApi and Resource."""
from .base import Base, Id, NOWHERE, PARTS, allow, need, replace


class Resources(Base):
    """RestApi and Resource."""

    def do_create_api(self, a, _b, _c):
        name = ("one", "two", None)[a % 3]

        def think():
            allow(name, None)
            api, root = self.fresh("api"), self.fresh("root")
            self.apis[api] = {"name": name, "resources": {root: {"parent": None, "part": None, "methods": {}}}, "deployments": {}, "stages": {},
                              "models": {"Empty": None, "Error": None}, "validators": {}, "root": root}
            return 201, self.shown_api(api)
        return "POST", "/restapis", {"name": name}, think

    def shown_api(self, api):
        found = self.apis[api]
        return {"id": api, "name": found["name"], "rootResourceId": found["root"]} | (
            {"description": found["description"]} if "description" in found else {})

    def do_update_api(self, a, b, _c):
        api, found = self.api(a)
        path, value = (("/name", "renamed"), ("/description", "told"), ("/nothing", "x"))[b % 3]

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            allow(path != "/nothing", None)
            found[path[1:]] = value
            return 200, self.shown_api(api)
        return "PATCH", f"/restapis/{api}", replace(path, value), think

    def do_delete_api(self, a, b, c):
        api, found = self.api(a) if (b + c) % 4 == 0 else (Id(NOWHERE), None)

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            del self.apis[api]
            self.forget(api, None)
            return 202, None
        return "DELETE", f"/restapis/{api}", None, think

    def shown_resource(self, api, resource, embed=True):
        found = self.apis[api]["resources"][resource]
        shown = {"id": resource, "path": self.path(api, resource)}
        if found["parent"]:
            shown |= {"parentId": found["parent"], "pathPart": found["part"]}
        if found["methods"]:
            shown["resourceMethods"] = {verb: method if embed else {} for verb, method in found["methods"].items()}
        return shown

    def path(self, api, resource):
        found = self.apis[api]["resources"][resource]
        return "/" if not found["parent"] else f"{self.path(api, found['parent']).rstrip('/')}/{found['part']}"

    def check_place(self, resources, own, parent, part):
        above = resources[parent]["part"] or ""
        allow(not above.endswith("+}"), f"Cannot create a child of a resource with a greedy path variable: {above}")
        siblings = [found["part"] for name, found in resources.items() if found["parent"] == parent and name != own]
        twin = f"Another resource with the same parent already has this name: {part}"
        variable = next((held for held in siblings if held.startswith("{")), None)
        allow(part not in siblings, twin, 409)
        allow(not (variable and part.startswith("{")),
              f"A sibling ({variable}) of this resource already has a variable path part -- only one is allowed")

    @staticmethod
    def check_part(part):
        allow(part and " " not in part, "Resource's path part only allow a-zA-Z0-9._- and curly braces at the beginning and the end "
              "and an optional plus sign before the closing brace.")

    def do_create_resource(self, a, b, c):
        api, found, parent, above = self.resource(a, b)
        part = PARTS[c % len(PARTS)]

        def think():
            need(above, "Invalid Resource identifier specified")
            self.check_part(part)
            self.check_place(found["resources"], None, parent, part)
            resource = self.fresh("resource")
            found["resources"][resource] = {"parent": parent, "part": part, "methods": {}}
            return 201, self.shown_resource(api, resource)
        return "POST", f"/restapis/{api}/resources/{parent}", {"pathPart": part}, think

    def below(self, found, resource):
        children = [name for name, other in found["resources"].items() if other["parent"] == resource]
        return [resource] + [name for child in children for name in self.below(found, child)]

    def do_rename_resource(self, a, b, c):
        api, found, resource, document = self.resource(a, b)
        part = PARTS[c % len(PARTS)]

        def think():
            need(document, "Invalid Resource identifier specified")
            allow(document["parent"], "Root resource cannot update its pathPart.")
            if part != document["part"]:
                self.check_part(part)
                self.check_place(found["resources"], resource, document["parent"], part)
                document["part"] = part
            return 200, self.shown_resource(api, resource, embed=False)
        return "PATCH", f"/restapis/{api}/resources/{resource}", replace("/pathPart", part), think

    def do_move_resource(self, a, b, c):
        api, found, resource, document = self.resource(a, b)
        parent = self.pick(c, found["resources"] if found else ())

        def think():
            need(document, "Invalid Resource identifier specified")
            allow(document["parent"], "Root resource cannot update its parentId.")
            if parent != document["parent"]:
                need(found["resources"].get(parent), "Invalid Resource identifier specified")
                allow(parent not in self.below(found, resource), "Resources cannot be cyclical.")
                self.check_place(found["resources"], resource, parent, document["part"])
                document["parent"] = parent
            return 200, self.shown_resource(api, resource, embed=False)
        return "PATCH", f"/restapis/{api}/resources/{resource}", replace("/parentId", parent), think

    def do_delete_resource(self, a, b, _c):
        api, found, resource, document = self.resource(a, b)

        def think():
            need(document, "Invalid Resource identifier specified")
            allow(document["parent"], "Root resource cannot be deleted.")
            for gone in self.below(found, resource):
                del found["resources"][gone]
            return 202, None
        return "DELETE", f"/restapis/{api}/resources/{resource}", None, think
