"""A foreign server checks the signatures: moto with authentication on, where it is installed.

uv tool install 'moto[server]' && pytest tests/cloud/test_moto.py
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.cloud.sts import CONTENT_TYPE, assume_role_form, parse_assumed
from proxy_core.domain.service import Auth, AuthType
from proxy_core.domain.signing import Unsigned, WholeBody

TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},'
    '"Action":"sts:AssumeRole"}]}'
)
DUMMY = AwsKeys("AKIADUMMY", "dummy")
POLICY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a server that takes everything until it is told to check."""
    program = shutil.which("moto_server") or os.environ.get("MOTO_SERVER")
    if not program:
        pytest.skip("moto_server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        [program, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        for _ in range(300):
            try:
                httpx.get(f"{url}/moto-api/data.json")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
        process.terminate()


def send(
    url: str,
    keys: AwsKeys,
    service: str,
    method: str,
    target: str,
    body: bytes = b"",
    **headers: str,
) -> httpx.Response:
    """Sign as the proxy does, and send what came of it."""
    host = url.removeprefix("http://")
    fields = tuple(
        (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
    )
    request = Unsigned(
        "http", "127.0.0.1", host.encode(), method.encode(), target.encode(), fields, bool(body)
    )
    whole = WholeBody(body, hashlib.sha256(body).hexdigest()) if body else None
    signed = AwsSigner(keys, service, "us-east-1").sign(request, whole)
    kept = [field for field in fields if field[0].lower() not in signed.dropped]
    content = body if signed.body is None else signed.body
    return httpx.request(
        method, url + signed.target.decode(), headers=[*kept, *signed.fields], content=content
    )


@pytest.fixture(scope="module")
def keys(moto: str) -> AwsKeys:
    """A user's keys, who may do anything; from then on signatures count."""

    def iam(**fields: str) -> str:
        form = urlencode({"Version": "2010-05-08", "UserName": "agent", **fields}).encode()
        kind = "application/x-www-form-urlencoded"
        answer = send(moto, DUMMY, "iam", "POST", "/", form, content_type=kind)
        assert answer.status_code == 200, answer.text
        return answer.text

    iam(Action="CreateUser")
    iam(Action="PutUserPolicy", PolicyName="all", PolicyDocument=POLICY)
    made = iam(Action="CreateAccessKey")
    found = [
        re.search(f"<{name}>(.*?)</{name}>", made) for name in ("AccessKeyId", "SecretAccessKey")
    ]
    assert all(found)
    httpx.post(f"{moto}/moto-api/reset-auth", content=b"0").raise_for_status()
    return AwsKeys(*(match[1] for match in found if match))


def test_a_wrong_secret_is_refused(moto: str, keys: AwsKeys) -> None:
    """The server does check."""
    wrong = AwsKeys(keys.access_key_id, "wrong")
    assert send(moto, wrong, "s3", "PUT", "/refused").status_code == 403


def test_s3_takes_what_was_signed(moto: str, keys: AwsKeys) -> None:
    """A name, a query, a body in chunks with a dummy's signatures."""
    assert send(moto, keys, "s3", "PUT", "/bucket").status_code == 200
    name = "/bucket/a/b~c.txt"  # moto checks names decoded, unlike S3: see `checking` for those
    assert send(moto, keys, "s3", "PUT", name, b"hello").status_code == 200
    assert send(moto, keys, "s3", "GET", name).content == b"hello"
    assert "b~c.txt" in send(moto, keys, "s3", "GET", "/bucket?list-type=2&prefix=a").text
    wrapped = b"5;chunk-signature=00\r\nworld\r\n0;chunk-signature=00\r\n\r\n"
    chunked = {
        "x_amz_content_sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "content_encoding": "aws-chunked",
        "x_amz_decoded_content_length": "5",
    }
    assert send(moto, keys, "s3", "PUT", "/bucket/w", wrapped, **chunked).status_code == 200
    assert send(moto, keys, "s3", "GET", "/bucket/w").content == b"world"


def test_another_service_takes_what_was_signed(moto: str, keys: AwsKeys) -> None:
    """JSON with its digest, as Bedrock's."""
    answer = send(
        moto,
        keys,
        "dynamodb",
        "POST",
        "/",
        b"{}",
        content_type="application/x-amz-json-1.0",
        x_amz_target="DynamoDB_20120810.ListTables",
    )
    assert answer.json() == {"TableNames": []}


def test_a_role_is_assumed_and_signs(moto: str, keys: AwsKeys) -> None:
    """STS takes the form that was signed, and its keys count; without the session's token they
    don't.
    """
    form = {"Version": "2010-05-08", "RoleName": "agents", "AssumeRolePolicyDocument": TRUST}
    kind = "application/x-www-form-urlencoded"
    made = send(
        moto,
        keys,
        "iam",
        "POST",
        "/",
        urlencode({"Action": "CreateRole", **form}).encode(),
        content_type=kind,
    )
    assert made.status_code == 200, made.text
    policy = {"Action": "PutRolePolicy", "PolicyName": "all", "PolicyDocument": POLICY}
    allowed = urlencode({**form, **policy}).encode()
    assert send(moto, keys, "iam", "POST", "/", allowed, content_type=kind).status_code == 200
    arn = re.search("<Arn>(.*?)</Arn>", made.text)
    assert arn
    auth = Auth(AuthType.AWS_SIGV4, role_arn=arn[1], session_name="agents", duration=900)
    asked = assume_role_form(auth)
    answer = send(moto, keys, "sts", "POST", "/", asked, content_type=CONTENT_TYPE)
    tokens = parse_assumed(answer.status_code, {}, answer.content, (), time.time())
    assert tokens.expires_at == pytest.approx(time.time() + 900, abs=120)
    lent = AwsKeys.unpacked(tokens.access_token)
    assert send(moto, lent, "s3", "PUT", "/of-the-role").status_code == 200
    cut = AwsKeys(lent.access_key_id, lent.secret_access_key)
    assert send(moto, cut, "s3", "PUT", "/refused").status_code == 403
