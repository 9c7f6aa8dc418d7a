"""The request log: nothing waits, nothing is lost silently, pages cost the same."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import event, insert
from sqlmodel import SQLModel

from proxy_core.base.clock import FakeClock
from proxy_core.base.errors import VaultError
from proxy_core.domain.traffic import RequestRecord
from proxy_core.store import vaults
from proxy_core.store.database import Database
from proxy_core.store.engines import BUSY_TIMEOUT_MS
from proxy_core.store.request_log import pages
from proxy_core.store.request_log.pages import LogQuery, LogRows, latest_id, log_page
from proxy_core.store.request_log.rows import COLUMNS, MAX_TEXT, row_of
from proxy_core.store.request_log.sink import RequestLog, Retention
from proxy_core.store.unmatched_hosts import unmatched_hosts
from tests.store.conftest import NOW, make_record


@pytest.fixture
async def log(database: Database) -> AsyncIterator[RequestLog]:
    """A running log over each kind of database."""
    running = RequestLog(database, clock=FakeClock(NOW))
    running.start()
    yield running
    await running.stop()


async def page(database: Database, **fields: object) -> LogRows:
    """Read a page of vault `v1`."""
    query = LogQuery(**{"vault_id": "v1", **fields})  # type: ignore[arg-type]
    return await database.read(lambda session: log_page(session, query))


def fill(database: Database, count: int, **fields: object) -> None:
    """Put rows into the log directly, numbered from 1."""
    table = SQLModel.metadata.tables["request_log"]
    rows = [
        dict(zip(COLUMNS, row_of(make_record(number, **fields), "v1"), strict=True))
        for number in range(1, count + 1)
    ]
    with database.engines.log.begin() as connection:
        connection.execute(insert(table), rows)


# --- writing --------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was(database: Database, log: RequestLog) -> None:
    """Every field of a record survives the log, with the row's number and the vault's name."""
    full = make_record(
        path="/größe/日本",
        actor_type="agent",
        actor_id="a1",
        actor_name="ci",
        credential_keys=("A_KEY", "B_KEY"),
        injected_headers=("Authorization", "X-Key"),
        reason="service example",
        status=201,
        error_code="",
        latency_ms=12.5,
        connect_ms=1.25,
        tls_ms=2.5,
        first_byte_ms=10.0,
        bytes_up=2**40,
        bytes_down=2**41,
        streaming=True,
        websocket=True,
        reused_upstream=True,
        retries=1,
        account="work",
        account_reason="sticky",
    )
    log.append(full, "v1")
    await log.flush()
    (row,) = (await page(database)).rows
    assert row.id > 0
    fields = {name: getattr(row, name) for name in RequestRecord.__struct_fields__}
    assert RequestRecord(**{**fields, "id": 0}) == full


async def test_hostile_text_is_stored_and_bounded(database: Database, log: RequestLog) -> None:
    """NUL, lone surrogates and an endless path can't stop the log."""
    log.append(make_record(path="/a\0b\ud800", actor_name="\0"), "v1")
    log.append(make_record(path="/" + "x" * 100_000), "v1")
    await log.flush()
    newest, oldest = (await page(database)).rows
    assert oldest.path == "/a\ufffdb?"
    assert len(newest.path) == MAX_TEXT
    assert (log.dropped, log.problem) == (0, None)


async def test_a_log_follows_its_vault_to_a_new_name(database: Database, log: RequestLog) -> None:
    """After a rename old records show the new name."""
    log.append(make_record(), "v1")
    await log.flush()
    await database.run(lambda session: vaults.rename_vault(session, "default", "other"))
    assert [row.vault for row in (await page(database)).rows] == ["other"]


async def test_what_was_appended_is_written_without_a_flush(
    database: Database, log: RequestLog
) -> None:
    """Records reach the table by themselves within moments."""
    written = asyncio.Event()
    loop = asyncio.get_running_loop()
    event.listen(database.engines.log, "checkin", lambda *_: loop.call_soon_threadsafe(written.set))
    log.append(make_record(), "v1")
    async with asyncio.timeout(30):
        while not (await page(database)).rows:  # pruning gives its connection back, too
            await written.wait()
            written.clear()


async def test_stopping_writes_what_is_left(database: Database) -> None:
    """A graceful stop loses nothing."""
    log = RequestLog(database, clock=FakeClock(NOW))
    log.start()
    for number in range(1_500):
        log.append(make_record(number), "v1")
    await log.stop()
    assert (await page(database)).latest_id >= 1_500
    assert log.dropped == 0


async def test_a_full_log_drops_and_counts(sqlite_database: Database) -> None:
    """Beyond the capacity records are counted as dropped; those before are all written."""
    log = RequestLog(sqlite_database, capacity=10, clock=FakeClock(NOW))
    for number in range(25):
        log.append(make_record(number), "v1")
    assert log.dropped == 15
    log.start()
    await log.stop()
    assert (await page(sqlite_database)).latest_id == 10


async def test_a_record_that_cannot_be_stored_does_not_block_the_rest(
    sqlite_database: Database,
) -> None:
    """A value no database takes is dropped and counted; later records are written."""
    log = RequestLog(sqlite_database, clock=FakeClock(NOW))
    log.start()
    log.append(make_record(bytes_up=2**70), "v1")
    await log.flush()
    log.append(make_record(), "v1")
    await log.stop()
    assert log.dropped == 1
    assert (await page(sqlite_database)).latest_id == 1


async def test_a_record_that_cannot_be_stored_goes_alone(sqlite_database: Database) -> None:
    """Those that were to be written with it are written, in order."""
    log = RequestLog(sqlite_database, clock=FakeClock(NOW))
    for number in range(100):
        log.append(make_record(number, bytes_up=2**70 if number in {0, 41, 99} else 1), "v1")
    log.start()
    await log.stop()
    assert log.dropped == 3
    rows = (await page(sqlite_database, limit=200)).rows
    kept = [int(row.request_id[1:]) for row in rows]
    assert kept == [number for number in range(98, 0, -1) if number != 41]


async def test_a_locked_database_costs_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the database is locked the log says so and keeps; afterwards it writes in order."""
    monkeypatch.setattr("proxy_core.store.engines.BUSY_TIMEOUT_MS", 10)
    database = Database.open(tmp_path / "vault.db")
    log = RequestLog(database, clock=FakeClock(NOW))
    log.start()
    other = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(3):
        log.append(make_record(number), "v1")
    await log.flush()
    assert log.problem is not None
    assert "locked" in log.problem
    other.execute("COMMIT")
    other.close()
    await log.flush()
    assert (log.problem, log.dropped) == (None, 0)
    found = await page(database)
    assert [row.path for row in found.rows] == ["/items/2", "/items/1", "/items/0"]
    await log.stop()
    database.close()


async def test_stopping_without_a_database_counts_what_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written at the end is counted as dropped."""
    monkeypatch.setattr("proxy_core.store.engines.BUSY_TIMEOUT_MS", 10)
    database = Database.open(tmp_path / "vault.db")
    other = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    log = RequestLog(database, clock=FakeClock(NOW))
    log.start()
    log.append(make_record(), "v1")
    await log.stop()
    assert log.dropped == 1
    other.close()
    database.close()


async def test_appending_never_waits_for_the_database(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """With the database locked, over a thousand appends are done before it would give up once."""
    other = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    log = RequestLog(sqlite_database, clock=FakeClock(NOW))
    log.start()
    loop = asyncio.get_running_loop()
    before = loop.time()
    for number in range(1_500):
        log.append(make_record(number), "v1")
    assert loop.time() - before < BUSY_TIMEOUT_MS / 1000
    other.execute("COMMIT")
    other.close()
    await log.stop()
    assert (await page(sqlite_database)).latest_id == 1_500


# --- retention ------------------------------------------------------------------------------


async def pruned(database: Database, retention: Retention, now: float) -> None:
    """Let a log do its upkeep once."""
    log = RequestLog(database, retention=retention, clock=FakeClock(now))
    done = threading.Event()
    inner = log._upkeep

    def upkeep() -> None:
        inner()
        done.set()

    log._upkeep = upkeep  # type: ignore[method-assign] # to know when it has happened
    log.start()
    assert await asyncio.to_thread(done.wait, 10)
    await log.stop()
    assert log.problem is None


async def test_old_records_are_pruned_in_chunks(database: Database) -> None:
    """Records past their age go, over several chunks; younger ones stay."""
    fill(database, 2_500)
    await pruned(database, Retention(max_age_seconds=100), NOW + 2_400 + 100)
    found = await page(database, limit=200)
    assert [row.request_id for row in found.rows] == [f"r{n}" for n in range(2_500, 2_399, -1)]


async def test_records_beyond_the_row_limit_are_pruned(database: Database) -> None:
    """The newest rows up to the limit stay; numbers are never given out again."""
    fill(database, 2_500)
    await pruned(database, Retention(max_rows=20), NOW)
    found = await page(database, limit=200)
    assert [row.request_id for row in found.rows] == [f"r{n}" for n in range(2_500, 2_480, -1)]
    newest = found.latest_id
    await pruned(database, Retention(max_age_seconds=1), NOW + 1e6)
    assert (await page(database)).rows == ()
    fill(database, 1)
    assert (await page(database)).latest_id == newest + 1


# --- pages ----------------------------------------------------------------------------------


async def walk(
    database: Database, direction: str, start: int | None, **fields: object
) -> list[int]:
    """Follow the cursor to the end; the ids in the order met."""
    ids: list[int] = []
    cursor = start
    while True:
        found = await page(database, **{direction: cursor}, **fields)
        ids += [row.id for row in found.rows]
        if found.next_cursor is None:
            return ids
        cursor = found.next_cursor


async def test_pages_meet_every_row_once(database: Database) -> None:
    """Following the cursor backwards, or forwards, passes each row exactly once."""
    fill(database, 25)
    last = (await page(database)).latest_id
    assert await walk(database, "before", None, limit=7) == list(range(last, last - 25, -1))
    forwards = await walk(database, "after", last - 25, limit=7)
    assert sorted(forwards) == list(range(last - 24, last + 1))
    newest_first = await page(database, after=last - 3)
    assert [row.id for row in newest_first.rows] == [last, last - 1, last - 2]
    assert (await page(database, after=last)).rows == ()


async def test_pages_are_of_one_vault_or_all(database: Database, log: RequestLog) -> None:
    """A vault's page shows its rows only, also when numbers of others lie between."""
    for number in range(6):
        log.append(make_record(number), "v1" if number % 2 else "v2")
    await log.flush()
    assert {row.request_id for row in (await page(database)).rows} == {"r1", "r3", "r5"}
    assert len((await page(database, vault_id=None)).rows) == 6
    newest = await database.read(lambda session: latest_id(session, "v2"))
    assert newest == (await page(database)).latest_id - 1


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        ({"status_bucket": "2xx"}, {"r0"}),
        ({"status_bucket": "4xx"}, {"r1", "r2"}),
        ({"status_bucket": "none"}, {"r3"}),
        ({"status_bucket": "4xx", "agent": "ci"}, {"r2"}),
        ({"service": "github"}, {"r1"}),
        ({"service": "nothing"}, set()),
    ],
)
async def test_pages_can_be_restricted(
    database: Database, log: RequestLog, restriction: dict[str, str], expected: set[str]
) -> None:
    """Status bucket, service and agent restrict a page, together or alone."""
    log.append(make_record(0, status=200), "v1")
    log.append(make_record(1, status=400, matched_service="github"), "v1")
    log.append(make_record(2, status=499, actor_name="ci"), "v1")
    log.append(make_record(3, status=0, actor_name="ci"), "v1")
    await log.flush()
    found = await page(database, **restriction)
    assert {row.request_id for row in found.rows} == expected
    assert found.next_cursor is None


async def test_a_restricted_page_looks_at_a_bounded_number_of_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the bound a page comes back short with a cursor, and the cursor finds the rest."""
    monkeypatch.setattr(pages, "SCAN_ROWS", 10)
    fill(database, 1, actor_name="rare")
    fill(database, 34)
    first = await page(database, agent="rare")
    assert first.rows == ()
    assert first.next_cursor == first.latest_id - 9
    found = await walk(database, "before", None, agent="rare")
    assert found == [first.latest_id - 34]
    assert await walk(database, "after", 0, agent="rare") == found


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 201}, {"status_bucket": "6xx"}, {"before": 1, "after": 1}]
)
async def test_bad_queries_are_refused(database: Database, fields: dict[str, object]) -> None:
    """A limit or bucket that does not exist is `bad_request`."""
    with pytest.raises(VaultError) as raised:
        await page(database, **fields)
    assert raised.value.code == "bad_request"


@pytest.mark.parametrize("vault_id", ["v1", None])
async def test_the_first_page_walks_an_index(
    sqlite_database: Database, vault_id: str | None
) -> None:
    """SQLite reads pages by index or row number: no scan of the table, no sorting."""
    statements: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        statements.append((statement, parameters))

    event.listen(sqlite_database.engines.read, "before_cursor_execute", note)
    await page(sqlite_database, vault_id=vault_id, before=1_000, agent="ci")
    event.remove(sqlite_database.engines.read, "before_cursor_execute", note)
    with sqlite_database.engines.read.connect() as connection:
        plans = [
            row[3]
            for statement, parameters in statements
            if "request_log" in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]
    assert len(plans) == 3
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]
    if vault_id is not None:
        assert all("ix_request_log_vault" in plan for plan in plans)


# --- unmatched hosts --------------------------------------------------------------------------


async def test_unmatched_hosts_are_counted_as_they_come(
    database: Database, log: RequestLog
) -> None:
    """Hosts without a service add up over batches, per vault and port; matched ones don't show."""
    for number in range(3):
        log.append(
            make_record(number, host="a.test", matched_service="", decision="unmatched"), "v1"
        )
    log.append(make_record(3, matched_service="example"), "v1")
    await log.flush()
    denied = {"matched_service": "", "decision": "denied"}
    log.append(make_record(5, host="a.test", **denied, error_code="forbidden"), "v1")
    log.append(make_record(4, host="b.test", port=8443, **denied, error_code="forbidden"), "v1")
    log.append(make_record(6, host="c.test", **denied, error_code="bad_request"), "v1")
    log.append(make_record(7, host="d.test", **denied, error_code="forbidden"), "v2")
    log.append(make_record(8, host="e.test", **denied, error_code="forbidden"), "")
    await log.flush()
    hosts, total = await database.read(lambda session: unmatched_hosts(session, "v1"))
    assert [(seen.host, seen.port, seen.requests) for seen in hosts] == [
        ("a.test", 443, 4),
        ("b.test", 8443, 1),
    ]
    assert hosts[0].last_seen_at == NOW + 5
    assert total == 2
    first, all_of_them = await database.read(lambda session: unmatched_hosts(session, "v1", 1))
    assert (len(first), all_of_them) == (1, 2)


async def test_unmatched_hosts_are_forgotten(
    database: Database, log: RequestLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts past the retention's age go, and an agent that invents names can't fill the table."""
    monkeypatch.setattr("proxy_core.store.request_log.writes._MAX_HOSTS_KEPT", 10)
    for number in range(30):
        invented = {"host": f"h{number}.test", "matched_service": "", "decision": "unmatched"}
        log.append(make_record(number, **invented), "v1")
    await log.flush()
    await pruned(database, Retention(max_age_seconds=1e9), NOW)
    hosts, total = await database.read(lambda session: unmatched_hosts(session, "v1"))
    assert 10 <= total <= 11
    assert hosts[0].host == "h29.test"
    await pruned(database, Retention(max_age_seconds=10), NOW + 35)
    _, total = await database.read(lambda session: unmatched_hosts(session, "v1"))
    assert total == 5


async def test_a_copy_of_the_files_is_a_log(sqlite_database: Database, tmp_path: Path) -> None:
    """What the log has flushed is on disk: a copy of the files made while running has it."""
    log = RequestLog(sqlite_database, clock=FakeClock(NOW))
    log.start()
    log.append(make_record(), "v1")
    await log.flush()
    (tmp_path / "copy").mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"vault.db{suffix}", tmp_path / "copy")
    copied = Database.open(tmp_path / "copy" / "vault.db")
    assert (await page(copied)).latest_id == 1
    copied.close()
    await log.stop()
