"""Idle upstream connections: last in, first out, bounded in number and age."""

import socket
from collections.abc import AsyncIterator

import pytest

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.pool import Pool, Upstream
from proxy_core.mitm.reactor import Reactor
from proxy_core.mitm.route import Origin
from proxy_core.mitm.streams import Stream, StreamError
from tests.mitm.rig import until

A, B = Origin("https", "a.test", 443), Origin("https", "b.test", 443)


class Bench:
    """Makes connections whose other ends the test holds."""

    def __init__(self) -> None:
        self.reactor = Reactor()
        self.ends: list[socket.socket] = []

    def upstream(self, origin: Origin = A) -> Upstream:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.ends.append(theirs)
        return Upstream(origin, Stream(self.reactor, ours))

    def close(self) -> None:
        self.reactor.close()
        for end in self.ends:
            end.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """A bench that is cleared up."""
    made = Bench()
    yield made
    made.close()


async def test_last_in_first_out(bench: Bench) -> None:
    """The connection used last is used next, and only for its own origin."""
    pool, config = Pool(), ProxyConfig()
    first, second = bench.upstream(), bench.upstream()
    pool.give(first, config)
    pool.give(second, config)
    assert pool.take(B) is None
    assert pool.take(A) is second
    assert pool.take(A) is first
    assert pool.take(A) is None
    assert first.reused


@pytest.mark.parametrize("left", [b"HTTP/1.1 408 Timeout\r\n\r\n", b"x", None], ids=repr)
async def test_what_came_in_this_very_turn_of_the_loop(bench: Bench, left: bytes | None) -> None:
    """Bytes or an end that nobody has noticed yet can't answer the next request either."""
    pool, config = Pool(), ProxyConfig()
    first, second = bench.upstream(), bench.upstream()
    pool.give(first, config)
    pool.give(second, config)
    if left is None:
        bench.ends[1].close()
    else:
        bench.ends[1].sendall(left)
    assert pool.take(A) is first
    assert (second.stream.closed, len(pool)) == (True, 0)


async def test_limits(bench: Bench) -> None:
    """Beyond either limit a connection is closed instead of kept."""
    pool, config = Pool(), ProxyConfig(pool_per_host=1, pool_total=2)
    made = [bench.upstream(A), bench.upstream(A), bench.upstream(B), bench.upstream(B)]
    for one in made:
        pool.give(one, config)
    assert len(pool) == 2
    assert [one.stream.closed for one in made] == [False, True, False, True]


async def test_age(bench: Bench) -> None:
    """What has idled too long is closed; what was used since stays."""
    pool, config = Pool(), ProxyConfig()
    old, new = bench.upstream(), bench.upstream()
    pool.give(old, config)
    pool.give(new, config)
    old.idle_since -= 100
    pool.expire(old.stream.time - 50)
    assert (old.stream.closed, new.stream.closed, len(pool)) == (True, False, 1)
    pool.close()
    assert new.stream.closed
    assert len(pool) == 0


@pytest.mark.parametrize("data", [b"", b"x"])
async def test_an_event_while_idle(bench: Bench, data: bytes) -> None:
    """Bytes or an end that nobody asked for make a kept connection useless."""
    pool = Pool()
    kept = bench.upstream()
    pool.give(kept, ProxyConfig())
    if data:
        bench.ends[0].send(data)
    else:
        bench.ends[0].close()
    await until(lambda: kept.stream.closed)
    assert pool.take(A) is None


async def test_an_interrupted_connection_is_not_kept(bench: Bench) -> None:
    """A failure that is left over would hit the next request."""
    pool = Pool()
    one = bench.upstream()
    one.stream.interrupt(StreamError(one.stream, "closed"))
    pool.give(one, ProxyConfig())
    assert len(pool) == 0
    assert one.stream.closed
