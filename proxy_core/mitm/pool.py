"""Idle upstream connections, kept by origin; the one used last is used next.

A kept connection is watched: bytes or an end that arrive while it idles make it useless, since
nobody could tell which request they answer, and it is closed at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from proxy_core.mitm.config import ProxyConfig
from proxy_core.mitm.route import Origin
from proxy_core.mitm.streams import Stream


@dataclass(slots=True, eq=False)
class Upstream:
    """One connection to an origin. Times are milliseconds, -1 where nothing was done.

    `discard` is what ends it while it idles, once it has been in the pool.
    """

    origin: Origin
    stream: Stream
    connect_ms: float = -1.0
    tls_ms: float = -1.0
    reused: bool = False
    idle_since: float = 0.0
    discard: Callable[[], None] | None = None


class Pool:
    """Last in, first out: what is not needed at the bottom grows old and is closed."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Upstream]] = {}
        self._total = 0

    def __len__(self) -> int:
        return self._total

    def take(self, origin: Origin) -> Upstream | None:
        """An idle connection, no longer in the pool; None: there is none."""
        kept = self._idle.get(origin)
        while kept:
            upstream = kept.pop()
            self._total -= 1
            upstream.stream.unwatch()
            if upstream.stream.silent:
                upstream.reused = True
                return upstream
            upstream.stream.close()
        return None

    def give(self, upstream: Upstream, config: ProxyConfig) -> None:
        """Keep a connection whose last response was read to its end, or close it."""
        stream = upstream.stream
        kept = self._idle.get(upstream.origin)
        if kept is None:
            kept = self._idle[upstream.origin] = []
        full = len(kept) >= config.pool_per_host or self._total >= config.pool_total
        used_up = stream.buffer or stream.at_eof or stream.closed or stream.interrupted
        if full or used_up:
            stream.close()
            return
        upstream.idle_since = stream.time
        kept.append(upstream)
        self._total += 1
        if upstream.discard is None:
            upstream.discard = partial(self._discard, upstream)
        stream.watch(upstream.discard)

    def _discard(self, upstream: Upstream) -> None:
        kept = self._idle.get(upstream.origin, [])
        if upstream in kept:
            kept.remove(upstream)
            self._total -= 1
        upstream.stream.close()

    def expire(self, before: float) -> None:
        """Close what has idled since before that time (the loop's)."""
        for origin, kept in list(self._idle.items()):
            while kept and kept[0].idle_since < before:
                self._discard(kept[0])
            if not kept:
                del self._idle[origin]

    def close(self) -> None:
        """Close everything."""
        for kept in list(self._idle.values()):
            for upstream in list(kept):
                self._discard(upstream)
        self._idle.clear()
