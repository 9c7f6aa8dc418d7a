"""The request log as the API shows it."""

from dataclasses import dataclass, replace

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.filters import Filter, FilterError, parse_filter
from proxy_core.domain.traffic import RequestRecord
from proxy_core.services.context import Context
from proxy_core.store import log_pages
from proxy_core.store.unmatched_hosts import unmatched_hosts

MAX_FILTER = 2000
SCAN_PAGES = 50
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class LogQuery:
    """`status_bucket` is `2xx`…`5xx`; `before`/`after` are cursors; `q` a filter expression."""

    status_bucket: str = ""
    service: str = ""
    agent: str = ""
    q: str = ""
    before: str = ""
    after: str = ""
    limit: int = 100


class Logs:
    """Pages by cursor. Raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def page(self, vault: str, query: LogQuery) -> wire.LogPage:
        """Newest first. Raises VaultError: bad_request (cursor, filter, bucket, limit over 200)."""
        wanted = log_pages.LogQuery(
            vault_id=self._context.vault(vault).id,
            before=_cursor("before", query.before),
            after=_cursor("after", query.after),
            limit=query.limit,
            status_bucket=query.status_bucket,
            service=query.service,
            agent=query.agent,
        )
        wanted_filter = _filter(query.q)
        found = await self._context.database.read(
            lambda session: _filtered_page(session, wanted, wanted_filter)
        )
        cursor = None if found.next_cursor is None else str(found.next_cursor)
        return wire.LogPage(logs=list(found.rows), next_cursor=cursor, latest_id=found.latest_id)

    async def discovered_hosts(self, vault: str) -> wire.DiscoveredHosts:
        """Hosts that were seen without a service, the last seen first."""
        vault_id = self._context.vault(vault).id
        hosts, total = await self._context.database.read(
            lambda session: unmatched_hosts(session, vault_id)
        )
        described = [
            wire.DiscoveredHost(
                host=seen.host,
                port=seen.port,
                requests=seen.requests,
                last_seen_at=rfc3339(seen.last_seen_at),
            )
            for seen in hosts
        ]
        return wire.DiscoveredHosts(hosts=described, total=total)


def _filtered_page(
    session: Session, query: log_pages.LogQuery, wanted: Filter | None
) -> log_pages.LogRows:
    """A page of what the filter lets through; it may be short and still have a cursor."""
    if wanted is None:
        return log_pages.log_page(session, query)
    newer = query.after is not None
    rows: list[RequestRecord] = []
    step = replace(query, limit=log_pages.PAGE_LIMIT)
    for _ in range(SCAN_PAGES):
        found = log_pages.log_page(session, step)
        in_reading_order = reversed(found.rows) if newer else found.rows
        for row in in_reading_order:
            if wanted.matches(row):
                rows.append(row)
                if len(rows) == query.limit:
                    return _rows(rows, newer, row.id, found.latest_id)
        if found.next_cursor is None:
            break
        cursor = found.next_cursor
        step = replace(step, after=cursor) if newer else replace(step, before=cursor)
    return _rows(rows, newer, found.next_cursor, found.latest_id)


def _rows(
    rows: list[RequestRecord], newer: bool, cursor: int | None, latest_id: int
) -> log_pages.LogRows:
    return log_pages.LogRows(tuple(reversed(rows) if newer else rows), cursor, latest_id)


def _cursor(name: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise VaultError("bad_request", f"{name} is not a cursor")
    return int(text)


def _filter(text: str) -> Filter | None:
    if not text.strip():
        return None
    if len(text) > MAX_FILTER:
        raise VaultError("bad_request", f"q may have at most {MAX_FILTER} characters")
    try:
        return parse_filter(text)
    except FilterError as error:
        raise VaultError("bad_request", f"q: {error}", {"column": error.column}) from None
