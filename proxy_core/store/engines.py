"""Connections: three engines over one database, each with the settings its work needs.

write   synchronous=FULL, every transaction takes the write lock at its start; what it deletes or
        overwrites is gone from the file (secure_delete)
read    query_only, beside the writers
log     synchronous=NORMAL: the request log's writer; a power cut may cost its last moments
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from proxy_core.base.errors import VaultError
from proxy_core.store.failures import is_passing, translated
from proxy_core.store.files import prepare_file
from proxy_core.store.upgrade import check_not_newer, upgrade

BUSY_TIMEOUT_MS: Final = 5_000
POOL_SIZE: Final = 4
"""Connections that each engine keeps open once it has needed them."""


@dataclass(frozen=True, slots=True)
class Engines:
    """`dialect` is `sqlite` or `postgresql`."""

    dialect: str
    write: Engine
    read: Engine
    log: Engine

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in (self.read, self.log, self.write):
            engine.dispose()


def open_engines(location: str | Path) -> Engines:
    """Check, migrate and connect. Raises as `Database.open` does."""
    url = _url(location)
    try:
        if url.get_backend_name() == "sqlite":
            return _open_sqlite(Path(url.database or ""))
        _check_driver()
        return _open_postgres(url)
    except (DBAPIError, OSError) as error:
        raise translated(error) from None


def _url(location: str | Path) -> URL:
    if isinstance(location, Path) or "://" not in location:
        return URL.create("sqlite", database=str(location))
    try:
        url = make_url(location)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError
        raise VaultError("bad_request", "The database URL is malformed.") from None
    backend, driver = url.get_backend_name(), url.drivername
    if driver == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if (backend == "sqlite" and url.database) or driver == "postgresql+psycopg":
        return url
    raise VaultError("bad_request", "The database must be a SQLite file or postgresql+psycopg://…")


def _open_sqlite(path: Path) -> Engines:
    prepare_file(path)
    check_not_newer(path)
    engines = Engines(
        "sqlite",
        write=_sqlite_engine(path, "FULL", begin="BEGIN IMMEDIATE"),
        read=_sqlite_engine(path, "FULL", begin="BEGIN", read_only=True),
        log=_sqlite_engine(path, "NORMAL", begin="BEGIN IMMEDIATE"),
    )
    upgrade(engines.write)
    return engines


def _sqlite_engine(path: Path, synchronous: str, *, begin: str, read_only: bool = False) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), pool_size=POOL_SIZE, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: `begin` below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        _write_ahead(cursor)
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        # The request log is large and has no secrets: its rows may go without being overwritten.
        cursor.execute(f"PRAGMA secure_delete={'ON' if synchronous == 'FULL' else 'FAST'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch the file to a write-ahead log, where it has none yet.

    Against another connection that does so too, SQLite refuses at once: it does not wait here.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_passing(error) or time.monotonic() > deadline:
                raise
        time.sleep(0.01)  # in the store's own thread; SQLite tells nobody when the file is free


def _check_driver() -> None:
    try:
        import psycopg  # noqa: F401 - SQLAlchemy loads it by name
    except ImportError:
        raise VaultError(
            "bad_request",
            "PostgreSQL needs psycopg, which is not installed; "
            "`make run` installs it, or `pip install '.[postgres]'` in the source tree.",
        ) from None


def _open_postgres(url: URL) -> Engines:
    def engine(pool_size: int, **connect: str) -> Engine:
        arguments: dict[str, Any] = {"connect_timeout": 10, **connect}
        return create_engine(
            url,
            pool_size=pool_size,
            pool_pre_ping=True,
            connect_args=arguments,
            hide_parameters=True,
        )

    read_only = "-c default_transaction_read_only=on"
    engines = Engines(
        "postgresql",
        write=engine(POOL_SIZE),
        read=engine(POOL_SIZE, options=read_only),
        log=engine(1, options="-c synchronous_commit=off"),
    )
    check_not_newer(engines.read)
    upgrade(engines.write)
    return engines
