"""What ends while a request is sent a second time: client, upload, upstream."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxy_core.domain.exchange import (
    Decision,
    Loan,
    ResponseFacts,
)
from tests.mitm.replaying import (
    NEW,
    OLD,
    REFUSAL,
    Hasty,
    Reader,
    Strict,
    Writer,
    post,
    reconsider,
)
from tests.mitm.rig import Rig, read_request, request, rig, until


def waiting(proxy: Rig, then: Callable[[], Awaitable[object]]) -> asyncio.Event:
    """Let the broker do `then` while it reconsiders; set when it has begun."""
    asked = asyncio.Event()
    answer = proxy.broker.reconsider

    async def slowly(
        decision: Decision, loan: Loan | None, response: ResponseFacts
    ) -> Decision | None:
        asked.set()
        await then()
        return await answer(decision, loan, response)

    proxy.broker.reconsider = slowly  # type: ignore[method-assign]
    return asked


async def test_a_client_that_leaves_while_the_broker_reconsiders(tmp_path: Path) -> None:
    """Nothing is sent a second time for nobody, and one record says so."""
    strict, go = Strict(), asyncio.Event()
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(post(b"body"))
        await asyncio.wait_for(asked.wait(), 30)
        client.abort()
        for _ in range(20):
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        go.set()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert len(strict.seen) == 1
        assert proxy.memory_used == 0
        await until(lambda: proxy.proxy.connections == 0)


async def test_a_client_that_leaves_in_the_second_upload(tmp_path: Path) -> None:
    """The second upstream never takes the half for a whole."""
    hasty, go = Hasty(), asyncio.Event()
    async with rig(tmp_path, hasty) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Content-Length: 10\r\n") + b"abc")
        await asyncio.wait_for(asked.wait(), 30)
        go.set()
        await until(lambda: proxy.broker.responses != [])
        client.abort()
        (record,) = await proxy.broker.wait_records(1)
        assert record.reason == "client left"
        assert not hasty.seen
        assert proxy.memory_used == 0


async def test_a_chunk_that_breaks_while_the_broker_reconsiders(tmp_path: Path) -> None:
    """What was malformed is never taken up again: the refusal passes and the client is closed."""
    go = asyncio.Event()
    seen: list[bytes] = []

    async def refuse(reader: Reader, writer: Writer) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(REFUSAL)
        await writer.drain()
        with contextlib.suppress(ConnectionError):
            await reader.read()

    async with rig(tmp_path, refuse) as proxy:
        reconsider(proxy)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        await asyncio.wait_for(asked.wait(), 30)
        await client.send(b"3\r\nabcXX")
        await asyncio.sleep(0.05)
        go.set()
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 401 No\r\n")
        assert answer.endswith(b"stale")
        assert len(seen) == 1


async def test_an_upload_that_outgrows_its_place_while_the_broker_reconsiders(
    tmp_path: Path,
) -> None:
    """It can't be sent again any more: the refusal passes as it came."""
    go, outgrown = asyncio.Event(), asyncio.Event()

    async def refuse(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert OLD in head
        writer.write(REFUSAL)
        await writer.drain()
        await reader.readexactly(200_000)
        outgrown.set()
        await reader.read(-1)

    async with rig(tmp_path, refuse) as proxy:
        reconsider(proxy)
        proxy.configure(replay_limit=100_000)
        asked = waiting(proxy, go.wait)
        client = await proxy.secure()
        await client.send(request(b"/", b"POST", b"Transfer-Encoding: chunked\r\n"))
        await asyncio.wait_for(asked.wait(), 30)
        await client.send(b"30d40\r\n" + b"x" * 200_000)
        await asyncio.wait_for(outgrown.wait(), 30)
        assert proxy.memory_used == 0
        go.set()
        answer = await client.rest()
        assert answer.startswith(b"HTTP/1.1 401 No\r\n")
        assert b"Connection: close\r\n" in answer
        assert answer.endswith(b"stale")


async def test_a_second_attempt_that_fails(tmp_path: Path) -> None:
    """The upstream breaks off under it: 502, since nobody knows what became of the request."""

    async def fragile(reader: Reader, writer: Writer) -> None:
        while True:
            head, _ = await read_request(reader)
            if NEW in head:
                return
            writer.write(REFUSAL)

    async with rig(tmp_path, fragile) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"body"))
        status, head, _ = await client.response()
        assert status == 502
        assert b"X-Vault-Proxy-Error: upstream_unreachable" in head
        (record,) = await proxy.broker.wait_records(1)
        assert (record.error_code, record.retries) == ("upstream_unreachable", 1)


async def test_a_refusal_without_an_end_is_set_aside(tmp_path: Path) -> None:
    """A body that is still to come is not waited for: its connection is closed, not reused."""
    strict = Strict(refusal=b"HTTP/1.1 429 Slow\r\nContent-Length: 1000\r\n\r\npart")
    async with rig(tmp_path, strict) as proxy:
        reconsider(proxy)
        client = await proxy.secure()
        await client.send(post(b"body"))
        assert (await client.response())[0] == 200
        assert strict.connections == 2
