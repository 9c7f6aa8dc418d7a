"""The request log and the event stream."""

from collections.abc import Sequence

from proxy_core.client.calls.call import Call, given, in_vault
from proxy_core.domain import wire


def logs(
    vault: str = "default",
    *,
    status_bucket: str = "",
    service: str = "",
    agent: str = "",
    q: str = "",
    before: str = "",
    after: str = "",
    limit: int = 100,
) -> Call[wire.LogPage]:
    """A page of the request log, newest first: at most 200 rows.

    `status_bucket` is `2xx` to `5xx`, `q` an expression of the filter language.
    """
    query = given(
        status_bucket=status_bucket,
        service=service,
        agent=agent,
        q=q,
        before=before,
        after=after,
        limit=limit,
    )
    return Call("GET", in_vault(vault, "/logs"), wire.LogPage, query)


def discovered_hosts(vault: str = "default") -> Call[wire.DiscoveredHosts]:
    """Hosts that agents reached without a service."""
    return Call("GET", in_vault(vault, "/discovered-hosts"), wire.DiscoveredHosts)


def event_stream(
    after: int | None = None, types: Sequence[str] = (), coalesce: bool = False
) -> Call[str]:
    """The event stream, which `client.stream` reads; `after` is the `seq` that was seen last."""
    query = given(after=after, types=",".join(types), coalesce="1" if coalesce else "")
    return Call("GET", "/v1/events", str, query)
