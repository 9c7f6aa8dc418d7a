"""Flows between streams, on real sockets: what blocks, what resumes, who reads next."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from proxy_core.mitm.http1 import Framing, ProtocolError, Side, body_reader
from proxy_core.mitm.http1.values import CHUNKED
from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.relay import Download, Flow, Splice
from proxy_core.mitm.streams import Stream, StreamError
from proxy_core.mitm.trail import Trail

Pair = tuple[Stream, socket.socket]


@pytest.fixture
async def reactor() -> AsyncIterator[Reactor]:
    """The sweep of deadlines, and the receive buffer."""
    made = Reactor()
    yield made
    made.close()


def pair(reactor: Reactor) -> Pair:
    """A stream and the plain socket at its other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return Stream(reactor, ours), theirs


async def send(sock: socket.socket, data: bytes) -> None:
    """All of it, waiting as needed."""
    await asyncio.get_running_loop().sock_sendall(sock, data)


async def receive(sock: socket.socket, count: int) -> bytes:
    """Exactly that many bytes."""
    got = b""
    async with asyncio.timeout(30):
        while len(got) < count:
            got += await asyncio.get_running_loop().sock_recv(sock, count - len(got))
    return got


async def test_a_sink_that_blocks_stops_the_source_and_loses_nothing(reactor: Reactor) -> None:
    """While the far reader sleeps the flow stops receiving; then every byte arrives in order."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    payload = bytes(range(256)) * 16384
    flow = asyncio.create_task(Flow(source, sink).run(5))
    sending = asyncio.create_task(send(writer, payload))
    await asyncio.wait([sending], timeout=0.2)
    assert not sending.done()
    assert await receive(reader, len(payload)) == payload
    await sending
    writer.close()
    assert await asyncio.wait_for(flow, 30) is False


async def test_a_sink_that_stays_blocked_times_out(reactor: Reactor) -> None:
    """Bytes that nobody takes fail the flow on the sink's side."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    sending = asyncio.create_task(send(writer, bytes(4 << 20)))
    with pytest.raises(StreamError) as failed:
        await Flow(source, sink).run(0.1)
    assert failed.value.stream is sink
    assert failed.value.reason == "timeout"
    sending.cancel()
    reader.close()


async def test_the_time_counts_from_the_last_byte(reactor: Reactor) -> None:
    """A source that keeps moving outlives its idle time; one that stops does not."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    flow = asyncio.create_task(Flow(source, sink).run(2))
    begun = source.time
    for _ in range(11):
        await send(writer, b"x")
        await asyncio.wait([flow], timeout=0.2)
    assert not flow.done()
    with pytest.raises(StreamError, match="timeout"):
        await flow
    assert source.time - begun > 4
    assert await receive(reader, 11) == b"x" * 11


async def test_who_reads_after_a_cancelled_flow_gets_the_bytes(reactor: Reactor) -> None:
    """A read that begins before the cancelled flow has ended is not served by the flow."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    flow = asyncio.create_task(Flow(source, sink).run(5))
    await asyncio.sleep(0)
    flow.cancel()
    writer.send(b"for the next")
    assert await source.read(source.time + 5) == b"for the next"
    assert flow.cancelled()
    with pytest.raises(BlockingIOError):
        reader.recv(100)


async def test_an_interrupted_flow_raises_it(reactor: Reactor) -> None:
    """A failure of the other side ends a flow that waits for bytes."""
    (source, _writer), (sink, _reader) = pair(reactor), pair(reactor)
    flow = asyncio.create_task(Flow(source, sink).run(5))
    await asyncio.sleep(0)
    source.interrupt(StreamError(sink, "closed"))
    with pytest.raises(StreamError) as failed:
        await flow
    assert failed.value.stream is sink


async def test_a_body_ends_where_its_framing_says(reactor: Reactor) -> None:
    """Bytes behind a body are not passed on, and spoil the connection they came from."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    body = body_reader(Framing.of_length(4), side=Side.RESPONSE)
    trail = Trail(0.0, "connect")
    writer.send(b"bodyHTTP/1.1 200 OK")
    assert await Download(source, sink, body, trail).deliver(5) is False
    assert await receive(reader, 4) == b"body"
    assert trail.bytes_down == 4
    with pytest.raises(BlockingIOError):
        reader.recv(100)


async def test_what_is_malformed_in_the_callback_is_raised_in_the_task(reactor: Reactor) -> None:
    """A chunk that breaks the grammar ends the download; what came before it was passed on."""
    (source, writer), (sink, reader) = pair(reactor), pair(reactor)
    body = body_reader(CHUNKED, side=Side.RESPONSE)
    download = Download(source, sink, body, Trail(0.0, "connect"))
    task = asyncio.create_task(download.deliver(5))
    await asyncio.sleep(0)
    writer.send(b"3\r\nabc\r\n")
    assert await receive(reader, 8) == b"3\r\nabc\r\n"
    writer.send(b"zz\r\n")
    with pytest.raises(ProtocolError):
        await task


async def test_a_splice_idles_only_when_both_ways_do(reactor: Reactor) -> None:
    """One busy way keeps the quiet one open; when both are quiet the splice ends by itself."""
    (client, far_client), (upstream, far_upstream) = pair(reactor), pair(reactor)
    splice = Splice(client, upstream, 2)
    task = asyncio.create_task(splice.run())
    for _ in range(11):
        await send(far_upstream, b"tick")
        await asyncio.wait([task], timeout=0.2)
    assert not task.done()
    await send(far_client, b"up")
    assert await receive(far_upstream, 2) == b"up"
    assert await receive(far_client, 44) == b"tick" * 11
    await asyncio.wait_for(task, 30)
    assert splice.sizes == (2, 44)
