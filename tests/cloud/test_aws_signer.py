"""What is signed for AWS: accepted by a server's own check, and equal to what botocore sends."""

import hashlib
from dataclasses import replace

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from proxy_core.base.errors import VaultError
from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.signing import Signed, Unsigned, WholeBody
from tests.cloud.checking import KEY_ID, SECRET, Refused, check

SIGNER = AwsSigner(AwsKeys(KEY_ID, SECRET))
TEMPORARY = AwsSigner(AwsKeys(KEY_ID, SECRET, "session/token+=="))
BEDROCK = "bedrock-runtime.eu-west-1.amazonaws.com"
S3 = "bucket.s3.us-west-2.amazonaws.com"


def request(host: str, method: str = "GET", target: str = "/", **more: object) -> Unsigned:
    """A request over https without a body."""
    return Unsigned(  # type: ignore[arg-type]
        **{
            "scheme": "https",
            "host": host,
            "host_field": host.encode(),
            "method": method.encode(),
            "target": target.encode(),
            "headers": (),
            "has_body": False,
            **more,
        }
    )


def whole(body: bytes) -> WholeBody:
    """A body that was read."""
    return WholeBody(body, hashlib.sha256(body).hexdigest())


def sent(unsigned: Unsigned, signed: Signed) -> dict[str, str]:
    """The fields that go on, names in lower case."""
    kept = [field for field in unsigned.headers if field[0].lower() not in signed.dropped]
    fields = [(b"Host", unsigned.host_field), *kept, *signed.fields]
    assert len({name.lower() for name, _ in fields}) == len(fields)
    return {name.decode().lower(): value.decode("latin-1") for name, value in fields}


def accepted(unsigned: Unsigned, signed: Signed, scope: str, body: bytes = b"") -> None:
    """A server lets it pass."""
    headers, method = sent(unsigned, signed), unsigned.method.decode()
    check(method, signed.target.decode(), headers, body, scope=scope)


TARGETS = [
    "/",
    "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
    "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke",
    "/a%20b/c?x=1&a=2&a=1&empty&y=%2F%C3%A9+z",
    "/key/with~tilde(1)!.txt?list-type=2&prefix=a%2Fb",
]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("host", "scope"), [(BEDROCK, "eu-west-1/bedrock"), (S3, "us-west-2/s3")])
@pytest.mark.parametrize("signer", [SIGNER, TEMPORARY], ids=["user", "session"])
def test_a_server_accepts_it(signer: AwsSigner, host: str, scope: str, target: str) -> None:
    """Paths and queries of every spelling, keys of a user and of a session."""
    unsigned = request(host, target=target, headers=((b"X-Amz-Meta-A", b"  two   blanks "),))
    accepted(unsigned, signer.sign(unsigned, None), scope)


def test_the_server_would_notice_any_change() -> None:
    """The check that these tests rest on refuses another path, body, field or key."""
    body = b'{"a":1}'
    unsigned = request(BEDROCK, "POST", "/x", headers=((b"X-Amz-A", b"1"),), has_body=True)
    signed = SIGNER.sign(unsigned, whole(body))
    accepted(unsigned, signed, "eu-west-1/bedrock", body)
    for changed in (
        lambda: accepted(
            replace(unsigned, headers=((b"X-Amz-A", b"2"),)), signed, "eu-west-1/bedrock", body
        ),
        lambda: accepted(unsigned, replace(signed, target=b"/y"), "eu-west-1/bedrock", body),
        lambda: accepted(unsigned, signed, "eu-west-1/bedrock", b"{}"),
        lambda: accepted(unsigned, signed, "eu-west-2/bedrock", body),
    ):
        with pytest.raises(Refused):
            changed()


@pytest.mark.parametrize(
    ("host", "signer_of", "scope"),
    [
        (BEDROCK, SigV4Auth, ("bedrock", "eu-west-1")),
        (S3, S3SigV4Auth, ("s3", "us-west-2")),
    ],
)
def test_it_is_what_botocore_would_send(
    host: str, signer_of: type[SigV4Auth], scope: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same signature for the same request at the same second."""
    from datetime import UTC, datetime

    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: now)
    target = "/a/b%20c?q=1&b=%2F"
    theirs = AWSRequest("GET", f"https://{host}{target}", {"X-Amz-Meta-A": "1"})
    signer_of(Credentials(KEY_ID, SECRET, "token"), *scope).add_auth(theirs)
    ours = request(host, target=target, headers=((b"X-Amz-Meta-A", b"1"),))
    made = AwsSigner(AwsKeys(KEY_ID, SECRET, "token")).sign(ours, None)
    fields = sent(ours, made)
    assert fields["authorization"] == theirs.headers["Authorization"]
    assert fields["x-amz-date"] == theirs.headers["X-Amz-Date"] == "20260102T030405Z"


def test_nothing_of_the_agents_own_signature_goes_on() -> None:
    """Fields in any case, and the query of a presigned URL."""
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=dummy%2F1&x-amz-date=2&keep=1"
        "&X-Amz-Expires=3&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Security-Token=t"
    )
    dummies = (
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=dummy"),
        (b"X-AMZ-DATE", b"20200101T000000Z"),
        (b"x-amz-security-token", b"dummy"),
        (b"X-Amz-Content-Sha256", b"0" * 64),
    )
    unsigned = request(S3, target=f"/key?{query}", headers=dummies)
    signed = SIGNER.sign(unsigned, None)
    assert signed.target == b"/key?keep=1"
    headers = sent(unsigned, signed)
    assert "dummy" not in str(headers)
    assert "x-amz-security-token" not in headers
    accepted(unsigned, signed, "us-west-2/s3")
    alone = SIGNER.sign(request(S3, target="/key?X-Amz-Signature=0"), None)
    assert alone.target == b"/key"


def test_a_body_that_is_digested_has_to_be_read() -> None:
    """Bedrock's, and S3's over plain http; S3's over TLS passes unread."""
    assert SIGNER.reads_body(request(BEDROCK, "POST", has_body=True))
    assert not SIGNER.reads_body(request(BEDROCK))
    assert not SIGNER.reads_body(request(S3, "PUT", has_body=True))
    plain = request(S3, "PUT", has_body=True, scheme="http")
    assert SIGNER.reads_body(plain)
    accepted(plain, SIGNER.sign(plain, whole(b"data")), "us-west-2/s3", b"data")


def test_chunks_with_dummy_signatures_are_unwrapped() -> None:
    """The body goes on plainly, its checksum in the head; other codings stay."""
    headers = (
        (b"X-Amz-Content-SHA256", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        (b"X-Amz-Decoded-Content-Length", b"5"),
        (b"X-Amz-Trailer", b"x-amz-checksum-crc32"),
        (b"Content-Encoding", b"gzip, aws-chunked"),
        (b"Content-Type", b"text/plain"),
    )
    unsigned = request(S3, "PUT", "/key", headers=headers, has_body=True)
    assert SIGNER.reads_body(unsigned)
    wrapped = (
        b"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n"
        b"x-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:00\r\n\r\n"
    )
    signed = SIGNER.sign(unsigned, whole(wrapped))
    assert signed.body == b"hello"
    fields = sent(unsigned, signed)
    assert fields["content-encoding"] == "gzip"
    assert fields["x-amz-checksum-crc32"] == "NhCmhg=="
    assert not {"x-amz-decoded-content-length", "x-amz-trailer"} & set(fields)
    accepted(unsigned, signed, "us-west-2/s3", b"hello")


def test_no_repr_shows_a_key() -> None:
    """Of what is signed with, nor of what was signed."""
    shown = f"{TEMPORARY!r} {TEMPORARY.sign(request(S3), None)!r}"
    assert SECRET not in shown
    assert "session/token" not in shown


def test_an_unknown_host_is_refused_before_anything_is_signed() -> None:
    """The sentence says what the operator has to add."""
    with pytest.raises(VaultError) as caught:
        SIGNER.sign(request("minio.example.com"), None)
    assert caught.value.code == "signing_failed"
