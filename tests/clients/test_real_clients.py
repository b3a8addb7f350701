"""Chalice and Zappa themselves, as released, against the gateway (issue point 4): their code makes every call, ours only says what to deploy."""
import json

import boto3
import botocore.session
import pytest
from chalice import Chalice
from chalice.awsclient import TypedAWSClient
from chalice.deploy.swagger import SwaggerGenerator
from conftest import Gateway, Upstream
from oracle_world import CERTIFICATE
from test_integrations import Functions
from zappa.core import Zappa

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:app"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    functions = Upstream("functions", Functions)
    answer = lambda event: (200, {}, {"statusCode": 200, "body": json.dumps({"path": event["path"], "method": event["httpMethod"]})})
    functions.calls, functions.answers = [], {"app": answer}
    gateway = Gateway(tmp_path_factory.mktemp("real"), "--lambda-endpoint", f"http://{functions.address}").start()
    yield gateway
    gateway.stop()
    functions.shutdown()


@pytest.fixture(autouse=True)
def environment(gateway, monkeypatch):
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def chalice():
    return TypedAWSClient(botocore.session.get_session(), sleep=lambda seconds: None)


def application():
    app = Chalice("shop")
    app.api.binary_types = ["image/png"]

    @app.route("/items/{name}", methods=["GET", "PUT"], cors=True)
    def item(name):
        return name

    @app.route("/keyed", api_key_required=True)
    def keyed():
        return {}

    return app


def swagger():
    return SwaggerGenerator("us-east-1", {"api_handler_arn": FUNCTION}).generate_swagger(application())


def test_chalice_deploys_updates_and_deletes_its_api(gateway, chalice):
    api = chalice.import_rest_api(swagger(), "EDGE")
    chalice.update_rest_api(api, [{"op": "replace", "path": "/minimumCompressionSize", "value": ""}])
    chalice.deploy_rest_api(api, "api", xray=False)
    gateway.settled(api, "api")
    first = gateway.call(api, "api", "/items/ball").json
    preflight = gateway.call(api, "api", "/items/ball", method="OPTIONS")

    chalice.update_api_from_swagger(api, swagger())
    chalice.update_rest_api(api, [{"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "REGIONAL"}])
    chalice.deploy_rest_api(api, "api", xray=True)
    gateway.settled(api, "api")

    assert chalice.get_rest_api_id("shop") == api
    assert first == gateway.call(api, "api", "/items/ball").json == {"path": "/items/ball", "method": "GET"}
    assert preflight.status == 200 and preflight.headers["access-control-allow-origin"] == "*"
    assert chalice.get_rest_api(api)["endpointConfiguration"]["types"] == ["REGIONAL"]
    chalice.delete_rest_api(api)
    assert chalice.get_rest_api(api) == {}


def test_chalice_makes_a_domain_and_downloads_an_sdk(chalice, tmp_path):
    api = chalice.import_rest_api(swagger(), "REGIONAL")
    chalice.deploy_rest_api(api, "api", xray=False)
    known = chalice.domain_name_exists("shop.example.test")
    made = chalice.create_domain_name("HTTP", "shop.example.test", "REGIONAL", CERTIFICATE, "TLS_1_2", {"by": "chalice"})

    chalice.download_sdk(api, str(tmp_path / "sdk"), "api", "javascript")

    assert not known and chalice.domain_name_exists("shop.example.test")
    assert made["certificate_arn"] == CERTIFICATE and made["alias_domain_name"] and made["hosted_zone_id"] and made["security_policy"] == "TLS_1_2"
    assert "itemsNameGet" in (tmp_path / "sdk/apigClient.js").read_text()
    chalice.delete_rest_api(api)


def test_zappa_deploys_and_manages_what_its_stack_made(gateway, chalice):
    zappa = Zappa(boto_session=boto3.Session(), runtime="python3.11")
    api = chalice.import_rest_api(dict(swagger(), info={"title": "shop-dev", "version": "1.0"}), "EDGE")  # CloudFormation's part
    client = gateway.client()

    url = zappa.deploy_api_gateway(api, "dev", cloudwatch_log_level="OFF", cloudwatch_metrics_enabled=True)
    zappa.add_binary_support(api, cors=True)
    binary = client.get_rest_api(restApiId=api)["binaryMediaTypes"]
    zappa.remove_binary_support(api, cors=True)
    zappa.add_api_compression(api, 500)
    compressed = client.get_rest_api(restApiId=api)["minimumCompressionSize"]
    zappa.remove_api_compression(api)
    zappa.create_api_key(api, "dev")
    keys = list(zappa.get_api_keys(api, "dev"))
    zappa.add_api_stage_to_api_key(client.create_api_key(name="other")["id"], api, "dev")
    both = list(zappa.get_api_keys(api, "dev"))
    zappa.update_stage_config("shop-dev", "dev", "OFF", False, False)

    gateway.settled(api, "dev")
    assert url == f"https://{api}.execute-api.us-east-1.amazonaws.com/dev"
    assert "*/*" in binary and "*/*" not in client.get_rest_api(restApiId=api)["binaryMediaTypes"]
    assert compressed == 500 and "minimumCompressionSize" not in client.get_rest_api(restApiId=api)
    assert len(keys) == 1 and len(both) == 2
    assert client.get_stage(restApiId=api, stageName="dev")["methodSettings"]["*/*"]["metricsEnabled"] is False
    zappa.remove_api_key(api, "dev")
    assert set(zappa.get_api_keys(api, "dev")) == set(both) - set(keys)
    assert gateway.call(api, "dev", "/items/ball").json["path"] == "/items/ball"


def test_zappa_certifies_and_moves_a_domain(gateway, chalice):
    zappa = Zappa(boto_session=boto3.Session(), runtime="python3.11")
    api = chalice.import_rest_api(dict(swagger(), info={"title": "certified", "version": "1.0"}), "EDGE")
    chalice.deploy_rest_api(api, "dev", xray=False)
    domain = "zappa.example.test"

    address = zappa.create_domain_name(domain, "certificate", certificate_arn=CERTIFICATE, lambda_name="certified", stage="dev", base_path="v1")
    zappa.update_domain_name(domain, certificate_name="certificate", certificate_arn=CERTIFICATE + "2", lambda_name="certified", stage="dev", base_path="v2")

    client = gateway.client()
    assert address == client.get_domain_name(domainName=domain)["distributionDomainName"]
    assert client.get_domain_name(domainName=domain)["certificateArn"] == CERTIFICATE + "2"
    assert client.get_base_path_mappings(domainName=domain)["items"] == [{"basePath": "v2", "restApiId": api, "stage": "dev"}]
