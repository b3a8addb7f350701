"""What the Lambda API refuses and what it makes of aliases, permissions and limits, as AWS was recorded to (dependencies §3.5; the source of each text is
named beside it: LocalStack's AWS-validated `tests/aws/services/lambda_/test_lambda_api.py` unless it says otherwise)."""
import json

import pytest
from conftest import Gateway
from lambda_strict import MODEL, LambdaJudge, refused, strict
from oracle_model import Wire
from test_function_life import ARN, TWO, create, invoke, without_metadata

INVALID, VALIDATION, MISSING, CONFLICT = "InvalidParameterValueException", "ValidationException", "ResourceNotFoundException", "ResourceConflictException"
SOURCE = "arn:aws:execute-api:us-east-1:000000000000:abc/*/GET/f"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("rules")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def lambdas(gateway):
    client = strict(gateway.client("lambda"))
    create(client, Publish=True)
    client.update_function_code(FunctionName="f", ZipFile=TWO, Publish=True)
    yield client
    client.delete_function(FunctionName="f")


def weights(**of):
    return {"AdditionalVersionWeights": {version.strip("_"): weight for version, weight in of.items()}}


#: What is asked beside the function's name → status, code, text; recorded by test_alias_lifecycle, test_non_existent_alias_update, test_alias_naming.
ALIASES = {
    "two weights": ({"FunctionVersion": "1", "RoutingConfig": weights(_1=0.5, _2=0.5)}, 400, INVALID,
                    "Number of items in AdditionalVersionWeights cannot be greater than 1"),
    "a weight beyond one": ({"FunctionVersion": "1", "RoutingConfig": weights(_2=2.0)}, 400, VALIDATION, "routingConfig.additionalVersionWeights"),
    "the same version": ({"FunctionVersion": "1", "RoutingConfig": weights(_1=0.5)}, 400, INVALID,
                         "Invalid function version 1. Function version 1 is already included in routing configuration."),
    "$LATEST with weights": ({"FunctionVersion": "$LATEST", "RoutingConfig": weights(_1=0.5)}, 400, INVALID,
                             "$LATEST is not supported for an alias pointing to more than 1 version"),
    "an unknown version": ({"FunctionVersion": "10"}, 404, MISSING, f"Function not found: {ARN}:f:10"),
    "an unknown version among the weights": ({"FunctionVersion": "1", "RoutingConfig": weights(_10=0.5)}, 404, MISSING, f"Function not found: {ARN}:f:10"),
    "a name that is taken": ({"Name": "taken", "FunctionVersion": "1"}, 409, CONFLICT, f"Alias already exists: {ARN}:f:taken"),
    "a name of digits": ({"Name": "123", "FunctionVersion": "1"}, 400, VALIDATION, "(?!^[0-9]+$)([a-zA-Z0-9-_]+)"),
    "an unknown function": ({"FunctionName": "unknown", "FunctionVersion": "1"}, 404, MISSING, f"Function not found: {ARN}:unknown"),
}


@pytest.mark.parametrize("case", ALIASES)
def test_aliases_that_are_refused_as_recorded(lambdas, case):
    asked, status, code, text = ALIASES[case]
    taken = lambdas.create_alias(FunctionName="f", Name="taken", FunctionVersion="2")

    found = refused(lambdas.create_alias, **{"FunctionName": "f", "Name": "a", **asked})

    assert found[:2] == (status, code)
    assert found[2] == text if code in (INVALID, MISSING, CONFLICT) else text in found[2], found
    assert lambdas.list_aliases(FunctionName="f")["Aliases"] == [without_metadata(taken)], "nothing is half-written"


@pytest.mark.parametrize("case", [case for case, (asked, *_) in ALIASES.items() if not {"Name", "FunctionName"} & asked.keys()])
def test_updates_of_aliases_are_refused_as_recorded(lambdas, case):
    asked, status, code, text = ALIASES[case]
    before = without_metadata(lambdas.create_alias(FunctionName="f", Name="a", FunctionVersion="2"))

    found = refused(lambdas.update_alias, FunctionName="f", Name="a", **asked)

    assert found[:2] == (status, code) and text in found[2]
    assert without_metadata(lambdas.get_alias(FunctionName="f", Name="a")) == before


def test_a_weight_below_nothing_that_a_client_lets_pass_is_refused(gateway, lambdas):
    at = {"FunctionName": "f", "Name": "a", "FunctionVersion": "1", "RoutingConfig": weights(_2=-0.5)}

    answer = Wire(gateway.admin, model=MODEL)("CreateAlias", **at)

    assert LambdaJudge().failure("CreateAlias", answer) == [] and (answer.status, answer.headers["x-amzn-errortype"]) == (400, VALIDATION)


def test_an_alias_moves_is_weighted_and_goes(lambdas):
    made = lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1", Description="d", RoutingConfig=weights(_2=0.0))
    first = {invoke(lambdas, Qualifier="live")["ExecutedVersion"] for _ in range(20)}
    lambdas.update_alias(FunctionName="f", Name="live", RoutingConfig=weights(_2=1.0))
    second = {invoke(lambdas, Qualifier="live")["ExecutedVersion"] for _ in range(20)}
    lambdas.update_alias(FunctionName="f", Name="live", RoutingConfig=weights(_2=0.5))
    both = {invoke(lambdas, Qualifier="live")["ExecutedVersion"] for _ in range(60)}  # of one kind only once in 2⁵⁹
    moved = lambdas.update_alias(FunctionName="f", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}})

    lambdas.delete_alias(FunctionName="f", Name="live")
    lambdas.delete_alias(FunctionName="f", Name="live")

    assert without_metadata(made) == {"AliasArn": f"{ARN}:f:live", "Name": "live", "FunctionVersion": "1", "Description": "d", "RevisionId": made["RevisionId"],
                                      "RoutingConfig": weights(_2=0.0)}
    assert (first, second, both) == ({"1"}, {"2"}, {"1", "2"})
    assert (moved["FunctionVersion"], moved["Description"], "RoutingConfig" in moved) == ("2", "d", False) and moved["RevisionId"] != made["RevisionId"]
    # test_non_existent_alias_update and test_alias_lifecycle
    for call in (lambdas.get_alias, lambdas.update_alias):
        assert refused(call, FunctionName="f", Name="live") == (404, MISSING, f"Cannot find alias arn: {ARN}:f:live")
    assert refused(lambdas.invoke, FunctionName="f", Qualifier="live")[:2] == (404, MISSING)


#: What AddPermission is asked → principal and condition of the statement it makes (test_add_lambda_permission_*, test_lambda_permission_fn_versioning).
STATEMENTS = {
    "a service": ({"Principal": "s3.amazonaws.com"}, {"Service": "s3.amazonaws.com"}, None),
    "a service for one source": ({"Principal": "apigateway.amazonaws.com", "SourceArn": SOURCE}, {"Service": "apigateway.amazonaws.com"},
                                 {"ArnLike": {"AWS:SourceArn": SOURCE}}),
    "a service for one account and source": ({"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "000000000000"}, {"Service": "s3.amazonaws.com"},
                                             {"StringEquals": {"AWS:SourceAccount": "000000000000"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
    "anyone": ({"Principal": "*"}, "*", None),
    "an account": ({"Principal": "111111111111"}, {"AWS": "arn:aws:iam::111111111111:root"}, None),
    "a role": ({"Principal": "arn:aws:iam::111111111111:role/r"}, {"AWS": "arn:aws:iam::111111111111:role/r"}, None),
}


@pytest.mark.parametrize("case", STATEMENTS)
@pytest.mark.parametrize("qualifier", [None, "1", "live"])
def test_a_permission_is_a_statement_of_the_policy(lambdas, case, qualifier):
    asked, principal, condition = STATEMENTS[case]
    lambdas.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    at = {"FunctionName": "f", **({"Qualifier": qualifier} if qualifier else {})}

    added = json.loads(lambdas.add_permission(**at, StatementId="s", Action="lambda:InvokeFunction", **asked)["Statement"])
    policy = json.loads(lambdas.get_policy(**at)["Policy"])

    expected = {"Sid": "s", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": f"{ARN}:f" + (f":{qualifier}" if qualifier else "")}
    assert added == {**expected, **({"Condition": condition} if condition else {})}
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [added]}
    others = [{"FunctionName": "f", **({"Qualifier": other} if other else {})} for other in (None, "1", "live") if other != qualifier]
    assert [refused(lambdas.get_policy, **other)[:2] for other in others] == [(404, MISSING)] * 2, "each qualifier has a policy of its own"


def test_permissions_that_are_refused_as_recorded(lambdas):
    permission = dict(FunctionName="f", StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    empty = refused(lambdas.get_policy, FunctionName="f")
    lambdas.add_permission(**permission)

    twice = refused(lambdas.add_permission, **permission)
    unknown = [refused(lambdas.remove_permission, FunctionName="f", StatementId="none")[:2], refused(lambdas.remove_permission, FunctionName="f", StatementId="s3", Qualifier="1")[:2],
               refused(lambdas.add_permission, **permission, Qualifier="none")[:2], refused(lambdas.get_policy, FunctionName="f", Qualifier="none")[:2],
               refused(lambdas.add_permission, **{**permission, "FunctionName": "unknown"})[:2]]
    wrong = [refused(lambdas.add_permission, **{**permission, "StatementId": "t", **change})[:2]
             for change in ({"Principal": "nobody"}, {"Action": "s3:GetObject"}, {"StatementId": "a b"}, {"Qualifier": "$LATEST"})]
    lambdas.remove_permission(FunctionName="f", StatementId="s3")

    # test_remove_multi_permissions, test_add_lambda_permission_aws, test_lambda_permission_fn_versioning
    assert empty == refused(lambdas.get_policy, FunctionName="f") == (404, MISSING, "The resource you requested does not exist.")
    assert twice == (409, CONFLICT, "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.")
    assert unknown == [(404, MISSING)] * 5
    assert wrong == [(400, INVALID), (400, VALIDATION), (400, VALIDATION), (400, INVALID)]


def test_concurrency_that_is_refused_as_recorded(lambdas):
    """test_lambda_concurrency_crud, test_lambda_concurrency_limits, test_lambda_provisioned_*; the least number itself is masked in the recording."""
    limit = lambdas.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]

    qualified = refused(lambdas.put_function_concurrency, FunctionName=f"{ARN}:f:1", ReservedConcurrentExecutions=1)
    beyond = refused(lambdas.put_function_concurrency, FunctionName="f", ReservedConcurrentExecutions=limit - 50)
    lambdas.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=1)
    provision = dict(FunctionName="f", ProvisionedConcurrentExecutions=1)
    latest = refused(lambdas.put_provisioned_concurrency_config, **provision, Qualifier="$LATEST")
    more = refused(lambdas.put_provisioned_concurrency_config, FunctionName="f", ProvisionedConcurrentExecutions=2, Qualifier="1")
    unknown = refused(lambdas.put_provisioned_concurrency_config, **provision, Qualifier="10")[:2]
    none = refused(lambdas.get_provisioned_concurrency_config, FunctionName="f", Qualifier="1")

    assert qualified[:2] == (400, INVALID)
    assert beyond == (400, INVALID, "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum "
                                    "value of [100].")
    assert latest[:2] == more[:2] == (400, INVALID) and unknown == (404, MISSING)
    assert none[:2] == (404, "ProvisionedConcurrencyConfigNotFoundException")
    assert lambdas.list_provisioned_concurrency_configs(FunctionName="f")["ProvisionedConcurrencyConfigs"] == []
    assert lambdas.get_function_concurrency(FunctionName="f")["ReservedConcurrentExecutions"] == 1
