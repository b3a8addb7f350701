"""`stagecoach dev`: files, restarts, kill -9, reset, and the README's tour."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, Gateway, call, eventually
from test_main_job import mock


def document(version):
    template = json.dumps({"version": version})
    return json.dumps({"openapi": "3.0.1", "info": {"title": "watched", "version": "1"}, "paths": {"/v": {"get": {
        "responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": {
            "type": "mock", "requestTemplates": {"application/json": '{"statusCode": 200}'},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": template}}}}}}}})


def test_files_are_deployed_watched_and_survive_kill_9(tmp_path):
    file = tmp_path / "api.json"
    file.write_text(document(1))
    gateway = Gateway(tmp_path, file).start()
    try:
        log = lambda: (tmp_path / "log").read_text()
        url = eventually(lambda: re.search(r"^  (http://\S+)$", log(), re.M)).group(1)
        curl = re.search(r"^  curl (\S+)$", log(), re.M).group(1)
        eventually(lambda: call(curl).json == {"version": 1})

        file.write_text(document(2))
        eventually(lambda: call(f"{url}/v").json == {"version": 2})
        file.write_text("{ not an API")
        eventually(lambda: "the version before it stays" in log())
        assert call(f"{url}/v").json == {"version": 2}
        file.write_text(document(3))
        eventually(lambda: call(f"{url}/v").json == {"version": 3})

        api = url.split("/")[-2]
        client = gateway.client()
        other = client.create_rest_api(name="by hand")
        mock(client, other["id"], other["rootResourceId"], "GET", '{"kept": true}')
        client.create_deployment(restApiId=other["id"], stageName="prod")
        gateway.stop(signal.SIGKILL)
        gateway.start()

        names = {item["id"]: item["name"] for item in gateway.client().get_rest_apis()["items"]}
        assert names == {api: "watched", other["id"]: "by hand"}
        eventually(lambda: gateway.call(other["id"], "prod").json == {"kept": True})
        eventually(lambda: gateway.call(api, "dev", "/v").json == {"version": 3})
    finally:
        gateway.stop()


def test_acknowledged_writes_survive_kill_9(tmp_path):
    gateway = Gateway(tmp_path).start()
    try:
        made = []
        for _ in range(3):
            client = gateway.client()
            made += [client.create_rest_api(name=f"n{number}")["id"] for number in range(20)]
            gateway.stop(signal.SIGKILL)
            gateway.start()
        kept = {item["id"] for page in gateway.client().get_paginator("get_rest_apis").paginate() for item in page["items"]}
        assert kept == set(made)
    finally:
        gateway.stop()


def test_reset_empties_everything(tmp_path):
    gateway = Gateway(tmp_path).start()
    try:
        client = gateway.client()
        api = client.create_rest_api(name="gone soon")
        mock(client, api["id"], api["rootResourceId"], "GET", "{}")
        client.create_deployment(restApiId=api["id"], stageName="dev")
        gateway.settled(api["id"], "dev")

        answer = call(f"{gateway.admin}/_stagecoach/v1/reset", method="POST")

        assert answer.status == 204 and client.get_rest_apis()["items"] == []
        eventually(lambda: gateway.call(api["id"], "dev").status == 403)
    finally:
        gateway.stop()


def test_a_web_page_of_another_site_cannot_drive_the_open_admin_api(gateway):
    refused = call(f"{gateway.admin}/restapis", method="POST", body=b'{"name": "x"}', headers={"Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"})

    assert (refused.status, refused.headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")


def test_dev_listens_on_loopback_only_and_once_per_data_directory(gateway, tmp_path):
    from conftest import BIN
    abroad = subprocess.run([BIN, "dev", "--admin", "0.0.0.0:0", "--data-dir", tmp_path], capture_output=True, text=True, timeout=20)
    again = subprocess.run([BIN, "dev", "--data-dir", gateway.directory / "data"], capture_output=True, text=True, timeout=20)

    assert abroad.returncode != 0 and "loopback only" in abroad.stderr
    assert again.returncode != 0 and "in use" in again.stderr


def test_the_access_log_is_json_lines_with_the_stages_own_format(tmp_path):
    log = tmp_path / "access.log"
    gateway = Gateway(tmp_path, "--access-log", log).start()
    try:
        client = gateway.client()
        api = client.create_rest_api(name="logged")
        mock(client, api["id"], api["rootResourceId"], "GET", "{}")
        client.create_deployment(restApiId=api["id"], stageName="dev")
        gateway.settled(api["id"], "dev")
        gateway.call(api["id"], "dev", "?q=1", headers={"User-Agent": "tester"})
        line = json.loads(eventually(lambda: log.read_text()).splitlines()[0])
        client.update_stage(restApiId=api["id"], stageName="dev", patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.requestId $context.status $context.path $context.nothing"}])
        gateway.settled(api["id"], "dev")
        answer = gateway.call(api["id"], "dev")
        own = eventually(lambda: log.read_text().splitlines()[1:])[0]

        assert (line["status"], line["httpMethod"], line["apiId"], line["userAgent"], line["path"]) == (200, "GET", api["id"], "tester", "/dev/")
        assert own == f"{answer.headers['x-amzn-requestid']} 200 /dev/ -"
    finally:
        gateway.stop()


def test_the_readmes_first_command_names_one_program():
    done = subprocess.run(["cargo", "run", "--quiet", "--", "--version"], cwd=ROOT, capture_output=True, text=True, timeout=600)

    assert done.stdout.startswith("stagecoach "), done.stderr
    assert "cargo run --release -- dev examples/petstore.yaml" in (ROOT / "README.md").read_text()


def test_the_readmes_tour_runs(tmp_path):
    text = (ROOT / "README.md").read_text()
    tour = text.split("## Five-minute tour")[1].split("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", tour, re.S)
    assert len(blocks) >= 5
    gateway = Gateway(tmp_path, ROOT / "examples/petstore.yaml").start()
    try:
        script = "\n".join(blocks).replace("127.0.0.1:8081", gateway.addresses["admin"]).replace("127.0.0.1:8080", gateway.addresses["traffic"])
        aws = tmp_path / "aws"
        aws.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{pathlib.Path(sys.executable).parent / "aws"}" "$@"\n')
        aws.chmod(0o755)
        environment = dict(os.environ, PATH=f"{tmp_path}:{os.environ['PATH']}", AWS_PAGER="")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        for expected in ("Rex", "Bella", "rolled back"):
            assert expected in done.stdout, done.stdout
        assert 1 <= int(re.search(r"the canary has answered (\d+) of 200", done.stdout).group(1)) <= 60
    finally:
        gateway.stop()
