"""The request log's costs: pages of a long and a short log, and logging beside a busy loop.

    python -m benchmarks.log_pages

Prints the first page of 10**6 rows against 10**3, and the event loop's delay with and without
3,000 records a second. Everything happens in a temporary directory.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from proxy_core.domain.filters import parse_filter
from proxy_core.domain.traffic import RequestRecord
from proxy_core.store import log_writes
from proxy_core.store.database import Database
from proxy_core.store.log_pages import LogQuery, LogRows, log_page
from proxy_core.store.request_log import RequestLog

ROWS = (1_000, 1_000_000)
PER_SECOND = 3_000
SECONDS = 5
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
        log_writes.insert_entries(database.engines.log, entries)
    return database


def median_ms(call: Callable[[], object], repeats: int = 300) -> float:
    """Median of the call's time in milliseconds, after a warm-up."""
    times = []
    for _ in range(repeats + 5):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[5:])


def pages(directory: Path) -> None:
    """Compare the first pages."""
    databases = [filled(directory, rows) for rows in ROWS]
    print(f"{'first page, ms':24} {ROWS[0]:>10,} {ROWS[1]:>12,}   ratio")
    for name, query in QUERIES.items():
        short, long = (median_ms(partial(read, database, query)) for database in databases)
        print(f"{name:24} {short:10.2f} {long:12.2f} {long / short:7.2f}")
    for database in databases:
        database.close()


def read(database: Database, query: LogQuery) -> LogRows:
    """Read a page."""
    return database.read_sync(lambda session: log_page(session, query))


async def loop_delay(log: RequestLog | None) -> list[float]:
    """Milliseconds by which a 2 ms tick is late, sorted, while records come at full rate."""
    delays: list[float] = []
    loop = asyncio.get_running_loop()
    records = [record(number) for number in range(PER_SECOND)]
    end, number = loop.time() + SECONDS, 0
    while (due := loop.time() + 0.002) < end:
        for _ in range(PER_SECOND // 500 if log else 0):
            log.append(records[number % PER_SECOND], "v1")  # type: ignore[union-attr] # see above
            number += 1
        await asyncio.sleep(due - loop.time())
        delays.append((loop.time() - due) * 1e3)
    return sorted(delays)


async def delays(directory: Path) -> None:
    """Compare the loop's delay with and without logging."""
    database = Database.open(directory / "delay.db")
    log = RequestLog(database)
    log.start()
    quiet = await loop_delay(None)
    start = time.process_time()
    busy = await loop_delay(log)
    used = (time.process_time() - start) / SECONDS
    await log.stop()
    stored = read(database, LogQuery()).latest_id
    print(f"\n{stored} records in {SECONDS} s, {log.dropped} dropped, {used:.0%} of a core")
    for name, times in (("without", quiet), ("with", busy)):
        p50, p99 = (times[int(len(times) * part)] for part in (0.5, 0.99))
        print(f"loop delay {name:8} p50 {p50:.2f} ms  p99 {p99:.2f} ms  max {times[-1]:.2f} ms")
    database.close()


def main() -> None:
    """Run both."""
    with tempfile.TemporaryDirectory() as directory:
        pages(Path(directory))
        asyncio.run(delays(Path(directory)))


if __name__ == "__main__":
    main()
