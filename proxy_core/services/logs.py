"""The request log as the API shows it."""

from dataclasses import dataclass

from msgspec import structs

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.filters import FilterError, Node, parse_filter
from proxy_core.domain.traffic import RequestRecord
from proxy_core.services.context import Context
from proxy_core.store.request_log import pages
from proxy_core.store.unmatched_hosts import unmatched_hosts

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
        wanted = pages.LogQuery(
            vault_id=self._context.vault(vault).id,
            before=_cursor("before", query.before),
            after=_cursor("after", query.after),
            limit=query.limit,
            status_bucket=query.status_bucket,
            service=query.service,
            agent=query.agent,
            filter=_filter(query.q),
        )
        found = await self._context.database.read(lambda session: pages.log_page(session, wanted))
        cursor = None if found.next_cursor is None else str(found.next_cursor)
        entries = [_entry(record) for record in found.rows]
        return wire.LogPage(logs=entries, next_cursor=cursor, latest_id=found.latest_id)

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


def _entry(record: RequestRecord) -> wire.LogEntry:
    return wire.LogEntry(**structs.asdict(record), created_at=rfc3339(record.started_at))


def _cursor(name: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MAX_DIGITS:
        raise VaultError("bad_request", f"{name} is not a cursor")
    return int(text)


def _filter(text: str) -> Node | None:
    if not text.strip():
        return None
    try:
        return parse_filter(text)
    except FilterError as error:
        raise VaultError("bad_request", f"q: {error}", {"column": error.column}) from None
