"""What belongs to the account: keys, plans, domains, links, certificates, tags (rest-admin-api §3.12–§3.22)."""
import datetime
import json
import subprocess

import pytest
from botocore.exceptions import ClientError

NLB = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/nlb/1"


def refused(call, **arguments):
    """The code and the text that a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return error["Error"]["Code"], error["Error"]["Message"]


def replace(path, value):
    return [{"op": "replace", "path": path, "value": value}]


def deployed(client, stage="dev"):
    """An API with one MOCK method, deployed to `stage`."""
    api = client.create_rest_api(name="pets")
    where = dict(restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET")
    client.put_method(**where, authorizationType="NONE")
    client.put_integration(**where, type="MOCK")
    client.create_deployment(restApiId=api["id"], stageName=stage)
    return api["id"]


def names(pages):
    return [item["name"] for page in pages for item in page["items"]]


def test_keys_are_listed_newest_first_in_stable_pages_and_filtered_by_prefix(apigateway):
    keys = [apigateway.create_api_key(name=f"Page-{n}") for n in range(5)]
    pager = apigateway.get_paginator("get_api_keys")

    listed = names(pager.paginate(nameQuery="Page-", PaginationConfig={"PageSize": 2}))
    first = apigateway.get_api_keys(nameQuery="Page-", limit=2)
    apigateway.delete_api_key(apiKey=first["items"][-1]["id"])
    second = apigateway.get_api_keys(nameQuery="Page-", limit=2, position=first["position"])

    assert listed == [f"Page-{n}" for n in (4, 3, 2, 1, 0)]
    assert [key["name"] for key in second["items"]] == ["Page-2", "Page-1"]
    assert not apigateway.get_api_keys(nameQuery="page-")["items"]
    assert all("value" not in key for key in first["items"])
    values = apigateway.get_api_keys(nameQuery="Page-", includeValues=True)["items"]
    assert values[0]["value"] == keys[4]["value"] and len(keys[4]["value"]) == 40


def test_a_value_belongs_to_one_key_until_that_is_deleted(apigateway):
    value = "value-of-at-least-20-characters"
    key = apigateway.create_api_key(value=value, enabled=True, customerId="c1")

    duplicate = refused(apigateway.create_api_key, value=value)
    apigateway.delete_api_key(apiKey=key["id"])
    again = apigateway.create_api_key(value=value)

    assert duplicate == ("ConflictException", "API Key already exists")
    assert again["enabled"] is False and "value" not in apigateway.get_api_key(apiKey=again["id"])
    assert apigateway.get_api_key(apiKey=again["id"], includeValue=True)["value"] == value
    assert refused(apigateway.get_api_key, apiKey=key["id"]) == ("NotFoundException", "Invalid API Key identifier specified")


def test_a_file_of_keys_is_imported_and_imported_again_overwrites(apigateway):
    plan = apigateway.create_usage_plan(name="imported")
    value = "imported-key-of-at-least-thirty-characters"
    text = f'Name,key,description,Enabled,usageplanIds\nfirst,{value},"a, b",TRUE,"{plan["id"]},nope"\nshort,x,,,\n'

    done = apigateway.import_api_keys(body=text.encode(), format="csv")
    failed = refused(apigateway.import_api_keys, body=text.replace("first", "second").encode(), format="csv", failOnWarnings=True)
    kept = apigateway.get_api_key(apiKey=done["ids"][0], includeValue=True)
    again = apigateway.import_api_keys(body=f"name,key,enabled\nthird,{value},false\n".encode(), format="csv")
    held = apigateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]

    assert len(done["warnings"]) == 2 and failed[0] == "BadRequestException"
    assert (kept["name"], kept["description"], kept["enabled"], kept["value"]) == ("first", "a, b", True, value)
    assert again == {**again, "ids": done["ids"], "warnings": []}
    assert [(key["name"], key["value"]) for key in held] == [("third", value)]


def test_a_key_is_in_one_plan_of_a_stage_and_leaves_with_either(apigateway):
    api = deployed(apigateway)
    stages = [{"apiId": api, "stage": "dev"}]
    one, other = (apigateway.create_usage_plan(name=name, apiStages=stages) for name in ("one", "other"))
    empty, key = apigateway.create_usage_plan(name="empty"), apigateway.create_api_key(name="key")
    link = dict(keyId=key["id"], keyType="API_KEY")

    made = apigateway.create_usage_plan_key(usagePlanId=one["id"], **link)
    twice = refused(apigateway.create_usage_plan_key, usagePlanId=one["id"], **link)
    second = refused(apigateway.create_usage_plan_key, usagePlanId=other["id"], **link)
    apigateway.create_usage_plan_key(usagePlanId=empty["id"], **link)
    added = refused(apigateway.update_usage_plan, usagePlanId=empty["id"],
                    patchOperations=[{"op": "add", "path": "/apiStages", "value": f"{api}:dev"}])
    held = apigateway.get_usage_plans(keyId=key["id"])["items"]

    assert (made["id"], made["value"], made["type"], made["name"]) == (key["id"], key["value"], "API_KEY", "key")
    text = "Usage Plan {} cannot be added because API Key cannot reference multiple Usage Plans with the same API Stage: {}:dev"
    assert second == ("ConflictException", text.format(other["id"], api)) and added == ("ConflictException", text.format(empty["id"], api))
    assert twice[0] == "ConflictException" and {plan["name"] for plan in held} == {"one", "empty"}
    apigateway.delete_usage_plan_key(usagePlanId=empty["id"], keyId=key["id"])
    apigateway.delete_api_key(apiKey=key["id"])
    assert apigateway.get_usage_plan_keys(usagePlanId=one["id"])["items"] == []
    assert apigateway.get_usage_plan_keys(usagePlanId="unknown")["items"] == []


def test_plans_and_keys_forget_stages_and_apis_that_go(apigateway):
    api, kept = deployed(apigateway), deployed(apigateway)
    apigateway.create_stage(restApiId=api, stageName="prod", deploymentId=apigateway.get_stage(restApiId=api, stageName="dev")["deploymentId"])
    stages = [{"apiId": api, "stage": "dev"}, {"apiId": api, "stage": "prod"}, {"apiId": kept, "stage": "dev"}]
    plan = apigateway.create_usage_plan(name="gold", apiStages=stages)["id"]
    key = apigateway.create_api_key(stageKeys=[{"restApiId": api, "stageName": "dev"}, {"restApiId": api, "stageName": "prod"}])["id"]

    in_use = refused(apigateway.delete_usage_plan, usagePlanId=plan)
    apigateway.delete_stage(restApiId=api, stageName="dev")
    after_stage = apigateway.get_usage_plan(usagePlanId=plan)["apiStages"], apigateway.get_api_key(apiKey=key)["stageKeys"]
    apigateway.delete_rest_api(restApiId=api)
    after_api = apigateway.get_usage_plan(usagePlanId=plan)["apiStages"], apigateway.get_api_key(apiKey=key)["stageKeys"]

    assert in_use == ("BadRequestException", f"Cannot delete Usage Plan {plan} because there are API Stages associated with it, including {api}:dev")
    assert after_stage == (stages[1:], [f"{api}/prod"]) and after_api == (stages[2:], [])


def test_terraform_s_way_of_patching_method_limits(apigateway):
    api = deployed(apigateway)
    plan = apigateway.create_usage_plan(name="tf", apiStages=[{"apiId": api, "stage": "dev"}])["id"]
    path = f"/apiStages/{api}:dev/throttle//pets/{{id}}/GET"

    operations = [{"op": "replace", "path": f"{path}/rateLimit", "value": "1.5"}, {"op": "replace", "path": f"{path}/burstLimit", "value": "3"}]
    changed = apigateway.update_usage_plan(usagePlanId=plan, patchOperations=operations)
    again = apigateway.update_usage_plan(usagePlanId=plan, patchOperations=[{"op": "remove", "path": path}])

    assert changed["apiStages"][0]["throttle"] == {"/pets/{id}/GET": {"rateLimit": 1.5, "burstLimit": 3}}
    assert "throttle" not in again["apiStages"][0]
    assert refused(apigateway.create_usage_plan, name="x", apiStages=[{"apiId": "nope", "stage": "dev"}])[0] == "NotFoundException"


def test_usage_has_a_pair_a_day_and_what_remains_can_be_set(apigateway):
    plan = apigateway.create_usage_plan(name="metered", quota={"limit": 10, "period": "DAY"})["id"]
    key = apigateway.create_api_key(name="metered")["id"]
    apigateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    today = datetime.datetime.now(datetime.timezone.utc).date()
    yesterday = str(today - datetime.timedelta(days=1))

    set_to = apigateway.update_usage(usagePlanId=plan, keyId=key, patchOperations=replace("/remaining", "50"))
    usage = apigateway.get_usage(usagePlanId=plan, startDate=yesterday, endDate=str(today))

    # Around midnight the day of the call may be over.
    assert set_to["items"][key][-1] in ([0, 50], [0, 10]) and usage["usagePlanId"] == plan
    assert usage["items"][key][0] == [0, 10] and len(usage["items"][key]) == 2
    assert refused(apigateway.get_usage, usagePlanId=plan, startDate="soon", endDate="later")[0] == "BadRequestException"


def test_a_domain_maps_paths_and_keeps_its_api(apigateway):
    api = deployed(apigateway)
    domain = apigateway.create_domain_name(domainName="Api.Example.test", endpointConfiguration={"types": ["REGIONAL"]})
    name = domain["domainName"]
    mapped = dict(domainName=name, restApiId=api)

    root = apigateway.create_base_path_mapping(**mapped)
    named = apigateway.create_base_path_mapping(**mapped, basePath="v1", stage="dev")
    moved = apigateway.update_base_path_mapping(domainName=name, basePath="v1", patchOperations=replace("/basePath", "v2"))
    in_use = refused(apigateway.delete_rest_api, restApiId=api)

    assert name == "api.example.test" and domain["regionalHostedZoneId"] == "Z1UJRXOUMOOFQ8"
    assert root["basePath"] == "(none)" and named["stage"] == "dev" and moved["basePath"] == "v2"
    assert apigateway.get_base_path_mapping(domainName=name, basePath="(none)")["restApiId"] == api
    assert refused(apigateway.get_base_path_mapping, domainName=name, basePath="v1")[1] == "Invalid base path mapping identifier specified"
    assert refused(apigateway.create_base_path_mapping, **mapped)[1] == "Only one base path mapping is allowed if the base path is empty."
    assert refused(apigateway.create_base_path_mapping, **mapped, basePath="v2")[0] == "ConflictException"
    assert refused(apigateway.create_base_path_mapping, **mapped, basePath="v3", stage="no")[1] == "Invalid stage identifier specified"
    assert refused(apigateway.create_base_path_mapping, domainName=name, restApiId="no")[1] == "Invalid REST API identifier specified"
    assert in_use == ("BadRequestException", f"Deleting RestApi {api} failed. Please remove all base path mappings related to the RestApi in your domains: {name}")
    assert refused(apigateway.create_domain_name, domainName=name)[1] == "The domain name you provided already exists."
    apigateway.delete_domain_name(domainName=name)
    apigateway.delete_rest_api(restApiId=api)
    assert refused(apigateway.get_base_path_mappings, domainName=name)[1] == "Invalid domain name identifier specified"


def test_a_private_domain_is_found_by_its_id(apigateway):
    policy = {"Statement": [{"Effect": "Allow", "Resource": ["execute-api:/*"]}]}
    made = apigateway.create_domain_name(domainName="private.example.test", endpointConfiguration={"types": ["PRIVATE"]}, policy=json.dumps(policy))
    found = dict(domainName=made["domainName"], domainNameId=made["domainNameId"])

    tagged = apigateway.tag_resource(resourceArn=made["domainNameArn"], tags={"a": "b"})
    read = apigateway.get_domain_name(**found)

    assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204 and read["tags"] == {"a": "b"}
    assert json.loads(read["policy"])["Statement"][0]["Resource"].endswith(f":/domainnames/private.example.test+{made['domainNameId']}")
    assert refused(apigateway.get_domain_name, domainName=made["domainName"])[0] == "NotFoundException"
    assert apigateway.get_domain_name_access_associations()["items"] == []
    apigateway.delete_domain_name(**found)


def test_a_vpc_link_is_ready_at_once_and_kept_while_an_integration_uses_it(apigateway):
    link = apigateway.create_vpc_link(name="net", targetArns=[NLB])
    api = apigateway.create_rest_api(name="linked")
    where = dict(restApiId=api["id"], resourceId=api["rootResourceId"], httpMethod="GET")
    apigateway.put_method(**where, authorizationType="NONE")
    apigateway.put_integration(**where, type="HTTP_PROXY", integrationHttpMethod="GET", uri="http://x.test", connectionType="VPC_LINK", connectionId=link["id"])
    apigateway.create_deployment(restApiId=api["id"], stageName="dev")

    by_both = refused(apigateway.delete_vpc_link, vpcLinkId=link["id"])
    apigateway.delete_method(**where)
    by_stage = refused(apigateway.delete_vpc_link, vpcLinkId=link["id"])

    assert (link["status"], link["ResponseMetadata"]["HTTPStatusCode"]) == ("PENDING", 202)
    assert apigateway.get_vpc_link(vpcLinkId=link["id"])["statusMessage"] == "Your vpc link is ready for use"
    place = f"{api['id']}:GET:{api['rootResourceId']}"
    text = f"Cannot delete vpc link. Vpc link '{link['id']}', is referenced in [%s] in format of [RESTApiId:Method:Resource:Stage]."
    assert by_both == ("BadRequestException", text % f"{place}:dev, {place}:test-invoke-stage")
    assert by_stage == ("BadRequestException", text % f"{place}:dev")
    apigateway.delete_rest_api(restApiId=api["id"])
    apigateway.delete_vpc_link(vpcLinkId=link["id"])


def test_a_client_certificate_is_real_and_kept_while_a_stage_uses_it(apigateway, tmp_path):
    api = deployed(apigateway)
    made = apigateway.generate_client_certificate(description="mine")
    certificate = made["clientCertificateId"]
    pem = tmp_path / "certificate.pem"
    pem.write_text(made["pemEncodedCertificate"])

    told = subprocess.run(["openssl", "verify", "-CAfile", pem, pem], capture_output=True, text=True, check=True).stdout
    unknown = refused(apigateway.update_stage, restApiId=api, stageName="dev", patchOperations=replace("/clientCertificateId", "nope"))
    apigateway.update_stage(restApiId=api, stageName="dev", patchOperations=replace("/clientCertificateId", certificate))
    in_use = refused(apigateway.delete_client_certificate, clientCertificateId=certificate)
    apigateway.update_stage(restApiId=api, stageName="dev", patchOperations=replace("/clientCertificateId", ""))
    apigateway.delete_client_certificate(clientCertificateId=certificate)

    assert told.strip().endswith("OK") and (made["expirationDate"] - made["createdDate"]).days == 365
    assert unknown[0] == in_use[0] == "BadRequestException" and f"{api}/dev" in in_use[1]
    assert "privateKey" not in made


def test_the_account_keeps_a_role_and_its_features(apigateway):
    role = "arn:aws:iam::000000000000:role/logs"

    before = apigateway.get_account()
    changed = apigateway.update_account(patchOperations=replace("/cloudwatchRoleArn", role))
    refusal = refused(apigateway.update_account, patchOperations=[{"op": "remove", "path": "/features", "value": "UsagePlans"}])
    cleared = apigateway.update_account(patchOperations=replace("/cloudwatchRoleArn", ""))
    apigateway.update_account(patchOperations=replace("/cloudwatchRoleArn", before["cloudwatchRoleArn"]))

    assert before["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10000.0} and before["features"] == ["UsagePlans"]
    assert changed["cloudwatchRoleArn"] == role and "cloudwatchRoleArn" not in cleared
    assert refusal == ("BadRequestException", "Usage Plans cannot be disabled once enabled")


def test_everything_that_can_be_tagged_is_tagged_and_untagged(apigateway):
    api = deployed(apigateway)
    made = [
        f"/restapis/{api}", f"/restapis/{api}/stages/dev",
        "/apikeys/" + apigateway.create_api_key(tags={"old": "1"})["id"],
        "/usageplans/" + apigateway.create_usage_plan(name="tagged")["id"],
        "/vpclinks/" + apigateway.create_vpc_link(name="tagged", targetArns=[NLB])["id"],
        "/clientcertificates/" + apigateway.generate_client_certificate()["clientCertificateId"],
        "/domainnames/" + apigateway.create_domain_name(domainName="tagged.example.test")["domainName"],
    ]

    for path in made:
        arn = f"arn:aws:apigateway:us-east-1::{path}"
        apigateway.tag_resource(resourceArn=arn, tags={"a": "1", "b": "2"})
        apigateway.untag_resource(resourceArn=arn, tagKeys=["b", "old"])
        assert apigateway.get_tags(resourceArn=arn)["tags"] == {"a": "1"}, arn
        assert refused(apigateway.tag_resource, resourceArn=arn, tags={"aws:x": "1"})[0] == "BadRequestException"

    assert refused(apigateway.get_tags, resourceArn="arn:aws:apigateway:us-east-1::/restapis/nope")[0] == "NotFoundException"
    assert apigateway.get_rest_api(restApiId=api)["tags"] == {"a": "1"}
