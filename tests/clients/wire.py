"""A thin signed client for load and concurrency tests: one kept-alive connection, no SDK between the test and the answer."""
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse


class Reply:
    """What the admin API answered."""

    def __init__(self, status, headers, body):
        self.status = status
        self.request_id, self.error = headers.get("x-amzn-requestid"), headers.get("x-amzn-errortype")
        self.body = json.loads(body) if body else None

    @property
    def message(self):
        return self.body.get("message") if isinstance(self.body, dict) else None

    def __repr__(self):
        return f"{self.status} {self.error or ''} {json.dumps(self.body):.300}"


class Connection:
    """One connection to one control plane, signing like the SDKs (Signature Version 4)."""

    def __init__(self, address, key="test", secret="test", region="us-east-1", timeout=30):
        self.address, self.key, self.secret, self.region = address, key, secret, region
        self.http = http.client.HTTPConnection(address, timeout=timeout)
        self.day, self.signing_key = None, None

    def call(self, method, path, document=None):
        """One call, never repeated by itself; `path` may carry a query whose names are in order."""
        body = b"" if document is None else json.dumps(document).encode()
        self.http.request(method, path, body, self._headers(method, path, body))
        response = self.http.getresponse()
        return Reply(response.status, response.headers, response.read())

    def _headers(self, method, path, body):
        stamp, digest = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), hashlib.sha256(body).hexdigest()
        place, _, query = path.partition("?")
        canonical = "\n".join([method, urllib.parse.quote(place, safe="/~"), query, f"host:{self.address}", f"x-amz-date:{stamp}", "",
                               "host;x-amz-date", digest])
        scope = f"{stamp[:8]}/{self.region}/apigateway/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self._key_of(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        return {"X-Amz-Date": stamp, "Content-Type": "application/json", "Authorization":
                f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders=host;x-amz-date, Signature={signature}"}

    def _key_of(self, day):
        if self.day != day:
            key = f"AWS4{self.secret}".encode()
            for part in (day, self.region, "apigateway", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self.day, self.signing_key = day, key
        return self.signing_key

    def close(self):
        self.http.close()
