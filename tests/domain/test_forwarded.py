"""Which address is the client's behind reverse proxies, and who cannot say so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.domain.forwarded import TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "fields", "client"),
    [
        ("10.0.0.1", [b"192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [b"192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        ("10.0.0.1", [b"192.0.2.7", b"10.0.0.2"], "192.0.2.7"),
        ("10.0.0.1", [b"203.0.113.9, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [b"203.0.113.9", b"192.0.2.7,10.0.0.2"], "192.0.2.7"),
        ("10.0.0.1", [b"10.9.9.9, 10.0.0.2"], "10.9.9.9"),
        ("fd00::1", [b"2001:db8::7"], "2001:db8::7"),
        ("::ffff:10.0.0.1", [b"::ffff:192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [b"192.0.2.7:4711"], "192.0.2.7"),
        ("10.0.0.1", [b"[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", [b"nonsense, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"192.0.2.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [b"192.0.2.7, unknown, 10.0.0.2"], "10.0.0.1"),
        ("10.0.0.1", [b"192.0.2.7,"], "10.0.0.1"),
        ("10.0.0.1", [b"fe80::1%\x1b[31m"], "10.0.0.1"),
        ("10.0.0.1", [b"1.2.3"], "10.0.0.1"),
        ("192.0.2.1", [b"203.0.113.9"], "192.0.2.1"),
        ("192.0.2.1", [b"203.0.113.9, 10.0.0.1"], "192.0.2.1"),
        ("", [b"203.0.113.9"], ""),
    ],
)
def test_whose_address_it_is(peer: str, fields: list[bytes], client: str) -> None:
    """The right-most that no trusted proxy has; a stranger's word, or half a one, is nothing."""
    assert PROXIES.client(peer, fields) == client


def test_nobody_is_trusted_by_default() -> None:
    """Then the field means nothing."""
    assert not TrustedProxies()
    assert TrustedProxies().client("127.0.0.1", [b"203.0.113.9"]) == "127.0.0.1"


@given(st.binary(max_size=60))
def test_what_the_client_sends_changes_nothing(sent: bytes) -> None:
    """The proxy appends where it was called from: whatever stood there before, that counts."""
    fields = [sent, b"192.0.2.7"]
    assert PROXIES.client("10.0.0.1", fields) == "192.0.2.7"
    assert PROXIES.client("10.0.0.1", [b",".join(fields)]) == "192.0.2.7"
