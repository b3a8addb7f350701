"""Chalice and Zappa themselves, as released, deploy applications with their functions: their code makes every call, and the gateway serves what they
deployed (issue point 4)."""
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from chalice.deploy.swagger import SwaggerGenerator
from conftest import Gateway, eventually
from test_functions import package
from test_real_clients import application
from zappa.core import Zappa

ROLE, ARN = "arn:aws:iam::000000000000:role/r", "arn:aws:lambda:us-east-1:000000000000:function"
SHOP = '''
import os
from chalice import Chalice
app = Chalice(app_name="shop")
app.api.binary_types = ["image/png"]

@app.route("/items/{name}", methods=["GET", "PUT"], cors=True)
def item(name):
    request = app.current_request
    return {"name": name, "method": request.method, "query": request.query_params, "body": request.json_body, "colour": os.environ["COLOUR"]}

@app.lambda_function(name="double")
def double(event, context):
    return event * 2
'''
CONFIGURATION = {"version": "2.0", "app_name": "shop", "stages": {"dev": {
    "api_gateway_stage": "api", "manage_iam_role": False, "iam_role_arn": ROLE, "environment_variables": {"COLOUR": "red"}, "lambda_timeout": 5}}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("deploys")).start()
    yield gateway
    gateway.stop()


@pytest.fixture(autouse=True)
def environment(gateway, monkeypatch):
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def chalice(tmp_path):
    """`chalice("deploy")` runs Chalice's own command in the folder of an application."""
    folder = tmp_path / "shop"
    (folder / ".chalice").mkdir(parents=True)
    (folder / ".chalice/config.json").write_text(json.dumps(CONFIGURATION))
    (folder / "app.py").write_text(SHOP)
    (folder / "requirements.txt").touch()
    program = Path(sys.executable).parent / "chalice"

    def run(*words, given=""):
        done = subprocess.run([sys.executable, str(program), *words], cwd=folder, env=dict(os.environ), input=given, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


def deployed(chalice):
    resources = json.loads((chalice.folder / ".chalice/deployed/dev.json").read_text())["resources"]
    return {resource["name"]: resource for resource in resources}


def test_chalice_deploys_an_application_changes_it_and_deletes_it(gateway, chalice):
    chalice("deploy")
    made = deployed(chalice)
    api = made["rest_api"]["rest_api_id"]
    gateway.settled(api, "api")
    first = gateway.call(api, "api", "/items/ball?x=1").json
    put = gateway.call(api, "api", "/items/bat", method="PUT", body=b'{"a": 1}', headers={"content-type": "application/json"}).json
    doubled = chalice("invoke", "-n", "double", given="21")

    (chalice.folder / "app.py").write_text(SHOP.replace('"name": name,', '"name": name.upper(),'))
    chalice("deploy")
    gateway.settled(api, "api")
    second = eventually(lambda: (answer := gateway.call(api, "api", "/items/ball").json)["name"] == "BALL" and answer)

    assert made["api_handler"]["lambda_arn"] == f"{ARN}:shop-dev" and made["double"]["lambda_arn"] == f"{ARN}:shop-dev-double"
    assert first == {"name": "ball", "method": "GET", "query": {"x": "1"}, "body": None, "colour": "red"}
    assert (put["method"], put["name"], put["body"]) == ("PUT", "bat", {"a": 1}) and doubled.strip() == "42"
    assert deployed(chalice)["rest_api"]["rest_api_id"] == api and second["method"] == "GET"
    chalice("delete")
    assert gateway.client("lambda").list_functions()["Functions"] == [] and gateway.client().get_rest_apis()["items"] == []


def handler(label):
    """A function as a deployment tool packs it: `handler.py` among other files."""
    return package(handler__py=f"import json\ndef lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': json.dumps("
                               f"[{label!r}, context.function_version, event and event.get('path')])}}\n")


def test_zappa_makes_updates_and_undeploys_the_function_behind_its_api(gateway):
    zappa, lambdas = Zappa(boto_session=boto3.Session(), runtime="python3.11"), gateway.client("lambda")
    zappa.credentials_arn, name, settings = ROLE, "shop-dev", {"runtime": "python3.11", "timeout": 5}
    arn = zappa.create_lambda_function(function_name=name, handler="handler.lambda_handler", local_zip=handler("one"), concurrency=5, use_alb=True, **settings)
    swagger = SwaggerGenerator("us-east-1", {"api_handler_arn": arn}).generate_swagger(application())
    api = gateway.client().import_rest_api(body=json.dumps(dict(swagger, info={"title": name, "version": "1.0"})))["id"]
    lambdas.add_permission(FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com")  # CloudFormation's part
    zappa.deploy_api_gateway(api, "dev")
    gateway.settled(api, "dev")
    served = lambda: gateway.call(api, "dev", "/items/ball").json
    first = served()

    zappa.update_lambda_function(None, name, local_zip=handler("two"), num_revisions=2, concurrency=None)
    zappa.update_lambda_configuration(arn, name, "handler.lambda_handler", memory_size=256, aws_environment_variables={"SHOP": "b"}, provisioned_concurrency=1, **settings)
    zappa.update_lambda_function(None, name, local_zip=handler("three"), num_revisions=2)
    second = eventually(lambda: (answer := served())[0] == "three" and answer)
    told = zappa.invoke_lambda_function(name, json.dumps({"path": "/"}), invocation_type="RequestResponse")

    configuration = zappa.get_lambda_function_versions(name)
    assert (first, second) == (["one", "$LATEST", "/items/ball"], ["three", "$LATEST", "/items/ball"])
    assert json.loads(json.loads(told["Payload"].read())["body"])[0] == "three" and b"REPORT RequestId" in base64.b64decode(told["LogResult"])
    assert [version["Version"] for version in configuration] == ["$LATEST", "3", "4"], "of four versions the last two are kept"
    assert (configuration[0]["MemorySize"], configuration[0]["Environment"]) == (256, {"Variables": {"SHOP": "b"}})
    assert "Concurrency" not in lambdas.get_function(FunctionName=name)
    aliases = {alias["Name"]: alias["FunctionVersion"] for alias in lambdas.list_aliases(FunctionName=name)["Aliases"]}
    assert sorted(aliases.values()) == ["3", "4"], aliases
    zappa.delete_lambda_function(name)
    assert gateway.call(api, "dev", "/items/ball").status >= 500
