"""UsagePlan, ApiKey and UsagePlanKey."""
import copy

from .base import Base, Refused, STAGES, allow, change, need, replace


class Plans(Base):
    """UsagePlan, ApiKey and UsagePlanKey."""

    def do_create_plan(self, a, b, c):
        api, found = self.api(a)
        name, stage = ("gold", "")[c % 5 // 4], STAGES[b % 2]
        body = {"name": name, "apiStages": [{"apiId": api, "stage": stage}] if b % 3 else []}

        def think():
            allow(name, "Usage Plan name must not be empty")
            if body["apiStages"] and (not found or stage not in found["stages"]):
                raise Refused(404)
            plan = self.fresh("plan")
            self.plans[plan] = {"id": plan, **copy.deepcopy(body)}
            return 201, self.plans[plan]
        return "POST", "/usageplans", body, think

    def shared(self, plan):
        """Whether a key of the plan reaches one of its stages by another plan as well."""
        def stages(name):
            return {(held["apiId"], held["stage"]) for held in self.plans[name]["apiStages"]}
        return any(other != plan and stages(other) & stages(plan) for key in self.keys.values() if plan in key["plans"] for other in key["plans"])

    def do_update_plan(self, a, b, c):
        plan, (api, found), stage = self.pick(a, self.plans), self.api(b), STAGES[c % 2]
        op = ("add", "remove")[c % 4 // 3]

        def think():
            document = need(self.plans.get(plan), "Invalid Usage Plan ID specified")
            unknown = f"Invalid API Stage {{api: {api}, stage: {stage}}} specified for usageplan {plan}"
            held, entry = document["apiStages"], {"apiId": api, "stage": stage}
            if op == "remove":
                allow(entry in held, unknown, 404)
                document["apiStages"] = [other for other in held if other != entry]
            else:
                allow(found and stage in found["stages"], unknown, 404)
                document["apiStages"] = held if entry in held else [*held, entry]
                if entry not in held and self.shared(plan):
                    document["apiStages"] = held
                    raise Refused(409)
            return 200, document
        return "PATCH", f"/usageplans/{plan}", change(op, "/apiStages", f"{api}:{stage}"), think

    def do_delete_plan(self, a, _b, _c):
        plan = self.pick(a, self.plans)

        def think():
            document = need(self.plans.get(plan), "Invalid Usage Plan ID specified")
            allow(not document["apiStages"], None)
            del self.plans[plan]
            for key in self.keys.values():
                key["plans"].discard(plan)
            return 202, None
        return "DELETE", f"/usageplans/{plan}", None, think

    def do_create_key(self, a, b, _c):
        body = {"name": f"k{b % 3}", "value": f"{'v' * 20}{a % 4}", "enabled": b % 2 == 0}

        def think():
            allow(all(key["value"] != body["value"] for key in self.keys.values()), "API Key already exists", 409)
            key = self.fresh("key")
            self.keys[key] = {**body, "id": key, "stageKeys": [], "plans": set()}
            return 201, self.shown_key(key)
        return "POST", "/apikeys", body, think

    def shown_key(self, key, value=True):
        return {name: member for name, member in self.keys[key].items() if name != "plans" and (value or name != "value")}

    def do_update_key(self, a, b, _c):
        key = self.pick(a, self.keys)

        def think():
            need(self.keys.get(key), "Invalid API Key identifier specified")["enabled"] = b % 2 == 1
            return 200, self.shown_key(key, value=False)
        return "PATCH", f"/apikeys/{key}", replace("/enabled", str(b % 2 == 1).lower()), think

    def do_delete_key(self, a, _b, _c):
        key = self.pick(a, self.keys)

        def think():
            need(self.keys.get(key), "Invalid API Key identifier specified")
            del self.keys[key]
            return 202, None
        return "DELETE", f"/apikeys/{key}", None, think

    def do_add_plan_key(self, a, b, _c):
        plan, key = self.pick(a, self.plans), self.pick(b, self.keys)

        def think():
            need(self.plans.get(plan), "Invalid Usage Plan ID specified")
            document = need(self.keys.get(key), "Invalid API Key identifier specified")
            allow(plan not in document["plans"], "Usage Plan Key already exists", 409)
            document["plans"].add(plan)
            if self.shared(plan):
                document["plans"].discard(plan)
                raise Refused(409)
            return 201, self.shown_plan_key(key)
        return "POST", f"/usageplans/{plan}/keys", {"keyId": key, "keyType": "API_KEY"}, think

    def shown_plan_key(self, key):
        return {"id": key, "type": "API_KEY", "name": self.keys[key]["name"], "value": self.keys[key]["value"]}

    def do_remove_plan_key(self, a, b, _c):
        plan, key = self.pick(a, self.plans), self.pick(b, self.keys)

        def think():
            need(self.plans.get(plan), "Invalid Usage Plan ID specified")
            document = self.keys.get(key)
            allow(document and plan in document["plans"], None, 404)
            document["plans"].discard(plan)
            return 202, None
        return "DELETE", f"/usageplans/{plan}/keys/{key}", None, think
