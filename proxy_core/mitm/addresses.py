"""What an IP address is to the network guard.

An IPv6 address may carry an IPv4 one inside, and a gateway will deliver to that: each address is
judged by itself and by whatever it carries, and the worst verdict counts.
"""

from collections.abc import Iterator
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Reach(IntEnum):
    """From harmless to never; ordered, so that the worst of several is their maximum."""

    PUBLIC = 0
    PRIVATE = 1
    """Not the public Internet's: refused unless an operator has allowed it."""
    METADATA = 2
    """Hands out a cloud machine's credentials: refused always."""


_METADATA = frozenset(
    {
        IPv4Address("169.254.169.254"),  # most clouds
        IPv4Address("100.100.100.200"),  # Alibaba
        IPv4Address("168.63.129.16"),  # Azure's host
        IPv6Address("fd00:ec2::254"),  # AWS
        IPv6Address("fd20:ce::254"),  # Google
    }
)
_PRIVATE_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
# Global unicast is 2000::/3 less these; everything outside it is private, NAT64's prefix excepted.
_GLOBAL_V6 = IPv6Network("2000::/3")
_PRIVATE_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_TEREDO = IPv6Network("2001::/32")
_6TO4 = IPv6Network("2002::/16")
# Prefixes of 96 bits before an IPv4 address: compatible, translated (SIIT), NAT64.
_LOW_32 = (IPv6Network("::/96"), IPv6Network("::ffff:0:0:0/96"), _NAT64)
_ISATAP = (0x00005EFE, 0x02005EFE)


def canonical(address: Address) -> Address:
    """The address itself, or the IPv4 one that an IPv4-mapped address is another spelling of."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def classify(address: Address) -> Reach:
    """The worst verdict on the address and on what it carries."""
    address = canonical(address)
    if address in _METADATA:
        return Reach.METADATA
    if isinstance(address, IPv4Address):
        return Reach.PRIVATE if any(address in net for net in _PRIVATE_V4) else Reach.PUBLIC
    return max(_own_reach(address), *map(classify, _carried(address)), Reach.PUBLIC)


def _own_reach(address: IPv6Address) -> Reach:
    if address in _NAT64:
        return Reach.PUBLIC
    if address not in _GLOBAL_V6 or any(address in net for net in _PRIVATE_V6):
        return Reach.PRIVATE
    return Reach.PUBLIC


def _carried(address: IPv6Address) -> Iterator[IPv4Address]:
    """IPv4 addresses that some gateway would read out of this one."""
    bits = int(address)
    low = bits & 0xFFFFFFFF
    if any(address in net for net in _LOW_32) or (bits >> 32) & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(low)
    if address in _6TO4:
        yield IPv4Address((bits >> 80) & 0xFFFFFFFF)
    if address in _TEREDO:
        yield IPv4Address((bits >> 64) & 0xFFFFFFFF)  # its server
        yield IPv4Address(low ^ 0xFFFFFFFF)  # its client
    if address in _NAT64_LOCAL:
        yield from _translated(bits)


def _translated(bits: int) -> Iterator[IPv4Address]:
    """RFC 6052 2.2: where an IPv4 address stands depends on a prefix length we can't know.

    Bits 64 to 71 are skipped in the shorter prefixes.
    """
    without_u = ((bits >> 64) << 56) | (bits & ((1 << 56) - 1))
    for prefix in (48, 56, 64):
        yield IPv4Address((without_u >> (120 - prefix - 32)) & 0xFFFFFFFF)
    yield IPv4Address(bits & 0xFFFFFFFF)
