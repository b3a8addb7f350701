"""The REST API's documents as a naive model: dictionaries, no store, no revisions. What random operations are held against.

An operation takes three small numbers, which choose among what exists (and one thing that does not) and among good and bad
values. It answers the call to make and a function that says what AWS would answer and changes the model.
"""
from .base import NOWHERE, Id, Refused
from .methods import Methods
from .models import Models
from .plans import Plans
from .resources import Resources
from .stages import Stages

__all__ = ["NOWHERE", "Id", "Refused", "World"]


class World(Resources, Methods, Stages, Models, Plans):
    """Everything there is."""

    def __init__(self):
        super().__init__()
        self.operations = sorted(name.removeprefix("do_") for name in dir(self) if name.startswith("do_"))

    def listings(self):
        """Every list there is: path, and the documents it must have in some order."""
        for api, found in self.apis.items():
            base = f"/restapis/{api}"
            yield f"{base}/resources?embed=methods&limit=500", [self.shown_resource(api, resource) for resource in found["resources"]]
            yield f"{base}/deployments?limit=500", list(found["deployments"].values())
            yield f"{base}/stages", list(found["stages"].values())
            yield f"{base}/requestvalidators?limit=500", list(found["validators"].values())
            yield f"{base}/models?limit=500", [model for model in found["models"].values() if model]
        yield "/restapis?limit=500", [self.shown_api(api) for api in self.apis]
        yield "/usageplans?limit=500", list(self.plans.values())
        yield "/apikeys?includeValues=true&limit=500", [self.shown_key(key) for key in self.keys]
        for plan in self.plans:
            yield f"/usageplans/{plan}/keys?limit=500", [self.shown_plan_key(key) for key in self.keys if plan in self.keys[key]["plans"]]
