"""The server's life: limits, faults, revocation, stopping, and nothing left behind."""

import asyncio
import logging
from pathlib import Path

import pytest

from proxy_core.base.errors import VaultError
from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.guard import Guard
from proxy_core.mitm.server import ProxyServer
from tests.mitm.rig import Echo, absolute, read_request, request, rig, until

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


class Held:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
            self.asked.set()
            await self.go.wait()
            writer.write(b"cd")


async def test_too_many_connections(tmp_path: Path) -> None:
    """The connection beyond the limit is told so; when one leaves there is room again."""
    async with rig(tmp_path, Echo(), tls=False) as proxy:
        proxy.configure(max_connections=1)
        first = await proxy.plain()
        await first.send(absolute())
        await first.response()
        second = await proxy.plain()
        await second.send(absolute())
        status, head, _ = await second.response()
        assert (status, b"overloaded" in head) == (503, True)
        assert b"Retry-After: " in head
        first.close()
        second.close()
        await until(lambda: proxy.proxy.connections == 0)
        third = await proxy.plain()
        await third.send(absolute())
        assert (await third.response())[0] == 200


async def test_too_many_connections_of_one_agent(tmp_path: Path) -> None:
    """An agent's limit is answered inside the tunnel."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(max_connections_per_agent=1)
        first = await proxy.secure()
        second = await proxy.secure()
        await second.send(request())
        status, head, _ = await second.response()
        assert (status, b"overloaded" in head) == (503, True)
        await first.send(request())
        assert (await first.response())[0] == 200


async def test_head_that_drips(tmp_path: Path) -> None:
    """A head that does not get ready is answered 400 and the connection closed."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(head_timeout=0.1)
        client = await proxy.plain()
        await client.send(b"GET http://api.test/ HTTP/1.1\r\nHost: a")
        data = await client.rest()
        assert data.startswith(b"HTTP/1.1 400 ")
        assert b"in time" in data


async def test_idle_clients_are_closed(tmp_path: Path) -> None:
    """A kept-alive connection without a request ends quietly."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(client_idle=0.1)
        client = await proxy.plain()
        assert await client.rest() == b""


async def test_handshake_that_never_comes(tmp_path: Path) -> None:
    """A client that begins TLS and stops is closed after the handshake's time."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.configure(tls_timeout=0.1)
        client = await proxy.tunnel()
        await client.send(b"\x16\x03\x01")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.exactly(1)


@pytest.mark.parametrize(
    ("extra", "status"), [(b"X: " + b"y" * 70000, 431), (b"X: y\r\n" * 300 + b"Z: z", 431)]
)
async def test_heads_that_are_too_large(tmp_path: Path, extra: bytes, status: int) -> None:
    """431 for a head beyond the size or the number of fields."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        await client.send(request(extra=extra + b"\r\n"))
        assert (await client.rest()).startswith(b"HTTP/1.1 %d " % status)
        (record,) = await proxy.broker.wait_records(1)
        assert record.error_code == "headers_too_large"


async def test_a_fault_of_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected exception is answered 500 with an id; the log has it, without values."""
    async with rig(tmp_path, Echo()) as proxy:
        proxy.broker.fault = ZeroDivisionError("s3cr3t value")
        client = await proxy.secure()
        with caplog.at_level(logging.ERROR):
            await client.send(request())
            data = await client.rest()
        assert data.startswith(b"HTTP/1.1 500 ")
        (record,) = await proxy.broker.wait_records(1)
        assert record.error_code == "internal"
        assert record.request_id.encode() in data
        assert record.request_id in caplog.text
        assert "ZeroDivisionError" in caplog.text
        assert "s3cr3t" not in caplog.text
        proxy.broker.fault = None
        other = await proxy.secure()
        await other.send(request())
        assert (await other.response())[0] == 200


async def test_revocation_counts_at_the_next_request(tmp_path: Path) -> None:
    """A decision is asked for each request, on a tunnel that was opened before."""
    async with rig(tmp_path, Echo()) as proxy:
        client = await proxy.secure()
        await client.send(request())
        assert (await client.response())[0] == 200
        proxy.broker.refusal = VaultError("proxy_auth_required", "revoked")
        await client.send(request())
        assert (await client.response())[0] == 407


async def test_stop_lets_requests_finish(tmp_path: Path) -> None:
    """Idle connections close at once, a response under way ends properly, new ones are refused."""
    held = Held()
    async with rig(tmp_path, held) as proxy:
        idle = await proxy.secure()
        busy = await proxy.secure()
        await busy.send(request())
        await asyncio.wait_for(held.asked.wait(), 30)
        await busy.head()
        stopping = asyncio.create_task(proxy.proxy.stop(60))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await proxy.plain()
        held.go.set()
        assert await busy.exactly(4) == b"abcd"
        assert await busy.rest() == b""
        await asyncio.wait_for(stopping, 30)
        assert proxy.proxy.connections == 0


async def test_a_request_during_the_stop(tmp_path: Path) -> None:
    """What is pipelined behind the last request is told that the worker is stopping."""
    held = Held()
    async with rig(tmp_path, held) as proxy:
        client = await proxy.secure()
        await client.send(request() + request())
        await client.head()
        stopping = asyncio.create_task(proxy.proxy.stop(60))
        await asyncio.sleep(0)
        held.go.set()
        assert await client.exactly(4) == b"abcd"
        status, head, _ = await client.response()
        assert (status, b"shutting_down" in head) == (503, True)
        await asyncio.wait_for(stopping, 30)


async def test_stop_has_a_limit(tmp_path: Path) -> None:
    """A response that does not end in time is broken off, and recorded so."""
    held = Held()
    async with rig(tmp_path, held) as proxy:
        client = await proxy.secure()
        await client.send(request())
        await client.head()
        await asyncio.wait_for(proxy.proxy.stop(0.05), 30)
        (record,) = proxy.broker.records
        assert record.error_code == "shutting_down"
        assert proxy.proxy.streams == 0


async def test_a_taken_port(tmp_path: Path) -> None:
    """Starting where somebody listens says port_in_use."""
    async with rig(tmp_path, Echo()) as proxy:
        other = ProxyServer(proxy.broker, proxy.mint, Guard(), ProxyConfig())
        with pytest.raises(VaultError) as caught:
            await other.start("127.0.0.1", proxy.port)
        assert caught.value.code == "port_in_use"


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """After good, bad and broken-off requests no task and no descriptor remains."""
    async with rig(tmp_path, Echo()):
        pass
    await asyncio.sleep(0)
    tasks, descriptors = len(asyncio.all_tasks()), _descriptors()
    held = Held()
    async with rig(tmp_path, held) as proxy:
        clients = [await proxy.secure() for _ in range(5)]
        for client in clients[:3]:
            await client.send(request(b"/", b"POST", b"Content-Length: 9\r\n") + b"abc")
        await clients[4].send(b"nonsense\r\n\r\n")
        await clients[0].send(b"defghi")
        await asyncio.wait_for(held.asked.wait(), 30)
        clients[1].abort()
    await until(lambda: len(asyncio.all_tasks()) == tasks)
    await until(lambda: _descriptors() <= descriptors)
