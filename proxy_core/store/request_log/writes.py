"""What the request log's thread does to the database: plain SQL, one short transaction a call.

The ORM would write 4,000 rows a second and hold the interpreter while it does; `executemany`
writes 75,000 and lets it go at every row.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeAlias

from sqlalchemy import Engine, text

from proxy_core.domain.traffic import RequestRecord
from proxy_core.store.request_log.rows import COLUMNS, row_of

Entry: TypeAlias = tuple[RequestRecord, str]
"""A record and its vault's id."""

PRUNE_CHUNK: Final = 1_000
# Rows turned into tuples at a time: the event loop waits for that, a fraction of a millisecond.
_SLICE: Final = 100
_MAX_HOSTS_KEPT: Final = 10_000

_COUNT_HOST = text(
    "INSERT INTO unmatched_host (vault_id, host, port, requests, last_seen_at)"
    " VALUES (:vault_id, :host, :port, :requests, :last_seen_at)"
    " ON CONFLICT (vault_id, host, port) DO UPDATE SET"
    " requests = unmatched_host.requests + excluded.requests,"
    " last_seen_at = CASE WHEN excluded.last_seen_at > unmatched_host.last_seen_at"
    " THEN excluded.last_seen_at ELSE unmatched_host.last_seen_at END"
)
_OLDEST = "SELECT id FROM request_log ORDER BY id LIMIT :chunk"
_PRUNE_BY_AGE = text(
    f"DELETE FROM request_log WHERE started_at < :before AND id IN ({_OLDEST})"  # noqa: S608 - a constant
)
_PRUNE_BY_ROWS = text(
    f"DELETE FROM request_log WHERE id <= :last AND id IN ({_OLDEST})"  # noqa: S608 - a constant
)
_FIRST_BEYOND = text("SELECT id FROM request_log ORDER BY id DESC LIMIT 1 OFFSET :rows")
_FORGET_OLD_HOSTS = text("DELETE FROM unmatched_host WHERE last_seen_at < :before")
_LEAST_RECENT_HOST = text(
    "SELECT last_seen_at FROM unmatched_host ORDER BY last_seen_at DESC LIMIT 1 OFFSET :rows"
)


def insert_entries(engine: Engine, entries: Sequence[Entry]) -> None:
    """Store entries and count the hosts among them that no service covered, all or none."""
    insert = _insert_statement(engine.dialect.name)
    with engine.begin() as connection:
        for start in range(0, len(entries), _SLICE):
            rows = [row_of(record, vault) for record, vault in entries[start : start + _SLICE]]
            connection.exec_driver_sql(insert, rows)
        hosts = _unmatched(entries)
        if hosts:
            connection.execute(_COUNT_HOST, hosts)


def prune_by_age(engine: Engine, before: float) -> bool:
    """Delete one chunk of rows from before `before` (epoch seconds); whether there may be more."""
    with engine.begin() as connection:
        parameters = {"before": before, "chunk": PRUNE_CHUNK}
        return connection.execute(_PRUNE_BY_AGE, parameters).rowcount == PRUNE_CHUNK


def first_beyond(engine: Engine, rows: int) -> int | None:
    """The newest id that is one too many when `rows` are kept."""
    with engine.connect() as connection:
        found: int | None = connection.execute(_FIRST_BEYOND, {"rows": rows}).scalar()
        return found


def prune_up_to(engine: Engine, last: int) -> bool:
    """Delete one chunk of rows up to id `last`; whether there may be more."""
    with engine.begin() as connection:
        parameters = {"last": last, "chunk": PRUNE_CHUNK}
        return connection.execute(_PRUNE_BY_ROWS, parameters).rowcount == PRUNE_CHUNK


def prune_hosts(engine: Engine, before: float) -> None:
    """Forget unmatched hosts not seen since `before`, and the least recent beyond a limit.

    The limit keeps an agent that invents names from growing the table for ever.
    """
    with engine.begin() as connection:
        beyond = connection.execute(_LEAST_RECENT_HOST, {"rows": _MAX_HOSTS_KEPT}).scalar()
        limit = before if beyond is None else max(before, beyond)
        connection.execute(_FORGET_OLD_HOSTS, {"before": limit})


def _insert_statement(dialect: str) -> str:
    mark = "?" if dialect == "sqlite" else "%s"
    marks = ", ".join([mark] * len(COLUMNS))
    return f"INSERT INTO request_log ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608 - our own column names


def _unmatched(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """One row a host, sorted so that workers that share a database can't deadlock."""
    counts: Counter[tuple[str, str, int]] = Counter()
    seen: dict[tuple[str, str, int], float] = {}
    for record, vault in entries:
        unmatched = record.decision == "unmatched" or record.error_code == "forbidden"
        if unmatched and vault and record.host and not record.matched_service:
            key = (vault, record.host, record.port)
            counts[key] += 1
            seen[key] = max(record.started_at, seen.get(key, record.started_at))
    return [
        {
            "vault_id": vault,
            "host": host,
            "port": port,
            "requests": counts[vault, host, port],
            "last_seen_at": seen[vault, host, port],
        }
        for vault, host, port in sorted(counts)
    ]
