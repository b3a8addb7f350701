"""What the parts of the model have in common."""

NOWHERE = "nowhere000"
PARTS = ("a", "b", "{x}", "{y}", "{p+}", "bad part", "")
VERBS = ("GET", "POST", "ANY", "FETCH")
STATUSES = ("200", "404", "42")
STAGES = ("dev", "prod", "no good")
TYPES = ("application/json", "text/plain")


class Refused(Exception):
    """An error answer; `message` is None where AWS's text is not known."""

    def __init__(self, status, message=None):
        super().__init__(status, message)
        self.status, self.message = status, message


class Id(str):
    """Stands for whatever id an engine gave."""


def need(found, message, status=404):
    if found is None:
        raise Refused(status, message)
    return found


def allow(fits, message, status=400):
    if not fits:
        raise Refused(status, message)


def replace(path, value):
    return {"patchOperations": [{"op": "replace", "path": path, "value": value}]}


def change(op, path, value=None):
    return {"patchOperations": [{"op": op, "path": path} | ({} if value is None else {"value": value})]}


class Base:
    """Choosing among what there is."""

    def __init__(self):
        self.apis, self.plans, self.keys, self.count = {}, {}, {}, 0

    def fresh(self, kind):
        self.count += 1
        return Id(f"{kind}-{self.count}")

    @staticmethod
    def pick(number, among):
        pool = [*among] * 3 + [Id(NOWHERE)]
        return pool[number % len(pool)]

    def api(self, number):
        name = self.pick(number, self.apis)
        return name, self.apis.get(name)

    def resource(self, a, b):
        """A resource of some API: ids, and the documents when both exist."""
        api, found = self.api(a)
        resource = self.pick(b, found["resources"] if found else ())
        return api, found, resource, found["resources"].get(resource) if found else None

    def method(self, a, b, c):
        api, found, resource, document = self.resource(a, b)
        verb = self.pick(c, document["methods"]) if document else Id("GET")
        if verb == NOWHERE:
            verb = "PUT"
        return api, found, resource, document, verb, f"/restapis/{api}/resources/{resource}/methods/{verb}"

    @staticmethod
    def found_method(document, verb):
        need(document, "Invalid Resource identifier specified")
        return need(document["methods"].get(verb), "Invalid Method identifier specified")
