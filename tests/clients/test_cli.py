"""The AWS CLI's own words: realistic flows with `--query`, text and JSON output (issue point 4). The CLI runs in this process, by its entry point."""
import contextlib
import io
import json
import shlex

import pytest
from awscli.clidriver import create_clidriver
from conftest import Gateway
from oracle_world import ROLE, document


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("cli")).start()
    yield gateway
    gateway.stop()


@pytest.fixture
def aws(gateway, monkeypatch):
    """`aws("get-rest-apis --query … --output text")` gives what the CLI prints, without the last line break."""
    for name, value in gateway.environment.items():
        monkeypatch.setenv(name, value)

    def run(line, *words, fails=False):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = create_clidriver().main(["apigateway", *shlex.split(line), *words])
        assert (code != 0) == fails, err.getvalue()
        return err.getvalue().strip() if fails else out.getvalue().rstrip("\n")

    return run


def test_an_api_is_built_deployed_and_described(aws, gateway):
    api = aws("create-rest-api --name pets --query id --output text")
    root = aws(f"get-resources --rest-api-id {api} --query \"items[?path=='/'].id\" --output text")
    pets = aws(f"create-resource --rest-api-id {api} --parent-id {root} --path-part pets --query id --output text")
    at = f"--rest-api-id {api} --resource-id {pets} --http-method GET"
    aws(f"put-method {at} --authorization-type NONE --request-parameters method.request.querystring.kind=false")
    aws(f"put-integration {at} --type MOCK --request-templates", '{"application/json": "{\\"statusCode\\": 200}"}')
    aws(f"put-method-response {at} --status-code 200 --response-models application/json=Empty")
    aws(f"put-integration-response {at} --status-code 200 --response-templates", '{"application/json": "{\\"pets\\": 1}"}')

    deployment = aws(f"create-deployment --rest-api-id {api} --stage-name prod --description first --query id --output text")
    gateway.settled(api, "prod")

    assert gateway.call(api, "prod", "/pets").json == {"pets": 1}
    assert aws(f"get-stages --rest-api-id {api} --query item[].[stageName,deploymentId,tracingEnabled] --output text") == f"prod\t{deployment}\tFalse"
    described = json.loads(aws(f"get-method {at}"))
    assert described["methodIntegration"]["integrationResponses"]["200"]["responseTemplates"] == {"application/json": '{"pets": 1}'}
    assert aws(f"get-resources --rest-api-id {api} --embed methods --query", "sort(items[?resourceMethods].path)", "--output", "text") == "/pets"
    assert json.loads(aws(f"get-deployment --rest-api-id {api} --deployment-id {deployment} --embed apisummary --query apiSummary")) == {
        "/pets": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    assert aws(f"get-rest-api --rest-api-id {api} --query createdDate --output text").isdigit()


def test_the_cli_pages_by_itself_and_by_hand(aws):
    names = [f"page{n}" for n in range(5)]
    for name in names:
        aws(f"create-api-key --name {name}")

    whole = json.loads(aws("get-api-keys --name-query page --page-size 2 --query", "sort(items[].name)"))
    first = json.loads(aws("get-api-keys --name-query page --max-items 3"))
    rest = json.loads(aws(f"get-api-keys --name-query page --starting-token {first['NextToken']}"))

    assert whole == names
    assert sorted(item["name"] for item in first["items"] + rest["items"]) == names
    assert all("value" not in item for item in first["items"])


def test_an_api_is_imported_exported_and_put_again_from_files(aws, tmp_path):
    file, exported = tmp_path / "api.json", tmp_path / "exported.json"
    file.write_bytes(document(title="from a file", path="/one"))
    api = aws(f"import-rest-api --body fileb://{file} --parameters endpointConfigurationTypes=REGIONAL --query id --output text")
    aws(f"create-deployment --rest-api-id {api} --stage-name v1")

    headers = json.loads(aws(f"get-export --rest-api-id {api} --stage-name v1 --export-type oas30 --parameters extensions=integrations {exported}"))
    file.write_bytes(document(title="from a file", path="/two"))
    aws(f"put-rest-api --rest-api-id {api} --mode merge --body fileb://{file}")

    assert headers["contentType"] == "application/octet-stream" and ".json" in headers["contentDisposition"]
    assert list(json.loads(exported.read_text())["paths"]) == ["/one"]
    assert aws(f"get-resources --rest-api-id {api} --query", "sort(items[].path)", "--output", "text") == "/\t/one\t/two"
    assert aws(f"get-rest-api --rest-api-id {api} --query endpointConfiguration.types[0] --output text") == "REGIONAL"


def test_shorthand_patches_move_a_stage_and_its_settings(aws):
    api = json.loads(aws("import-rest-api --body", document().decode()))["id"]
    first, second = (aws(f"create-deployment --rest-api-id {api} --query id --output text") for _ in range(2))
    aws(f"create-stage --rest-api-id {api} --stage-name s --deployment-id {first} --variables color=blue,size=1 --tags team=a")

    aws(f"update-stage --rest-api-id {api} --stage-name s --patch-operations op=replace,path=/deploymentId,value={second} "
        "op=replace,path=/variables/color,value=green op=replace,path=/*/*/throttling/rateLimit,value=10.5")

    assert aws(f"get-stage --rest-api-id {api} --stage-name s --query [deploymentId,variables.color,variables.size] --output text") == f"{second}\tgreen\t1"
    assert json.loads(aws(f"get-stage --rest-api-id {api} --stage-name s --query methodSettings.\\\"*/*\\\".throttlingRateLimit")) == 10.5
    in_use = aws(f"delete-deployment --rest-api-id {api} --deployment-id {second}", fails=True)
    assert "(BadRequestException)" in in_use and "Active stages pointing to this deployment must be moved or deleted" in in_use


def test_keys_plans_and_usage(aws):
    api = json.loads(aws("import-rest-api --body", document().decode()))["id"]
    aws(f"create-deployment --rest-api-id {api} --stage-name prod")
    key = aws("create-api-key --name customer --enabled --value 0123456789abcdefghijklmn --query id --output text")
    plan = aws(f"create-usage-plan --name gold --throttle burstLimit=10,rateLimit=5.5 --quota limit=100,offset=0,period=MONTH --api-stages apiId={api},stage=prod "
               "--query id --output text")
    aws(f"create-usage-plan-key --usage-plan-id {plan} --key-id {key} --key-type API_KEY")

    aws(f"update-usage --usage-plan-id {plan} --key-id {key} --patch-operations op=replace,path=/remaining,value=7")

    assert aws(f"get-usage-plan-keys --usage-plan-id {plan} --query items[].[id,type,name] --output text") == f"{key}\tAPI_KEY\tcustomer"
    assert aws(f"get-usage-plans --key-id {key} --query items[].[name,quota.limit,throttle.rateLimit] --output text") == "gold\t100\t5.5"
    assert aws(f"get-api-key --api-key {key} --include-value --query value --output text") == "0123456789abcdefghijklmn"
    assert aws(f"get-api-key --api-key {key} --query value --output text") == "None"
    refused = aws(f"delete-usage-plan --usage-plan-id {plan}", fails=True)
    assert f"Cannot delete Usage Plan {plan} because there are API Stages associated with it" in refused


def test_domains_certificates_links_tags_and_the_account(aws):
    api = json.loads(aws("import-rest-api --body", document().decode()))["id"]
    aws("create-domain-name --domain-name api.example.test --regional-certificate-arn arn:aws:acm:us-east-1:000000000000:certificate/1 "
        "--endpoint-configuration types=REGIONAL --security-policy TLS_1_2")
    aws(f"create-base-path-mapping --domain-name api.example.test --rest-api-id {api} --base-path v1")
    certificate = aws("generate-client-certificate --description backend --query clientCertificateId --output text")
    aws(f"tag-resource --resource-arn arn:aws:apigateway:us-east-1::/restapis/{api} --tags team=pets,stage=test")
    aws(f"untag-resource --resource-arn arn:aws:apigateway:us-east-1::/restapis/{api} --tag-keys stage")

    aws(f"update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value={ROLE}")

    assert aws("get-base-path-mappings --domain-name api.example.test --query items[].[basePath,restApiId] --output text") == f"v1\t{api}"
    assert aws("get-domain-name --domain-name api.example.test --query domainNameStatus --output text") == "AVAILABLE"
    assert aws(f"get-client-certificate --client-certificate-id {certificate} --query pemEncodedCertificate --output text").startswith("-----BEGIN CERTIFICATE-----")
    assert json.loads(aws(f"get-tags --resource-arn arn:aws:apigateway:us-east-1::/restapis/{api}")) == {"tags": {"team": "pets"}}
    assert aws("get-account --query [cloudwatchRoleArn,throttleSettings.rateLimit] --output text") == f"{ROLE}\t10000.0"
    mapped = aws(f"delete-rest-api --rest-api-id {api}", fails=True)
    assert "Please remove all base path mappings related to the RestApi in your domains" in mapped


def test_models_authorizers_and_a_test_invocation(aws):
    api = aws("create-rest-api --name tested --query id --output text")
    root = aws(f"get-rest-api --rest-api-id {api} --query rootResourceId --output text")
    aws(f"create-model --rest-api-id {api} --name Pet --content-type application/json --schema", '{"type": "object"}')
    aws(f"create-authorizer --rest-api-id {api} --name pool --type COGNITO_USER_POOLS --identity-source method.request.header.Authorization "
        "--provider-arns arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_a")
    at = f"--rest-api-id {api} --resource-id {root} --http-method GET"
    aws(f"put-method {at} --authorization-type NONE")
    aws(f"put-integration {at} --type MOCK --request-templates", '{"application/json": "{\\"statusCode\\": 200}"}')
    aws(f"put-method-response {at} --status-code 200")
    aws(f"put-integration-response {at} --status-code 200 --response-templates", '{"application/json": "tested"}')

    result = json.loads(aws(f"test-invoke-method {at} --path-with-query-string /?a=b"))

    assert (result["status"], result["body"]) == (200, "tested") and "Successfully completed execution" in result["log"]
    assert aws(f"get-models --rest-api-id {api} --query", "sort(items[].name)", "--output", "text") == "Empty\tError\tPet"
    assert aws(f"get-authorizers --rest-api-id {api} --query items[].[name,authType] --output text") == "pool\tcognito_user_pools"
    unknown = aws(f"get-model --rest-api-id {api} --model-name Nope", fails=True)
    assert "(NotFoundException)" in unknown and "Invalid model name specified: Nope" in unknown
