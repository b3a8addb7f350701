"""A Lambda client of boto3 whose every answer is held against the published model, before boto3's own lenient parser can hide a fault."""
import email.message
import json

import botocore.session
import pytest
from conftest import Answer
from oracle_model import Judge

MODEL = botocore.session.get_session().get_service_model("lambda", api_version="2015-03-31")

#: Members that AWS gives whenever it gives the shape (dependencies §3.5; the model itself requires next to nothing of answers).
ALWAYS = {shape: words.split() for shape, words in {
    "FunctionConfiguration": "FunctionName FunctionArn Runtime Role Handler CodeSize Description Timeout MemorySize LastModified CodeSha256 Version "
                             "TracingConfig RevisionId State LastUpdateStatus PackageType Architectures EphemeralStorage SnapStart LoggingConfig",
    "GetFunctionResponse": "Configuration Code", "ListFunctionsResponse": "Functions", "ListVersionsByFunctionResponse": "Versions",
    "ListAliasesResponse": "Aliases", "AliasConfiguration": "AliasArn Name FunctionVersion Description RevisionId",
    "AliasRoutingConfiguration": "AdditionalVersionWeights", "AddPermissionResponse": "Statement", "GetPolicyResponse": "Policy RevisionId",
    "Concurrency": "ReservedConcurrentExecutions", "ListTagsResponse": "Tags", "GetFunctionCodeSigningConfigResponse": "FunctionName",
    "GetAccountSettingsResponse": "AccountLimit AccountUsage", "AccountUsage": "TotalCodeSize FunctionCount",
    "AccountLimit": "TotalCodeSize CodeSizeUnzipped CodeSizeZipped ConcurrentExecutions UnreservedConcurrentExecutions",
    "PutProvisionedConcurrencyConfigResponse": "RequestedProvisionedConcurrentExecutions Status LastModified",
    "GetProvisionedConcurrencyConfigResponse": "RequestedProvisionedConcurrentExecutions Status LastModified",
    "ProvisionedConcurrencyConfigListItem": "FunctionArn RequestedProvisionedConcurrentExecutions Status LastModified",
    "ListProvisionedConcurrencyConfigsResponse": "ProvisionedConcurrencyConfigs", "TracingConfigResponse": "Mode", "EphemeralStorage": "Size",
    "SnapStartResponse": "ApplyOn OptimizationStatus", "LoggingConfig": "LogFormat LogGroup",
}.items()}
#: Errors of every operation that the model does not list with each, and what this host says of operations that it does not have.
COMMON = {"ValidationException": 400, "SerializationException": 400, "AccessDeniedException": 403, "NotImplementedException": 501}
#: Statuses where the model's one is not what AWS answers, or where there are several.
STATUSES = {"Invoke": (200, 202, 204), "InvokeWithResponseStream": (200, 204), "DeleteFunction": (204,)}


class LambdaJudge(Judge):
    """As [`Judge`], for Lambda's payloads and errors."""

    def __init__(self):
        super().__init__(MODEL, ALWAYS)

    def success(self, operation, answer):
        if operation not in STATUSES:
            return super().success(operation, answer)
        faults = [] if answer.status in STATUSES[operation] else [f"status {answer.status}, not of {STATUSES[operation]}"]
        if answer.body:
            faults.append(f"a body: {answer.body[:80]}")
        return faults + ([] if answer.headers["x-amzn-requestid"] else ["no x-amzn-RequestId"])

    def _structure(self, shape, value, at):
        if isinstance(value, dict) and value.get("NextMarker", "") is None:
            value = {name: item for name, item in value.items() if name != "NextMarker"}  # Lambda's last page says null.
        return super()._structure(shape, value, at)

    def failure(self, operation, answer):
        shapes = {shape.name: shape for shape in self.model.operation_model(operation).error_shapes}
        code, body = answer.headers["x-amzn-errortype"], json.loads(answer.body)
        if code not in shapes:
            text = body.get("message", body.get("Message"))
            return [] if COMMON.get(code) == answer.status and text else [f"{code} {answer.status} is no error of {operation}: {body}"]
        shape = shapes[code]
        faults = [] if shape.metadata["error"]["httpStatusCode"] == answer.status else [f"{code} with status {answer.status}"]
        member = "Message" if "Message" in shape.members else "message"
        return faults + self._structure(shape, body, "$") + ([] if body.get(member) else [f"no {member} in {body}"])


def strict(client):
    """The client, each of whose answers must be what the model says; `client.judge.seen` is what was answered."""
    client.judge = LambdaJudge()

    def hold(http_response, model, **_):
        headers = email.message.Message()
        for name, value in http_response.headers.items():
            headers[name] = value
        streams = http_response.status_code < 300 and (model.has_streaming_output or model.has_event_stream_output)
        answer = Answer(http_response.status_code, headers, b"" if streams else http_response.content)
        faults = (client.judge.success if answer.status < 300 else client.judge.failure)(model.name, answer)
        assert not faults, f"{model.name}: {faults}"

    client.meta.events.register("after-call.lambda", hold)
    return client


def refused(call, **params):
    """What `call` refuses: status, code, text, and the whole answer."""
    with pytest.raises(call.__self__.exceptions.ClientError) as error:
        call(**params)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]
