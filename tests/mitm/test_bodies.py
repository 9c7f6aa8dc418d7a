"""Bodies, both ways: streaming, framing, early and broken ends."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest

from tests.mitm.rig import SECRET, Client, Echo, Rig, absolute, read_request, request, rig, until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    """Requests sent at once are served one after the other, each with its own response."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        paths = [b"/%d" % index for index in range(20)]
        bodies = b"".join(
            request(path, b"POST", b"Content-Length: 3\r\n") + b"abc" for path in paths
        )
        await client.send(bodies)
        for path in paths:
            _, _, body = await client.response()
            assert body.startswith(b"POST %b " % path)


async def test_connections_are_reused_upstream(tmp_path: Path) -> None:
    """Requests in a row, even of several clients, take one upstream connection."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        for _ in range(3):
            client = await proxy.secure()
            await client.send(request())
            await client.response()
            await client.send(request())
            await client.response()
        assert echo.connections == 1
        assert [record.reused_upstream for record in proxy.broker.records] == [False] + [True] * 5


async def test_chunked_upload_with_trailers(tmp_path: Path) -> None:
    """Chunks and trailer fields pass; chunk extensions don't."""
    echo = Echo()
    async with rig(tmp_path, echo) as proxy:
        client = await proxy.secure()
        head = request(b"/", b"POST", b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n")
        await client.send(head + b"3;a=b\r\nabc\r\n")
        await client.send(b"2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert (await client.response())[0] == 200
        assert echo.seen[0][1] == b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
        (record,) = await proxy.broker.wait_records(1)
        assert record.bytes_up == 5


async def test_large_bodies_arrive_whole(tmp_path: Path) -> None:
    """Eight megabytes up and down, byte for byte."""
    payload = bytes(range(256)) * 32768

    async def mirror(reader: Reader, writer: Writer) -> None:
        _, body = await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with rig(tmp_path, mirror) as proxy:
        client = await proxy.secure()
        extra = b"Content-Length: %d\r\n" % len(payload)
        await client.send(request(b"/", b"PUT", extra) + payload)
        status, _, body = await client.response()
        assert status == 200
        assert body == payload
        (record,) = await proxy.broker.wait_records(1)
        assert (record.bytes_up, record.bytes_down) == (len(payload), len(payload))


async def test_events_leave_at_once(tmp_path: Path) -> None:
    """Each event of a stream reaches the client before the upstream sends the next."""
    go = asyncio.Semaphore(0)

    async def events(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n")
        for index in range(5):
            await go.acquire()
            writer.write(b"9\r\ndata: %d\n\n\r\n" % index)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await asyncio.sleep(60)

    async with rig(tmp_path, events) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert b"text/event-stream" in await client.head()
        for index in range(5):
            assert proxy.proxy.streams == 1
            go.release()
            assert await client.exactly(14) == b"9\r\ndata: %d\n\n\r\n" % index
        assert await client.exactly(5) == b"0\r\n\r\n"
        (record,) = await proxy.broker.wait_records(1)
        assert record.streaming
        assert record.bytes_down == 45


@pytest.mark.parametrize("secure", [True, False])
async def test_slow_reader_stops_the_upstream(tmp_path: Path, secure: bool) -> None:
    """A client that does not read holds the upstream back: little is in between."""
    sent = 0
    stuck = asyncio.Event()

    async def flood(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            try:
                await asyncio.wait_for(writer.drain(), 0.3)
            except TimeoutError:
                stuck.set()
                await asyncio.sleep(60)
            sent += 65536

    async with rig(tmp_path, flood, tls=secure) as proxy:
        client = await (proxy.secure() if secure else proxy.plain())
        await client.send(request() if secure else absolute())
        await asyncio.wait_for(stuck.wait(), 30)
        # What stands in both connections' kernel buffers, and no growing heap of ours.
        assert sent < 48 << 20
        assert all(len(one.buffer) <= 1 << 17 for one in proxy.proxy._hub.reactor.streams)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nno end was announced",
    ],
)
@pytest.mark.parametrize("secure", [True, False])
async def test_truncation_is_visible(tmp_path: Path, response: bytes, secure: bool) -> None:
    """A body that breaks off upstream never ends cleanly at the client."""

    async def cut(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(response)
        await writer.drain()
        await asyncio.sleep(0.05)
        if b"Length" not in response:  # a length tells by itself; the others need a broken end
            _reset(writer)

    async with rig(tmp_path, cut, tls=secure) as proxy:
        client = await (proxy.secure() if secure else proxy.plain())
        await client.send(request() if secure else absolute())
        data = b""
        with contextlib.suppress(ConnectionError):
            data = await client.rest()
        assert not data.endswith(b"0\r\n\r\n")
        (record,) = await proxy.broker.wait_records(1)
        assert record.error_code == "upstream_protocol"
        assert proxy.proxy.idle_upstreams == 0


async def test_malformed_response_body_at_once(tmp_path: Path) -> None:
    """A body that is malformed from its first byte on is answered 502: nothing was passed yet."""

    async def broken(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        await asyncio.sleep(60)

    async with rig(tmp_path, broken) as proxy:
        client = await proxy.secure()
        await client.send(request())
        status, head, _ = await client.response()
        assert (status, b"upstream_protocol" in head) == (502, True)
        assert proxy.proxy.idle_upstreams == 0


def _reset(writer: Writer) -> None:
    """Break the connection: no TLS goodbye, a reset instead of a FIN."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def test_until_close_becomes_chunked(tmp_path: Path) -> None:
    """A body that ends with the upstream's connection gets an end of its own for the client."""

    async def old(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.0 200 OK\r\nX-A: 1\r\n\r\nhello")
        await writer.drain()

    async with rig(tmp_path, old) as proxy:
        client = await proxy.secure()
        for _ in range(2):
            await client.send(request())
            assert b"Transfer-Encoding: chunked\r\n" in await client.head()
            async with asyncio.timeout(30):
                assert await client.reader.readuntil(b"0\r\n\r\n") == b"5\r\nhello\r\n0\r\n\r\n"


async def test_http_1_0_clients(tmp_path: Path) -> None:
    """HTTP/1.0 gets no chunks and a close; with keep-alive asked for, it stays."""
    async with rig(tmp_path, Echo(), tls=False) as proxy:
        client = await proxy.plain()
        line = b"GET http://api.test/ HTTP/1.0\r\n" + AUTHORIZED
        await client.send(line + b"Connection: keep-alive\r\n\r\n")
        _, head, _ = await client.response()
        assert b"Connection: keep-alive\r\n" in head
        await client.send(line + b"\r\n")
        assert b"Connection: close\r\n" in await client.rest()


AUTHORIZED = b"Proxy-Authorization: Basic dG9rZW46\r\n"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_bodiless_statuses(tmp_path: Path, status: bytes) -> None:
    """204 and 304 end with their head; the next response begins right behind."""

    async def empty(reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 %b\r\nETag: x\r\n\r\n" % status)

    async with rig(tmp_path, empty) as proxy:
        client = await proxy.secure()
        for _ in range(2):
            await client.send(request())
            assert (await client.head()).startswith(b"HTTP/1.1 " + status)
        assert proxy.proxy.idle_upstreams <= 1


async def test_head_has_no_body(tmp_path: Path) -> None:
    """The Content-Length of a HEAD response announces nothing."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/h", b"HEAD") + request(b"/g"))
        assert b"Content-Length: " in await client.head()
        _, _, body = await client.response()
        assert body.startswith(b"GET /g ")


async def test_expect_continue_and_interim(tmp_path: Path) -> None:
    """The upstream's 103 and 100 reach the client before it sends its body."""

    async def patient(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(4)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" + body)
        await asyncio.sleep(60)

    async with rig(tmp_path, patient) as proxy:
        client = await proxy.secure()
        extra = b"Expect: 100-continue\r\nContent-Length: 4\r\n"
        await client.send(request(b"/", b"POST", extra))
        assert (await client.head()).startswith(b"HTTP/1.1 103 ")
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"body")
        status, head, body = await client.response()
        assert (status, body) == (200, b"body")
        assert b"close" not in head


async def test_expect_that_is_refused(tmp_path: Path) -> None:
    """A final answer instead of 100: it passes, and the connection is not used again."""

    async def strict(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(60)

    async with rig(tmp_path, strict) as proxy:
        client = await proxy.secure()
        extra = b"Expect: 100-continue\r\nContent-Length: 4\r\n"
        await client.send(request(b"/", b"POST", extra))
        data = await client.rest()
        assert data.startswith(b"HTTP/1.1 417 No\r\n")
        assert b"Connection: close\r\n" in data
        assert proxy.proxy.idle_upstreams == 0


async def test_early_response_while_uploading(tmp_path: Path) -> None:
    """A response that comes before the upload's end passes whole; then both sides close."""

    async def hasty(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()
        await asyncio.sleep(60)

    async with rig(tmp_path, hasty) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Content-Length: 5000000\r\n") + bytes(100))
        data = await client.rest()
        assert data.startswith(b"HTTP/1.1 401 No\r\n")
        assert data.endswith(b"\r\n\r\nno")
        assert b"Connection: close\r\n" in data
        assert proxy.proxy.idle_upstreams == 0
        client.close()
        await until(lambda: proxy.proxy.connections == 0)


async def _gone(reader: Reader, gone: asyncio.Event) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
    gone.set()


async def _leave(client: Client, proxy: Rig, gone: asyncio.Event) -> None:
    client.abort()
    await asyncio.wait_for(gone.wait(), 30)
    (record,) = await proxy.broker.wait_records(1)
    assert record.reason == "client left"
    assert proxy.proxy.idle_upstreams == 0


@pytest.mark.parametrize("secure", [True, False])
async def test_client_leaves_while_waiting(tmp_path: Path, secure: bool) -> None:
    """The upstream's connection ends when the client is gone before any response."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        asked.set()
        await _gone(reader, gone)

    async with rig(tmp_path, silent, tls=secure) as proxy:
        proxy.configure(half_close_grace=0.1)
        client = await (proxy.secure() if secure else proxy.plain())
        await client.send(request() if secure else absolute())
        await asyncio.wait_for(asked.wait(), 30)
        await _leave(client, proxy, gone)
        assert proxy.broker.records[0].status == 0


async def test_client_leaves_in_a_stream(tmp_path: Path) -> None:
    """The same in the middle of a response that says nothing for now."""
    gone = asyncio.Event()

    async def quiet(reader: Reader, writer: Writer) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
        await _gone(reader, gone)

    async with rig(tmp_path, quiet) as proxy:
        client = await proxy.secure()
        await client.send(request())
        await client.head()
        await client.exactly(6)
        await _leave(client, proxy, gone)


async def test_client_leaves_while_uploading(tmp_path: Path) -> None:
    """A half upload never looks like a whole one upstream."""
    asked, gone = asyncio.Event(), asyncio.Event()

    async def waiting(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(3)
        asked.set()
        await _gone(reader, gone)

    async with rig(tmp_path, waiting) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Content-Length: 10\r\n"))
        await client.send(b"abc")
        await asyncio.wait_for(asked.wait(), 30)
        await _leave(client, proxy, gone)


async def test_half_closed_plain_client_is_answered(tmp_path: Path) -> None:
    """A client that ends its side after the request still gets the response."""
    async with rig(tmp_path, Echo(), tls=False) as proxy:
        client = await proxy.plain()
        await client.send(absolute())
        client.writer.write_eof()
        assert (await client.rest()).startswith(b"HTTP/1.1 200 ")


async def test_malformed_chunk_in_an_upload(tmp_path: Path) -> None:
    """Bad chunks are answered 400; the upstream's connection is broken off."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def waiting(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        await _gone(reader, gone)

    async with rig(tmp_path, waiting) as proxy:
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        await asyncio.wait_for(begun.wait(), 30)
        await client.send(b"3\r\nabcXX")
        data = await client.rest()
        assert data.startswith(b"HTTP/1.1 400 ")
        await asyncio.wait_for(gone.wait(), 30)


async def test_upload_over_the_limit(tmp_path: Path) -> None:
    """Announced or not, a body beyond the limit is answered 413."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(request_body_limit=10)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Content-Length: 11\r\n"))
        assert (await client.rest()).startswith(b"HTTP/1.1 413 ")
        client = await proxy.secure()
        head = request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n")
        await client.send(head + b"b\r\n12345678901\r\n0\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 413 ")


async def test_secret_is_injected_for_each_request(tmp_path: Path) -> None:
    """Nothing of an earlier request's credential is kept."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert SECRET in (await client.response())[2]
        proxy.broker.injection = type(proxy.broker.injection)(headers=((b"X-Api-Key", b"two"),))
        await client.send(request())
        body = (await client.response())[2]
        assert SECRET not in body
        assert b"X-Api-Key: two\r\n" in body
