"""What is asked of the worker for a draft of a service, and the draft that its answers make."""

from proxy_core.client import calls
from proxy_core.client.calls import Call
from proxy_core.domain import wire
from proxy_core.domain.drafts import Draft, Seen, draft_service

_LOOK_BACK = 100


def requests_to(host: str, vault: str) -> Call[wire.LogPage]:
    """The newest requests to a host."""
    quoted = host.replace("\\", "\\\\").replace('"', '\\"')
    return calls.logs(vault, q=f'host:"{quoted}"', limit=_LOOK_BACK)


def drafted(host: str, port: int, catalog: wire.Catalog, page: wire.LogPage) -> tuple[Draft, int]:
    """The draft, and how many requests it was made from. `port` 0: any."""
    seen = [
        Seen(one.method, one.path.partition("?")[0])
        for one in page.logs
        if one.host == host and port in {0, one.port}
    ]
    return draft_service(host, port, seen, catalog.templates), len(seen)
