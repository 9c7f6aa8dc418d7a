"""Rows of the request log's costs: pages of a long and a short log, and the loop beside its writer.

Everything happens in a scratch directory, in this process.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.lab import Lab
from benchmarks.report import Row, at_most, compared, paired
from proxy_core.domain.filters import parse_filter
from proxy_core.domain.traffic import RequestRecord
from proxy_core.store.database import Database
from proxy_core.store.request_log import writes
from proxy_core.store.request_log.pages import LogQuery, LogRows, log_page
from proxy_core.store.request_log.sink import RequestLog
from proxy_core.worker.runtime import SWITCH_SECONDS

ROWS = (1_000, 1_000_000)
PER_SECOND = 3_000
SECONDS, ROUNDS = 1.0, 5
TICK = 0.002
QUERIES = {
    "newest": LogQuery(vault_id="v1"),
    "newest, all vaults": LogQuery(),
    "rare vault": LogQuery(vault_id="v9"),
    "status 5xx": LogQuery(vault_id="v1", status_bucket="5xx"),
    "filter without a hit": LogQuery(vault_id="v1", filter=parse_filter("host:nowhere cred:X*")),
}


def record(number: int) -> RequestRecord:
    """A typical request."""
    return RequestRecord(
        request_id=f"01J{number:023d}",
        started_at=time.time(),
        vault="default",
        ingress="connect",
        method="GET",
        scheme="https",
        host="api.github.com",
        port=443,
        path=f"/repos/octo/cat/issues/{number}",
        actor_type="agent",
        actor_id="a1",
        actor_name="ci",
        matched_service="github",
        credential_keys=("GITHUB_TOKEN",),
        injected_headers=("Authorization",),
        decision="injected",
        reason="service github",
        status=500 if number % 50 == 0 else 200,
        latency_ms=12.5,
    )


def filled(directory: Path, rows: int) -> Database:
    """A database with that many rows, one in a hundred in another vault."""
    database = Database.open(directory / f"{rows}.db")
    for start in range(0, rows, 1_000):
        entries = [
            (record(number), "v9" if number % 100 == 0 else "v1")
            for number in range(start, start + 1_000)
        ]
        writes.insert_entries(database.engines.log, entries)
    return database


def median_ms(call: Callable[[], object], repeats: int = 300) -> float:
    """Median of the call's time in milliseconds, after a warm-up."""
    times = []
    for _ in range(repeats + 5):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[5:])


def log_pages(lab: Lab) -> Iterator[Row]:
    """The first page of a million rows, and of a thousand."""
    directory = lab.directory / "pages"
    directory.mkdir()
    databases = [filled(directory, rows) for rows in ROWS]
    for name, query in QUERIES.items():
        short, long = (median_ms(partial(read, database, query)) for database in databases)
        title = f"first page of {ROWS[1]:,} records, {name}, ms"
        yield compared(title, long, f"{ROWS[0]:,} records", short, at_most(1.2))
    for database in databases:
        database.close()


def read(database: Database, query: LogQuery) -> LogRows:
    """Read a page."""
    return database.read_sync(lambda session: log_page(session, query))


def log_delay(lab: Lab) -> Iterator[Row]:
    """How late the event loop is while records are stored, with the worker's thread switching."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        pairs, share = asyncio.run(_delays(lab.directory / "delay.db"))
    finally:
        sys.setswitchinterval(before)
    yield paired(f"loop delay p99 storing {PER_SECOND:,} records/s, ms", pairs, "without")
    yield Row(f"storing {PER_SECOND:,} records/s, share of a core", share)


async def _delays(file: Path) -> tuple[list[tuple[float, float]], float]:
    """99th percentiles in ms, with and without, in turn; and the share of a core with.

    Raises RuntimeError when a record was dropped.
    """
    database = Database.open(file)
    log = RequestLog(database)
    log.start()
    pairs, used = [], 0.0
    for _ in range(ROUNDS):
        quiet = await _late(None)
        start = time.process_time()
        busy = await _late(log)
        used += time.process_time() - start
        pairs.append((busy, quiet))
    await log.stop()
    database.close()
    if log.dropped:
        raise RuntimeError(f"{log.dropped} records were dropped")
    return pairs, used / SECONDS / ROUNDS


async def _late(log: RequestLog | None) -> float:
    """The 99th percentile of the milliseconds by which a tick is late."""
    delays: list[float] = []
    loop = asyncio.get_running_loop()
    records = [record(number) for number in range(int(PER_SECOND * TICK))]
    end = loop.time() + SECONDS
    while (due := loop.time() + TICK) < end:
        if log is not None:
            for one in records:
                log.append(one, "v1")
        await asyncio.sleep(due - loop.time())
        delays.append((loop.time() - due) * 1e3)
    return statistics.quantiles(delays, n=100)[98]
