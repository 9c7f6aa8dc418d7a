"""What the streams of one loop share: a receive buffer, readiness and the sweep of deadlines."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from proxy_core.mitm.readiness import Readiness

SCRATCH = 256 * 1024
SWEEP_SECONDS = 0.2


class Watched(Protocol):
    """A stream, as far as the sweep acts on it."""

    def overdue(self, now: float) -> bool:
        """Whether it waits longer than it may."""

    def expire(self, now: float) -> None:
        """Fail what waits longer than it may."""

    def abort(self) -> None:
        """End it."""


class Reactor:
    """Belongs to the loop that runs when it is made."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.readiness = Readiness(self.loop)
        self.scratch = memoryview(bytearray(SCRATCH))
        self.streams: set[Watched] = set()
        self.sweeps: list[Callable[[float], None]] = []
        """Called with the time (monotonic) at each sweep."""
        self._timer = self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        now = monotonic()
        for stream in [one for one in self.streams if one.overdue(now)]:
            stream.expire(now)
        for sweep in self.sweeps:
            sweep(now)
        self._timer = self.loop.call_later(SWEEP_SECONDS, self._sweep)

    def close(self) -> None:
        """Stop sweeping and close what is still open."""
        self._timer.cancel()
        for stream in list(self.streams):
            stream.abort()
        self.readiness.close()
