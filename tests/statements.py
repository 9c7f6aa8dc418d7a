"""SQL that is compiled once a test process, not once a test.

SQLAlchemy keeps what it compiled with the engine, by dialect object. A worker has its engines for
life; most tests open a database of their own, and compiling took half of their time.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_compiled: LRUCache[Any, Any] = LRUCache(4_000)


def share_compiled_statements() -> None:
    """From now on every engine of this process looks into the same cache.

    Dialects of one kind are equal here: all connect to the same library or server, with the same
    options. No option of SQLAlchemy says that.
    """
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = _same_kind  # type: ignore[method-assign]
        kind.__hash__ = _hash_of_kind  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _look_into_shared)


def _same_kind(one: object, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_kind(dialect: object) -> int:
    return hash(type(dialect))


def _look_into_shared(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_compiled)
