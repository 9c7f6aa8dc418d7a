"""What addresses are to the guard."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.mitm.addresses import Reach, canonical, classify

METADATA_V4 = ["169.254.169.254", "100.100.100.200", "168.63.129.16"]


def spellings(text: str) -> list[str]:
    """IPv6 addresses by which some gateway or kernel reaches an IPv4 address."""
    number = int(IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    parts = [number >> 24, number >> 16 & 255, number >> 8 & 255, number & 255]
    flipped = number ^ 0xFFFFFFFF
    return [
        f"::ffff:{text}",
        f"::{text}",
        f"::ffff:0:{text}",
        f"64:ff9b::{text}",
        f"64:ff9b:1::{text}",
        f"64:ff9b:1:{high:x}:{parts[2]:x}:{parts[3]:02x}00::",
        f"64:ff9b:1:{parts[0]:x}:{parts[1]:x}:{parts[2]:02x}{parts[3]:02x}::",
        f"64:ff9b:1:0:{parts[0]:x}:{parts[1]:02x}{parts[2]:02x}:{parts[3]:02x}00:0",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:{high:x}:{low:x}:0:0:ffff:ffff",
        f"2001:0:4136:e378:8000:63bf:{flipped >> 16:x}:{flipped & 0xFFFF:x}",
        f"fe80::5efe:{text}",
        f"2607:f8b0::200:5efe:{text}",
    ]


@pytest.mark.parametrize(
    "address",
    [
        *METADATA_V4,
        "fd00:ec2::254",
        "fd20:ce::254",
        "fd00:0ec2:0:0:0:0:0:254",
        *(spelling for text in METADATA_V4 for spelling in spellings(text)),
    ],
)
def test_metadata_in_every_spelling(address: str) -> None:
    """Nothing reaches a cloud's metadata service, whatever it is wrapped in."""
    assert classify(ip_address(address)) is Reach.METADATA


@pytest.mark.parametrize("spelling", spellings("10.1.2.3") + spellings("127.0.0.1"))
def test_private_in_every_spelling(spelling: str) -> None:
    """An address that carries a private one is private."""
    assert classify(ip_address(spelling)) is Reach.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "64:ff9b:1::808:808",
        "100::1",
        "1::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_private_ranges(address: str) -> None:
    """Everything that is not the public Internet, first and last addresses included."""
    assert classify(ip_address(address)) is Reach.PRIVATE


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:4860:4860::8888",
        "2002:808:808::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ],
)
def test_public_addresses(address: str) -> None:
    """The neighbours of private ranges are public, and so is NAT64 to a public address."""
    assert classify(ip_address(address)) is Reach.PUBLIC


def test_canonical_undoes_mapping_only() -> None:
    """An IPv4-mapped address is its IPv4 address; others stay."""
    assert canonical(IPv6Address("::ffff:1.2.3.4")) == IPv4Address("1.2.3.4")
    assert canonical(IPv6Address("64:ff9b::1.2.3.4")) == IPv6Address("64:ff9b::1.2.3.4")


@given(st.ip_addresses(v=4))
def test_no_wrapping_improves_an_address(address: IPv4Address) -> None:
    """Whatever an IPv4 address is wrapped in, the verdict gets no milder."""
    for spelling in spellings(str(address)):
        assert classify(IPv6Address(spelling)) >= classify(address)
