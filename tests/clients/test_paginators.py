"""Every paginator that botocore defines walks small pages and finds exactly what there is, once (issue point 4)."""
import datetime

import botocore.session
import pytest
from conftest import Gateway
from oracle_model import Wire
from oracle_world import World

MODEL = botocore.session.get_session().get_paginator_model("apigateway")
COUNT, DAY = 5, datetime.date.today().isoformat()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("pages")).start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def world(gateway):
    return World(Wire(gateway.admin), "upstream.example.test", "arn:aws:lambda:us-east-1:000000000000:function:f")


def times(make):
    return [make() for _ in range(COUNT)]


def keys_of_one_plan(world):
    plan = {"usagePlanId": world.make("CreateUsagePlan", name="of many keys", quota={"limit": 10, "period": "MONTH"})["id"]}
    for key in times(world.fresh_key):
        world.make("CreateUsagePlanKey", **plan, keyId=key["apiKey"], keyType="API_KEY")
    return plan


def mappings_of_one_domain(world):
    domain = world.fresh_domain()
    for n in range(COUNT):
        world.make("CreateBasePathMapping", **domain, basePath=f"b{n}", restApiId=world.fresh_api()["id"])
    return domain


def within_an_api(make):
    """The parameters of a list within an API of its own, after `make` has been called `COUNT` times with the definition."""
    def prepare(world):
        definition = world.fresh_definition()
        for n in range(COUNT):
            make(world, definition, n)
        return definition.at
    return prepare


def deploy(world, definition, n):
    if n == 0:
        at = {**definition.at, "resourceId": definition.root, "httpMethod": "GET"}
        world.make("PutMethod", **at, authorizationType="NONE")
        world.make("PutIntegration", **at, type="MOCK")
    world.make("CreateDeployment", **definition.at)


def document_resource(world, definition, n):
    world.make("CreateDocumentationPart", **definition.at, location={"type": "RESOURCE", "path": f"/{n}"}, properties="{}")


#: Operation → what prepares the list and gives its parameters; what makes its items; the member that identifies one; how many there are besides.
LISTS = {
    "GetApiKeys": (lambda w: times(w.fresh_key) and {}, "CreateApiKey", "id", 0),
    "GetBasePathMappings": (mappings_of_one_domain, "CreateBasePathMapping", "basePath", 0),
    "GetClientCertificates": (lambda w: times(w.fresh_certificate) and {}, "GenerateClientCertificate", "clientCertificateId", 0),
    "GetDeployments": (within_an_api(deploy), "CreateDeployment", "id", 0),
    "GetDomainNames": (lambda w: times(w.fresh_domain) and {}, "CreateDomainName", "domainName", 0),
    "GetModels": (within_an_api(lambda w, api, n: api.fresh_model()), "CreateModel", "name", 2),
    "GetResources": (within_an_api(lambda w, api, n: w.make("CreateResource", **api.at, parentId=api.root, pathPart=f"r{n}")), "CreateResource", "id", 1),
    "GetRestApis": (lambda w: times(w.fresh_api) and {}, "CreateRestApi", "id", 0),
    "GetUsage": (lambda w: dict(keys_of_one_plan(w), startDate=DAY, endDate=DAY), "CreateUsagePlanKey", "id", 0),
    "GetUsagePlans": (lambda w: times(w.fresh_plan) and {}, "CreateUsagePlan", "id", 0),
    "GetUsagePlanKeys": (keys_of_one_plan, "CreateUsagePlanKey", "id", 0),
    "GetVpcLinks": (lambda w: times(w.fresh_link) and {}, "CreateVpcLink", "id", 0),
    "GetAuthorizers": (within_an_api(lambda w, api, n: api.fresh_authorizer()), "CreateAuthorizer", "id", 0),
    "GetDocumentationParts": (within_an_api(document_resource), "CreateDocumentationPart", "id", 0),
    "GetDocumentationVersions": (within_an_api(lambda w, api, n: w.make("CreateDocumentationVersion", **api.at, documentationVersion=f"v{n}")),
                                 "CreateDocumentationVersion", "version", 0),
    "GetGatewayResponses": (lambda w: w.draft.at, "PutGatewayResponse", "responseType", 21),
    "GetRequestValidators": (within_an_api(lambda w, api, n: api.fresh_validator()), "CreateRequestValidator", "id", 0),
    "GetSdkTypes": (lambda w: {}, None, "id", 6),
}


def ids(page, member):
    """The identities of a page's items; those of a map are its keys."""
    return list(page["items"]) if isinstance(page["items"], dict) else [item[member] for item in page["items"]]


@pytest.fixture(params=LISTS)
def listed(request, world, gateway):
    """A paginator, its parameters, and how many items it must find and which of them were made here."""
    prepare, creator, member, besides = LISTS[request.param]
    start = len(world.made)
    params = prepare(world)
    # A list of the whole account shows what other tests made, too.
    made = {answer[member] for operation, answer in world.made[start if params else 0:] if operation == creator}
    return gateway.client().get_paginator(botocore.xform_name(request.param)), params, member, made, len(made) + besides


def test_the_table_has_every_paginator_and_there_are_no_waiters(gateway):
    assert sorted(LISTS) == sorted(MODEL._paginator_config)
    assert len(LISTS) == 18
    assert gateway.client().waiter_names == []


def test_small_pages_hold_everything_once(listed):
    paginator, params, member, made, count = listed

    pages = list(paginator.paginate(**params, PaginationConfig={"PageSize": 2}))

    seen = [one for page in pages for one in ids(page, member)]
    assert len(seen) == len(set(seen)) == count and made <= set(seen)
    assert len(pages) == (count + 1) // 2 > 1 and all(len(page["items"]) == 2 for page in pages[:-1])
    assert all("position" in page for page in pages[:-1]) and "position" not in pages[-1]


# botocore does not join the pages of a map, so what it calls a full result of GetUsage is the first page.
@pytest.mark.parametrize("listed", [name for name in LISTS if name != "GetUsage"], indirect=True)
def test_a_walk_goes_on_where_it_stopped(listed):
    paginator, params, member, made, count = listed

    first = paginator.paginate(**params, PaginationConfig={"PageSize": 2, "MaxItems": 4}).build_full_result()
    rest = paginator.paginate(**params, PaginationConfig={"PageSize": 2, "StartingToken": first["NextToken"]}).build_full_result()

    if isinstance(first["items"], dict):
        pytest.skip("botocore joins the lists of pages, not their maps: of GetUsage it keeps the first page only")
    assert len(ids(first, member)) == 4
    whole = ids(first, member) + ids(rest, member)
    assert len(whole) == len(set(whole)) == count and made <= set(whole)
