"""The selector of all streams: who is called when, and who no longer is."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from proxy_core.mitm.readiness import Readiness


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets; the first does not block."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


async def test_readers_are_called_while_something_is_there() -> None:
    """Again and again, until it was received; and no more when they are removed."""
    readiness = Readiness(asyncio.get_running_loop())
    called = asyncio.Event()
    with pair() as (ours, theirs):
        readiness.add_reader(ours.fileno(), called.set)
        for _ in range(2):
            theirs.send(b"x")
            await asyncio.wait_for(called.wait(), 30)
            called.clear()
            await asyncio.wait_for(called.wait(), 30)
            ours.recv(10)
            called.clear()
        readiness.remove_reader(ours.fileno())
        theirs.send(b"x")
        await asyncio.sleep(0.01)
        assert not called.is_set()
    readiness.close()
    readiness.close()


async def test_reader_and_writer_of_one_socket() -> None:
    """They come and go independently; an end is for both."""
    readiness = Readiness(asyncio.get_running_loop())
    calls: list[str] = []
    with pair() as (ours, theirs):
        number = ours.fileno()
        readiness.add_writer(number, lambda: calls.append("w"))
        await asyncio.sleep(0.01)
        assert set(calls) == {"w"}
        readiness.add_reader(number, lambda: calls.append("r"))
        readiness.remove_writer(number)
        calls.clear()
        await asyncio.sleep(0.01)
        assert not calls
        theirs.send(b"x")
        await asyncio.sleep(0.01)
        assert set(calls) == {"r"}
        readiness.remove_reader(number)
        readiness.add_writer(number, lambda: calls.append("w"))
        readiness.add_reader(number, lambda: calls.append("r"))
        calls.clear()
        theirs.close()
        await asyncio.sleep(0.01)
        assert set(calls) == {"r", "w"}
    readiness.close()


async def test_removing_twice_is_harmless() -> None:
    """Also when nothing was added, or all is closed."""
    readiness = Readiness(asyncio.get_running_loop())
    with pair() as (ours, _):
        readiness.remove_reader(ours.fileno())
        readiness.add_reader(ours.fileno(), lambda: None)
        readiness.remove_reader(ours.fileno())
        readiness.remove_reader(ours.fileno())
        readiness.add_writer(ours.fileno(), lambda: None)
        readiness.close()
        readiness.remove_writer(ours.fileno())


async def test_one_failing_callback_keeps_nothing_from_others() -> None:
    """The loop's handler is told; everybody else is served."""
    loop = asyncio.get_running_loop()
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
    readiness = Readiness(loop)
    served = asyncio.Event()
    with pair() as (first, a), pair() as (second, b):

        def fail() -> None:
            readiness.remove_reader(first.fileno())
            raise ValueError("broken")

        readiness.add_reader(first.fileno(), fail)
        readiness.add_reader(second.fileno(), served.set)
        a.send(b"x")
        b.send(b"x")
        await asyncio.wait_for(served.wait(), 30)
        assert [type(error) for error in told] == [ValueError]
    readiness.close()


async def test_a_new_socket_gets_no_event_of_an_old_one() -> None:
    """A callback may close another ready socket, whose number is given away at once."""
    readiness = Readiness(asyncio.get_running_loop())
    calls: list[str] = []
    sockets = [socket.socketpair() for _ in range(2)]
    fresh: list[tuple[socket.socket, socket.socket]] = []

    def close_other(mine: int, other: int) -> None:
        if calls:
            return
        calls.append("old")
        for number in (mine, other):
            readiness.remove_reader(sockets[number][0].fileno())
        number = sockets[other][0].fileno()
        sockets[other][0].close()
        fresh.append(socket.socketpair())
        assert number in {end.fileno() for end in fresh[0]}
        readiness.add_reader(number, lambda: calls.append("new"))

    for mine, other in ((0, 1), (1, 0)):
        readiness.add_reader(
            sockets[mine][0].fileno(), lambda mine=mine, other=other: close_other(mine, other)
        )
        sockets[mine][1].send(b"x")
    await asyncio.sleep(0.01)
    assert calls == ["old"]
    readiness.close()
    for ours, theirs in sockets + fresh:
        ours.close()
        theirs.close()
