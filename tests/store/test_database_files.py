"""Where a database may be, whose it has to be, and who may read it."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from proxy_core.store import vaults
from proxy_core.store.database import Database
from tests.store.conftest import vault
from tests.store.opening import opening_fails


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


# Taken by whoever may clear the log's index: the byte that every connection holds a share of.
_CLEARING = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
"""


def test_an_open_database_is_in_use_for_other_processes(tmp_path: Path) -> None:
    """Else another worker's start would clear the log's index under this one, which dies of it."""
    opened = Database.open(tmp_path / "vault.db")
    index = tmp_path / "vault.db-shm"
    command = [sys.executable, "-S", "-c", _CLEARING, str(index)]
    try:
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        opened.close()
    assert "BlockingIOError" in refused.stderr


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


def test_without_its_driver_postgresql_is_refused_with_the_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an extra: who keeps to SQLite needs none of it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = opening_fails("postgresql://localhost/vault", "bad_request")
    assert "pip install '.[postgres]'" in said


def test_an_unreachable_server_is_said_without_its_url(tmp_path: Path) -> None:
    """The password in the URL does not get into the sentence."""
    url = f"postgresql+psycopg://u:hunter2@/db?host={tmp_path}"
    assert "hunter2" not in opening_fails(url, "database_unavailable")
