"""Requests that Huawei Cloud's Python SDK signs, and what becomes of them when they are changed."""

import json
import random
import urllib.parse

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

ALPHABET = "abcXYZ019-_.~ /+=&%?#:'\"é東😀"
# Decoded, as API Gateway hands a path over.
SEGMENT = "abcXYZ019-_.~ +=&%:;,@!$*()'é東😀"


def text(chance, length):
    return "".join(chance.choice(ALPHABET) for _ in range(chance.randrange(length)))


def signed(chance):
    """A request as our side sees it once API Gateway has decoded its path."""
    secret = text(chance, 40) + "s"
    path = "/v1/" + "/".join(
        "".join(chance.choice(SEGMENT) for _ in range(chance.randrange(1, 12))) for _ in range(chance.randrange(5)))
    path += chance.choice(["", "", "/"])
    query = [(f"k{number}-{chance.choice('abc/~ é')}", text(chance, 8)) for number in range(chance.randrange(4))]
    body = chance.choice(["", "{}", json.dumps({"x": text(chance, 30)})])
    request = SdkRequest(
        method=chance.choice(["GET", "POST", "PUT", "DELETE"]), schema="https", host="api.example.com",
        resource_path=urllib.parse.quote(path), query_params=query, body=body,
        header_params={"Content-Type": "application/json", "User-Agent": "  probe/1 ", "X-Trace": "  a  b "})
    Signer(BasicCredentials("AK-1", secret, "p")).sign(request)
    return {
        "secret": secret,
        "method": request.method,
        "path": path,
        "query": request.uri.partition("?")[2],
        "headers": {name.lower(): value for name, value in request.header_params.items()},
        "body": request.body.decode() if isinstance(request.body, bytes) else request.body,
    }


def check(ask, expect):
    chance = random.Random(20260102)
    requests = [signed(chance) for _ in range(500)]
    answers = json.loads(ask("signatures", requests))
    for number, answer in enumerate(answers):
        expect(f"signed request {number}", answer, {"is": "AK-1"})
    changed = []
    for request in requests:
        for part in ("secret", "method", "path", "query", "body"):
            changed.append({**request, part: request[part] + ("&z=1" if part == "query" else "x")})
        for header in ("x-sdk-date", "host", "content-type", "user-agent"):
            value = request["headers"][header]
            other = value.replace("Z", "") + "Z" if header != "x-sdk-date" else "20200101T000000Z"
            changed.append({**request, "headers": {**request["headers"], header: other}})
    for number, answer in enumerate(json.loads(ask("signatures", changed))):
        expect(f"changed request {number}", answer, {"fault": "Mismatch"})
