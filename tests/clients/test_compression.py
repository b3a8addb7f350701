"""Content codings both ways over real processes (rest-data-plane §3.7)."""
import gzip
import json
import zlib

import pytest
from test_bodies import backend, functions, open_request, small  # noqa: F401  (fixtures)
from test_integrations import child, deploy, invocation, put

BODY = b'{"pets": [' + b", ".join(b'{"name": "rex"}' for _ in range(50)) + b"]}"


def raw_deflate(body):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(body) + coder.flush()


UNDONE = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: lambda body: body}


@pytest.fixture(scope="module")
def api(small, backend, functions):
    backend.answers.update(long=b"x" * 1000, fits=b"x" * 500, short=b"x" * 499, coded=gzip.compress(b"x" * 5000, 0))
    functions.answers["sized"] = lambda event: (200, {}, {"body": json.dumps([event["body"], event["headers"].get("Content-Encoding")]).ljust(600)})
    client = small.client()
    api = client.create_rest_api(name="compressed", minimumCompressionSize=500)
    resource = lambda name: child(client, api, api["rootResourceId"], name)
    for verb in ("GET", "HEAD"):
        for name in ("long", "fits", "short", "coded", "chunked"):
            at = resource(name) if verb == "GET" else next(
                item["id"] for item in client.get_resources(restApiId=api["id"], limit=500)["items"] if item.get("pathPart") == name)
            query = {"coded": "?headers=%7B%22content-encoding%22:%22gzip%22%7D", "chunked": "?length=1000&chunked=1"}.get(name, "")
            put(client, api["id"], at, verb, type="HTTP_PROXY", integrationHttpMethod=verb, uri=f"http://{backend.address}/{name}{query}")
    put(client, api["id"], resource("proxy"), "POST", type="HTTP_PROXY", integrationHttpMethod="POST", uri=f"http://{backend.address}/")
    at = put(client, api["id"], resource("http"), "POST", type="HTTP", integrationHttpMethod="POST", uri=f"http://{backend.address}/",
             requestTemplates={"application/json": "$input.path('$.pets[49].name')"})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "#foreach($i in [1..600])x#end"})
    put(client, api["id"], resource("function"), "POST", type="AWS_PROXY", integrationHttpMethod="POST", uri=invocation("sized"))
    at = put(client, api["id"], resource("mock"), "POST", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**at, statusCode="200", responseTemplates={"application/json": "y" * 500})
    deploy(small, client, api, stageName="dev")
    return api


def get(gateway, api, path, accepts, verb="GET", body=None):
    answer = open_request(gateway, api, path, verb, body, {"accept-encoding": accepts} if accepts else {})
    return answer.status, answer.headers["content-encoding"], answer.read()


@pytest.mark.parametrize("accepts, coding", [("gzip", "gzip"), ("deflate", "deflate"), ("gzip;q=0.5, deflate", "deflate"), ("*", "gzip"),
                                             ("br, gzip", None), ("identity", None), ("gzip;q=0", None), (None, None)])
def test_answers_are_compressed_with_what_the_client_likes_best(small, api, accepts, coding):
    for path, expected in (("/long", b"x" * 1000), ("/fits", b"x" * 500), ("/chunked", None)):
        status, done, body = get(small, api, path, accepts)
        assert (status, done) == (200, coding), path
        whole = UNDONE[coding](body)
        assert whole == expected if expected else len(whole) == 1000
        assert coding is None or len(body) < len(whole)

    short = get(small, api, "/short", accepts)
    mock = get(small, api, "/mock", accepts, "POST", b"{}")
    mapped = get(small, api, "/http", accepts, "POST", b"{}")

    assert short == (200, None, b"x" * 499)
    assert (mock[1], UNDONE[coding](mock[2])) == (coding, b"y" * 500)
    assert (mapped[1], UNDONE[coding](mapped[2])) == (coding, b"x" * 600)


def test_what_a_back_end_coded_goes_on_as_it_is_and_head_has_nothing_to_compress(small, api):
    """[D §3.3 table, §3.7]: a coding that stays on the body keeps its name."""
    status, coding, body = get(small, api, "/coded", "gzip")
    head = open_request(small, api, "/long", "HEAD", None, {"accept-encoding": "gzip"})

    assert (status, coding, gzip.decompress(body)) == (200, "gzip", b"x" * 5000)
    assert (head.status, head.headers["content-encoding"], head.read()) == (200, None, b"")


@pytest.mark.parametrize("name, code", [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate),
                                        ("identity", bytes), ("deflate, gzip", lambda body: gzip.compress(zlib.compress(body))),
                                        ("GZIP, identity", gzip.compress)])
def test_integrations_see_what_a_request_is_without_its_codings(small, backend, api, name, code):
    headers = {"content-type": "application/json", "content-encoding": name}

    open_request(small, api, "/proxy", "POST", code(BODY), headers).read()
    proxied = backend.seen
    open_request(small, api, "/http", "POST", code(BODY), headers).read()
    mapped = backend.seen
    event = json.loads(open_request(small, api, "/function", "POST", code(BODY), headers).read())

    assert (proxied["body"], {name.lower() for name in proxied["headers"]} & {"content-encoding"}) == (BODY, set())
    assert (mapped["body"], event[0]) == (b"rex", BODY.decode())


@pytest.mark.parametrize("body, name, status, text", [
    (BODY, "br", 415, '{"message":"Unsupported Media Type"}'), (gzip.compress(BODY), "gzip, br", 415, '{"message":"Unsupported Media Type"}'),
    (BODY, "gzip", 415, '{"message":"Unsupported Media Type"}'), (gzip.compress(BODY)[:-9], "gzip", 415, '{"message":"Unsupported Media Type"}'),
    (gzip.compress(BODY) + b"more", "gzip", 415, '{"message":"Unsupported Media Type"}'),
    (gzip.compress(bytes(100_001)), "gzip", 413, "HTTP content length exceeded 100000 bytes."),
    (gzip.compress(gzip.compress(bytes(80_000_000))), "gzip, gzip", 413, "HTTP content length exceeded 100000 bytes."),
    (gzip.compress(bytes(100_000)), "gzip", 200, None)])
def test_what_does_not_decode_or_is_a_bomb_reaches_nobody(small, backend, api, body, name, status, text):
    backend.seen = None

    answer = open_request(small, api, "/proxy", "POST", body, {"content-encoding": name})

    assert (answer.status, answer.read().decode() if text else None) == (status, text)
    assert (backend.seen is None) == (status != 200)
