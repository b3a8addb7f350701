"""Where the code of functions comes from and goes to: S3, downloads, layers."""
import base64
import hashlib
import http.server
import io
import json
import pathlib
import ssl
import stat
import subprocess
import sys
import urllib.request
import zipfile

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import BIN, Gateway, Upstream, call, eventually
from fleet import free_port
from test_functions import create, package
from zappa.core import Zappa

CODE = "def handler(event, context):\n    return %r\n"


class S3:
    """moto's S3 with signatures and permissions checked."""

    def __init__(self):
        self.url = f"http://127.0.0.1:{free_port()}"
        port = self.url.rsplit(":", 1)[1]
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        eventually(lambda: self.process.poll() is None and call(f"{self.url}/moto-api/", timeout=2).status == 200)
        iam = self.client("iam", "any", "any")
        self.keys = {name: self._user(iam, name, resource) for name, resource in (("reader", "*"), ("stranger", "arn:aws:s3:::other/*"))}
        self.s3 = self.client("s3", *self.keys["reader"])
        request = urllib.request.Request(f"{self.url}/moto-api/reset-auth", data=b"0", headers={"content-type": "text/plain"})
        urllib.request.urlopen(request).read()
        self.s3.create_bucket(Bucket="code")
        return self

    def _user(self, iam, name, resource):
        iam.create_user(UserName=name)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": resource}]}
        iam.put_user_policy(UserName=name, PolicyName="s3", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def client(self, service, access_key, secret):
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=access_key,
                            aws_secret_access_key=secret, config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def s3():
    server = S3()
    try:
        yield server.start()
    finally:
        server.stop()


def over(s3, directory, access_key, secret):
    """A gateway whose function host fetches packages with these credentials."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", access_key)
        environment.setenv("AWS_SECRET_ACCESS_KEY", secret)
        return Gateway(directory, "--s3-endpoint", s3.url).start()


@pytest.fixture(scope="module")
def fetching(s3, tmp_path_factory):
    gateway = over(s3, tmp_path_factory.mktemp("s3"), *s3.keys["reader"])
    yield gateway
    gateway.stop()


def answer(lambdas, name, **how):
    return json.loads(lambdas.invoke(FunctionName=name, **how)["Payload"].read())


def named(lambdas, name, **code):
    return lambdas.create_function(FunctionName=name, Runtime="python3.12", Handler="app.handler", Role="arn:aws:iam::000000000000:role/r", Code=code)


def test_functions_are_made_and_changed_from_s3(s3, fetching):
    lambdas = fetching.client("lambda")
    first, second = package(app__py=CODE % "first"), package(app__py=CODE % "second")
    s3.s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    old = s3.s3.put_object(Bucket="code", Key="a b/ä+(1).zip", Body=first)["VersionId"]
    s3.s3.put_object(Bucket="code", Key="a b/ä+(1).zip", Body=second)

    made = named(lambdas, "from-s3", S3Bucket="code", S3Key="a b/ä+(1).zip", S3ObjectVersion=old)
    before = answer(lambdas, "from-s3")
    lambdas.update_function_code(FunctionName="from-s3", S3Bucket="code", S3Key="a b/ä+(1).zip")
    after = answer(lambdas, "from-s3")

    assert (before, after) == ("first", "second")
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(first).digest()).decode()


@pytest.mark.parametrize("bucket, told", [
    ("code", "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."),
    ("nowhere", "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"),
])
def test_what_is_not_in_s3_is_told_as_aws_tells_it(s3, fetching, bucket, told):
    with pytest.raises(ClientError) as refused:
        named(fetching.client("lambda"), "missing", S3Bucket=bucket, S3Key="none.zip")

    error = refused.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (400, "InvalidParameterValueException")
    assert error["Error"]["Message"] == told


def test_a_wrong_secret_and_a_missing_permission_are_clear(s3, tmp_path):
    s3.s3.put_object(Bucket="code", Key="f.zip", Body=package(app__py=CODE % "it"))
    texts = []
    for directory, (access_key, secret) in (("wrong", (s3.keys["reader"][0], "wrong")), ("stranger", s3.keys["stranger"])):
        (tmp_path / directory).mkdir()
        gateway = over(s3, tmp_path / directory, access_key, secret)
        try:
            with pytest.raises(ClientError) as refused:
                named(gateway.client("lambda"), "f", S3Bucket="code", S3Key="f.zip")
            texts.append((refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]))
        finally:
            gateway.stop()

    assert texts[0][0] == "InvalidParameterValueException" and "S3 Error Code: SignatureDoesNotMatch." in texts[0][1], texts
    assert texts[1][0] == "AccessDeniedException" and texts[1][1].startswith("Your access has been denied by S3, "), texts
    assert "refuses this host's credentials" in (tmp_path / "wrong" / "log").read_text()


def test_without_an_endpoint_the_flag_is_named(gateway):
    with pytest.raises(ClientError) as refused:
        named(gateway.client("lambda"), "f", S3Bucket="code", S3Key="f.zip")

    assert "--s3-endpoint" in refused.value.response["Error"]["Message"]


def test_the_location_of_a_function_is_its_package_for_whoever_has_the_url(gateway):
    lambdas, code = gateway.client("lambda"), package(app__py=CODE % "it")
    create(lambdas, "located", code)

    location = gateway.cli("lambda", "get-function", "--function-name", "located", "--query", "Code.Location")
    downloaded = subprocess.run(["curl", "--fail", "--silent", "--show-error", location], capture_output=True, timeout=30)
    forged = call(location.replace("signature=", "signature=A"))
    lambdas.delete_function(FunctionName="located")

    assert (downloaded.returncode, downloaded.stdout) == (0, code), downloaded.stderr
    assert (forged.status, forged.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")


def packed(**files):
    """A package whose files have modes, and links: `name: text`, `name: (text, mode)`; `->` begins a link's target."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in files.items():
            text, mode = text if isinstance(text, tuple) else (text, 0o644)
            entry = zipfile.ZipInfo(name)
            entry.external_attr = ((stat.S_IFLNK if text.startswith("->") else stat.S_IFREG) | mode) << 16
            archive.writestr(entry, text.removeprefix("->"))
    return whole.getvalue()


def publish(lambdas, name, **files):
    return lambdas.publish_layer_version(LayerName=name, Content={"ZipFile": packed(**files)}, Description=name, CompatibleRuntimes=["python3.12"])


PYTHON = """
import json, os, shutil, subprocess
import extra, vendored
def handler(event, context):
    return {"extra": extra.NAME, "vendored": vendored.NAME, "tool": subprocess.check_output(["layer-tool"], text=True).strip(),
            "libraries": any(os.path.exists(os.path.join(folder, "libextra.so")) for folder in os.environ["LD_LIBRARY_PATH"].split(":"))}
"""
BOOTSTRAP = """#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
while true; do
  heads=$(mktemp)
  curl -sS -D "$heads" "$api/next" > /dev/null
  id=$(grep -i '^lambda-runtime-aws-request-id:' "$heads" | cut -d: -f2 | tr -d '[:space:]')
  curl -sS -X POST "$api/$id/response" -d "{\\"handler\\": \\"$(cat $LAMBDA_TASK_ROOT/name)\\"}"
done
"""


def test_layers_bring_modules_programs_libraries_and_the_later_one_wins(gateway):
    lambdas = gateway.client("lambda")
    first = publish(lambdas, "first", **{
        "python/extra.py": "NAME = 'first'", "python/lib/python3.12/site-packages/vendored.py": "NAME = 'vendored'",
        "bin/layer-tool": ("#!/bin/sh\necho tool", 0o755), "lib/libextra.so.1": "", "lib/libextra.so": "->libextra.so.1"})
    second = publish(lambdas, "second", **{"python/extra.py": "NAME = 'second'"})
    made = create(lambdas, "layered", package(app__py=PYTHON), Layers=[first["LayerVersionArn"], second["LayerVersionArn"]])

    before = answer(lambdas, "layered")
    lambdas.update_function_configuration(FunctionName="layered", Layers=[second["LayerVersionArn"], first["LayerVersionArn"]])
    for version in (first, second):
        lambdas.delete_layer_version(LayerName=version["LayerArn"], VersionNumber=version["Version"])
    after = answer(lambdas, "layered")
    lambdas.delete_function(FunctionName="layered")

    assert before == {"extra": "second", "vendored": "vendored", "tool": "tool", "libraries": True}
    assert after["extra"] == "first", "layers that are deleted go on working for the functions that have them"
    assert made["Layers"] == [{"Arn": layer["LayerVersionArn"], "CodeSize": layer["Content"]["CodeSize"]} for layer in (first, second)]


def test_node_modules_and_a_bootstrap_come_from_layers(gateway):
    lambdas = gateway.client("lambda")
    modules = publish(lambdas, "modules", **{
        "nodejs/node_modules/extra/index.js": "exports.name = 'common'", "nodejs/node20/node_modules/own/index.js": "exports.name = 'twenty'"})
    runtime = publish(lambdas, "runtime", bootstrap=(BOOTSTRAP, 0o755))
    code = "exports.handler = async () => [require('extra').name, require('own').name];"
    create(lambdas, "node", package(app__js=code), runtime="nodejs20.x", Layers=[modules["LayerVersionArn"]])
    create(lambdas, "custom", packed(name="mine"), runtime="provided.al2023", Layers=[runtime["LayerVersionArn"]])

    answers = answer(lambdas, "node"), answer(lambdas, "custom")
    for name in ("node", "custom"):
        lambdas.delete_function(FunctionName=name)

    assert answers == (["common", "twenty"], {"handler": "mine"})


def test_layers_by_both_clients(gateway, tmp_path):
    lambdas, content = gateway.client("lambda"), packed(**{"python/a.py": "A = 1"})
    archive = tmp_path / "layer.zip"
    archive.write_bytes(content)

    made = gateway.cli("lambda", "publish-layer-version", "--layer-name", "cli", "--zip-file", f"fileb://{archive}", "--description", "d",
                       "--compatible-runtimes", "python3.12", "python3.13", "--compatible-architectures", "arm64", "--license-info", "MIT")
    read = lambdas.get_layer_version_by_arn(Arn=made["LayerVersionArn"])
    listed = gateway.cli("lambda", "list-layers", "--compatible-runtime", "python3.13")["Layers"]
    versions = lambdas.get_paginator("list_layer_versions").paginate(LayerName="cli", PaginationConfig={"PageSize": 1}).build_full_result()
    statement = lambdas.add_layer_version_permission(LayerName="cli", VersionNumber=1, StatementId="all", Action="lambda:GetLayerVersion", Principal="*")
    policy = json.loads(lambdas.get_layer_version_policy(LayerName="cli", VersionNumber=1)["Policy"])
    lambdas.remove_layer_version_permission(LayerName="cli", VersionNumber=1, StatementId="all")
    downloaded = call(read["Content"]["Location"])
    lambdas.delete_layer_version(LayerName="cli", VersionNumber=1)

    assert downloaded.body == content
    assert read["Content"]["CodeSha256"] == made["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert [layer["LayerName"] for layer in listed] == ["cli"] and listed[0]["LatestMatchingVersion"]["LicenseInfo"] == "MIT"
    assert [version["Version"] for version in versions["LayerVersions"]] == [1]
    assert policy["Statement"] == [json.loads(statement["Statement"])]
    assert lambdas.list_layer_versions(LayerName="cli")["LayerVersions"] == []


def test_a_layer_is_fetched_from_s3(s3, fetching):
    lambdas = fetching.client("lambda")
    s3.s3.put_object(Bucket="code", Key="layer.zip", Body=packed(**{"python/extra.py": "NAME = 's3'"}))
    made = lambdas.publish_layer_version(LayerName="s3", Content={"S3Bucket": "code", "S3Key": "layer.zip"})
    create(lambdas, "s3-layer", package(app__py="import extra\ndef handler(event, context):\n    return extra.NAME\n"), Layers=[made["LayerVersionArn"]])

    assert answer(lambdas, "s3-layer") == "s3"


def test_a_package_of_npm_has_links_and_one_that_leaves_is_refused_by_name(gateway):
    lambdas = gateway.client("lambda")
    code = "exports.handler = async () => require('child_process').execFileSync(__dirname + '/node_modules/.bin/tool').toString();"
    tool = ("#!/bin/sh\nprintf linked", 0o755)
    create(lambdas, "links", packed(**{"app.js": code, "node_modules/tool/tool.sh": tool, "node_modules/.bin/tool": "->../tool/tool.sh"}), runtime="nodejs20.x")

    linked = answer(lambdas, "links")
    with pytest.raises(ClientError) as refused:
        lambdas.update_function_code(FunctionName="links", ZipFile=packed(**{"app.js": code, "up": "->../..", "up/out": "x"}))
    lambdas.delete_function(FunctionName="links")

    assert linked == "linked"
    assert refused.value.response["Error"]["Message"] == 'The package entry "up" is a link that leaves the package.'


def test_folders_of_packages_that_nothing_refers_to_go_after_a_restart(tmp_path):
    gateway = Gateway(tmp_path).start()
    lambdas, folder = gateway.client("lambda"), tmp_path / "data/functions/code"
    try:
        create(lambdas, "kept", package(app__py=CODE % "first"))
        create(lambdas, "deleted", package(app__py=CODE % "deleted"))
        lambdas.update_function_code(FunctionName="kept", ZipFile=package(app__py=CODE % "second"))
        lambdas.delete_function(FunctionName="deleted")
        before = len(list(folder.iterdir()))
        gateway.stop(9)
        gateway.start()
        eventually(lambda: len(list(folder.iterdir())) == 1, within=40)
        after = answer(gateway.client("lambda"), "kept")
    finally:
        gateway.stop()

    assert (before, after) == (3, "second")


def test_zappa_deploys_and_updates_by_way_of_s3(s3, fetching, tmp_path, monkeypatch):
    access_key, secret = s3.keys["reader"]
    for name, value in {"AWS_ENDPOINT_URL": fetching.admin, "AWS_ENDPOINT_URL_S3": s3.url, "AWS_ACCESS_KEY_ID": access_key,
                        "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    zappa = Zappa(boto_session=boto3.Session(), runtime="python3.11")
    zappa.credentials_arn = "arn:aws:iam::000000000000:role/r"
    answers = []
    for label in ("one", "two"):
        archive = tmp_path / f"{label}.zip"
        archive.write_bytes(package(handler__py=CODE % label))
        assert zappa.upload_to_s3(str(archive), "zappa-uploads", disable_progress=True)
        if label == "one":
            zappa.create_lambda_function(bucket="zappa-uploads", s3_key="one.zip", function_name="zappa", handler="handler.handler", runtime="python3.11")
        else:
            zappa.update_lambda_function("zappa-uploads", "zappa", s3_key="two.zip")
        zappa.remove_from_s3("zappa-uploads", f"{label}.zip")
        answers.append(answer(fetching.client("lambda"), "zappa"))

    assert answers == ["one", "two"]


class Object(http.server.BaseHTTPRequestHandler):
    """Answers any signed GET with the server's package."""

    def do_GET(self):
        signed = self.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 ") and self.headers.get("x-amz-content-sha256")
        self.send_response(200 if signed else 403)
        self.send_header("content-length", str(len(self.server.label)))
        self.end_headers()
        self.wfile.write(self.server.label)

    def log_message(self, *_):
        pass


def test_s3_over_tls_is_trusted_by_the_systems_roots_only(tmp_path, monkeypatch):
    subprocess.run([BIN, "pki", "init", str(tmp_path / "pki")], check=True, capture_output=True)
    server = Upstream(package(app__py=CODE % "tls"), Object)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pki/control.pem", tmp_path / "pki/control.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    told = []
    for roots in ("/etc/ssl/certs/ca-certificates.crt", str(tmp_path / "pki/ca.pem")):
        monkeypatch.setenv("SSL_CERT_FILE", roots)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
        directory = tmp_path / pathlib.Path(roots).stem
        directory.mkdir()
        gateway = Gateway(directory, "--s3-endpoint", f"https://{server.address}").start()
        try:
            named(gateway.client("lambda"), "tls", S3Bucket="code", S3Key="f.zip")
            told.append(answer(gateway.client("lambda"), "tls"))
        except ClientError as error:
            told.append(error.response["Error"]["Message"])
        finally:
            gateway.stop()
    server.shutdown()

    assert "certificate" in told[0] and server.address in told[0], told
    assert told[1] == "tls"
