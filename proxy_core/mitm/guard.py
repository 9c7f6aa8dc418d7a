"""The network guard: resolve once, check every address, dial what was checked.

Rules
- Cloud metadata is refused always, in every spelling, however it was reached.
- What is not the public Internet is refused, unless its network is allow-listed, private networks
  are allowed altogether, or an operator named the destination in connect-to.
- A host that looks like a number but is no plain dotted quad is refused unresolved: readers differ
  on what `0177.1` or `2130706433` means.
- A name is resolved once; callers dial the addresses returned, so that a second answer of the DNS
  can't lead elsewhere. Answers may be cached for seconds; the check is made afresh each time.
"""

import asyncio
import re
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from proxy_core.base.errors import VaultError
from proxy_core.mitm.addresses import Address, Network, Reach, canonical, classify
from proxy_core.mitm.connect_to import ConnectToTable, Destination

DNS_TIMEOUT = 5.0
CACHE_SECONDS = 5.0
CACHE_SIZE = 512
MAX_ADDRESSES = 16

Resolver = Callable[[str], Awaitable[list[str]]]

_QUAD = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,62})(?:\.[a-z0-9_][a-z0-9_\-]{0,62})*")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that may be dialled; `address` is in canonical text, never a name."""

    address: str
    port: int
    family: socket.AddressFamily


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: list[str]
    good_until: float


class Guard:
    """Turns a host and port into addresses that may be dialled."""

    def __init__(
        self,
        allow_private: bool = False,
        allow_cidrs: Iterable[str | Network] = (),
        connect_to: ConnectToTable | None = None,
        resolver: Resolver | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.connect_to = connect_to or ConnectToTable()
        self._resolver = resolver or _system_resolver
        self._monotonic = monotonic
        self._cache: OrderedDict[str, _Answer] = OrderedDict()
        self._asking: dict[str, asyncio.Task[list[str]]] = {}
        self.allow(allow_private, allow_cidrs)

    def allow(self, private: bool, cidrs: Iterable[str | Network]) -> None:
        """Set what is allowed beyond the public Internet; counts from the next connection on.

        Raises VaultError bad_request for a CIDR that is none.
        """
        self._allowed = tuple(map(_network, cidrs))
        self._private = private

    async def resolve(self, host: str, port: int) -> list[Endpoint]:
        """Endpoints for `host` and `port`, in the order to try them; never empty.

        Raises VaultError: address_blocked, upstream_unreachable.
        """
        destination = self.connect_to.destination(host, port)
        literal = literal_address(destination.host)
        if literal is not None:
            found: list[Address] = [literal]
        else:
            texts = await self._ask(destination.host)
            found = list(dict.fromkeys(canonical(_parsed(text)) for text in texts))
        allowed = [address for address in found if self._allows(address, destination)]
        if not allowed:
            raise VaultError("address_blocked", f"the network guard refuses the address of {host}")
        return [_endpoint(address, destination.port) for address in allowed[:MAX_ADDRESSES]]

    def _allows(self, address: Address, destination: Destination) -> bool:
        reach = classify(address)
        if reach is not Reach.PRIVATE:
            return reach is Reach.PUBLIC
        return (
            self._private
            or destination.named
            or any(address in network for network in self._allowed)
        )

    async def _ask(self, name: str) -> list[str]:
        """The name's addresses, from the cache, from a question under way, or asked now."""
        cached = self._cache.get(name)
        if cached is not None and self._monotonic() < cached.good_until:
            return cached.addresses
        task = self._asking.get(name)
        if task is None:
            task = asyncio.create_task(self._lookup(name))
            self._asking[name] = task
            task.add_done_callback(lambda done: self._answered(name, done))
        # One client that leaves must not take the answer from the others who wait for it.
        return await asyncio.shield(task)

    def _answered(self, name: str, task: "asyncio.Task[list[str]]") -> None:
        del self._asking[name]
        if not task.cancelled():
            task.exception()  # seen, even if everyone who asked has left

    async def _lookup(self, name: str) -> list[str]:
        try:
            async with asyncio.timeout(DNS_TIMEOUT):
                addresses = await self._resolver(name)
        except (OSError, UnicodeError, TimeoutError):
            raise VaultError("upstream_unreachable", f"the name {name} can't be resolved") from None
        if not addresses:
            raise VaultError("upstream_unreachable", f"the name {name} has no address")
        self._cache[name] = _Answer(addresses, self._monotonic() + CACHE_SECONDS)
        self._cache.move_to_end(name)
        if len(self._cache) > CACHE_SIZE:
            self._cache.popitem(last=False)
        return addresses


def literal_address(host: str) -> Address | None:
    """The address that `host` spells out (brackets or not); None for a name.

    Raises VaultError address_blocked for what is neither: odd number forms, zones, blanks,
    characters that a resolver might take for others.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare:
        return _literal_v6(bare)
    bare = bare.lower().removesuffix(".")
    if _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return _literal_v4(bare)
    if _NAME.fullmatch(bare) is None or len(bare) > 253 or bare != host.lower().removesuffix("."):
        raise _odd()
    return None


def _literal_v6(text: str) -> IPv6Address | IPv4Address:
    try:
        address = IPv6Address(text)
    except ValueError:
        raise _odd() from None
    if address.scope_id is not None:
        raise _odd()
    return address.ipv4_mapped or address


def _literal_v4(text: str) -> IPv4Address:
    if _QUAD.fullmatch(text) is None:
        raise _odd()
    try:
        return IPv4Address(text)
    except ValueError:
        raise _odd() from None


def _odd() -> VaultError:
    return VaultError("address_blocked", "the host is neither a name nor a plain address")


def _parsed(text: str) -> Address:
    return ip_address(text.partition("%")[0])


def _endpoint(address: Address, port: int) -> Endpoint:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return Endpoint(str(address), port, family)


def _network(cidr: str | Network) -> Network:
    if not isinstance(cidr, str):
        return cidr
    try:
        return ip_network(cidr, strict=False)
    except ValueError:
        raise VaultError("bad_request", "a network is written like 10.0.0.0/8") from None


async def _system_resolver(name: str) -> list[str]:
    """Ask the system. In the executor, as `getaddrinfo` blocks. Raises OSError, UnicodeError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [str(address[0]) for *_, address in found]
