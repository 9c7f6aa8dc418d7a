"""The live events over real connections: resume, loss, batches, slow followers."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from proxy_core.client.async_client import AsyncClient
from proxy_core.client.sse import Connected, Lost, Note
from proxy_core.client.stream import events, events_sync
from proxy_core.client.target import Target
from proxy_core.domain.events import Event, EventType
from proxy_core.worker.routes import events as endpoint
from tests.worker.harness import ThreadedWorker, own_terminal

PROBLEM = EventType.WORKER_PROBLEM.value


def publish(worker: ThreadedWorker, number: int, kind: str = PROBLEM) -> None:
    """One event that says which it is; `in_loop` makes sure that it is in the ring."""
    worker.in_loop(worker.running.app.bus.publish, kind, {"number": number})


async def take(notes: AsyncIterator[Note], count: int) -> list[Note]:
    """The next `count` notes."""
    return [await asyncio.wait_for(anext(notes), 30) for _ in range(count)]


def numbers(notes: list[Note]) -> list[int]:
    """Which events these are."""
    return [note.data["number"] for note in notes if isinstance(note, Event)]


@pytest.fixture
def client(worker: ThreadedWorker) -> AsyncClient:
    """A console's client."""
    return AsyncClient(Target(socket=worker.socket))


async def test_events_arrive_at_once(worker: ThreadedWorker, client: AsyncClient) -> None:
    """An event is delivered when it is published: nothing else has to come first."""
    stream = events(client)
    assert await take(stream, 1) == [Connected()]
    publish(worker, 1)
    assert numbers(await take(stream, 1)) == [1]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_resuming_misses_nothing(worker: ThreadedWorker, client: AsyncClient) -> None:
    """A follower that comes back with the last event's number gets what it missed, once."""
    stream = events(client)
    await take(stream, 1)
    publish(worker, 1)
    (first,) = await take(stream, 1)
    assert isinstance(first, Event)
    await stream.aclose()  # type: ignore[attr-defined]
    for number in (2, 3):
        publish(worker, number)
    again = events(client, after=first.seq)
    assert numbers(await take(again, 3)) == [2, 3]
    await again.aclose()  # type: ignore[attr-defined]


async def test_a_broken_connection_resumes_by_itself(
    worker: ThreadedWorker, client: AsyncClient
) -> None:
    """The client reconnects after a cut and continues behind the last event it got."""
    stream = events(client)
    await take(stream, 1)
    publish(worker, 1)
    assert numbers(await take(stream, 1)) == [1]
    worker.in_loop(_cut_all, worker)
    publish(worker, 2)
    kinds = [type(note).__name__ for note in await take(stream, 3)]
    assert kinds == ["Disconnected", "Connected", "Event"]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_types_are_chosen(worker: ThreadedWorker, client: AsyncClient) -> None:
    """A follower gets only the types it asked for."""
    stream = events(client, types=[EventType.VAULT_CHANGED.value])
    await take(stream, 1)
    publish(worker, 1)
    publish(worker, 2, EventType.VAULT_CHANGED.value)
    assert numbers(await take(stream, 1)) == [2]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_an_overrun_says_how_many(
    worker: ThreadedWorker, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A position that the ring has left behind is answered with the number of lost events."""
    bus = worker.running.app.bus
    start = bus.last_seq
    capacity: int = bus._capacity

    def flood() -> None:
        for number in range(capacity + 5):
            bus.publish(PROBLEM, {"number": number})

    worker.in_loop(flood)
    stream = events(client, after=start)
    _, lost, first = await take(stream, 3)
    assert lost == Lost(5)
    assert numbers([first]) == [5]
    await stream.aclose()  # type: ignore[attr-defined]


async def test_another_life_is_told_apart(worker: ThreadedWorker, client: AsyncClient) -> None:
    """A position of an earlier run of the worker is told as a loss of unknown size."""
    answer = _raw_stream(worker, {"Last-Event-ID": "01OTHERLIFE-3"})
    assert b'event: lost\ndata: {"count":null}' in answer(1)


def test_batches_leave_out_what_is_over(worker: ThreadedWorker) -> None:
    """With `coalesce` events come as one message at most every 100 ms."""
    answer = _raw_stream(worker, {}, "?coalesce=1")
    answer(1)
    publish(worker, 1)
    assert b"event: batch" in answer(1)

    def more() -> None:
        for number in (2, 3, 4):
            worker.running.app.bus.publish(PROBLEM, {"number": number})

    worker.in_loop(more)
    block = answer(1)
    (data,) = [line[6:] for line in block.splitlines() if line.startswith(b"data: ")]
    assert [event["data"]["number"] for event in json.loads(data)] == [2, 3, 4]


def test_silence_is_filled_with_comments(
    worker: ThreadedWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quiet stream sends comments, so that a dead link is noticed."""
    monkeypatch.setattr(endpoint, "HEARTBEAT_SECONDS", 0.05)
    answer = _raw_stream(worker, {})
    answer(1)
    assert answer(1) == b":"


def test_a_follower_that_does_not_read_costs_nothing(worker: ThreadedWorker) -> None:
    """A stalled follower holds a bounded amount and delays nobody."""
    host, _, port = worker.api.rpartition(":")
    token = worker.in_loop(worker.running.app.operators.open, None, "tester").token
    with socket.create_connection((host, int(port))) as stalled:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        fields = f"Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        stalled.sendall(f"GET /v1/events HTTP/1.1\r\n{fields}".encode())
        other = _raw_stream(worker, {})
        other(1)
        filler = "x" * 1000

        def flood() -> None:
            for _ in range(3000):
                worker.running.app.bus.publish(PROBLEM, {"filler": filler})

        worker.in_loop(flood)
        assert b"filler" in other(10)
        stalled.settimeout(30)
        assert stalled.recv(100).startswith(b"HTTP/1.1 200")


def test_a_revoked_token_ends_its_stream(worker: ThreadedWorker) -> None:
    """A follower whose operator session ended gets nothing more."""
    operators = worker.running.app.operators
    token = worker.in_loop(operators.open, None, "tester").token
    answer = _raw_stream(worker, {"Authorization": f"Bearer {token}"}, tcp=True)
    answer(1)
    worker.end_operators()
    publish(worker, 1)
    assert answer(1) == b""
    worker.in_loop(operators.open, own_terminal(), "tester")


def test_the_blocking_stream_follows_too(worker: ThreadedWorker) -> None:
    """The command line's stream yields the same notes."""
    after = worker.running.app.bus.last_seq
    publish(worker, 1)
    stream = events_sync(worker.client(), after=after)
    assert [type(next(stream)).__name__ for _ in range(2)] == ["Connected", "Event"]
    stream.close()  # type: ignore[attr-defined]


def _cut_all(worker: ThreadedWorker) -> None:
    """Break every API connection, as a failing network would."""
    for task in asyncio.all_tasks():
        if task.get_name() == "api":
            frame: Any = task.get_coro()
            server = frame.cr_frame.f_locals["self"]
            for connection in list(server.server_state.connections):
                connection.transport.abort()


def _raw_stream(
    worker: ThreadedWorker, headers: dict[str, str], query: str = "", tcp: bool = False
) -> Callable[[int], bytes]:
    """A function that reads the next N messages, as bytes."""
    host, _, port = worker.api.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    if not tcp:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(str(worker.socket))
    connection.request("GET", "/v1/events" + query, headers=headers)
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/event-stream")

    def read(count: int) -> bytes:
        lines: list[bytes] = []
        while count:
            line = response.readline()
            if not line:
                break
            lines.append(line)
            count -= line == b"\n"
        return b"".join(lines).strip()

    return read
