"""What the worker holds: sampled from outside, and asked of its probe."""

import asyncio
import json
import os
import signal
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.tools import processor_seconds, resident_mib
from proxy_core.services.events import DEFAULT_CAPACITY
from proxy_core.store.engines import POOL_SIZE

WARM_SECONDS, WARM_REQUESTS = 60.0, DEFAULT_CAPACITY * 3 // 5
"""A worker is warm after that, when so many requests have filled the ring of events."""
_WINDOW = 15.0
_PATIENCE = 20.0
_CACHED = ("mitm.ca.", "mitm.scrub.", "ssl.SSLContext")
_CACHE_ROOM = 64
"""Leaves and compiled scrubbers are kept on purpose, some for each host and each service."""
_DATABASE_FILES = 3 * POOL_SIZE * 2 + 1
"""Three engines' pools, filled as needed: each connection has the file and its write-ahead log
open, and all share one index of the latter."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Tasks by coroutine, descriptors by kind, objects of the data path by class.

    `blocks` of Python's allocator are in use, and `native` MiB of the C library's: what was freed
    and not given back to the system is in neither.
    """

    tasks: Mapping[str, int]
    descriptors: Mapping[str, int]
    objects: Mapping[str, int]
    threads: int
    blocks: int
    native: float

    @property
    def summary(self) -> str:
        """One line."""
        total = sum(self.descriptors.values())
        return (
            f"{sum(self.tasks.values())} tasks, {total} descriptors "
            f"({self.descriptors.get('socket', 0)} sockets), {self.threads} threads, "
            f"{self.blocks:,} blocks, {self.native:.1f} MiB native"
        )

    def more_than(self, before: "Holdings") -> list[str]:
        """What there is more of, but for what is kept on purpose and has its bound."""
        found = [f"task {name}: {n}" for name, n in _grown(before.tasks, self.tasks)]
        found += [
            f"object {name}: {n}"
            for name, n in _grown(before.objects, self.objects)
            if n > _CACHE_ROOM or not any(part in name for part in _CACHED)
        ]
        found += [
            f"descriptor {kind}: {n}"
            for kind, n in _grown(before.descriptors, self.descriptors)
            if kind != "database" or self.descriptors[kind] > _DATABASE_FILES
        ]
        return found


def _grown(before: Mapping[str, int], after: Mapping[str, int]) -> list[tuple[str, int]]:
    more = {name: count - before.get(name, 0) for name, count in after.items()}
    return [(name, count) for name, count in sorted(more.items()) if count > 0]


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB; `warm_at` in seconds, None when the worker never got warm."""

    warm_at: float | None
    warm: float | None
    end: float

    @property
    def growth(self) -> float:
        """From warm to the end; 0 without the former."""
        return 0.0 if self.warm is None else self.end - self.warm

    def __str__(self) -> str:
        if self.warm is None:
            return f"{self.end:.1f} MiB at the end; the run was too short to tell growth"
        return f"{self.warm:.1f} MiB after {self.warm_at:.0f} s, {self.end:.1f} MiB at the end"


@dataclass(slots=True)
class Gauges:
    """`memory` holds seconds since `began` and resident MiB, once a second."""

    pid: int
    probe: Path
    began: float = field(default_factory=time.monotonic)
    memory: list[tuple[float, float]] = field(default_factory=list)

    async def holdings(self) -> Holdings:
        """Ask the worker now."""
        self.probe.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        deadline = time.monotonic() + _PATIENCE
        while not self.probe.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("the worker's loop does not answer")
            await asyncio.sleep(0.02)
        told: dict[str, Any] = json.loads(self.probe.read_text())
        told["native"] /= 1 << 20
        return Holdings(**told)

    async def settled(self, before: Holdings | None = None) -> Holdings:
        """The holdings once they shrink no more, or are down at what they were before."""
        least = await self.holdings()
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 3 and (before is None or least.more_than(before)):
            await asyncio.sleep(0.5)
            now = await self.holdings()
            if least.more_than(now):
                quiet_since = time.monotonic()
            least = now
        return least

    async def sample(self) -> None:
        """Until cancelled."""
        while True:
            self.memory.append((time.monotonic() - self.began, resident_mib(self.pid)))
            await asyncio.sleep(1)

    def resident(self, since: float, until: float) -> float:
        """Median MiB between two times of the run."""
        return statistics.median([mib for at, mib in self.memory if since <= at <= until] or [0.0])

    def grown(self, warm_at: float | None, end: float) -> Memory:
        """Medians from `warm_at` on and before `end`, both in seconds."""
        last = self.resident(end - _WINDOW, end)
        if warm_at is None or warm_at + 2 * _WINDOW > end:
            return Memory(None, None, last)
        return Memory(warm_at, self.resident(warm_at, warm_at + _WINDOW), last)

    @property
    def processor(self) -> float:
        """Seconds that the worker has computed."""
        return processor_seconds(self.pid)
