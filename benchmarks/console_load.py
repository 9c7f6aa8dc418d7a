"""Rows of the console under load: requests into the traffic view, keys pressed meanwhile.

The real application runs in this process with Textual's headless driver; its output is counted, not
shown. It follows a real worker over its socket, events decoded and all; and, for more than one
worker makes, a synthetic one.
"""

import asyncio
import gc
import logging
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_origin

import msgspec
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver

from benchmarks.lab import Lab
from benchmarks.report import Row, within
from benchmarks.tools import resident_mib
from proxy_core.base.clock import rfc3339
from proxy_core.base.paths import Home
from proxy_core.client.sse import Connected, Note
from proxy_core.domain import wire
from proxy_core.domain.events import Event, EventType
from proxy_core.domain.traffic import RequestRecord
from vault_tui.app import ConsoleApp
from vault_tui.widgets.traffic_view import TrafficView
from vault_tui.worker_link import OpenLink, WorkerLink, opener

BATCHES_PER_SECOND = 10
RATE, HIGH_RATE = 500, 3000
SIZE = (120, 40)
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

    async def open(self) -> WorkerLink:
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
        return _empty(call.result_type)

    def keep(self, session: wire.OperatorSession | None) -> None:
        """Nobody is asked for a session here."""

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


def _empty(kind: Any) -> Any:
    """An answer with nothing in it."""
    required = (field for field in msgspec.structs.fields(kind) if field.required)
    return kind(**{field.name: _nothing(field.type) for field in required})


def _nothing(kind: Any) -> Any:
    """The least value of a field: an empty list or text, 0, or None where that may be."""
    plain = kind if isinstance(kind, type) else get_origin(kind)
    return plain() if plain in (list, dict, str, int, float, bool) else None


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


async def _press_and_wait(app: App[Any], key: str, view: TrafficView) -> float:
    """Milliseconds from the key until the frame with its effect was written."""
    before, cursor = time.perf_counter(), view.cursor
    written = _written
    app.simulate_key(key)
    while view.cursor == cursor or _written == written:
        await asyncio.sleep(0.001)
        if time.perf_counter() - before > 10:
            raise RuntimeError(f"{key} had no effect")
    return (time.perf_counter() - before) * 1000


async def _until(holds: Callable[[], bool], running: "asyncio.Task[Any]") -> None:
    """Wait. Raises RuntimeError when the application has ended."""
    while not holds():
        if running.done():
            raise RuntimeError(f"the console ended: {running.result()}")
        await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Load:
    """Key-to-paint p95 in ms; share of a core in %; kB/s to the terminal; MiB more afterwards."""

    key_ms: float
    core: float
    kilobytes: float
    grown_mib: float


async def measure(open_link: OpenLink, rate: int, seconds: float) -> Load:
    """One run: fill the ring, follow for `seconds`, then press keys for as long.

    Raises RuntimeError when the console ends, or takes no notice of a key.
    """
    app = ConsoleApp(open_link)
    app.driver_class = CountingDriver
    task = asyncio.create_task(app.run_async(headless=False, size=SIZE, mouse=False))
    try:
        await _until(lambda: bool(app.is_running and app._screen_stacks.get("traffic")), task)
        await _until(lambda: len(app.traffic.ring) >= min(10_000, rate * 3), task)
        return await _follow(app, seconds)
    finally:
        app.exit(0)
        await asyncio.wait((task,))


async def _follow(app: ConsoleApp, seconds: float) -> Load:
    global _written
    view = app.screen.query_one(TrafficView)
    gc.collect()
    memory, cpu, clock = resident_mib(os.getpid()), time.process_time(), time.perf_counter()
    _written = 0
    await asyncio.sleep(seconds)
    share = (time.process_time() - cpu) / (time.perf_counter() - clock)
    kilobytes = _written / seconds / 1000
    view.hold()
    waits = []
    for number in range(120):
        waits.append(await _press_and_wait(app, "up" if number < 60 else "down", view))
        await asyncio.sleep(seconds / 240)
    gc.collect()
    grown = resident_mib(os.getpid()) - memory
    return Load(statistics.quantiles(waits, n=100)[94], share * 100, kilobytes, grown)


def console(lab: Lab) -> Iterator[Row]:
    """Following a worker that serves 500 requests a second, and a synthetic one with 3,000."""
    seconds = 2 * lab.seconds
    logging.disable(logging.CRITICAL)
    try:
        worker = lab.ours.worker
        assert worker is not None
        paced = {"mode": "latency", "rate": RATE, "c": 16, "seconds": 3 * seconds + 15}
        with lab.running(lab.ours, paced, "plain.bench.test"):
            real = asyncio.run(measure(opener(Home(worker.home)), RATE, seconds))
        high = asyncio.run(measure(SyntheticWorker(HIGH_RATE).open, HIGH_RATE, seconds))
    finally:
        logging.disable(logging.NOTSET)
    title = f"console following {RATE} requests/s"
    yield Row(f"{title}, % of a core", real.core, target=within(25))
    yield Row(f"{title}, kB/s to the terminal", real.kilobytes, target=within(130))
    yield Row(f"{title}, key to paint p95 ms", real.key_ms, target=within(50))
    yield Row(f"{title}, MiB more", real.grown_mib)
    title = f"console following {HIGH_RATE} synthetic requests/s"
    yield Row(f"{title}, % of a core", high.core)
    yield Row(f"{title}, key to paint p95 ms", high.key_ms)
