#!/usr/bin/env python3
"""Seconds that a large definition takes: import, the same again (overwrite), one more method (merge), deploy, export.

    tests/bench/import.py [METHODS]        against STAGECOACH_BIN, or the debug build
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = os.environ.get("STAGECOACH_BIN", str(ROOT / "target/debug/stagecoach"))


def definition(methods):
    operation = {
        "operationId": "op",
        "description": "What it does",
        "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
        "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/M1"}}}}},
        "x-amazon-apigateway-integration": {
            "type": "http", "httpMethod": "GET", "uri": "http://backend.test/{id}",
            "requestParameters": {"integration.request.path.id": "method.request.path.id"},
            "responses": {"default": {"statusCode": "200", "responseTemplates": {"application/json": "$input.json('$')"}}}},
    }
    paths = {f"/group{n // 50}/thing{n}/{{id}}": {"get": operation} for n in range(methods)}
    schemas = {f"M{n}": {"type": "object", "properties": {"next": {"$ref": f"#/components/schemas/M{(n + 1) % 300}"}}} for n in range(300)}
    return {"openapi": "3.0.1", "info": {"title": "large", "version": "1"}, "paths": paths, "components": {"schemas": schemas}}


def timed(what, url, method, body=None):
    request = urllib.request.Request(url, data=body, method=method)
    start = time.monotonic()
    with urllib.request.urlopen(request, timeout=300) as response:
        answer = response.read()
    print(f"{what:<10} {time.monotonic() - start:6.2f} s  {len(answer):>9} bytes answered", flush=True)
    return answer


def measure(admin, methods):
    document = definition(methods)
    body = json.dumps(document).encode()
    print(f"{methods} methods, {len(body)} bytes")
    api = json.loads(timed("import", f"{admin}/restapis?mode=import", "POST", body))["id"]
    timed("overwrite", f"{admin}/restapis/{api}?mode=overwrite", "PUT", body)
    one = {**document, "paths": {"/more": next(iter(document["paths"].values()))}}
    timed("merge", f"{admin}/restapis/{api}?mode=merge", "PUT", json.dumps(one).encode())
    timed("deploy", f"{admin}/restapis/{api}/deployments", "POST", b'{"stageName": "dev"}')
    export = timed("export", f"{admin}/restapis/{api}/stages/dev/exports/oas30?extensions=apigateway", "GET")
    assert len(json.loads(export)["paths"]) == methods + 1
    timed("delete", f"{admin}/restapis/{api}", "DELETE")


def main():
    methods = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    with tempfile.TemporaryDirectory() as folder:
        addresses = pathlib.Path(folder) / "addresses.json"
        ports = [word for name in ("traffic", "admin", "feed", "status") for word in (f"--{name}", "127.0.0.1:0")]
        process = subprocess.Popen([BIN, "dev", *ports, "--addresses", str(addresses), "--data-dir", f"{folder}/data"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not addresses.exists():
                time.sleep(0.05)
            measure(f"http://{json.loads(addresses.read_text())['admin']}", methods)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
