"""Host names in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy_core.base.errors import VaultError
from proxy_core.domain import hosts
from tests.domain.samples import refused


@pytest.mark.parametrize(
    ("given_host", "normal"),
    [
        ("API.GitHub.com", "api.github.com"),
        ("api.github.com.", "api.github.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("\u0430pple.com", "xn--pple-43d.com"),
        ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
        ("exämple。com", "xn--exmple-cua.com"),
        ("my_bucket.s3.example.com", "my_bucket.s3.example.com"),
        ("r3---sn-x.example.com", "r3---sn-x.example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("\uff11\uff19\uff12.\uff10.\uff12.\uff11", "192.0.2.1"),
        ("[2001:DB8::0:1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("localhost", "localhost"),
    ],
)
def test_spellings_of_a_host_become_one(given_host: str, normal: str) -> None:
    """Case, trailing dot, IDNA and brackets make no difference."""
    assert hosts.normalize_host(given_host) == normal
    assert hosts.normalize_host(normal) == normal


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "a..b",
        "-a.com",
        "a-.com",
        "a b.com",
        "a/b",
        "a@b.com",
        "a%2eb",
        "a\x00b",
        "x" * 64,
        "127.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "\uff11\uff12\uff17.1",
        "١٢٧.0.0.1",
        "1.2.3",
        "x.1",
        "[::1",
        "::1]",
        "[fe80::1%eth0]",
        "[127.0.0.1]",
        ":::",
        "a." * 127 + "com",
        "é" * 300,
        "*.example.com",
        "www.exa\u202emple.com",
    ],
)
def test_what_has_several_readings_or_none_is_refused(host: str) -> None:
    """Odd IPv4 spellings above all: a resolver would read them, a rule would not."""
    with pytest.raises(VaultError) as caught:
        hosts.normalize_host(host)
    assert caught.value.code == "bad_request"


@given(st.text(max_size=80))
def test_normalising_is_total_and_stable(text: str) -> None:
    """Any text either is refused with bad_request or has a normal form that stays as it is."""
    error = refused(lambda: hosts.normalize_host(text))
    if error:
        assert error.code == "bad_request"
        assert error.detail.isprintable()
    else:
        normal = hosts.normalize_host(text)
        assert hosts.normalize_host(normal) == normal
        assert normal.isascii()
        assert normal == normal.lower()


@pytest.mark.parametrize(
    ("authority", "default", "parts"),
    [
        ("Example.com:8443", 443, ("example.com", 8443)),
        ("example.com", 443, ("example.com", 443)),
        ("[::1]:80", None, ("::1", 80)),
        ("[::1]", 443, ("::1", 443)),
    ],
)
def test_an_authority_is_host_and_port(
    authority: str, default: int | None, parts: tuple[str, int]
) -> None:
    """IPv6 needs brackets; a missing port takes the default."""
    assert hosts.split_authority(authority, default) == parts


@pytest.mark.parametrize(
    "authority",
    [
        "example.com",
        "example.com:",
        "example.com:0",
        "example.com:65536",
        "example.com:080",
        "example.com:+80",
        "example.com: 80",
        "example.com:٣",
        "::1:80",
        "[::1]80",
        "u@h:80",
        ":80",
    ],
)
def test_an_authority_without_a_plain_port_is_refused(authority: str) -> None:
    """CONNECT needs a port of 1 to 65535 in decimal digits."""
    with pytest.raises(VaultError, match="host"):
        hosts.split_authority(authority)


def test_an_authority_is_written_with_brackets_and_without_the_default_port() -> None:
    """The inverse of reading it."""
    assert hosts.format_authority("::1", 443) == "[::1]:443"
    assert hosts.format_authority("a.example", 443, 443) == "a.example"


@pytest.mark.parametrize(
    "pattern", ["*", "*.com", "*.", "a.*.com", "**.a.com", "*a.b.com", "*.*.a.b"]
)
def test_wildcards_are_one_whole_label_over_two_or_more(pattern: str) -> None:
    """No pattern covers a top-level domain, or half a label."""
    with pytest.raises(VaultError):
        hosts.normalize_host_pattern(pattern)


def test_wildcards_are_normalised_and_not_for_addresses() -> None:
    """The suffix follows the rules of hosts."""
    assert hosts.normalize_host_pattern("*.Example.COM.") == "*.example.com"
    with pytest.raises(VaultError, match="addresses"):
        hosts.normalize_host_pattern("*.192.0.2.1")
