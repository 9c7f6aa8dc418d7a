"""One soak from start to end, and what was found."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.soak.day import Day, Plan
from benchmarks.soak.gauges import WARM_REQUESTS, WARM_SECONDS, Gauges, Holdings, Memory
from benchmarks.soak.ledger import Ledger, counted, log_faults, upstream_faults
from benchmarks.soak.operator import Follower
from benchmarks.soak.stage import Stage, staged
from benchmarks.tools import resident_mib
from proxy_core.client import calls
from proxy_core.domain import wire
from proxy_core.services.events import DEFAULT_CAPACITY

Say = Callable[[str], None]

_TELL_SECONDS = 10.0
_DRAIN_SECONDS = 30.0
_GROWTH_MIB = 10.0
"""What resident memory may grow by from when the worker is warm to the end. The system gives more
to a process than it has in use, and takes little back: hence the next two."""
_NATIVE_MIB, _BLOCKS = 8.0, 16 * DEFAULT_CAPACITY
"""What may be in use more than at the start: leaves and database pages; the ring of events."""


@dataclass(slots=True)
class Found:
    """`faults` is empty when all is well; the rest is for people."""

    before: Holdings
    after: Holdings
    memory: Memory
    core_share: float
    requests: int = 0
    logged: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The report."""
        outcomes = [f"{name} {count}" for name, count in sorted(self.outcomes.items())]
        return [
            f"requests {self.requests}, of which logged {self.logged}; "
            f"worker at {self.core_share:.0%} of a core",
            f"before: {self.before.summary}",
            f"after:  {self.after.summary}",
            f"memory: {self.memory}",
            "outcomes: " + ", ".join(outcomes),
            f"{len(self.faults)} faults",
            *self.faults[:40],
        ]


def soak(directory: Path, plan: Plan, say: Say = print) -> Found:
    """Run it all in `directory`. Raises AssertionError, OSError when it can't be set up."""
    with staged(directory, plan.agents) as stage:
        ledger = Ledger()
        follower = Follower(stage, ledger, Day(plan, stage, ledger).dice("operator"))
        found, seen = asyncio.run(_run(stage, ledger, follower, plan, say))
        stage.worker.process.terminate()
        if status := stage.worker.process.wait(30):
            found.faults.append(f"the worker ended with status {status}")
        logged = counted(_logged_paths(stage.database))
    found.requests = sum(entry.sent for entry in ledger.entries.values())
    found.logged = logged.total()
    for name in seen:
        ledger.prove(name.partition(" ")[2])
    found.faults += ledger.faults + stage.complaints
    found.faults += log_faults(ledger.entries, logged)
    found.faults += log_faults(ledger.entries, follower.finished, "events")
    found.faults += upstream_faults(ledger.entries, seen)
    found.outcomes = ledger.outcomes
    return found


async def _run(
    stage: Stage, ledger: Ledger, follower: Follower, plan: Plan, say: Say
) -> tuple[Found, dict[str, int]]:
    day = Day(plan, stage, ledger)
    agents = day.crew()
    gauges = Gauges(stage.worker.process.pid, stage.directory / "probe.json")
    async with follower.following():
        await day.each_once(agents)
        before = await gauges.settled()
        gauges.began = time.monotonic()
        used = gauges.processor
        sampling = asyncio.create_task(gauges.sample())
        async with day.working(agents):
            warm_at = await _tell(gauges, ledger, plan.seconds, say)
            memory = gauges.grown(warm_at, plan.seconds)
            share = (gauges.processor - used) / plan.seconds
        sampling.cancel()
        status = await _drained(stage)
        after = await gauges.settled(before)
        say(f"drained: {resident_mib(stage.worker.process.pid):.1f} MiB")
    report = await stage.report()
    found = Found(before, after, memory, share)
    found.faults += [f"left over: {what}" for what in after.more_than(before)]
    found.faults += [f"upstream: {what}" for what in report["problems"]]
    found.faults += _status_faults(status)
    if report["open"]:
        found.faults.append(f"{report['open']} upstream connections are still open")
    if after.native - before.native > _NATIVE_MIB or after.blocks - before.blocks > _BLOCKS:
        found.faults.append("more memory is in use than at the start")
    if memory.growth > _GROWTH_MIB:
        found.faults.append(f"memory grew: {memory}")
    return found, report["seen"]


async def _tell(gauges: Gauges, ledger: Ledger, seconds: float, say: Say) -> float | None:
    """Wait, with a line now and then; the time when the worker was warm."""
    warm_at: float | None = None
    while (left := gauges.began + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left, _TELL_SECONDS))
        elapsed = time.monotonic() - gauges.began
        _, mib = gauges.memory[-1]
        count = len(ledger.entries)
        if warm_at is None and elapsed >= WARM_SECONDS and count >= WARM_REQUESTS:
            warm_at = elapsed
        say(f"{elapsed:5.0f} s  {count:7} requests  {mib:6.1f} MiB  {len(ledger.faults)} faults")
    return warm_at


async def _drained(stage: Stage) -> wire.Status:
    """The worker's state once nobody uses it any more, or after some patience."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    while True:
        status = await stage.send(calls.status())
        if not (status.connections or status.streams or status.holds):
            return status
        if time.monotonic() > deadline:
            return status
        await asyncio.sleep(0.2)


def _status_faults(status: wire.Status) -> list[str]:
    figures = {
        "connections": status.connections,
        "streams": status.streams,
        "held requests": status.holds,
        "dropped log records": status.log_dropped,
    }
    faults = [f"{count} {name} at the end" for name, count in figures.items() if count]
    return faults + [f"problem: {sentence}" for sentence in status.problems]


def _logged_paths(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
        return [path for (path,) in opened.execute("SELECT path FROM request_log")]
