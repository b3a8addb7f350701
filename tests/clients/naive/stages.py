"""Deployment and Stage."""
import copy

from .base import Base, STAGES, allow, need, replace


class Stages(Base):
    """Deployment and Stage."""

    def do_create_deployment(self, a, b, _c):
        api, found = self.api(a)
        stage = (None, "dev", "prod", "no good")[b % 4]
        body = {"description": f"d{b}"} | ({"stageName": stage} if stage else {})

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            methods = [method for resource in found["resources"].values() for method in resource["methods"].values()]
            allow(methods, "The REST API doesn't contain any methods")
            allow(all("methodIntegration" in method for method in methods), "No integration defined for method")
            allow(stage != "no good", "Stage name only allows a-zA-Z0-9_")
            deployment = self.fresh("deployment")
            found["deployments"][deployment] = {"id": deployment, "description": f"d{b}"}
            if stage in found["stages"]:
                found["stages"][stage]["deploymentId"] = deployment
            elif stage:
                found["stages"][stage] = self.new_stage(stage, deployment)
            return 201, found["deployments"][deployment]
        return "POST", f"/restapis/{api}/deployments", body, think

    def do_delete_deployment(self, a, b, _c):
        api, found = self.api(a)
        deployment = self.pick(b, found["deployments"] if found else ())

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            need(found["deployments"].get(deployment), "Invalid Deployment identifier specified")
            used = {stage["deploymentId"] for stage in found["stages"].values()} | {
                stage["canarySettings"]["deploymentId"] for stage in found["stages"].values() if "canarySettings" in stage}
            allow(deployment not in used, "Active stages pointing to this deployment must be moved or deleted")
            del found["deployments"][deployment]
            return 202, None
        return "DELETE", f"/restapis/{api}/deployments/{deployment}", None, think

    @staticmethod
    def new_stage(name, deployment):
        return {"stageName": name, "deploymentId": deployment, "cacheClusterEnabled": False, "cacheClusterStatus": "NOT_AVAILABLE",
                "methodSettings": {}, "tracingEnabled": False}

    def do_create_stage(self, a, b, c):
        api, found = self.api(a)
        deployment, name = self.pick(b, found["deployments"] if found else ()), STAGES[c % 3]

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            allow(name != "no good", "Stage name only allows a-zA-Z0-9_")
            allow(name not in found["stages"], "Stage already exists", 409)
            allow(deployment in found["deployments"], "Deployment id does not exist")
            found["stages"][name] = self.new_stage(name, deployment)
            return 201, found["stages"][name]
        return "POST", f"/restapis/{api}/stages", {"stageName": name, "deploymentId": deployment}, think

    def do_update_stage(self, a, b, c):
        api, found = self.api(a)
        name = STAGES[b % 2]
        deployment = self.pick(b, found["deployments"] if found else ())
        kind = ("move", "canary", "percent", "promote", "drop", "variable")[c % 6]
        operation = {"move": {"op": "replace", "path": "/deploymentId", "value": deployment},
                     "canary": {"op": "replace", "path": "/canarySettings/deploymentId", "value": deployment},
                     "percent": {"op": "replace", "path": "/canarySettings/percentTraffic", "value": ("12.5", "200")[b // 2 % 2]},
                     "promote": {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
                     "drop": {"op": "remove", "path": "/canarySettings"},
                     "variable": {"op": "replace", "path": "/variables/v", "value": ("fine", "n{t")[b // 2 % 2]}}[kind]

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            stage = copy.deepcopy(need(found["stages"].get(name), "Invalid stage identifier specified"))
            canary = {"percentTraffic": 0.0, "deploymentId": stage["deploymentId"], "useStageCache": False}
            if kind == "move":
                stage["deploymentId"] = deployment
            elif kind in ("canary", "percent"):
                canary = stage.setdefault("canarySettings", canary)
                canary.update({"deploymentId": deployment} if kind == "canary" else {"percentTraffic": 12.5})
                allow(kind == "canary" or operation["value"] == "12.5", None)
            elif kind == "promote":
                canary = need(stage.get("canarySettings"), "Promotion not available. Canary does not exist.", 400)
                stage["deploymentId"] = canary["deploymentId"]
            elif kind == "drop":
                need(stage.pop("canarySettings", None), None, 400)
            else:
                allow(operation["value"] == "fine", None)
                stage.setdefault("variables", {})["v"] = "fine"
            for used in (stage["deploymentId"], stage.get("canarySettings", stage)["deploymentId"]):
                allow(used in found["deployments"], "Deployment id does not exist")
            found["stages"][name] = stage
            return 200, stage
        return "PATCH", f"/restapis/{api}/stages/{name}", {"patchOperations": [operation]}, think

    def do_delete_stage(self, a, b, _c):
        api, found = self.api(a)
        name = STAGES[b % 2]

        def think():
            need(found, f"Invalid API identifier specified 000000000000:{api}")
            need(found["stages"].get(name), "Invalid stage identifier specified")
            del found["stages"][name]
            self.forget(api, name)
            return 202, None
        return "DELETE", f"/restapis/{api}/stages/{name}", None, think

    def forget(self, api, stage):
        """Usage plans drop a stage that is gone."""
        for plan in self.plans.values():
            plan["apiStages"] = [held for held in plan["apiStages"] if held["apiId"] != api or stage not in (None, held["stage"])]
