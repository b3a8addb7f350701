"""The front door: hostile HTTP/1 forms, time-outs, HTTP/2, TLS (reliability §3.2)."""
import json
import re
import socket
import subprocess
import threading
import time

import pytest
from conftest import Gateway
from test_main_job import mock


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    directory = tmp_path_factory.mktemp("front")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", directory / "key.pem", "-out", directory / "cert.pem"], check=True, capture_output=True)
    gateway = Gateway(directory, "--traffic-tls", "127.0.0.1:0", "--tls-certificate", directory / "cert.pem", "--tls-key", directory / "key.pem").start()
    yield gateway
    gateway.stop()


@pytest.fixture(scope="module")
def path(gateway):
    client = gateway.client()
    api = client.create_rest_api(name="front")
    mock(client, api["id"], api["rootResourceId"], "ANY", '{"ok": true}')
    client.create_deployment(restApiId=api["id"], stageName="dev")
    gateway.settled(api["id"], "dev")
    return f"/_aws/execute-api/{api['id']}/dev"


def connect(gateway):
    host, port = gateway.addresses["traffic"].split(":")
    connection = socket.create_connection((host, int(port)))
    connection.settimeout(40)
    return connection


def statuses(gateway, *parts):
    """Statuses of everything that comes back until the server closes, or a second passes."""
    with connect(gateway) as connection:
        for part in parts:
            connection.sendall(part)
        connection.settimeout(1)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
            closed = True
        except TimeoutError:
            closed = False
        except ConnectionResetError:
            closed = True
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)], closed


def request(path, *headers, method="GET", version="HTTP/1.1", host=b"Host: a.test\r\n", body=b""):
    lines = b"".join(header + b"\r\n" for header in headers)
    return f"{method} {path} {version}\r\n".encode() + host + lines + b"\r\n" + body


def hostile(path):
    chunked = b"Transfer-Encoding: chunked"
    return {
        "length then encoding": request(path, b"Content-Length: 3", chunked, method="POST", body=b"0\r\n\r\n"),
        "encoding then length": request(path, chunked, b"Content-Length: 3", method="POST", body=b"0\r\n\r\n"),
        "equal lengths twice": request(path, b"Content-Length: 0", b"Content-Length: 0", method="POST"),
        "identity, chunked": request(path, b"Transfer-Encoding: identity, chunked", method="POST", body=b"0\r\n\r\n"),
        "gzip, chunked": request(path, b"Transfer-Encoding: gzip, chunked", method="POST", body=b"0\r\n\r\n"),
        "encoding twice": request(path, chunked, chunked, method="POST", body=b"0\r\n\r\n"),
        "bare line feeds": f"GET {path} HTTP/1.1\nHost: a\n\n".encode(),
        "one bare line feed": f"GET {path} HTTP/1.1\r\nHost: a\nX: y\r\n\r\n".encode(),
        "no host": request(path, host=b""),
        "two hosts": request(path, b"Host: b.test"),
        "slash in host": request(path, host=b"Host: a/b\r\n"),
        "at sign in host": request(path, host=b"Host: user@a\r\n"),
        "user info in target": request(f"http://user@a.test{path}"),
        "fragment in target": request(path + "#x"),
        "connect": request("a.test:443", method="CONNECT"),
        "large head": request(path, *[b"X-%d: " % n + b"v" * 900 for n in range(60)]),
        "lower-case method": request(path, method="get"),
        "padded length": request(path, b"Content-Length: 0003", method="POST", body=b"abc"),
        "blank after chunk size": request(path, chunked, method="POST", body=b"3 \r\nabc\r\n0\r\n\r\n"),
        "look-alike header": request(path, b"Transfer_Encoding: chunked", method="POST"),
        "unknown expectation": request(path, b"Expect: magic", method="POST"),
        "early bytes after upgrade": request(path, b"Connection: Upgrade", b"Upgrade: websocket", body=b"\x81\x05hello"),
    }


def test_hostile_forms_are_refused_and_the_connection_is_closed(gateway, path):
    good, _ = statuses(gateway, request(path))
    assert good == [200]
    for name, raw in hostile(path).items():
        answers, closed = statuses(gateway, raw)
        expected = [200, 400] if name == "early bytes after upgrade" else None
        assert closed, (name, answers)
        if expected:
            assert answers == expected, name
        else:
            assert len(answers) <= 1 and all(400 <= status < 500 for status in answers), (name, answers)
            assert answers or name == "blank after chunk size", name


def test_a_smuggled_request_is_never_answered(gateway, path):
    smuggled = request(path, b"Content-Length: 6", b"Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\nG") + request(path)

    answers, closed = statuses(gateway, smuggled)

    assert answers == [400] and closed


def test_pipelined_and_split_requests_are_answered_in_order(gateway, path):
    whole = request(path, b"Content-Length: 3", method="POST", body=b"abc") + request(path, b"Transfer-Encoding: chunked", method="PUT", body=b"2\r\nab\r\n0\r\n\r\n")

    together, _ = statuses(gateway, whole + request(path))
    split, _ = statuses(gateway, *[whole[i:i + 7] for i in range(0, len(whole), 7)], request(path))

    assert together == split == [200, 200, 200]


def test_slow_clients_are_let_go(gateway, path):
    took = {}

    def silent():
        started = time.monotonic()
        with connect(gateway) as connection:
            connection.recv(1)
        took["first byte"] = time.monotonic() - started

    def dripping(name, opening, drop, every):
        started = time.monotonic()
        with connect(gateway) as connection:
            connection.sendall(opening)
            try:
                while time.monotonic() - started < 60:
                    connection.settimeout(every)
                    try:
                        if not connection.recv(4096):
                            break
                    except TimeoutError:
                        connection.sendall(drop)
            except OSError:
                pass
        took[name] = time.monotonic() - started

    slow = [threading.Thread(target=silent), threading.Thread(target=dripping, args=("head", f"GET {path} HTTP/1.1\r\n".encode(), b"X: y\r\n", 4)),
            threading.Thread(target=dripping, args=("body", request(path, b"Content-Length: 9000", method="POST"), b"x", 4))]
    for thread in slow:
        thread.start()
    for thread in slow:
        thread.join()

    assert took["first byte"] < 15 and took["head"] < 25 and took["body"] < 50, took


def curl(*arguments):
    done = subprocess.run(["curl", "-sk", "-w", "\n%{http_code} %{http_version}", *arguments], capture_output=True, text=True, timeout=30)
    body, _, facts = done.stdout.rpartition("\n")
    return json.loads(body), facts


@pytest.mark.parametrize("flags, scheme, version", [
    (["--http1.1"], "http", "1.1"), (["--http2-prior-knowledge"], "http", "2"), (["--http1.1"], "https", "1.1"), (["--http2"], "https", "2")])
def test_every_protocol_serves(gateway, path, flags, scheme, version):
    address = gateway.addresses["tls" if scheme == "https" else "traffic"]

    body, facts = curl(*flags, "-d", "{}", "-H", "content-type: application/json", f"{scheme}://{address}{path}")

    assert (body, facts) == ({"ok": True}, f"200 {version}")


def test_the_host_form_serves(gateway, path):
    api = path.split("/")[3]

    for host in (f"{api}.execute-api.localhost", f"{api}.execute-api.us-east-1.example.test"):
        body, facts = curl("-H", f"Host: {host}", f"http://{gateway.addresses['traffic']}/dev/")
        assert (body, facts.split()[0]) == ({"ok": True}, "200")
