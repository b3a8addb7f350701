"""Binary support over real processes, as the recorded matrices have it (rest-data-plane §3.5)."""
import base64
import binascii
import json
import urllib.parse

import pytest
from conftest import Gateway
from test_bodies import backend, functions, open_request, small  # noqa: F401  (fixtures)
from test_integrations import child, deploy, invocation, put

RAW, ENCODED, TEXT = b"\xff\xfe\x00a", b"//4AYQ==", b"this is text"
PAYLOADS = [RAW, ENCODED, TEXT]
HANDLINGS = [None, "CONVERT_TO_TEXT", "CONVERT_TO_BINARY"]
BINARY, PLAIN = "image/png", "text/plain"


def text(body):
    return body.decode("utf8", "replace").encode()


def decoded(body):
    """None: 500."""
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return None


def same(body):
    return body


# What is done to a request's body: by its Content-Type and `contentHandling` of the integration [V, 6 combinations].
REQUESTS = {(PLAIN, None): text, (PLAIN, "CONVERT_TO_TEXT"): text, (PLAIN, "CONVERT_TO_BINARY"): decoded,
            (BINARY, None): same, (BINARY, "CONVERT_TO_TEXT"): base64.b64encode, (BINARY, "CONVERT_TO_BINARY"): same}
# What is done to an answer's: by the back end's Content-Type, the client's Accept and `contentHandling` [V, 12 combinations].
RESPONSES = {(PLAIN, PLAIN): (text, text, decoded), (PLAIN, BINARY): (decoded, text, decoded),
             (BINARY, PLAIN): (base64.b64encode, base64.b64encode, same), (BINARY, BINARY): (same, base64.b64encode, same)}


def handling(value):
    return {"contentHandling": value} if value else {}


@pytest.fixture(scope="module")
def api(small, backend):
    """Resources `/{kind}/{request handling}/{response handling}`, by index."""
    backend.answers.update({str(index): body for index, body in enumerate(PAYLOADS)})
    client = small.client()
    api = client.create_rest_api(name="binary", binaryMediaTypes=["image/png"])
    for kind in ("HTTP", "HTTP_PROXY"):
        top = child(client, api, api["rootResourceId"], kind)
        for index, value in enumerate(HANDLINGS):
            at = put(client, api["id"], child(client, api, top, str(index)), "POST", type=kind, integrationHttpMethod="POST",
                     uri=f"http://{backend.address}/{{what}}", requestParameters={
                         "integration.request.path.what": "method.request.querystring.what",
                         **({"integration.request.querystring.headers": "method.request.querystring.headers"} if kind == "HTTP" else {})},
                     **(handling(value) if kind == "HTTP_PROXY" else {}))
            if kind == "HTTP":
                client.put_integration_response(**at, statusCode="200", **handling(value))
    top = child(client, api, api["rootResourceId"], "requests")
    for index, value in enumerate(HANDLINGS):
        at = put(client, api["id"], child(client, api, top, str(index)), "POST", type="HTTP", integrationHttpMethod="POST",
                 uri=f"http://{backend.address}/", **handling(value))
        client.put_integration_response(**at, statusCode="200", contentHandling="CONVERT_TO_TEXT")
    deploy(small, client, api, stageName="dev")
    return api


def ask(gateway, api, path, kind, accept=PLAIN, body=b""):
    answer = open_request(gateway, api, path, "POST", body, {"content-type": kind, "accept": accept})
    return answer.status, answer.read()


@pytest.mark.parametrize("kind, value", REQUESTS)
def test_requests_are_converted_as_recorded(small, backend, api, kind, value):
    for proxy, path in ((False, "/requests"), (True, "/HTTP_PROXY")):
        for payload in PAYLOADS:
            backend.seen = None
            how = REQUESTS[kind, value]
            # What a proxy passes on as text it passes on untouched [D].
            expected = payload if proxy and how is text else how(payload)

            status, _ = ask(small, api, f"{path}/{HANDLINGS.index(value)}?what=", kind, kind, payload)

            assert status == (500 if expected is None else 200), (path, payload)
            assert (backend.seen or {}).get("body") == expected, (path, payload)


@pytest.mark.parametrize("sent, accept", RESPONSES)
def test_answers_are_converted_as_recorded(small, api, sent, accept):
    query = lambda index: f"?what={index}&headers=" + urllib.parse.quote(json.dumps({"content-type": sent}))
    for (kind, value), how in {**{("HTTP", index): how for index, how in enumerate(RESPONSES[sent, accept])},
                               ("HTTP_PROXY", 0): RESPONSES[sent, accept][0]}.items():
        for index, payload in enumerate(PAYLOADS):
            expected = payload if kind == "HTTP_PROXY" and how is text else how(payload)

            status, body = ask(small, api, f"/{kind}/{value}{query(index)}", PLAIN, accept)

            assert (status, body) == ((200, expected) if expected is not None else (500, b'{"message": "Internal server error"}')), (kind, value, payload)


def test_a_template_reads_base64_and_never_bytes(small, functions):
    functions.answers["mapped"] = lambda event: (200, {}, {"got": event["body"]})
    client = small.client()
    api = client.create_rest_api(name="templates", binaryMediaTypes=[BINARY])
    for index, value in enumerate(HANDLINGS):
        at = put(client, api["id"], child(client, api, api["rootResourceId"], str(index)), "POST", type="AWS", integrationHttpMethod="POST",
                 uri=invocation("mapped"), requestTemplates={BINARY: '{"body": "$input.body"}'}, **handling(value))
        client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "$input.path('$.got')"})
    mocked = child(client, api, api["rootResourceId"], "mock")
    at = put(client, api["id"], mocked, "POST", type="MOCK", requestTemplates={PLAIN: '{"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "no base64"}, contentHandling="CONVERT_TO_BINARY")
    deploy(small, client, api, stageName="dev")

    got = [ask(small, api, f"/{index}", BINARY, body=RAW) for index in range(3)]

    assert got == [(500, b'{"message": "Internal server error"}'), (200, ENCODED), (500, b'{"message": "Internal server error"}')]
    assert ask(small, api, "/mock", PLAIN, BINARY) == (200, b"no base64")


@pytest.mark.parametrize("types", [[BINARY], ["image/*"], ["*/*"], []])
def test_a_proxy_function_gets_and_gives_base64_where_a_type_says_so(small, functions, types):
    """[V lambda/test_aws_proxy_binary_response]: the Content-Type of the answer plays no role."""
    flags = {"coded": True, "plain": False}
    functions.answers.update({name: lambda event, flag=flag: (200, {}, {
        "body": ENCODED.decode(), "isBase64Encoded": flag, "headers": {"x-event": json.dumps([event["isBase64Encoded"], event["body"]])}})
        for name, flag in flags.items()})
    client = small.client()
    api = client.create_rest_api(name="functions", binaryMediaTypes=types)
    for name in flags:
        put(client, api["id"], child(client, api, api["rootResourceId"], name), "POST", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation(name))
    deploy(small, client, api, stageName="dev")
    matches = lambda kind: "*/*" in types or (kind is not None and (kind in types or ("image/*" in types and kind.startswith("image/"))))

    def send(name, kind, accept):
        headers = {name: value for name, value in (("content-type", kind), ("accept", accept)) if value}
        answer = open_request(small, api, f"/{name}", "POST", RAW, headers)
        return (*json.loads(answer.headers["x-event"]), answer.read())

    for kind in (BINARY, f"{BINARY}; a=b", PLAIN):
        for accept in (BINARY, f"{BINARY}, {PLAIN}", f"{PLAIN}, {BINARY}", "image/*", "*/*", None):
            coded, plain = send("coded", kind, accept), send("plain", kind, accept)
            binary, accepted = matches(kind.split(";")[0]), matches(accept and accept.split(",")[0])
            event = [binary, ENCODED.decode() if binary else RAW.decode("utf8", "replace")]
            assert coded == (*event, RAW if accepted else ENCODED), (kind, accept)
            assert plain == (*event, ENCODED), (kind, accept)
