"""Upstreams that fail, lie, or keep connections that are of no more use; and WebSockets."""

import asyncio
import base64
import ctypes
import datetime
import hashlib
import socket
import ssl
import struct
from pathlib import Path

import pytest
import trustme

from tests.mitm.rig import (
    HOST,
    SECRET,
    Echo,
    absolute,
    read_request,
    request,
    rig,
    until,
    upstream_tls,
)
from tests.ports import reserved_port

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
_SO_ATTACH_FILTER = 26
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _expired() -> ssl.SSLContext:
    from tests.mitm.rig import authority

    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(HOST, not_after=past).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (lambda: upstream_tls("other.test"), b"api.test"),
        (_expired, b"expired"),
        (lambda: upstream_tls(HOST, ca=trustme.CA()), b"certificate"),
    ],
    ids=["wrong name", "expired", "untrusted"],
)
async def test_certificates_that_are_refused(tmp_path: Path, tls, words: bytes) -> None:
    """An upstream that can't prove its name gets no byte of the request; the answer says why."""
    echo = Echo()
    async with rig(tmp_path, echo, tls=tls()) as proxy:
        client = await proxy.secure()
        await client.send(request())
        status, head, body = await client.response()
        assert (status, b"X-Vault-Proxy-Error: upstream_tls" in head) == (502, True)
        assert words in body
        assert not echo.seen
        await client.send(request())  # the client's own connection is still good
        assert (await client.response())[0] == 502


async def test_refused_connection(tmp_path: Path) -> None:
    """A closed port is upstream_unreachable, and may be tried again."""
    with reserved_port() as port:
        async with rig(tmp_path, Echo(), connect_to=f"::127.0.0.1:{port}") as proxy:
            client = await proxy.secure()
            await client.send(request())
            status, head, _ = await client.response()
            assert (status, b"upstream_unreachable" in head) == (502, True)
            assert b"x-should-retry" not in head
            (record,) = await proxy.broker.wait_records(1)
            assert (record.decision, record.error_code) == ("injected", "upstream_unreachable")


async def test_private_address_is_blocked(tmp_path: Path) -> None:
    """The guard's no is an answer of its own."""
    async with rig(tmp_path, Echo(), connect_to="x.test:1:127.0.0.1:1") as proxy:
        client = await proxy.secure("127.0.0.1")
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"address_blocked" in head) == (403, True)


async def test_plain_upstream_behind_https(tmp_path: Path) -> None:
    """An upstream that does not speak TLS is upstream_tls."""

    async def plain(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await reader.read()

    async with rig(tmp_path, plain, tls=False) as proxy:
        client = await proxy.secure()
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"X-Vault-Proxy-Error: upstream_tls\r\n" in head) == (502, True)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (b"", 502, b"upstream_unreachable"),
        (b"HTTP/1.1 200", 502, b"upstream_protocol"),
        (b"SSH-2.0-x\r\n\r\n", 502, b"upstream_protocol"),
        (b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 502, b"upstream_protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", 502, b"response_too_large"),
        (b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\n\r\n", 502, b"upstream_protocol"),
        (b"HTTP/1.1 103 H\r\n\r\n" * 30, 502, b"upstream_protocol"),
    ],
    ids=["nothing", "half", "ssh", "grammar", "large", "101", "interim"],
)
async def test_answers_that_are_none(
    tmp_path: Path, answer: bytes, status: int, code: bytes
) -> None:
    """What is no HTTP response is not passed on, and each way of failing has its code."""

    async def odd(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()

    async with rig(tmp_path, odd) as proxy:
        client = await proxy.secure()
        await client.send(request())
        while (head := await client.head()).startswith(b"HTTP/1.1 103"):
            pass
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"X-Vault-Proxy-Error: %b\r\n" % code in head
        assert proxy.proxy.idle_upstreams == 0


async def test_no_response_in_time(tmp_path: Path) -> None:
    """504 upstream_timeout when the head does not come."""

    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with rig(tmp_path, silent) as proxy:
        proxy.configure(response_head_timeout=0.1)
        client = await proxy.secure()
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"upstream_timeout" in head) == (504, True)


async def test_handshake_that_hangs(tmp_path: Path) -> None:
    """504 as well when the TLS handshake does not end."""

    async def silent(reader: Reader, writer: Writer) -> None:
        await reader.read()

    async with rig(tmp_path, silent, tls=False) as proxy:
        proxy.configure(connect_timeout=0.5)
        client = await proxy.secure()
        await client.send(request())
        status, head, body = await client.response()
        assert (status, b"upstream_timeout" in head) == (504, True)
        assert b"handshake" in body


async def test_body_that_stalls(tmp_path: Path) -> None:
    """A response that stops moving is broken off visibly."""

    async def stall(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await reader.read()

    async with rig(tmp_path, stall) as proxy:
        proxy.configure(body_idle=0.1)
        client = await proxy.secure()
        await client.send(request())
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.response()
        (record,) = await proxy.broker.wait_records(1)
        assert (record.status, record.error_code) == (200, "upstream_timeout")


async def test_idle_connection_that_ends_is_forgotten(tmp_path: Path) -> None:
    """A kept connection is dropped when the upstream closes it, before the next request."""
    closed = asyncio.Event()

    async def once(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)
        await closed.wait()

    async with rig(tmp_path, once, tls=False) as proxy:
        client = await proxy.plain()
        await client.send(absolute(method=b"POST"))
        await client.response()
        assert proxy.proxy.idle_upstreams == 1
        closed.set()
        await until(lambda: proxy.proxy.idle_upstreams == 0)
        await client.send(absolute(method=b"POST"))
        assert (await client.response())[0] == 200
        assert [record.retries for record in await proxy.broker.wait_records(2)] == [0, 0]


async def test_unasked_bytes_on_an_idle_connection(tmp_path: Path) -> None:
    """Bytes that come between responses never answer a request."""

    async def eager(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()

    async with rig(tmp_path, eager) as proxy:
        client = await proxy.secure()
        for _ in range(2):
            await client.send(request())
            assert (await client.response())[2] == b"ok"
            await until(lambda: proxy.proxy.idle_upstreams == 0)


async def test_bytes_behind_a_response(tmp_path: Path) -> None:
    """A connection whose response was followed by more is not kept."""

    async def double(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK + b"HTTP/1.1 200 OK\r\n")
        await reader.read()

    async with rig(tmp_path, double) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert (await client.response())[2] == b"ok"
        await proxy.broker.wait_records(1)
        assert proxy.proxy.idle_upstreams == 0


@pytest.mark.parametrize(("method", "again"), [(b"GET", True), (b"PUT", True), (b"POST", False)])
async def test_kept_connection_that_fails(tmp_path: Path, method: bytes, again: bool) -> None:
    """Closed after it received a request: only an idempotent one is sent a second time."""
    seen: list[bytes] = []

    async def second_fails(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        seen.append(head)
        writer.write(OK)
        head, _ = await read_request(reader)
        seen.append(head)

    async with rig(tmp_path, second_fails) as proxy:
        client = await proxy.secure()
        body = b"" if method == b"GET" else b"hi"
        data = request(b"/", method, b"Content-Length: 2\r\n" if body else b"") + body
        await client.send(data)
        await client.response()
        await client.send(data)
        status, _, _ = await client.response()
        assert status == (200 if again else 502)
        assert len(seen) == (3 if again else 2)
        assert proxy.broker.records[1].retries == int(again)


@pytest.mark.parametrize("tls", [False, True])
async def test_post_that_was_never_received_is_sent_again(tmp_path: Path, tls: bool) -> None:
    """Any method may be repeated when the upstream closed before it had acknowledged a byte."""
    seen: list[bytes] = []
    gone = asyncio.Event()

    async def deaf_then_gone(reader: Reader, writer: Writer) -> None:
        head, _ = await read_request(reader)
        seen.append(head)
        if len(seen) == 1:
            drop_what_comes(writer.get_extra_info("socket"))
        writer.write(OK)
        if len(seen) == 1:
            await gone.wait()
            writer.transport.abort()
        else:
            await reader.read()

    async with rig(tmp_path, deaf_then_gone, tls=tls) as proxy:
        client = await (proxy.secure() if tls else proxy.plain())
        post = request(method=b"POST") if tls else absolute(method=b"POST")
        await client.send(post)
        await client.response()
        await until(lambda: proxy.proxy.idle_upstreams == 1)
        await client.send(post)
        await until(lambda: proxy.proxy.idle_upstreams == 0)
        gone.set()
        assert (await client.response())[0] == 200
        assert len(seen) == 2
        assert proxy.broker.records[1].retries == 1


def drop_what_comes(sock: socket.socket) -> None:
    """Let a socket's system lose every packet from now on, as a network might."""
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))
    program = struct.pack("HxxxxxxP", 1, ctypes.addressof(drop_all))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


async def test_post_takes_no_kept_connection_that_has_ended(tmp_path: Path) -> None:
    """An end that came in the very moment in which the next request leaves is looked for."""
    connections: list[Writer] = []

    async def keep(reader: Reader, writer: Writer) -> None:
        connections.append(writer)
        while True:
            await read_request(reader)
            writer.write(OK)

    async with rig(tmp_path, keep, tls=False) as proxy:
        client = await proxy.plain()
        await client.send(absolute(method=b"POST"))
        await client.response()
        for (kept,) in proxy.proxy._hub.pool._idle.values():
            kept.stream._stop_reading()
        connections[0].transport.abort()
        await asyncio.sleep(0.05)
        await client.send(absolute(method=b"POST"))
        assert (await client.response())[0] == 200
        assert proxy.broker.records[1].retries == 0


@pytest.mark.parametrize("tls", [False, True])
async def test_post_that_was_received_and_reset_is_not_sent_again(
    tmp_path: Path, tls: bool
) -> None:
    """A reset takes the place of the acknowledgement that was due: it proves nothing."""
    seen: list[bytes] = []

    async def resets(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(OK)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with rig(tmp_path, resets, tls=tls) as proxy:
        client = await (proxy.secure() if tls else proxy.plain())
        post = request(method=b"POST") if tls else absolute(method=b"POST")
        await client.send(post)
        await client.response()
        await client.send(post)
        assert (await client.response())[0] == 502
        assert len(seen) == 1
        assert proxy.broker.records[1].retries == 0


async def test_redirects_are_passed_on(tmp_path: Path) -> None:
    """The proxy never follows: the credential would go where nobody allowed it."""

    async def moved(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 302 F\r\nLocation: https://evil.test/\r\nContent-Length: 0\r\n\r\n")

    async with rig(tmp_path, moved) as proxy:
        client = await proxy.secure()
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"Location: https://evil.test/" in head) == (302, True)


# --- WebSocket --------------------------------------------------------------------------------

KEY = base64.b64encode(b"0123456789abcdef")
HANDSHAKE = (
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: %b\r\n" % KEY
)
ACCEPT = base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


async def _websocket(reader: Reader, writer: Writer) -> None:
    head, _ = await read_request(reader)
    assert SECRET in head
    switch = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    writer.write(switch + b"Sec-WebSocket-Accept: %b\r\n\r\nhello" % ACCEPT)
    while data := await reader.read(65536):
        writer.write(data.upper())


async def test_websocket(tmp_path: Path) -> None:
    """The handshake gets the credential; then bytes pass both ways until a side ends."""
    async with rig(tmp_path, _websocket) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/ws", extra=HANDSHAKE))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert await client.exactly(5) == b"hello"
        await client.send(b"abc")
        assert await client.exactly(3) == b"ABC"
        assert proxy.proxy.streams == 1
        client.close()
        (record,) = await proxy.broker.wait_records(1)
        assert (record.websocket, record.status) == (True, 101)
        assert (record.bytes_up, record.bytes_down) == (3, 8)


async def test_websocket_idles_too_long(tmp_path: Path) -> None:
    """A WebSocket without a byte in either direction is closed."""
    async with rig(tmp_path, _websocket) as proxy:
        proxy.configure(tunnel_idle=0.1)
        client = await proxy.secure()
        await client.send(request(b"/ws", extra=HANDSHAKE))
        await client.head()
        assert await client.exactly(5) == b"hello"
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.exactly(1)


async def test_websocket_ends_with_its_token(tmp_path: Path) -> None:
    """A revoked token ends its tunnels at once."""
    async with rig(tmp_path, _websocket) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/ws", extra=HANDSHAKE))
        await client.head()
        assert await client.exactly(5) == b"hello"
        proxy.proxy.close_for_token(b"other" * 6)
        proxy.proxy.close_for_token(b"t" * 32)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.exactly(1)
        (record,) = await proxy.broker.wait_records(1)
        assert record.error_code == "proxy_auth_required"


async def test_websocket_with_a_wrong_accept(tmp_path: Path) -> None:
    """A 101 that does not answer the handshake is no switch."""

    async def wrong(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        switch = b"HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        writer.write(switch + b"Sec-WebSocket-Accept: eA==\r\n\r\n")

    async with rig(tmp_path, wrong) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/ws", extra=HANDSHAKE))
        status, head, _ = await client.response()
        assert (status, b"upstream_protocol" in head) == (502, True)
