"""`--lambda-endpoint`: which endpoint runs a function, and whose credentials sign the call (rest-data-plane §6.5)."""
import os
import re
import subprocess

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from conftest import BIN, Gateway, Upstream, call, eventually
from fleet import Process
from test_integrations import Functions, child, deploy, put

KEYS = {"first": ("AKFIRST", "one", "token-1"), "second": ("AKSECOND", "two", None)}
ACCOUNTS = {"first": ("eu-west-1", "111111111111"), "second": ("us-east-2", "222222222222"), "neither": ("us-east-1", "333333333333")}


def write(path, keys):
    text = ""
    for name, (access_key, secret, token) in keys.items():
        text += f"[{name}]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret}\n" + (f"aws_session_token = {token}\n" if token else "")
    path.write_text(text)


def uri(name):
    region, account = ACCOUNTS[name]
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:{region}:{account}:function:{name}/invocations"


@pytest.fixture(scope="module")
def functions():
    server = Upstream("functions", Functions)
    server.calls, server.answers = [], {name: lambda event: (200, {}, {"statusCode": 200}) for name in ACCOUNTS}
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("aws") / "credentials"


@pytest.fixture(scope="module")
def served(tmp_path_factory, functions, file):
    write(file, KEYS)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(file)
    at = f"http://{functions.address}"
    gateway = Gateway(tmp_path_factory.mktemp("endpoints"), "--lambda-endpoint", f"arn:aws:lambda:eu-*={at},profile=first",
                      "--lambda-endpoint", f"arn:aws:lambda:*:222222222222:*={at},profile=second", "--lambda-endpoint", at).start()
    del os.environ["AWS_SHARED_CREDENTIALS_FILE"]
    client = gateway.client()
    api = client.create_rest_api(name="endpoints")
    for name in ACCOUNTS:
        put(client, api["id"], child(client, api, api["rootResourceId"], name), type="AWS_PROXY", integrationHttpMethod="POST", uri=uri(name))
    deploy(gateway, client, api, stageName="s")
    yield lambda name: gateway.call(api["id"], "s", f"/{name}").status
    gateway.stop()


def sent(functions):
    """The last call's access key, region, session token and signature, and the one that botocore would make with `secret`."""
    made = functions.calls[-1]
    headers = {name.lower(): value for name, value in made["headers"].items()}
    found = re.match(r"AWS4-HMAC-SHA256 Credential=(\w+)/\d+/([\w-]+)/lambda/aws4_request, SignedHeaders=(\S+), Signature=(\w+)",
                     headers["authorization"])
    access_key, region, signed, signature = found.groups()

    def by_botocore(secret):
        auth = SigV4Auth(Credentials(access_key, secret), "lambda", region)
        request = AWSRequest("POST", f"http://{headers['host']}{made['path']}", {name: headers[name] for name in signed.split(";")},
                             made["event"].encode())
        request.context["timestamp"] = headers["x-amz-date"]
        return auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)

    return access_key, region, headers.get("x-amz-security-token"), signature, by_botocore


@pytest.mark.parametrize("name", KEYS)
def test_a_call_is_signed_by_the_profile_of_its_endpoint_for_the_functions_region(served, functions, name):
    access_key, secret, token = KEYS[name]

    status = served(name)

    *who, signature, by_botocore = sent(functions)
    assert (status, *who) == (200, access_key, ACCOUNTS[name][0], token)
    assert signature == by_botocore(secret)


def test_without_a_profile_the_environment_signs(served, functions):
    status = served("neither")

    access_key, region, *_ = sent(functions)
    assert (status, access_key, region) == (200, os.environ.get("AWS_ACCESS_KEY_ID", "stagecoach"), "us-east-1")


def test_rotated_credentials_sign_without_a_restart_and_a_damaged_file_changes_nothing(served, functions, file):
    write(file, KEYS | {"first": ("AKNEXT", "three", "token-2")})
    eventually(lambda: served("first") == 200 and sent(functions)[0] == "AKNEXT")

    file.write_text("[second]\naws_access_key_id = AKTHIRD\naws_secret_access_key = four\n")
    eventually(lambda: served("second") == 200 and sent(functions)[0] == "AKTHIRD")
    served("first")

    access_key, _, token, signature, by_botocore = sent(functions)
    assert (access_key, token, signature) == ("AKNEXT", "token-2", by_botocore("three"))


@pytest.fixture(scope="module")
def worker(tmp_path_factory, functions):
    """A worker of its own that may not call private addresses, and whose only endpoint is of one account."""
    directory = tmp_path_factory.mktemp("worker")
    control = Process(directory, "control", ["control", "--database-url", f"sqlite://{directory}/db", "--insecure-open-admin",
                                             "--insecure-plaintext-feed"], ("admin", "feed", "status")).start()
    worker = Process(directory, "worker", [
        "worker", "--control-plane", f"http://{control.ports['feed']}", "--insecure-plaintext-feed", "--state-dir", directory / "state",
        "--cores", "1", "--lambda-endpoint", f"arn:aws:lambda:*:111111111111:*=http://{functions.address}"], ("traffic", "status")).start()
    client = boto3.client("apigateway", endpoint_url=f"http://{control.ports['admin']}", region_name="us-east-1", aws_access_key_id="a",
                          aws_secret_access_key="b", config=Config(retries={"max_attempts": 0}))
    api = client.create_rest_api(name="worker")
    for name in ACCOUNTS:
        put(client, api["id"], child(client, api, api["rootResourceId"], name), type="AWS_PROXY", integrationHttpMethod="POST", uri=uri(name))
    put(client, api["id"], child(client, api, api["rootResourceId"], "http"), type="HTTP_PROXY", integrationHttpMethod="POST",
        uri=f"http://{functions.address}/x%3Afirst/")
    client.create_deployment(restApiId=api["id"], stageName="s")
    convergence = f"http://{control.ports['admin']}/_stagecoach/v1/convergence/{api['id']}/s?wait=10s"
    eventually(lambda: call(convergence, timeout=15).json["converged"])
    worker.ask = lambda name: call(f"http://{worker.ports['traffic']}/_aws/execute-api/{api['id']}/s/{name}")
    yield worker
    worker.stop()
    control.stop()


def test_a_function_that_no_endpoint_runs_is_a_500_and_the_log_says_which(worker):
    answer = worker.ask("second")

    assert (answer.status, answer.body) == (500, b'{"message": "Internal server error"}')
    function = "arn:aws:lambda:us-east-2:222222222222:function:second"
    log = worker.directory / "worker.log"
    assert eventually(lambda: [line for line in log.read_text().splitlines() if function in line and "--lambda-endpoint" in line])


def test_the_operators_endpoint_may_be_private_and_an_apis_may_not_nor_by_its_connections(worker):
    answers = [worker.ask(name).status for name in ("first", "http", "first")]

    assert answers == [200, 500, 200]


@pytest.mark.parametrize("endpoint,said", [
    ("http://a,profile=none", "there is no profile `none`, only: first, second"),
    ("http://a,profile=first,profile=second", "profile=second needs a URL of its own"),
    ("lambda.test", "--lambda-endpoint lambda.test is not URL or PATTERN=URL")])
def test_a_worker_does_not_start_with_an_endpoint_that_cannot_work(tmp_path, endpoint, said):
    write(tmp_path / "credentials", KEYS)
    command = [BIN, "worker", "--control-plane", "http://127.0.0.1:1", "--insecure-plaintext-feed", "--state-dir", tmp_path, "--lambda-endpoint", endpoint]

    done = subprocess.run(command, env=dict(os.environ, AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "credentials")), capture_output=True, text=True, timeout=20)

    assert done.returncode == 1 and said in done.stderr, done.stderr


def test_a_missing_file_is_named(tmp_path):
    command = [BIN, "worker", "--control-plane", "http://127.0.0.1:1", "--insecure-plaintext-feed", "--state-dir", tmp_path,
               "--lambda-endpoint", "http://a,profile=p"]

    done = subprocess.run(command, env=dict(os.environ, AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "no")), capture_output=True, text=True, timeout=20)

    assert done.returncode == 1 and f"cannot read the shared credentials file {tmp_path}/no" in done.stderr, done.stderr
