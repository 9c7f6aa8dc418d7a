"""Reading the request log by cursor: the first page costs the same however long the log is.

Without a filter a page is a walk along an index. With one, a page looks at no more than
SCAN_ROWS rows: it may come back short, with a cursor from which to go on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, select
from sqlmodel import Session, SQLModel

from proxy_core.base.errors import VaultError
from proxy_core.domain.filter_terms import Node
from proxy_core.domain.traffic import RequestRecord
from proxy_core.store import tables
from proxy_core.store.request_log.conditions import condition_of
from proxy_core.store.request_log.rows import record_of

PAGE_LIMIT: Final = 200
SCAN_ROWS: Final = 20_000
_BUCKETS: Final = {f"{digit}xx": digit * 100 for digit in range(1, 6)}

_log = SQLModel.metadata.tables[str(tables.RequestLogRow.__tablename__)]
_vault = SQLModel.metadata.tables[str(tables.Vault.__tablename__)]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What to read: `before` a row number (older) or `after` one (newer), else the newest.

    `vault_id` None reads every vault's. `status_bucket` is `1xx`…`5xx`, or `none` for requests
    that were never answered; `agent` is the actor's name; `filter` is a parsed filter. Empty
    fields don't restrict.
    """

    vault_id: str | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 50
    status_bucket: str = ""
    service: str = ""
    agent: str = ""
    filter: Node | None = None


@dataclass(frozen=True, slots=True)
class LogRows:
    """Newest first. `next_cursor`: pass it on the same way (`before` or `after`) for more rows.

    `latest_id` is the newest row number in the vaults asked for, 0 without rows.
    """

    rows: tuple[RequestRecord, ...]
    next_cursor: int | None
    latest_id: int


def log_page(session: Session, query: LogQuery) -> LogRows:
    """Read a page. Raises VaultError: bad_request for a limit or bucket that does not exist.

    With `after`, the page holds the rows that follow the cursor closest, so that a reader who
    goes on misses none.
    """
    if not 1 <= query.limit <= PAGE_LIMIT:
        raise VaultError("bad_request", f"The limit must be between 1 and {PAGE_LIMIT}.")
    if query.before is not None and query.after is not None:
        raise VaultError("bad_request", "Give one of before and after, not both.")
    wanted = list(_conditions(query, session.get_bind().dialect.name))
    newer = query.after is not None
    in_reach = _in_reach(query)
    edge = _scan_edge(session, in_reach, newer) if wanted else None
    if edge is not None:
        wanted.append(_log.c.id <= edge if newer else _log.c.id >= edge)
    statement = select(_log).where(*in_reach, *wanted).order_by(_order(newer))
    found = session.execute(statement.limit(query.limit + 1)).mappings().all()
    page = found[: query.limit]
    cursor = page[-1]["id"] if len(found) > query.limit else edge
    names = _vault_names(session)
    records = [record_of(row, names.get(row["vault_id"], "")) for row in page]
    rows = tuple(reversed(records) if newer else records)
    return LogRows(rows, cursor, latest_id(session, query.vault_id))


def latest_id(session: Session, vault_id: str | None = None) -> int:
    """The newest row number of a vault, or of all; 0 without rows."""
    statement = select(_log.c.id).where(*_scope(vault_id)).order_by(_log.c.id.desc()).limit(1)
    return session.execute(statement).scalar() or 0


def _scope(vault_id: str | None) -> list[ColumnElement[bool]]:
    return [] if vault_id is None else [_log.c.vault_id == vault_id]


def _in_reach(query: LogQuery) -> list[ColumnElement[bool]]:
    """What an index answers: the vault and the cursor."""
    conditions = _scope(query.vault_id)
    if query.before is not None:
        conditions.append(_log.c.id < query.before)
    if query.after is not None:
        conditions.append(_log.c.id > query.after)
    return conditions


def _scan_edge(session: Session, in_reach: list[ColumnElement[bool]], newer: bool) -> int | None:
    """The last row number that one page may look at; None when all are within reach."""
    statement = select(_log.c.id).where(*in_reach).order_by(_order(newer))
    edge: int | None = session.execute(statement.offset(SCAN_ROWS - 1).limit(1)).scalar()
    return edge


def _order(newer: bool) -> ColumnElement[Any]:
    return _log.c.id.asc() if newer else _log.c.id.desc()


def _conditions(query: LogQuery, dialect: str) -> Iterator[ColumnElement[bool]]:
    if query.status_bucket:
        yield _in_bucket(query.status_bucket)
    if query.service:
        yield _log.c.matched_service == query.service
    if query.agent:
        yield _log.c.actor_name == query.agent
    if query.filter is not None:
        yield condition_of(query.filter, dialect)


def _in_bucket(bucket: str) -> ColumnElement[bool]:
    if bucket == "none":
        return _log.c.status == 0
    if bucket not in _BUCKETS:
        raise VaultError("bad_request", "status_bucket is one of 1xx, 2xx, 3xx, 4xx, 5xx, none.")
    first = _BUCKETS[bucket]
    return _log.c.status.between(first, first + 99)


def _vault_names(session: Session) -> dict[str, str]:
    return dict(session.execute(select(_vault.c.id, _vault.c.name)).all())
