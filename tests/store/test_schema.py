"""Opening and migrating: all of it or nothing, and what is newer is left alone."""

import shutil
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from proxy_core.store import vaults
from proxy_core.store.database import Database
from proxy_core.store.upgrade import MIGRATIONS, known_revisions
from tests.store.conftest import DIALECTS, vault
from tests.store.opening import names, opening_fails


@pytest.fixture(params=DIALECTS)
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where nothing is yet: a file's path, then a server's URL."""
    if request.param == "sqlite":
        return str(tmp_path / "vault.db")
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


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


def test_a_file_that_another_begins_to_use_is_waited_for(tmp_path: Path) -> None:
    """Between its making and its write-ahead log nobody is let wait by SQLite itself."""
    path = tmp_path / "vault.db"
    path.touch(0o600)
    beginning = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    beginning.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, beginning.execute, ["COMMIT"])
    release.start()
    Database.open(path).close()
    release.join()
    beginning.close()


def test_revisions_are_a_chain() -> None:
    """Every migration names its predecessor, as its file's number says."""
    from importlib import import_module

    revisions = known_revisions()
    folder = Path(vaults.__file__).parent / "migrations" / "versions"
    found = {path.name[:4]: path.stem for path in folder.glob("[0-9]*.py")}
    for previous, revision in zip((None, *revisions), revisions, strict=False):
        module = import_module(f"proxy_core.store.migrations.versions.{found[revision]}")
        assert (module.revision, module.down_revision) == (revision, previous)
