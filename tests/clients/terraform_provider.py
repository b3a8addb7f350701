"""Runs the table of `terraform_kinds` as the provider would: apply, wait, read, plan again, change, destroy."""
from botocore.exceptions import ClientError
from conftest import eventually
from terraform_kinds import ANSWERED_AS, KINDS

EMPTY = (None, "", [], {}, False)


class Resource:
    """One resource of a configuration and what the service holds for it."""

    def __init__(self, client, name, arguments, tags=None):
        self.client, self.name, self.kind = client, name, KINDS[name]
        self.arguments, self.tags = dict(arguments), tags
        self.made = self.create()
        self.key = {parameter: arguments.get(member) or self.made[member] for parameter, member in self.kind.key.items()}
        self.wait()
        later = {name: self.arguments[name] for name in self.kind.afterwards if name in self.arguments}
        if later:
            self.patch([op for name, value in later.items() for op in self.kind.attributes[name].change(self.kind.attributes[name].default, value)])
        self.assert_as_configured()

    def create(self):
        sent = {name: value for name, value in self.arguments.items() if name not in self.kind.attributes or self.kind.attributes[name].sent}
        return getattr(self.client, self.kind.create)(**sent, **({"tags": self.tags} if self.tags else {}))

    def get(self):
        return getattr(self.client, self.kind.read)(**self.key, **self.kind.read_with)

    def patch(self, operations):
        getattr(self.client, self.kind.update)(**self.key, patchOperations=operations)

    def wait(self):
        """As the provider's waiters do: until the status says AVAILABLE; a cache that was never asked for is not waited for."""
        if self.kind.status:
            eventually(lambda: self.get()[self.kind.status] == "AVAILABLE")
        if self.name == "stage" and self.arguments.get("cacheClusterEnabled"):
            eventually(lambda: self.get()["cacheClusterStatus"] == "AVAILABLE")

    def plan(self):
        """Attributes that differ between configuration and service: what a plan would show."""
        held = self.get()
        differences = {}
        for name, attribute in self.kind.attributes.items():
            if attribute.default is None and self.arguments.get(name) in ("", None):
                continue  # computed
            wanted = attribute.write(self.arguments.get(name, attribute.default))
            member = ANSWERED_AS.get((self.name, name), name)
            found = attribute.read(held[member]) if member in held else attribute.default
            if not alike(wanted, found):
                differences[name] = (wanted, found)
        if self.tags is not None and held.get("tags", {}) != self.tags:
            differences["tags"] = (self.tags, held.get("tags"))
        return differences

    def assert_as_configured(self):
        assert self.plan() == {}, (self.name, self.plan())
        assert self.plan() == {}

    def apply(self, tags=None, **arguments):
        """Changes to `arguments`; an argument of None is taken out of the configuration."""
        before = dict(self.arguments)
        for name, value in arguments.items():
            self.arguments.pop(name, None)
            if value is not None:
                self.arguments[name] = value
        if self.kind.overwrites:
            self.create()
        elif arguments:
            self.patch(self.changes(before))
            self.key.update({parameter: self.arguments[parameter] for parameter in self.key if arguments.get(parameter) is not None})
        if tags is not None:
            self.retag(tags)
        self.wait()
        self.assert_as_configured()

    def changes(self, before):
        operations = []
        for name, attribute in self.kind.attributes.items():
            old, new = before.get(name, attribute.default), self.arguments.get(name, attribute.default)
            if old != new:
                assert attribute.change, f"{self.name}.{name} makes a new resource"
                operations += attribute.change(old, new)
        return operations

    def retag(self, tags):
        """Removed keys first, then what is new or changed (`updateTags`)."""
        arn = "arn:aws:apigateway:us-east-1::" + self.kind.arn.format(**self.key)
        gone = [key for key in self.tags or {} if key not in tags]
        if gone:
            self.client.untag_resource(resourceArn=arn, tagKeys=gone)
        self.client.tag_resource(resourceArn=arn, tags=tags)
        self.tags = tags
        assert self.client.get_tags(resourceArn=arn)["tags"] == tags

    def destroy(self):
        """Deletes; the next read must say that it is gone, and a second delete is tolerated as the provider tolerates it."""
        getattr(self.client, self.kind.delete)(**self.key)
        eventually(self.is_gone)

    def is_gone(self):
        try:
            self.get()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NotFoundException", error
            return True
        return False


def alike(wanted, found):
    """The provider's zero values stand for what is absent; of a block, only what is configured is compared."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted:
        return all(alike(value, found.get(key)) for key, value in wanted.items())
    return wanted == found or (wanted in EMPTY and found in EMPTY)
