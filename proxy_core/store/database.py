"""The database: one transaction a call, in threads, so that the event loop never waits.

    Database.open(location)      migrate if needed, then
    ├── run(fn)                  write transaction: fn(session) → result; other workers hear of it
    ├── read(fn)                 read transaction, beside the writers
    └── engines.log              the request log's own connection (store.request_log)

With SQLite there is one writer thread; with PostgreSQL several.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from contextvars import copy_context
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from proxy_core.base.ids import new_id
from proxy_core.store.engines import Engines, open_engines
from proxy_core.store.failures import is_passing, translated
from proxy_core.store.touched import Transaction
from proxy_core.store.transactions import tell_others, transaction

T = TypeVar("T")
Work = Callable[[Session], T]

_READERS: Final = 3
_ATTEMPTS: Final = 3


class Database:
    """An open database, at the schema of this version."""

    def __init__(self, engines: Engines) -> None:
        self.engines = engines
        self.worker = new_id()
        """Names this worker's run among those that share the database."""
        self.at_start: Callable[[Transaction], None] = _nothing
        """Called first in each write transaction; what it raises, the transaction does."""
        self.before_commit: Callable[[Transaction], None] = _nothing
        """Called in each write transaction when all its rows are written."""
        writers = 1 if engines.dialect == "sqlite" else _READERS
        self._writers = ThreadPoolExecutor(writers, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-read")

    @classmethod
    def open(cls, location: str | Path) -> "Database":
        """Open a SQLite file or a `postgresql+psycopg://` URL, migrating it to this version.

        Blocking. Raises VaultError: database_newer (nothing was changed), home_unusable,
        database_unavailable, bad_request for another kind of URL.
        """
        return cls(open_engines(location))

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engines.dialect

    async def run(self, work: Work[T]) -> T:
        """Call `work(session)` in a write transaction: committed on return, else rolled back.

        `work` may be called again when the database was busy, so it must have no effect but the
        session's. What it answers may be read after the transaction. Context variables are the
        caller's. Raises what `work` raises; VaultError: database_unavailable, conflict (a unique
        name or token exists already).
        """
        loop, context = asyncio.get_running_loop(), copy_context()
        return await loop.run_in_executor(self._writers, context.run, self._change, work)

    async def read(self, work: Work[T]) -> T:
        """Call `work(session)` in a read transaction. Raises as `run` does."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._look, work)

    async def read_steadily(self, work: Work[T]) -> T:
        """As `read`, and all that `work` reads is of one moment, however long it takes."""

        def steadily(session: Session) -> T:
            # SQLite's transactions are like that of themselves.
            if self.dialect == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            return work(session)

        return await self.read(steadily)

    async def drop_past(self) -> None:
        """Let nothing that was overwritten stand in SQLite's write-ahead log any more.

        As far as nobody reads from it now: what is left goes when the log is used again.
        """
        if self.dialect == "sqlite":
            await asyncio.get_running_loop().run_in_executor(self._writers, self._empty_log)

    def run_sync(self, work: Work[T]) -> T:
        """As `run`, blocking: where there is no event loop."""
        return self._writers.submit(copy_context().run, self._change, work).result()

    def read_sync(self, work: Work[T]) -> T:
        """As `read`, blocking: where there is no event loop."""
        return self._readers.submit(self._look, work).result()

    def close(self) -> None:
        """Let running transactions end, then close all connections. Stop the log before."""
        self._writers.shutdown()
        self._readers.shutdown()
        self.engines.dispose()

    def _change(self, work: Work[T]) -> T:
        def transact() -> T:
            with transaction(self.engines.write) as session, session.begin():
                self.at_start(session)
                result = work(session)
                session.flush()
                self.before_commit(session)
                tell_others(session, self.worker)
                return result

        return _patiently(transact)

    def _empty_log(self) -> None:
        # Outside a transaction, which the engine would begin by itself.
        with (
            suppress(sqlite3.Error, DBAPIError),
            closing(self.engines.write.raw_connection()) as raw,
        ):
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _look(self, work: Work[T]) -> T:
        def transact() -> T:
            with Session(self.engines.read, expire_on_commit=False) as session, session.begin():
                return work(session)

        return _patiently(transact)


def _nothing(_: Transaction) -> None:
    """Nobody listens."""


def _patiently(transact: Callable[[], T]) -> T:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return transact()
        except OverflowError as error:  # of SQLite's driver, which SQLAlchemy lets pass
            raise translated(error) from None
        except (DBAPIError, PoolTimeout) as error:
            if attempt == _ATTEMPTS or not is_passing(error):
                raise translated(error) from None
    raise AssertionError("unreachable")  # pragma: no cover
