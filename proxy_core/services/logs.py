"""The request log as the API shows it."""

from dataclasses import dataclass

from proxy_core.domain import wire


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
    """Pages by cursor."""

    async def page(self, vault: str, query: LogQuery) -> wire.LogPage:
        """Newest first. Raises VaultError: bad_request (bad cursor, filter, limit over 200)."""
        raise NotImplementedError

    async def discovered_hosts(self, vault: str) -> wire.DiscoveredHosts:
        """Hosts seen without a service, most requests first."""
        raise NotImplementedError
