"""The loop that lends its selector: streams and the loop's own sockets are served side by side."""

import asyncio
import inspect
import socket
from collections.abc import Callable, Coroutine

import pytest

from proxy_core.mitm.loop import DataPathLoop
from proxy_core.mitm.readiness import Readiness
from tests.mitm import test_readiness
from tests.mitm.test_readiness import pair

Check = Callable[[], Coroutine[None, None, None]]
CHECKS = dict(inspect.getmembers(test_readiness, inspect.iscoroutinefunction))


def run(check: Check) -> None:
    """On a loop of its own."""
    with asyncio.Runner(loop_factory=DataPathLoop) as runner:
        runner.run(asyncio.wait_for(check(), 30))


@pytest.mark.parametrize("name", CHECKS)
def test_readiness_is_the_same_on_this_loop(name: str) -> None:
    """What is promised of a selector inside the loop's holds for the loop's own."""
    run(CHECKS[name])


def test_the_loop_serves_its_own_sockets_and_timers_as_ever() -> None:
    """Beside a stream that is ready all the time."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        readiness = Readiness(loop)
        with pair() as (busy, other):
            other.send(b"never received")
            called = asyncio.Event()
            readiness.add_reader(busy.fileno(), called.set)
            await called.wait()
            server = await asyncio.start_server(_echo, "127.0.0.1", 0)
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            assert await reader.readline() == b"hello\n"
            assert await asyncio.to_thread(lambda: "from a thread") == "from a thread"
            await asyncio.sleep(0.001)
            writer.close()
            server.close()
            readiness.close()

    run(check)


def test_two_on_one_loop() -> None:
    """The second watches a selector of its own; when both are closed, the loop lends anew."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(2):
            both = Readiness(loop), Readiness(loop)
            for readiness in both:
                called = asyncio.Event()
                with pair() as (ours, theirs):
                    readiness.add_reader(ours.fileno(), called.set)
                    theirs.send(b"x")
                    await called.wait()
                    readiness.remove_reader(ours.fileno())
            for readiness in both:
                readiness.close()

    run(check)


def test_a_call_that_ends_one_of_the_loops_own_readers() -> None:
    """Though both were ready at once, the reader is not called any more."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        readiness = Readiness(loop)
        calls: list[str] = []
        ended = asyncio.Event()
        with pair() as (ours, theirs), pair() as (loops, far):

            def end(sock: socket.socket) -> None:
                loop.remove_reader(sock)
                readiness.remove_reader(ours.fileno())
                ended.set()

            loop.add_reader(loops, calls.append, "too late")
            readiness.add_reader(ours.fileno(), lambda: end(loops))
            theirs.send(b"x")
            far.send(b"x")
            await ended.wait()
            await asyncio.sleep(0)
            assert not calls
        readiness.close()

    run(check)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    writer.close()
