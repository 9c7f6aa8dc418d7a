"""Names of hosts that deserve a second look."""

from collections.abc import Iterator

from proxy_core.domain.hosts import is_address
from proxy_core.domain.proposals.resemblance import is_international, resembled


def strange_names(host: str, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Code and sentence of what is odd about `host`; `known` are hosts that are in use."""
    if is_address(host):
        yield "address", f"{host} is an IP address: nothing says whose it is."
    elif is_international(host):
        yield (
            "international_name",
            (f"{host} holds letters beyond ASCII, which can look like others."),
        )
    if other := resembled(host, known):
        yield "resembles", f"{host} resembles {other}, and is not part of it."
