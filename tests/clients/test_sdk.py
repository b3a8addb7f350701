"""GetSdk: the generated JavaScript client, run by Node against the gateway (rest-admin-api §3.23)."""
import io
import json
import shutil
import subprocess
import zipfile

import pytest
from botocore.exceptions import ClientError

SCRIPT = """
const client = require(process.argv[2]).newClient({ invokeUrl: process.argv[3], apiKey: "secret", headers: { "x-all": "1" } });
(async () => {
  const got = await client.petsPetIdGet({ petId: "a b/c", colour: "red & blue", "X-Trace": "t1" }, null, { queryParams: { more: "1" } });
  const greedy = await client.filesProxyAny({ proxy: "x/y z" }, { name: "rex" }, { method: "POST", headers: { "content-type": "application/x-pet+json" } });
  const missing = await client.petsPetIdGet({}).catch((error) => error.message);
  const failed = await new Promise((done) => client.rootGet().catch((error) => done(error.response.status)));
  console.log(JSON.stringify({ names: Object.keys(client), got, greedy, missing, failed }));
})();
"""


def api_with_methods(client, upstream):
    """`GET /` answers 404 by MOCK; two methods answer by the echoing upstream."""
    api = client.create_rest_api(name="pets")
    resources = {"/": api["rootResourceId"]}
    for parent, part in (("/", "pets"), ("/pets", "{petId}"), ("/", "files"), ("/files", "{proxy+}")):
        made = client.create_resource(restApiId=api["id"], parentId=resources[parent], pathPart=part)
        resources[made["path"]] = made["id"]
    for path, verb, names in (("/pets/{petId}", "GET", ("querystring.colour", "header.X-Trace")), ("/files/{proxy+}", "ANY", ())):
        where = dict(restApiId=api["id"], resourceId=resources[path], httpMethod=verb)
        variable = path.split("{")[1].strip("}+")
        parameters = {f"method.request.{name}": False for name in names} | {f"method.request.path.{variable}": True}
        client.put_method(**where, authorizationType="NONE", requestParameters=parameters)
        client.put_integration(**where, type="HTTP_PROXY", integrationHttpMethod=verb, uri=f"http://{upstream.address}/got/{{v}}",
                               requestParameters={"integration.request.path.v": f"method.request.path.{variable}"})
    where = dict(restApiId=api["id"], resourceId=resources["/"], httpMethod="GET")
    client.put_method(**where, authorizationType="NONE")
    client.put_integration(**where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 404}'})
    client.put_method_response(**where, statusCode="404")
    client.put_integration_response(**where, statusCode="404")
    client.create_deployment(restApiId=api["id"], stageName="dev")
    return api["id"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_generated_client_calls_the_gateway(gateway, apigateway, upstream, tmp_path):
    api = api_with_methods(apigateway, upstream)
    sdk = apigateway.get_sdk(restApiId=api, stageName="dev", sdkType="javascript")
    zipfile.ZipFile(io.BytesIO(sdk["body"].read())).extractall(tmp_path)
    (tmp_path / "run.js").write_text(SCRIPT)
    gateway.settled(api, "dev")

    client = tmp_path / "apiGateway-js-sdk/apigClient.js"
    done = subprocess.run(["node", tmp_path / "run.js", client, gateway.url(api, "dev")], capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    got, greedy = told["got"]["data"], told["greedy"]["data"]
    assert sorted(told["names"]) == ["filesProxyAny", "petsPetIdGet", "rootGet"]
    headers = {name.lower(): value for name, value in got["headers"].items()}
    assert got["path"].startswith("/got/a%20b") and "colour=red+%26+blue" in got["path"].replace("%20", "+") and "more=1" in got["path"]
    assert (headers["x-trace"], headers["x-all"], headers["x-api-key"]) == ("t1", "1", "secret")
    assert (greedy["method"], greedy["body"]) == ("POST", '{"name":"rex"}') and greedy["path"].startswith("/got/x")
    assert told["missing"] == "parameter petId of /pets/{petId} is missing" and told["failed"] == 404
    assert sdk["contentType"] == "application/octet-stream" and sdk["contentDisposition"].startswith('attachment; filename="javascript_20')


def test_other_languages_are_listed_and_refused_in_words(apigateway, upstream):
    api = api_with_methods(apigateway, upstream)

    listed = [kind["id"] for kind in apigateway.get_sdk_types()["items"]]
    with pytest.raises(ClientError) as caught:
        apigateway.get_sdk(restApiId=api, stageName="dev", sdkType="java")

    assert listed == ["android", "java", "javascript", "objectivec", "ruby", "swift"]
    assert apigateway.get_sdk_type(id="android")["friendlyName"] == "Android"
    assert caught.value.response["Error"]["Code"] == "BadRequestException" and "javascript" in str(caught.value)
