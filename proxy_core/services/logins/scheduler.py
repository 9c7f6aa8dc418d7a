"""Refreshes that fall due, whoever asks for what meanwhile: one task and a heap for all logins."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

from proxy_core.base.clock import Clock

LONGEST_SLEEP = 30.0
"""Seconds between looks at the wall clock, which may be stepped."""

_STEP = 1.0


class Scheduler:
    """Calls `start` with each login's id at its time. `replan` is called when the clock steps."""

    def __init__(
        self, clock: Clock, start: Callable[[str], object], replan: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._start = start
        self._replan = replan
        self._heap: list[tuple[float, str]] = []
        self._planned: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._offset = self._wall_offset()

    def plan(self, login_id: str, at: float | None) -> None:
        """Start the login at `at`, epoch seconds, and no more at another time; None: never."""
        if at is None:
            self._planned.pop(login_id, None)
            return
        if self._planned.get(login_id) == at:
            return
        self._planned[login_id] = at
        heappush(self._heap, (at, login_id))
        if self._heap[0] == (at, login_id):
            self._changed.set()

    def clear(self) -> None:
        """Plan nothing."""
        self._heap.clear()
        self._planned.clear()

    def run_due(self) -> float:
        """Start what is due; answers the seconds until the next one, at most LONGEST_SLEEP."""
        offset = self._wall_offset()
        if abs(offset - self._offset) > _STEP:
            self._offset = offset
            self._replan()
        now = self._clock.time()
        while self._heap and self._heap[0][0] <= now:
            at, login_id = heappop(self._heap)
            if self._planned.get(login_id) == at:
                del self._planned[login_id]
                self._start(login_id)
        return min(self._heap[0][0] - now, LONGEST_SLEEP) if self._heap else LONGEST_SLEEP

    async def run(self) -> None:
        """Start what falls due until cancelled."""
        while True:
            self._changed.clear()
            pause = self.run_due()
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _wall_offset(self) -> float:
        return self._clock.time() - self._clock.monotonic()
