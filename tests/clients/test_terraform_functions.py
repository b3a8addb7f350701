"""The calls of Terraform's AWS provider for `aws_lambda_function`, `aws_lambda_alias` and `aws_lambda_permission`, in its order, with its waits: what is
written is read back as configured, and a second plan is empty (provider sources, `internal/service/lambda`)."""
import base64
import hashlib
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Gateway, eventually
from lambda_strict import refused, strict
from terraform_provider import alike
from test_function_life import ARN, ONE, ROLE, TWO, invoke

SOURCE = "arn:aws:execute-api:us-east-1:000000000000:abc/*/*/*"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("terraform")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def lambdas(gateway):
    return strict(gateway.client("lambda"))


def sha256(code):
    return base64.b64encode(hashlib.sha256(code).digest()).decode()


class Function:
    """`aws_lambda_function`: `resourceFunctionCreate`, `…Read`, `…Update`, `…Delete`."""

    #: Computed or zero where nothing is configured.
    DEFAULTS = {"Architectures": ["x86_64"], "Description": "", "MemorySize": 128, "Timeout": 3, "PackageType": "Zip", "EphemeralStorage": {"Size": 512},
                "TracingConfig": {"Mode": "PassThrough"}, "Environment": {"Variables": {}}, "DeadLetterConfig": None, "VpcConfig": None, "FileSystemConfigs": [], "Layers": [],
                "KMSKeyArn": ""}
    #: What the provider sends when a block is taken away (`resourceFunctionUpdate`).
    REMOVED = {"Environment": {"Variables": {}}, "DeadLetterConfig": {"TargetArn": ""}, "FileSystemConfigs": [], "KMSKeyArn": "", "Description": "", "Layers": [],
               "VpcConfig": {"Ipv6AllowedForDualStack": False, "SecurityGroupIds": [], "SubnetIds": []}}

    def __init__(self, client, name, code, publish=False, reserved=None, tags=None, **arguments):
        self.client, self.name, self.code, self.publish, self.reserved, self.tags, self.wanted = client, name, code, publish, reserved, tags or {}, arguments
        client.create_function(FunctionName=name, Code={"ZipFile": code}, PackageType="Zip", Publish=publish, Tags=self.tags,
                               **{"Description": "", "MemorySize": 128, "Timeout": 3, **arguments})
        eventually(lambda: client.get_function(FunctionName=name)["Configuration"]["State"] == "Active")
        if reserved is not None:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        self.assert_as_configured()

    def read(self):
        found = self.client.get_function(FunctionName=self.name)
        pages = self.client.get_paginator("list_versions_by_function").paginate(FunctionName=self.name, PaginationConfig={"PageSize": 10000})
        last = [version for page in pages for version in page["Versions"]][-1]
        signing = self.client.get_function_code_signing_config(FunctionName=self.name)
        return found, last, signing

    def assert_as_configured(self):
        """A second plan is empty."""
        found, last, signing = self.read()
        configuration = found["Configuration"]
        configuration.setdefault("Environment", {"Variables": {}})
        for argument, value in {**self.DEFAULTS, **self.wanted}.items():
            assert alike(value, configuration.get(argument)), f"{argument}: {configuration.get(argument)!r}, not {value!r}"
        assert configuration["CodeSha256"] == sha256(self.code) and configuration["CodeSize"] == len(self.code)
        assert found.get("Tags", {}) == self.tags and found.get("Concurrency", {}).get("ReservedConcurrentExecutions") == self.reserved
        assert "CodeSigningConfigArn" not in signing and configuration["FunctionArn"] == f"{ARN}:{self.name}"
        self.version = last["Version"]
        assert last["FunctionArn"] == f"{ARN}:{self.name}:{self.version}" and (self.version == "$LATEST") == (not self.publish)

    def apply(self, code=None, reserved=None, tags=None, **changes):
        """Configuration, then code, then concurrency, then the version, in the provider's order; None takes an argument away."""
        if changes:
            sent = {argument: self.REMOVED[argument] if value is None else value for argument, value in changes.items()}
            self.client.update_function_configuration(FunctionName=self.name, **sent)
            self.wanted = {argument: value for argument, value in {**self.wanted, **changes}.items() if value is not None}
            self._updated()
        if code:
            self.code = code
            self.client.update_function_code(FunctionName=self.name, ZipFile=code)
            self._updated()
        if reserved != self.reserved:
            self.client.delete_function_concurrency(FunctionName=self.name) if reserved is None else self.client.put_function_concurrency(
                FunctionName=self.name, ReservedConcurrentExecutions=reserved)
            self.reserved = reserved
        if self.publish and (changes or code):
            made = self.client.publish_version(FunctionName=self.name)
            eventually(lambda: self.client.get_function_configuration(FunctionName=made["FunctionArn"], Qualifier=made["Version"])["LastUpdateStatus"] == "Successful")
        if tags is not None:
            gone = [key for key in self.tags if key not in tags]
            if gone:
                self.client.untag_resource(Resource=f"{ARN}:{self.name}", TagKeys=gone)
            self.client.tag_resource(Resource=f"{ARN}:{self.name}", Tags=tags)
            self.tags = tags
        self.assert_as_configured()

    def _updated(self):
        eventually(lambda: self.client.get_function(FunctionName=self.name)["Configuration"]["LastUpdateStatus"] == "Successful")

    def destroy(self):
        self.client.delete_function(FunctionName=self.name)
        assert refused(self.client.get_function, FunctionName=self.name)[:2] == (404, "ResourceNotFoundException")


def test_function(lambdas):
    function = Function(lambdas, "plain", ONE, Runtime="python3.12", Handler="app.handler", Role=ROLE)

    function.apply(Timeout=9, MemorySize=512, Description="d", Environment={"Variables": {"COLOUR": "red"}}, tags={"a": "1", "b": "2"})
    function.apply(DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"}, KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/k",
                   VpcConfig={"SecurityGroupIds": ["sg-1"], "SubnetIds": ["subnet-1"], "Ipv6AllowedForDualStack": False},
                   FileSystemConfigs=[{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/mnt/a"}],
                   LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}, SnapStart={"ApplyOn": "PublishedVersions"}, TracingConfig={"Mode": "Active"},
                   EphemeralStorage={"Size": 1024}, reserved=3, tags={"b": "3"})
    function.apply(DeadLetterConfig=None, KMSKeyArn=None, VpcConfig=None, FileSystemConfigs=None, Environment=None, Description=None, Layers=None, code=TWO)

    assert invoke(lambdas, "plain")["Payload"]["label"] == "two"
    function.destroy()


def test_function_that_publishes_each_change(lambdas):
    function = Function(lambdas, "published", ONE, publish=True, reserved=2, tags={"a": "1"}, Runtime="python3.12", Handler="app.handler", Role=ROLE, Timeout=5)
    versions = [function.version]

    for n in range(10):
        function.apply(Timeout=6 + n, reserved=2)
        versions.append(function.version)
    function.apply(code=TWO, reserved=0)

    assert versions == [str(n) for n in range(1, 12)] and function.version == "12"
    function.apply(tags={})
    assert function.version == "12", "tags publish nothing"
    function.destroy()


def test_alias(lambdas):
    function = Function(lambdas, "aliased", ONE, publish=True, Runtime="python3.12", Handler="app.handler", Role=ROLE)
    function.apply(code=TWO)
    alias = {"FunctionName": "aliased", "Name": "live"}

    def apply(call, version, description="", weights=None):
        routing = {"AdditionalVersionWeights": weights} if weights else {}
        call(**alias, FunctionVersion=version, Description=description, RoutingConfig=routing)
        read = lambda: lambdas.get_alias(**alias)
        found = eventually(lambda: (now := read()).get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) == (weights or {}) and now)
        assert (found["FunctionVersion"], found["Description"], found["AliasArn"]) == (version, description, f"{ARN}:aliased:live")

    apply(lambdas.create_alias, "1")
    apply(lambdas.update_alias, "1", "d", {"2": 0.25})
    apply(lambdas.update_alias, "2", "d")
    apply(lambdas.update_alias, "2")
    alias["FunctionName"] = f"{ARN}:aliased"
    apply(lambdas.update_alias, "1", "by ARN")

    lambdas.delete_alias(**alias)
    assert refused(lambdas.get_alias, **alias)[:2] == (404, "ResourceNotFoundException")
    function.destroy()


@pytest.mark.parametrize("qualifier", [None, "1"])
@pytest.mark.parametrize("arguments", [
    {"Principal": "apigateway.amazonaws.com", "SourceArn": SOURCE}, {"Principal": "events.amazonaws.com", "SourceAccount": "000000000000"},
    {"Principal": "*", "FunctionUrlAuthType": "AWS_IAM"}, {"Principal": "*", "InvokedViaFunctionUrl": True}, {"Principal": "111111111111", "PrincipalOrgID": "o-1234567890"},
    {"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask.skill.1"}], ids=lambda arguments: ",".join(arguments))
def test_permission(lambdas, arguments, qualifier):
    function = Function(lambdas, "permitted", ONE, publish=True, Runtime="python3.12", Handler="app.handler", Role=ROLE)
    at = {"FunctionName": "permitted", **({"Qualifier": qualifier} if qualifier else {})}
    lambdas.add_permission(**at, StatementId="terraform", Action="lambda:InvokeFunction", **arguments)

    def found():
        try:
            policy = json.loads(lambdas.get_policy(**at)["Policy"])
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException", error
            return None
        return next((statement for statement in policy["Statement"] if statement["Sid"] == "terraform"), None)

    read = found()
    conditions = {"SourceArn": ("ArnLike", "AWS:SourceArn"), "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
                  "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"), "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
                  "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"), "EventSourceToken": ("StringEquals", "lambda:EventSourceToken")}
    lambdas.remove_permission(**at, StatementId="terraform")

    principal = read["Principal"] if isinstance(read["Principal"], str) else next(iter(read["Principal"].values()))
    assert principal in (arguments["Principal"], f"arn:aws:iam::{arguments['Principal']}:root")
    assert read["Resource"] == f"{ARN}:permitted" + (f":{qualifier}" if qualifier else "") and read["Action"] == "lambda:InvokeFunction"
    expected = {conditions[argument]: str(value).lower() if value is True else value for argument, value in arguments.items() if argument in conditions}
    assert {(operator, key): value for operator, keys in read["Condition"].items() for key, value in keys.items()} == expected
    assert found() is None
    function.destroy()
