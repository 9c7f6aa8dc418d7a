"""Signed requests over real sockets: the upstream checks the signature on what it got."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from proxy_core.cloud.aws_signer import AwsSigner
from proxy_core.domain.cloud.aws_keys import AwsKeys
from proxy_core.domain.exchange import Injection, SecretSubstitution
from proxy_core.domain.service import Surface
from tests.cloud.checking import KEY_ID, SECRET, check
from tests.mitm.rig import Echo, Rig, request, rig

KEYS = AwsKeys(KEY_ID, SECRET, "session")
BEDROCK, S3 = AwsSigner(KEYS, "bedrock", "eu-west-1"), AwsSigner(KEYS, "s3", "us-west-2")
SCOPES = {BEDROCK: "eu-west-1/bedrock", S3: "us-west-2/s3"}
DUMMY = (
    b"Authorization: AWS4-HMAC-SHA256 Credential=dummy/x, SignedHeaders=host, Signature=00\r\n"
    b"X-Amz-Date: 20200101T000000Z\r\nX-Amz-Security-Token: dummy\r\n"
)
BODY = b'{"prompt": "hello"}'


def sign(proxy: Rig, signer: AwsSigner, *substitutions: SecretSubstitution) -> None:
    """Let every request be signed."""
    proxy.broker.injection = Injection(substitutions=substitutions, signer=signer)


def put(body: bytes, extra: bytes = b"", path: bytes = b"/key") -> bytes:
    """A PUT with a length and a dummy's signature."""
    return request(path, b"PUT", DUMMY + extra + b"Content-Length: %d\r\n" % len(body)) + body


def chunked(*pieces: bytes, extra: bytes = b"") -> bytes:
    """The same in chunks."""
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    head = request(b"/key", b"PUT", DUMMY + extra + b"Transfer-Encoding: chunked\r\n")
    return head + body + b"0\r\n\r\n"


def accepted(signer: AwsSigner, head: bytes, body: bytes) -> dict[str, str]:
    """The fields of a request whose signature is right."""
    line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    pairs = [field.split(": ", 1) for field in fields]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs), "a field stands twice"
    check(method, target, headers, body, scope=SCOPES[signer])
    assert "dummy" not in str(headers)
    return headers


async def exchange(proxy: Rig, echo: Echo, data: bytes) -> tuple[bytes, bytes]:
    """What the upstream gets for a request."""
    client = await proxy.secure()
    await client.send(data)
    assert (await client.response())[0] == 200
    return echo.seen[-1]


@pytest.mark.parametrize("signer", [BEDROCK, S3], ids=["bedrock", "s3"])
@pytest.mark.parametrize("message", [put(BODY), chunked(BODY[:5], BODY[5:]), put(b"")])
async def test_the_upstream_accepts_what_it_gets(
    tmp_path: Path, signer: AwsSigner, message: bytes
) -> None:
    """With a length, in chunks, without a body; again on the connection that was kept."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, signer)
        client = await proxy.secure()
        for _ in range(2):
            await client.send(message)
            assert (await client.response())[0] == 200
            accepted(signer, *echo.seen[-1])
        (record, _) = await proxy.broker.wait_records(2)
        assert (record.decision, record.injected_headers) == ("injected", ("Authorization",))
        assert echo.connections == 1


async def test_placeholders_are_replaced_before_it_is_signed(tmp_path: Path) -> None:
    """In the path, the query, a signed field and the body."""
    echo = Echo()
    everywhere = frozenset((Surface.PATH, Surface.QUERY, Surface.HEADER, Surface.BODY))
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, BEDROCK, SecretSubstitution(b"__k__", b"v 1", everywhere))
        message = put(b"k=__k__", b"X-Amz-Meta-K: __k__\r\n", b"/__k__?q=__k__")
        head, body = await exchange(proxy, echo, message)
        assert head.startswith(b"PUT /v%201?q=v%201 ")
        assert body == b"k=v 1"
        assert accepted(BEDROCK, head, body)["x-amz-meta-k"] == "v 1"


async def test_a_stream_to_s3_leaves_before_it_has_ended(tmp_path: Path) -> None:
    """S3 over TLS takes a body that nobody has digested, so nothing is held back."""
    first = asyncio.Event()
    got = bytearray()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        got.extend(head)
        await reader.readexactly(5)
        first.set()
        await reader.readexactly(5)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with rig(tmp_path, slow) as proxy:
        sign(proxy, S3)
        client = await proxy.secure()
        await client.send(request(b"/key", b"PUT", DUMMY + b"Content-Length: 10\r\n") + b"01234")
        async with asyncio.timeout(20):
            await first.wait()
        await client.send(b"56789")
        assert (await client.response())[0] == 200
        fields = accepted(S3, bytes(got), b"")
        assert fields["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"


async def test_chunks_with_dummy_signatures_go_on_plainly(tmp_path: Path) -> None:
    """The body that S3 gets is the one that was wrapped, with its own length."""
    wrapped = b"5;chunk-signature=00\r\nhello\r\n0;chunk-signature=00\r\n\r\n"
    coding = (
        b"Content-Encoding: aws-chunked\r\nX-Amz-Decoded-Content-Length: 5\r\n"
        b"X-Amz-Content-SHA256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n"
    )
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, S3)
        head, body = await exchange(proxy, echo, put(wrapped, coding))
        assert body == b"hello"
        fields = accepted(S3, head, body)
        assert fields["content-length"] == "5"
        assert "content-encoding" not in fields


async def test_an_unsigned_stream_with_a_trailer_passes_as_it_comes(tmp_path: Path) -> None:
    """The SDKs' default over TLS: its chunks bear no signature."""
    wrapped = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    coding = (
        b"Content-Encoding: aws-chunked\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n"
        b"X-Amz-Content-SHA256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n"
    )
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, S3)
        head, body = await exchange(proxy, echo, put(wrapped, coding))
        assert body == wrapped
        accepted(S3, head, body)


async def test_a_body_that_is_signed_may_not_be_larger_than_is_held(tmp_path: Path) -> None:
    """It is refused before anything is sent."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        proxy.configure(substitution_limit=10)
        sign(proxy, BEDROCK)
        client = await proxy.secure()
        await client.send(put(b"x" * 11))
        status, head, _ = await client.response()
        assert (status, b"request_too_large" in head) == (413, True)
        assert not echo.seen
        assert proxy.memory_used == 0


async def test_what_cannot_be_signed_is_not_sent(tmp_path: Path) -> None:
    """The agent gets the sentence that says what to change."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, AwsSigner(KEYS))
        client = await proxy.secure()
        for message in (put(BODY), put(b"")):
            await client.send(message)
            status, head, body = await client.response()
            assert (status, b"signing_failed" in head) == (502, True)
            assert b"`service`" in body
            client = await proxy.secure()
        assert not echo.seen


async def test_a_field_that_ends_at_this_hop_is_not_signed(tmp_path: Path) -> None:
    """Connection names it, so the upstream never sees it."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        sign(proxy, BEDROCK)
        nominated = b"Connection: x-amz-hop\r\nX-Amz-Hop: 1\r\n"
        head, body = await exchange(proxy, echo, put(BODY, nominated))
        assert "x-amz-hop" not in accepted(BEDROCK, head, body)


async def test_it_is_signed_anew_when_it_is_sent_again(tmp_path: Path) -> None:
    """With the keys of the second decision, the body as it was."""
    other = AwsSigner(replace(KEYS, session_token="second"), "bedrock", "eu-west-1")
    SCOPES[other] = SCOPES[BEDROCK]
    seen: list[tuple[bytes, bytes]] = []

    async def refuses_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for status in (b"401 No", b"200 OK"):
            head = await reader.readuntil(b"\r\n\r\n")
            seen.append((head, await reader.readexactly(len(BODY))))
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)
            await writer.drain()

    async with rig(tmp_path, refuses_first) as proxy:
        sign(proxy, BEDROCK)
        proxy.broker.reconsiders = True
        proxy.broker.second = Injection(signer=other)
        client = await proxy.secure()
        await client.send(put(BODY))
        assert (await client.response())[0] == 200
    assert accepted(BEDROCK, *seen[0])["x-amz-security-token"] == "session"
    assert accepted(other, *seen[1])["x-amz-security-token"] == "second"
