"""Where a request comes from that reverse proxies have passed on (X-Forwarded-For).

    client, proxy 1, proxy 2        each appends the address that it was called from

Whatever stands to the left of the last reverse proxy that is trusted was sent by somebody who may
have made it up. So it is read from the right: the first address that is no trusted proxy's is the
client's. RFC 7239's Forwarded is not read: a proxy that sets one of the two fields passes on the
other as the client has sent it.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

FIELD = b"x-forwarded-for"


class TrustedProxies:
    """The networks, in CIDR, of reverse proxies that say truly where they were called from."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(map(ip_network, networks))

    def __bool__(self) -> bool:
        return bool(self._networks)

    def client(self, peer: str, fields: Iterable[bytes]) -> str:
        """The client's address: `peer`, unless a trusted proxy's X-Forwarded-For names another.

        `peer` is who has connected; `fields` are the values of that field, in order. One that is
        malformed where it matters leaves the peer's.
        """
        if not self._networks or not self._trusts(peer):
            return peer
        found = ""
        for entry in reversed(b",".join(fields).split(b",")):
            address = _address(entry)
            if address is None:
                return peer
            found = address
            if not self._trusts(found):
                break
        return found

    def _trusts(self, address: str) -> bool:
        known = _address(address.encode())
        if known is None:
            return False
        parsed = ip_address(known)
        return any(parsed in network for network in self._networks)


def _address(entry: bytes) -> str | None:
    """An address as it is compared and shown; some proxies add the port. None: it is none."""
    text = entry.strip(b" \t").decode("latin-1")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if "%" in text:  # a zone means something on its own machine only
        return None
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return str(parsed)
