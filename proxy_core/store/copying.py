"""A SQLite vault as a file: copied while it is in use, looked into, put in another's place."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from proxy_core.base.errors import VaultError
from proxy_core.base.paths import open_private_file
from proxy_core.store.failures import translated
from proxy_core.store.upgrade import check_not_newer

COPY: Final = ".copy"
"""Ends the name of a database's copy that becomes a backup."""
RESTORING: Final = ".restoring"
"""Ends the name of a backup's database until it takes the place of one."""
_COMPANIONS: Final = ("-wal", "-shm", "-journal")
_STRANGE: Final = """
    SELECT 1 FROM sqlite_master WHERE NOT (
        (type = 'table' AND sql LIKE 'CREATE TABLE %')
        OR (type = 'index'
            AND (sql IS NULL OR sql LIKE 'CREATE INDEX %' OR sql LIKE 'CREATE UNIQUE INDEX %'))
    )
"""


@dataclass(frozen=True, slots=True)
class VaultContents:
    """A vault's name, and how many of each it holds."""

    name: str
    credentials: int
    services: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds."""

    vaults: tuple[VaultContents, ...]
    agents: int


def copy_database(path: Path, to: Path) -> None:
    """Copy a database as it is at one moment, whoever writes meanwhile, into one file (0600).

    Blocking. Raises VaultError: database_unavailable, home_unusable.
    """
    remove_database(to)
    os.close(open_private_file(to, os.O_RDWR))
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(to)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise translated(error) from None


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, 0600 and empty, durable once it is closed. Raises VaultError: home_unusable."""
    with os.fdopen(open_private_file(path, os.O_WRONLY | os.O_TRUNC), "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def contents_of(path: Path) -> Contents:
    """Check a database and count what it holds; it may be of an earlier version.

    Blocking. Raises VaultError: database_newer, database_unavailable (damaged, another program's),
    backup_damaged (more than tables and their indexes: what would go on by itself, as a trigger).
    """
    try:
        with closing(_reading(path)) as found:
            if found.execute(_STRANGE).fetchone() is not None:
                raise VaultError(
                    "backup_damaged", "The backup holds triggers or views, which no vault has."
                )
            check_not_newer(path)
            if found.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise VaultError("database_unavailable", "The database file is damaged.")
            return _counted(found)
    except sqlite3.Error as error:
        raise translated(error) from None


def is_set_up(path: Path) -> bool:
    """Whether there is a vault in a file; one that can't be read may hold one."""
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with closing(_reading(path)) as found:
            tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master")}
            if "key_slot" not in tables:
                return bool(tables)
            return found.execute("SELECT 1 FROM key_slot").fetchone() is not None
    except sqlite3.Error:
        return True


def key_versions(path: Path) -> set[int]:
    """The versions of the key that a database's slots wrap: one, or none before it is set up.

    Raises VaultError: database_unavailable.
    """
    try:
        with closing(_reading(path)) as found:
            return {number for (number,) in found.execute("SELECT key_version FROM key_slot")}
    except sqlite3.Error as error:
        raise translated(error) from None


def login_generations(path: Path) -> dict[str, int]:
    """The generation of each login's tokens by its id; none of a file that can't be read."""
    try:
        with closing(_reading(path)) as found:
            return dict(found.execute("SELECT id, generation FROM oauth_login"))
    except sqlite3.Error:
        return {}


def put_in_place(new: Path, place: Path, aside: Path) -> Path | None:
    """Let `new` be the database at `place`; the one before is kept as `aside`, if there is one.

    Blocking; nobody may have either open. Raises VaultError: home_unusable; then the one before
    is where it was.
    """
    try:
        kept = _keep_aside(place, aside) if place.exists() else None
        for suffix in _COMPANIONS:  # they would be taken for the new one's
            beside(place, suffix).unlink(missing_ok=True)
        new.replace(place)
        sync_directory(place.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise VaultError("home_unusable", f"{place} can't be replaced: {reason}.") from error
    return kept


def remove_leftovers(database: Path) -> None:
    """Remove what was left by a process that was killed amid a backup, or amid restoring one."""
    for suffix in (COPY, RESTORING):
        remove_database(beside(database, suffix))


def remove_database(path: Path) -> None:
    """Remove a database's files, where they are."""
    for suffix in ("", *_COMPANIONS):
        beside(path, suffix).unlink(missing_ok=True)


def merge_log(path: Path) -> None:
    """Carry the write-ahead log over into the file, so that it can stand alone.

    Raises VaultError: database_unavailable; then it can't.
    """
    try:
        with closing(sqlite3.connect(path)) as found:
            found.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            (mode,) = found.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        raise translated(error) from None
    if mode != "delete":
        raise VaultError("database_unavailable", f"{path} is in use by another program.")


def sync_directory(directory: Path) -> None:
    """Make a new name durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reading(path: Path) -> sqlite3.Connection:
    """Opened to be looked at; a file that has no log beside it does not get one by that."""
    log = beside(path, "-wal")
    how = "" if log.exists() and log.stat().st_size else "&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{how}", uri=True)


def _counted(found: sqlite3.Connection) -> Contents:
    def count(table: str, vault_id: str | None = None) -> int:
        where, values = ("", ()) if vault_id is None else (" WHERE vault_id = ?", (vault_id,))
        query = f"SELECT count(*) FROM {table}{where}"  # noqa: S608 - our own tables' names
        return int(found.execute(query, values).fetchone()[0])

    tables = {name for (name,) in found.execute("SELECT name FROM sqlite_master")}
    if "vault" not in tables:
        return Contents((), 0)
    vaults = tuple(
        VaultContents(name, count("credential", vault_id), count("service", vault_id))
        for vault_id, name in found.execute("SELECT id, name FROM vault ORDER BY name").fetchall()
    )
    return Contents(vaults, count("agent"))


def _keep_aside(place: Path, aside: Path) -> Path:
    with suppress(VaultError):  # one that is damaged is kept as it is, with its log
        merge_log(place)
    for suffix in ("", *_COMPANIONS):
        source = beside(place, suffix)
        if source.exists() and source.stat().st_size:
            _link_or_copy(source, beside(aside, suffix))
    sync_directory(place.parent)
    return aside


def _link_or_copy(source: Path, to: Path) -> None:
    try:
        os.link(source, to, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with source.open("rb") as before, to.open("xb") as after:
            os.fchmod(after.fileno(), 0o600)
            shutil.copyfileobj(before, after)
            after.flush()
            os.fsync(after.fileno())


def beside(path: Path, suffix: str) -> Path:
    """The file in the same directory whose name goes on like this."""
    return path.with_name(path.name + suffix)
