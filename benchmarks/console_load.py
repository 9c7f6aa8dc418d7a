"""The console under load: synthetic requests into the traffic view, keys pressed meanwhile.

    python -m benchmarks.console_load [--rate 3000] [--seconds 8] [--size 120x40]

The real application runs with Textual's headless driver; its output is counted, not shown. Printed
per rate: key-to-paint (a key press until the frame that shows it is on the way), the share of one
core, bytes written, and memory before and after.
"""

import argparse
import asyncio
import gc
import logging
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from proxy_core.base.clock import rfc3339
from proxy_core.client.sse import Connected, Note
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.traffic import RequestRecord
from vault_tui.app import ConsoleApp
from vault_tui.widgets.traffic_view import TrafficView

BATCHES_PER_SECOND = 10
_written = 0


class CountingDriver(HeadlessDriver):
    """Counts what would go to the terminal."""

    def write(self, data: str) -> None:
        """Count."""
        global _written
        _written += len(data.encode())

    @property
    def is_headless(self) -> bool:
        """Draw as if for a terminal."""
        return False


class SyntheticWorker:
    """A worker whose agents never rest: `rate` finished requests a second, in ten batches."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.sent = 0

    async def open(self) -> "SyntheticWorker":
        """What the console opens."""
        return self

    async def send(self, call: Any) -> Any:
        """Just enough answers."""
        if call.path == "/v1/status":
            return wire.Status(
                initialized=True, sealed=False, version="0", api="", proxy="", socket="", pid=0,
                uptime=0, streams=0, connections=0, pending_proposals=0, holds=0, log_dropped=0,
                slots=["password"], database="sqlite", problems=[],
            )  # fmt: skip
        if call.path == "/v1/vaults":
            vault = wire.Vault(id="1", name="default", created_at=rfc3339(time.time()))
            return wire.VaultList(vaults=[vault])
        if call.path.endswith("/services"):
            return wire.ServiceList(vault="default", services=[])
        if call.path == "/v1/credentials":
            return wire.CredentialList(keys=[], credentials=[])
        return wire.LogPage(logs=[], next_cursor=None, latest_id=0)

    async def events(self) -> AsyncIterator[Note]:
        """Batches on time, whatever the console does."""
        yield Connected()
        began = time.perf_counter()
        while True:
            await asyncio.sleep(1 / BATCHES_PER_SECOND)
            due = int((time.perf_counter() - began) * self.rate)
            while self.sent < due:
                self.sent += 1
                yield _event(self.sent)

    async def close(self) -> None:
        """Nothing is open."""


def _event(number: int) -> Event:
    record = RequestRecord(
        request_id=f"r{number}", started_at=time.time(), vault="default", ingress="connect",
        method=("GET", "POST", "DELETE")[number % 3], scheme="https",
        host=f"api{number % 7}.example.com", port=443, path=f"/v1/things/{number}",
        actor_name=f"agent-{number % 9}", matched_service=f"service-{number % 7}",
        credential_keys=("API_KEY",), decision="injected", status=(200, 201, 404, 502)[number % 4],
        latency_ms=float(number % 900), bytes_down=number % 100_000, id=number,
    )  # fmt: skip
    return Event(seq=number, type=EventType.REQUEST_FINISHED, at=record.started_at, data=record)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _press_and_wait(app: App[Any], key: str, view: TrafficView) -> float:
    """Milliseconds from the key until the frame with its effect was written."""
    before, cursor = time.perf_counter(), view.cursor
    written = _written
    app.simulate_key(key)
    while view.cursor == cursor or _written == written:
        await asyncio.sleep(0.001)
        if time.perf_counter() - before > 2:
            raise RuntimeError(f"{key} had no effect")
    return (time.perf_counter() - before) * 1000


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - the application has no event for it
        await asyncio.sleep(0.05)


async def measure(rate: int, seconds: float, size: tuple[int, int]) -> dict[str, float]:
    """One run: fill the ring, follow for `seconds`, then press keys for as long."""
    global _written
    worker = SyntheticWorker(rate)
    app = ConsoleApp(worker.open)
    app.driver_class = CountingDriver
    task = asyncio.create_task(app.run_async(headless=False, size=size, mouse=False))
    await _until(lambda: bool(app.is_running and app._screen_stacks.get("traffic") and worker.sent))
    view = app.screen.query_one(TrafficView)
    await _until(lambda: len(app.traffic.ring) >= min(10_000, rate * 3))
    gc.collect()
    memory, cpu, clock, _written = _resident_mb(), time.process_time(), time.perf_counter(), 0
    await asyncio.sleep(seconds)
    share = (time.process_time() - cpu) / (time.perf_counter() - clock)
    on_the_wire = _written / seconds
    view.hold()
    waits = []
    for number in range(120):
        waits.append(await _press_and_wait(app, "up" if number < 60 else "down", view))
        await asyncio.sleep(seconds / 240)
    gc.collect()
    grown = _resident_mb() - memory
    app.exit(0)
    await task
    cuts = statistics.quantiles(waits, n=100)
    return {
        "req/s": rate, "key p50 ms": cuts[49], "key p95 ms": cuts[94], "core %": share * 100,
        "kB/s out": on_the_wire / 1000, "MB": memory, "MB more": grown,
    }  # fmt: skip


def main() -> None:
    """Measure the rates and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, action="append")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--size", default="120x40")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    width, _, height = options.size.partition("x")
    rows = [
        asyncio.run(measure(rate, options.seconds, (int(width), int(height))))
        for rate in options.rate or (500, 3000)
    ]
    print("".join(f"{name:>12}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:>12.1f}" for value in row.values()))


if __name__ == "__main__":
    main()
