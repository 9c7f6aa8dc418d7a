"""Transactions, and the failures that must be told in words."""

import asyncio
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlmodel import Session, select

from proxy_core.base.errors import VaultError
from proxy_core.store import installation, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import ProposalRow
from tests.postgres import PostgresServer
from tests.store.conftest import vault
from tests.store.opening import names, opening_fails


async def test_an_exception_rolls_back(database: Database) -> None:
    """Nothing of a transaction that raised is there, and the exception arrives unchanged."""

    def broken(session: Session) -> None:
        vaults.add_vault(session, vault("v2", "half"))
        raise VaultError("bad_request", "no")

    with pytest.raises(VaultError) as raised:
        await database.run(broken)
    assert raised.value.code == "bad_request"
    assert names(database) == ["default"]


async def test_parallel_writers_lose_nothing(database: Database) -> None:
    """Forty transactions at once are all there afterwards."""

    def add(number: int) -> None:
        row = vault(f"w{number}", f"n{number}")
        database.run_sync(lambda session: vaults.add_vault(session, row))

    await asyncio.gather(*(asyncio.to_thread(add, number) for number in range(40)))
    assert len(names(database)) == 41


async def test_results_may_be_read_after_the_transaction(database: Database) -> None:
    """Rows that a transaction answers keep their values when the session is gone."""
    stored = await database.run(lambda session: vaults.set_policy(session, "default", "deny"))
    assert (stored.name, stored.unmatched_host_policy) == ("default", "deny")


async def test_the_read_side_cannot_write(database: Database) -> None:
    """A write in a read transaction is refused by the database."""
    with pytest.raises(VaultError) as raised:
        await database.read(lambda session: installation.set_fact(session, "a", "b"))
    assert raised.value.code == "database_unavailable"


async def test_readers_go_on_beside_a_long_write(database: Database) -> None:
    """A read does not wait for the write transaction that is under way."""
    started, release = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        vaults.add_vault(session, vault("v2", "slow"))
        started.set()
        release.wait(30)

    writing = asyncio.ensure_future(database.run(slow))
    await asyncio.to_thread(started.wait)
    seen = await asyncio.wait_for(database.read(vaults.list_vaults), 30)
    assert [row.name for row in seen] == ["default"]
    release.set()
    await writing


def test_a_lock_of_another_program_is_waited_for(sqlite_database: Database, tmp_path: Path) -> None:
    """A lock that is given up within the time limit costs nothing but time."""
    other = sqlite3.connect(tmp_path / "vault.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    timer.start()
    sqlite_database.run_sync(lambda session: vaults.add_vault(session, vault("v2", "late")))
    timer.join()
    other.close()
    assert names(sqlite_database) == ["default", "late"]


def test_a_lock_that_stays_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past the time limit the answer is `database_unavailable`, and it says why."""
    monkeypatch.setattr("proxy_core.store.engines.BUSY_TIMEOUT_MS", 20)
    database = Database.open(tmp_path / "vault.db")
    other = sqlite3.connect(tmp_path / "vault.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(VaultError) as raised:
        database.run_sync(lambda session: vaults.add_vault(session, vault("v1", "x")))
    assert raised.value.code == "database_unavailable"
    assert "locked" in raised.value.detail
    other.close()
    database.close()


def test_a_damaged_page_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Overwritten pages give `database_unavailable`, not a traceback."""
    path = tmp_path / "vault.db"
    Database.open(path).close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    assert "damaged" in opening_fails(path, "database_unavailable")


def test_a_full_disk_is_said_and_later_writes_succeed(tmp_path: Path) -> None:
    """A write that finds no room fails as a whole; the database is good afterwards."""
    database = Database.open(tmp_path / "vault.db")
    with database.engines.write.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(VaultError) as raised:
        database.run_sync(lambda session: installation.set_fact(session, "big", "x" * 100_000))
    assert "full" in raised.value.detail
    with database.engines.write.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    database.run_sync(lambda session: installation.set_fact(session, "big", "x" * 100_000))
    assert database.read_sync(lambda session: installation.get_fact(session, "big")) is not None
    database.close()


def test_failures_tell_no_values(database: Database) -> None:
    """What was to be stored does not get into the failure's text."""
    secret = "s3cret" * 3

    def twice(session: Session) -> None:
        session.add(vault("v1", secret))
        session.flush()

    with pytest.raises(VaultError) as raised:
        database.run_sync(twice)
    assert raised.value.code == "conflict"
    assert secret not in raised.value.detail
    assert raised.value.__cause__ is None


async def test_a_restarted_server_is_found_again(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    """While PostgreSQL is gone every call says so; when it is back, the next one succeeds."""
    database = Database.open(postgres_url)
    await database.run(lambda session: vaults.add_vault(session, vault("v1", "default")))
    postgres_server.stop()
    try:
        with pytest.raises(VaultError) as raised:
            await database.read(vaults.list_vaults)
        assert raised.value.code == "database_unavailable"
    finally:
        postgres_server.start()
    assert [row.name for row in await database.read(vaults.list_vaults)] == ["default"]
    database.close()


# --- kill -9 --------------------------------------------------------------------------------

_WRITER = """
import sys
from proxy_core.store import credentials, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import Vault

database = Database.open(sys.argv[1])
row = Vault(id="v1", name="default", unmatched_host_policy="deny", created_at=0.0)
database.run_sync(lambda session: vaults.add_vault(session, row))
for number in range(100_000):
    database.run_sync(
        lambda session: credentials.set_credential(
            session, "v1", f"K{number % 50}", lambda row: row.encode(), new_id=f"c{number}", now=0.0
        )
    )
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """After SIGKILL in the middle of writing, every acknowledged value is there and whole."""
    path = tmp_path / "vault.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(120)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().split()]
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()

    database = Database.open(path)
    with database.engines.read.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        stored = connection.exec_driver_sql(
            "SELECT v.sealed, v.credential_id, v.version FROM credential_version v"
        ).all()
    assert len(stored) in (len(acknowledged), len(acknowledged) + 1)
    assert all(sealed.decode() == f"{row}/{version}" for sealed, row, version in stored)
    database.close()


def test_a_write_that_outgrows_the_limit_of_files_is_said(tmp_path: Path) -> None:
    """When the system refuses to let the file grow, the failure is one sentence."""
    database = Database.open(tmp_path / "vault.db")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with pytest.raises(VaultError) as raised:
            database.run_sync(
                lambda session: installation.set_fact(session, "big", "x" * 3_000_000)
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert raised.value.code == "database_unavailable"
    assert database.read_sync(lambda session: installation.get_fact(session, "big")) is None
    database.close()


# --- values that cannot be stored -----------------------------------------------------------


def test_a_number_out_of_range_is_the_senders_fault(database: Database) -> None:
    """A number that no column can hold is refused as malformed, and is no fault of the database."""
    with pytest.raises(VaultError) as raised:
        database.read_sync(
            lambda session: session.exec(
                select(ProposalRow).where(ProposalRow.number == 10**30)
            ).first()
        )
    assert raised.value.code == "bad_request"
