"""Hearing of what other workers on the same database have changed.

PostgreSQL   NOTIFY with the change, delivered when it commits, in the order of commits; heard on
             a connection that is kept for nothing else
SQLite       a row with the change; others look every INTERVAL_SECONDS whether the file was written
             to (`PRAGMA data_version`, no lock and no page read) and then for newer rows

What a worker announces goes the same way, but after its change and without its durability.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from sqlalchemy import PoolProxiedConnection, insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from proxy_core.base.errors import VaultError
from proxy_core.store.database import Database
from proxy_core.store.engines import Engines
from proxy_core.store.failures import translated, unreachable
from proxy_core.store.messages import GAP, Announced, Message, decode, encode_events
from proxy_core.store.tables import Change
from proxy_core.store.transactions import CHANNEL

if TYPE_CHECKING:
    import psycopg

INTERVAL_SECONDS: Final = 0.15
"""Short enough for one console to see within 200 ms what was done at another worker's."""
KEPT: Final = 1_024
"""Changes that a SQLite file keeps; a worker that has missed more reads everything again."""

_PRUNED_EVERY: Final = 256
_LOOKED_AT: Final = 512
# A link that died without a word is noticed after half a minute.
_KEEPALIVE: Final = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}

T = TypeVar("T")


class ChangeFeed(Protocol):
    """One worker's ear and voice among those that share the database."""

    def follow(self) -> AsyncIterator[Sequence[Message]]:
        """What other workers tell from now on, in order; GAP where something may be missing.

        The first batch comes at once, perhaps empty: from then on it listens.
        Raises VaultError: database_unavailable; call it again then.
        """

    async def announce(self, events: Sequence[Announced]) -> None:
        """Tell other workers of events. Raises VaultError: database_unavailable."""

    async def close(self) -> None:
        """Release the connection. Nobody follows any more. Harmless when it is closed."""


def change_feed(database: Database) -> ChangeFeed:
    """The feed for this kind of database; it misses nothing from here on. Blocking.

    Raises VaultError: database_unavailable.
    """
    if database.dialect == "sqlite":
        return FileChanges(database)
    return ServerChanges(database)


class FileChanges:
    """Workers on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._worker = database.worker
        self._engines = database.engines
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-changes")
        self._connection: PoolProxiedConnection | None = None
        self._version: int | None = None
        self._position = self._thread.submit(self._guarded, self._newest).result()

    async def follow(self) -> AsyncIterator[Sequence[Message]]:
        """As the protocol says."""
        yield await self._in_thread(self._look)
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            found = await self._in_thread(self._look)
            if found:
                yield found

    async def announce(self, events: Sequence[Announced]) -> None:
        """As the protocol says."""
        rows = [{"message": message} for message in encode_events(self._worker, events)]
        await self._in_thread(lambda: self._add(rows))

    async def close(self) -> None:
        """As the protocol says."""
        await asyncio.to_thread(self._thread.shutdown)
        self._drop()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._guarded, work)

    def _guarded(self, work: Callable[[], T]) -> T:
        import sqlite3

        try:
            return work()
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
            self._drop()
            raise translated(error) from None

    def _look(self) -> list[Message]:
        (version,) = self._rows("PRAGMA data_version")[0]
        if version == self._version:
            return []
        rows = self._rows(
            "SELECT seq, message FROM change WHERE seq > ? ORDER BY seq LIMIT ?",
            (self._position, _LOOKED_AT),
        )
        if len(rows) < _LOOKED_AT:
            self._version = version
        if not rows:
            return []
        missed = rows[0][0] != self._position + 1
        before, self._position = self._position, rows[-1][0]
        if before // _PRUNED_EVERY != self._position // _PRUNED_EVERY:
            self._prune()
        told = [decode(message) for _, message in rows]
        others = [message for message in told if message.worker != self._worker]
        return [GAP, *others] if missed else others

    def _newest(self) -> int:
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'change'")
        return int(rows[0][0]) if rows else 0

    def _add(self, rows: Sequence[dict[str, str]]) -> None:
        with self._engines.log.begin() as connection:
            connection.execute(insert(Change), rows)

    def _prune(self) -> None:
        with self._engines.log.begin() as connection:
            connection.execute(
                text("DELETE FROM change WHERE seq <= :old"), {"old": self._position - KEPT}
            )

    def _rows(self, statement: str, values: Sequence[int] = ()) -> list[Any]:
        """Outside any transaction: what `data_version` compares with is the last statement."""
        if self._connection is None:
            self._connection = self._engines.read.raw_connection()
            self._version = None
        cursor = self._connection.cursor()
        try:
            cursor.execute(statement, tuple(values))
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None


class ServerChanges:
    """Workers on one PostgreSQL server."""

    def __init__(self, database: Database) -> None:
        self._worker = database.worker
        self._engines = database.engines

    async def follow(self) -> AsyncIterator[Sequence[Message]]:
        """As the protocol says. It begins with GAP: what came before it listened is not known."""
        import psycopg

        try:
            async with await _connection(self._engines) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                yield [GAP]
                while True:
                    heard = [one.payload async for one in connection.notifies(stop_after=1)]
                    told = [decode(payload) for payload in heard]
                    others = [message for message in told if message.worker != self._worker]
                    if others:
                        yield others
        except (psycopg.Error, OSError) as error:
            raise VaultError("database_unavailable", unreachable(str(error))) from None

    async def announce(self, events: Sequence[Announced]) -> None:
        """As the protocol says."""
        messages = list(encode_events(self._worker, events))
        await asyncio.to_thread(self._notify, messages)

    async def close(self) -> None:
        """The connection ends with `follow`."""

    def _notify(self, messages: Sequence[str]) -> None:
        try:
            with self._engines.log.begin() as connection:
                for message in messages:
                    connection.execute(
                        text("SELECT pg_notify(:channel, :message)"),
                        {"channel": CHANNEL, "message": message},
                    )
        except (DBAPIError, PoolTimeout) as error:
            raise translated(error) from None


async def _connection(engines: Engines) -> "psycopg.AsyncConnection[Any]":
    import psycopg

    arguments, options = engines.read.dialect.create_connect_args(engines.read.url)
    given = {**_KEEPALIVE, "connect_timeout": 10, **options, "autocommit": True}
    return await psycopg.AsyncConnection.connect(*arguments, **given)
