"""Which URLs a provider's endpoint may have."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from proxy_core.base.errors import VaultError

MAX_URL = 2048

_VISIBLE = re.compile(r"[!-~]+")


def check_endpoint_url(url: str, where: str, allow_http_loopback: bool = False) -> str:
    """`url`, if it is an https URL with a host and nothing that hides where it leads.

    With `allow_http_loopback`, http passes too where the host is a loopback address or localhost.
    Raises VaultError bad_request that begins with `where`.
    """
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise VaultError("bad_request", f"{where} must be a URL such as https://issuer.example/")
    if "@" in parts.netloc or parts.fragment or "\\" in url:
        raise VaultError("bad_request", f"{where} must hold no user name and no fragment")
    if parts.scheme == "http" and allow_http_loopback and is_loopback(parts.hostname):
        return url
    if parts.scheme != "https":
        raise VaultError("bad_request", f"{where} must begin with https://")
    return url


def is_loopback(host: str) -> bool:
    """Whether the host names this machine: localhost or a loopback address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_URL or _VISIBLE.fullmatch(url) is None:
        return None
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        return parts if parts.port != 0 else None
    except ValueError:
        return None
