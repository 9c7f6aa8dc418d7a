"""Host names in one spelling, so that two of them are equal exactly when they mean the same.

Normalised: lower case, IDNA (UTS 46) as A-labels, no trailing dot, IPv6 compressed and without
brackets, IPv4 as four decimal numbers. What has several readings (`127.1`, `0x7f.0.0.1`, zone ids,
user names) is refused rather than guessed. Every failure is VaultError bad_request.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe

MAX_HOST = 253
_SHOWN = 80

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# A last label that a resolver could take for a number makes the whole name an IPv4 address.
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
_PATTERN_MIN_LABELS = 2


def normalize_host(host: str) -> str:
    """The one spelling of `host`. Normalising twice changes nothing.

    Raises VaultError bad_request.
    """
    # An oversized name must not occupy the cache.
    if len(host) > 4 * MAX_HOST:
        raise VaultError("bad_request", f"host is longer than {MAX_HOST} characters")
    return _normalize(host)


@lru_cache(maxsize=4096)
def _normalize(host: str) -> str:
    if ":" in host or host.startswith("["):
        return _normalize_ipv6(host)
    name = (host if host.isascii() else _to_ascii(host)).lower().removesuffix(".")
    if len(name) > MAX_HOST or not _NAME.fullmatch(name):
        raise _refused(host, "is not a host name")
    if _NUMERIC_END.fullmatch(name):
        return _normalize_ipv4(host, name)
    return name


def _to_ascii(host: str) -> str:
    # Loading idna's tables costs some 20 ms, and most processes never meet such a name.
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise _refused(host, "is not a valid international host name") from None


def _normalize_ipv4(host: str, name: str) -> str:
    try:
        return str(IPv4Address(name))
    except AddressValueError:
        raise _refused(host, "is not an IPv4 address of four plain decimal numbers") from None


def _normalize_ipv6(host: str) -> str:
    inner = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if "%" in inner:
        raise _refused(host, "has a zone id")
    try:
        return IPv6Address(inner).compressed
    except AddressValueError:
        raise _refused(host, "is not an IPv6 address") from None


def split_authority(authority: str, default_port: int | None = None) -> tuple[str, int]:
    """`host[:port]` as (normalised host, port). `default_port` None: a port must be given.

    IPv6 needs brackets here. Raises VaultError bad_request.
    """
    host, port = split_port(authority)
    if port is None:
        port = default_port
    if port is None:
        raise _refused(authority, "has no port")
    return normalize_host(host), port


def split_port(authority: str) -> tuple[str, int | None]:
    """`host[:port]` taken apart; the host is left as it stands. Raises VaultError bad_request."""
    if authority.startswith("["):
        host, bracket, rest = authority.partition("]")
        host += bracket
        if rest and not rest.startswith(":"):
            raise _refused(authority, "has something other than a port after the brackets")
    else:
        host, colon, number = authority.partition(":")
        rest = colon + number
        if ":" in number:
            raise _refused(authority, "has several colons; IPv6 addresses take brackets")
    return host, parse_port(rest[1:]) if rest else None


def parse_port(text: str) -> int:
    """1 to 65535 in plain decimal digits. Raises VaultError bad_request."""
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise _refused(text, "is not a port from 1 to 65535")
    return int(text)


def format_authority(host: str, port: int, default_port: int = 0) -> str:
    """`host:port`, IPv6 in brackets; the port is left out when it is `default_port`."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port == default_port else f"{shown}:{port}"


def normalize_host_pattern(pattern: str) -> str:
    """A host, or `*.suffix` where `*` stands for one label. Raises VaultError bad_request.

    The suffix needs at least two labels, so that no pattern covers all of a top-level domain.
    """
    if "*" not in pattern:
        return normalize_host(pattern)
    if pattern == "*":
        raise _refused(pattern, "would match every host; name the host")
    star, _, suffix = pattern.partition(".")
    if star != "*" or "*" in suffix:
        raise _refused(pattern, "may hold one `*`, as its whole first label: *.example.com")
    suffix = normalize_host(suffix)
    if is_address(suffix):
        raise _refused(pattern, "is a wildcard over addresses; name the address")
    if suffix.count(".") + 1 < _PATTERN_MIN_LABELS:
        raise _refused(pattern, "needs at least two labels after `*.`: *.example.com")
    return f"*.{suffix}"


def is_address(host: str) -> bool:
    """Whether a normalised host is an IP address rather than a name."""
    return ":" in host or (host[-1:].isdigit() and _NUMERIC_END.fullmatch(host) is not None)


def _refused(text: str, why: str) -> VaultError:
    return VaultError("bad_request", f"host {display_safe(repr(text), _SHOWN)} {why}")
