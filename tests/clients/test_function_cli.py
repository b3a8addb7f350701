"""`aws lambda …`: a function's life in the AWS CLI's own words. The CLI runs in this process, by its entry point."""
import base64
import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess

import pytest
from awscli.clidriver import create_clidriver
from conftest import Gateway
from test_function_life import ARN, ONE, ROLE, TWO


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("cli")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def aws(gateway, monkeypatch, tmp_path):
    """`aws("get-function …")` gives what the CLI prints, read as JSON where it is; in a folder with `one.zip` and `two.zip`."""
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.zip").write_bytes(ONE)
    (tmp_path / "two.zip").write_bytes(TWO)

    def run(line, *words, fails=False):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = create_clidriver().main(["lambda", *shlex.split(line), *words])
        assert (code != 0) == fails, err.getvalue()
        return err.getvalue().strip() if fails else out.getvalue().strip() if "--output text" in line or not out.getvalue() else json.loads(out.getvalue())

    run(f"create-function --function-name f --runtime python3.12 --handler app.handler --role {ROLE} --zip-file fileb://one.zip --timeout 5 "
        "--environment Variables={COLOUR=red} --tags team=a")
    yield run
    run("delete-function --function-name f")


def test_a_function_is_awaited_invoked_and_updated(aws, tmp_path):
    aws("wait function-active-v2 --function-name f")
    payload = json.dumps({"a": "ü"})

    answer = aws("invoke --function-name f --log-type Tail --payload", payload, "out.json")
    first = json.loads((tmp_path / "out.json").read_text())
    aws("update-function-code --function-name f --zip-file fileb://two.zip")
    aws("wait function-updated-v2 --function-name f")
    aws("update-function-configuration --function-name f --environment Variables={COLOUR=blue} --memory-size 192")
    (tmp_path / "payload").write_bytes(b"[1]")
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    aws(f"invoke --function-name {ARN}:f --payload fileb://payload --client-context {context} out.json")
    second = json.loads((tmp_path / "out.json").read_text())

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert re.search(r"^START RequestId: \S+ Version: \$LATEST$[\s\S]+^REPORT", base64.b64decode(answer["LogResult"]).decode(), re.M)
    assert (first["event"], first["label"], first["variable"], first["memory"]) == ({"a": "ü"}, "one", "red", "128")
    assert (second["event"], second["label"], second["variable"], second["memory"], second["custom"]) == ([1], "two", "blue", "192", {"k": "v"})
    assert aws("invoke --function-name f --invocation-type DryRun out.json") == {"StatusCode": 204, "ExecutedVersion": "$LATEST"}
    assert aws("invoke --function-name f --invocation-type Event out.json") == {"StatusCode": 202}


def test_versions_aliases_permissions_and_limits(aws, tmp_path):
    one = aws("publish-version --function-name f --description first")
    aws("update-function-code --function-name f --zip-file fileb://two.zip --publish")
    aws("wait published-version-active --function-name f --qualifier 2")
    alias = aws("create-alias --function-name f --name live --function-version 1 --routing-config AdditionalVersionWeights={2=0.05}")
    aws("update-alias --function-name f --name live --function-version 2 --routing-config AdditionalVersionWeights={}")
    aws("invoke --function-name f:live out.json")
    statement = aws("add-permission --function-name f --qualifier live --statement-id gateway --action lambda:InvokeFunction --principal apigateway.amazonaws.com "
                    "--source-arn arn:aws:execute-api:us-east-1:000000000000:*/*")
    policy = json.loads(aws("get-policy --function-name f --qualifier live --query Policy --output text"))

    aws("put-function-concurrency --function-name f --reserved-concurrent-executions 3")
    aws("put-provisioned-concurrency-config --function-name f --qualifier live --provisioned-concurrent-executions 1")

    assert (one["Version"], alias["RoutingConfig"]) == ("1", {"AdditionalVersionWeights": {"2": 0.05}})
    assert json.loads((tmp_path / "out.json").read_text())["label"] == "two"
    assert policy["Statement"] == [json.loads(statement["Statement"])]
    assert aws("list-versions-by-function --function-name f --page-size 1 --query Versions[].Version") == ["$LATEST", "1", "2"]
    assert aws("list-aliases --function-name f --query Aliases[].[Name,FunctionVersion] --output text") == "live\t2"
    assert aws("get-function-concurrency --function-name f") == {"ReservedConcurrentExecutions": 3}
    assert aws("get-provisioned-concurrency-config --function-name f --qualifier live --query Status --output text") == "READY"
    assert aws("get-account-settings --query AccountLimit.UnreservedConcurrentExecutions") == 997
    assert aws(f"list-tags --resource {ARN}:f") == {"Tags": {"team": "a"}}
    aws("delete-alias --function-name f --name live")
    aws("delete-function --function-name f --qualifier 1")
    assert aws("list-functions --function-version ALL --query Functions[].Version") == ["$LATEST", "2"]


def test_errors_are_told_by_their_names(aws):
    assert "(ResourceNotFoundException)" in aws("get-function --function-name none", fails=True)
    assert "(ResourceConflictException)" in aws(f"create-function --function-name f --runtime python3.12 --handler a.b --role {ROLE} --zip-file fileb://one.zip", fails=True)
    assert "(NotImplementedException)" in (unbuilt := aws("list-code-signing-configs", fails=True)) and "ListCodeSigningConfigs" in unbuilt
    assert "(InvalidRequestContentException)" in aws("invoke --function-name f --payload {not-json out.json", fails=True)


SECOND = shutil.which("aws", path="/usr/bin:/usr/local/bin")


@pytest.mark.skipif(SECOND is None or b"aws-cli/2" not in subprocess.run([SECOND, "--version"], capture_output=True).stdout,
                    reason="the package awscli of this distribution, installed by tests/run, is not version 2")
def test_version_two_of_the_cli_speaks_it_too(aws, gateway, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "AWS_DATA_PATH"}  # version 1 points it at its own

    def second(line, *words):
        done = subprocess.run([SECOND, "--endpoint-url", gateway.admin, "lambda", *shlex.split(line), *words], capture_output=True, text=True, timeout=60,
                              cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    second("wait function-active-v2 --function-name f")
    answer = json.loads(second("invoke --function-name f --log-type Tail --cli-binary-format raw-in-base64-out --payload", json.dumps({"a": "ü"}), "raw.json"))
    second("update-function-code --function-name f --zip-file fileb://two.zip --publish")
    second("wait function-updated-v2 --function-name f")
    second(f"invoke --function-name f:1 --payload {base64.b64encode(b'[2]').decode()} encoded.json")

    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST") and "START RequestId" in base64.b64decode(answer["LogResult"]).decode()
    assert json.loads((tmp_path / "raw.json").read_text())["event"] == {"a": "ü"}
    assert json.loads((tmp_path / "encoded.json").read_text())["label"] == "two"
