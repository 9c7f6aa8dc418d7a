"""What the gateway lets through is treated as the proxy's requests are: bodies, replays, holds."""

import asyncio
from pathlib import Path

from proxy_core.domain.exchange import Injection
from tests.mitm.gateway import API_KEY, BEARER, ask
from tests.mitm.rig import (
    SECRET,
    TOKEN,
    Echo,
    read_request,
    rig,
)


async def test_bodies_stream_both_ways(tmp_path: Path) -> None:
    """Chunks with their trailer go up, events come down at once."""
    first = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, body = await read_request(reader)
        assert body == b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await writer.drain()
        await first.wait()
        writer.write(b"data: 2\n\n")

    async with rig(tmp_path, handler) as proxy:
        client = await proxy.plain()
        head = ask(
            b"/api/x", BEARER, b"Transfer-Encoding: chunked\r\nTrailer: X-T\r\n", method=b"POST"
        )
        await client.send(head)
        await client.send(b"3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n")
        assert b"text/event-stream" in await client.head()
        assert b"data: 1" in await client.exactly(len(b"9\r\ndata: 1\n\n\r\n"))
        first.set()
        async with asyncio.timeout(30):
            assert b"data: 2" in await client.reader.readuntil(b"0\r\n\r\n")


async def test_expect_and_head(tmp_path: Path) -> None:
    """A client that waits for 100 gets it from the upstream; HEAD is answered without a body."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(2) == b"hi"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await reader.read()

    async with rig(tmp_path, handler) as proxy:
        client = await proxy.plain()
        expect = b"Expect: 100-continue\r\nContent-Length: 2\r\n"
        await client.send(ask(b"/api/x", BEARER, expect, method=b"POST"))
        assert (await client.head()).startswith(b"HTTP/1.1 100 ")
        await client.send(b"hi")
        assert (await client.response())[0] == 200
        await client.send(ask(b"/api/x", BEARER, method=b"HEAD"))
        assert b"Content-Length: 9\r\n" in await client.head()


async def test_a_refused_credential_is_replaced_and_the_request_sent_again(tmp_path: Path) -> None:
    """The client's own fields stay away from the second attempt as well."""
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head, _ = await read_request(reader)
            seen.append(head)
            status = b"429 Slow" if len(seen) == 1 else b"200 OK"
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status)

    async with rig(tmp_path, handler) as proxy:
        broker = proxy.broker
        broker.reconsiders = broker.pooled = True
        broker.second = Injection(headers=((b"Authorization", b"Bearer second"),))
        client = await proxy.plain()
        own = b"x-api-key: sk-own\r\nContent-Type: application/json\r\n"
        await client.send(ask(b"/api/x", BEARER, own, method=b"POST", body=b"{}"))
        assert (await client.response())[0] == 200
        assert [head.count(b"Bearer second") for head in seen] == [0, 1]
        assert not any(b"sk-own" in head or TOKEN in head for head in seen)
        (details,) = {id(one): one for one in broker.details}.values()
        assert all(TOKEN not in value for _, value in details.headers)


async def test_websockets_pass(tmp_path: Path) -> None:
    """A handshake at the gateway leads to the upstream, with the credential; bytes flow."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /ws HTTP/1.1\r\nHost: api.test\r\n")
        assert SECRET in head
        assert TOKEN not in head
        accept = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade + accept + b"\r\n")
        writer.write(await reader.readexactly(3))
        await writer.drain()
        await reader.read()

    async with rig(tmp_path, handler) as proxy:
        client = await proxy.plain()
        handshake = (
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://localhost\r\n"
        )
        await client.send(ask(b"/api/ws", BEARER, handshake))
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        await client.send(b"abc")
        assert await client.exactly(3) == b"abc"
        client.close()
        (record,) = await proxy.broker.wait_records(1)
        assert (record.websocket, record.ingress) == (True, "gateway")


async def test_a_held_request_waits_at_the_gateway_too(tmp_path: Path) -> None:
    """What an operator allows goes on, with the credential."""
    async with rig(tmp_path, Echo()) as proxy:
        broker = proxy.broker
        broker.asks = True
        client = await proxy.plain()
        await client.send(ask(b"/api/x", BEARER))
        async with asyncio.timeout(30):
            await broker.held.wait()
        assert broker.verdict is not None
        broker.asks = False
        decision = broker.decide(None, None)  # type: ignore[arg-type]  # the fake's answer
        broker.verdict.set_result(decision)  # type: ignore[arg-type]  # it does not ask any more
        status, _, body = await client.response()
        assert status == 200
        assert body.count(SECRET) == 1
        assert TOKEN not in body


async def test_an_echoed_secret_is_scrubbed_and_small_requests_go_the_short_way(
    tmp_path: Path,
) -> None:
    """Requests and responses are treated as the proxy's are."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.plain()
        for _ in range(2):
            await client.send(ask(b"/api/x", API_KEY))
            assert (await client.response())[0] == 200
        records = await proxy.broker.wait_records(2)
        assert [record.bytes_down > 0 for record in records] == [True, True]
        assert records[1].reused_upstream
