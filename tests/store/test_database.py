"""Opening, migrating, transactions and the failures that must be told in words."""

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import Session, SQLModel, select

from proxy_core.base.errors import VaultError
from proxy_core.store import installation, vaults
from proxy_core.store.database import Database
from proxy_core.store.tables import ProposalRow
from proxy_core.store.upgrade import MIGRATIONS, known_revisions
from tests.postgres import PostgresServer
from tests.store.conftest import vault


def opening_fails(location: str | Path, code: str) -> str:
    """Try to open, expecting a VaultError of this code; answers its sentence."""
    with pytest.raises(VaultError) as raised:
        Database.open(location)
    assert raised.value.code == code
    assert raised.value.detail.endswith((".", "…"))
    return raised.value.detail


def names(database: Database) -> list[str]:
    """The vaults' names as another reader sees them."""
    return database.read_sync(lambda session: [row.name for row in vaults.list_vaults(session)])


# --- schema ---------------------------------------------------------------------------------


def test_migrations_make_exactly_the_declared_schema(database: Database) -> None:
    """What the migrations build and what the tables declare differ in nothing."""
    sqlite = database.dialect == "sqlite"
    with database.engines.read.connect() as connection:
        options = {"compare_type": True, "compare_server_default": False}
        context = MigrationContext.configure(connection, opts=options)
        found = compare_metadata(context, SQLModel.metadata)
        assert [change for change in found if not (sqlite and _is_added_reference(change))] == []


def _is_added_reference(change: tuple[Any, ...]) -> bool:
    """A foreign key that stands with its column, as SQLite adds it: its ON DELETE isn't read.

    That pins end with their account is tested where accounts are.
    """
    return change[0] in {"remove_fk", "add_fk"} and change[1].column_keys == ["account_id"]


def test_opening_again_keeps_everything(location: str) -> None:
    """A database that is at this version is opened as it is."""
    first = Database.open(location)
    first.run_sync(lambda session: vaults.add_vault(session, vault("v1", "kept")))
    first.close()
    again = Database.open(location)
    assert names(again) == ["kept"]
    again.close()


def test_what_an_earlier_version_stored_is_kept(tmp_path: Path) -> None:
    """Agents keep their grants, and the log its rows, when accounts come into being."""
    path = tmp_path / "vault.db"
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in (
            "INSERT INTO vault VALUES ('v1', 'default', 'deny', 1)",
            "INSERT INTO agent VALUES ('a1', 'bot', 'no-access', x'00', 1, NULL, NULL)",
            "INSERT INTO agent_grant VALUES ('a1', 'v1', 'proxy')",
            f"INSERT INTO request_log VALUES (7{', 1' * 30})",
        ):
            connection.exec_driver_sql(statement)
    engine.dispose()
    path.chmod(0o600)
    database = Database.open(path)
    with database.engines.read.connect() as connection:
        for statement, expected in (
            ("SELECT account_id FROM agent", None),
            ("SELECT role FROM agent_grant", "proxy"),
            ("SELECT account_reason FROM request_log WHERE id = 7", ""),
        ):
            assert connection.exec_driver_sql(statement).scalar_one() == expected
    database.close()


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Not one byte of the directory changes, with and without a left-over write-ahead log."""
    path = tmp_path / "vault.db"
    Database.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert "9999" in opening_fails(path, "database_newer")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_newer_version_is_seen_in_the_write_ahead_log(tmp_path: Path) -> None:
    """The check reads what a killed newer worker had not yet moved into the database file."""
    path, crashed = tmp_path / "vault.db", tmp_path / "crashed"
    crashed.mkdir()
    Database.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", crashed)
    connection.close()
    kept = [(crashed / name).read_bytes() for name in ("vault.db", "vault.db-wal")]
    opening_fails(crashed / "vault.db", "database_newer")
    assert [(crashed / name).read_bytes() for name in ("vault.db", "vault.db-wal")] == kept


def test_a_newer_server_database_is_refused(postgres_url: str) -> None:
    """PostgreSQL too is checked before anything is changed."""
    opened = Database.open(postgres_url)
    with opened.engines.write.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    opening_fails(postgres_url, "database_newer")


def test_a_failed_migration_leaves_nothing(location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """When an upgrade breaks half-way, no table of it is there, and the next start succeeds."""
    from alembic import op

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("half-way")

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", broken)
        with pytest.raises(RuntimeError):
            Database.open(location)
    opened = Database.open(location)
    assert names(opened) == []
    opened.close()


def test_workers_that_start_together_upgrade_once(location: str) -> None:
    """Two opens of an empty database at the same time both succeed."""
    opened: list[Database] = []
    threads = [
        threading.Thread(target=lambda: opened.append(Database.open(location))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 2
    for database in opened:
        database.close()


def test_revisions_are_a_chain() -> None:
    """Every migration names its predecessor, as its file's number says."""
    from importlib import import_module

    revisions = known_revisions()
    folder = Path(vaults.__file__).parent / "migrations" / "versions"
    found = {path.name[:4]: path.stem for path in folder.glob("[0-9]*.py")}
    for previous, revision in zip((None, *revisions), revisions, strict=False):
        module = import_module(f"proxy_core.store.migrations.versions.{found[revision]}")
        assert (module.revision, module.down_revision) == (revision, previous)


# --- files ----------------------------------------------------------------------------------


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Database, write-ahead log and index have mode 0600; an open one is tightened."""
    path = tmp_path / "vault.db"
    path.touch()
    path.chmod(0o666)
    old = os.umask(0)
    try:
        opened = Database.open(path)
        opened.run_sync(lambda session: vaults.add_vault(session, vault("v1", "default")))
        modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
        opened.close()
    finally:
        os.umask(old)
    assert modes == {"vault.db": 0o600, "vault.db-wal": 0o600, "vault.db-shm": 0o600}


def test_unusable_places_are_refused(tmp_path: Path) -> None:
    """A symlink, to the file or the directory, a missing directory, a directory as file."""
    real, linked = tmp_path / "real", tmp_path / "linked"
    real.mkdir()
    linked.symlink_to(real)
    (real / "vault.db").symlink_to(real / "target.db")
    (real / "wal.db-wal").symlink_to(real / "target.db")
    for place in (
        linked / "vault.db",
        real / "wal.db",
        real,
        tmp_path / "missing" / "vault.db",
    ):
        opening_fails(place, "home_unusable")
    assert "vault.db cannot be used: it is a symbolic link" in opening_fails(
        real / "vault.db", "home_unusable"
    )
    assert not (real / "target.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_database_of_another_user_is_refused(tmp_path: Path) -> None:
    """A file that another user owns is not trusted."""
    (tmp_path / "vault.db").touch()
    os.chown(tmp_path / "vault.db", 65534, 65534)
    assert "another user" in opening_fails(tmp_path / "vault.db", "home_unusable")


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Neither text nor a foreign SQLite database is taken over."""
    (tmp_path / "text.db").write_text("no database at all, but long enough to be read" * 50)
    assert "not a database" in opening_fails(tmp_path / "text.db", "database_unavailable")
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "another program" in opening_fails(tmp_path / "other.db", "database_unavailable")


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "postgresql+asyncpg://x/y", "://"])
def test_other_kinds_of_database_are_refused(url: str) -> None:
    """Only a file or psycopg's URL is accepted."""
    opening_fails(url, "bad_request")


def test_an_unreachable_server_is_said_without_its_url(tmp_path: Path) -> None:
    """The password in the URL does not get into the sentence."""
    url = f"postgresql+psycopg://u:hunter2@/db?host={tmp_path}"
    assert "hunter2" not in opening_fails(url, "database_unavailable")


# --- transactions ---------------------------------------------------------------------------


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
        release.wait(10)

    writing = asyncio.ensure_future(database.run(slow))
    await asyncio.to_thread(started.wait)
    seen = await asyncio.wait_for(database.read(vaults.list_vaults), 5)
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
