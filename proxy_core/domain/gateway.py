"""The gateway: `/<prefix>/…` on the proxy's own port is another way to write an upstream's URL.

What lies behind the prefix is appended to the upstream's base path as it stands, undecoded. What
then happens is decided for the upstream's URL, by the same services and rules as for the proxy.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from proxy_core.base.errors import VaultError
from proxy_core.domain.fields import Fields, invalid, quoted
from proxy_core.domain.hosts import format_authority, split_authority
from proxy_core.domain.service import Gateway, Service
from proxy_core.domain.target import is_plain

MAX_PREFIX = 64
MAX_UPSTREAM = 1024
DEFAULT_PORTS = {"http": 80, "https": 443}
ANTHROPIC_DOMAIN = "anthropic.com"

_URL = re.compile(r"[!\"$->@-\[\]-~]+", re.ASCII)  # nothing invisible, no `?`, `#`, `\`
_PREFIX = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
# A base URL that ends in `/v1` puts it before paths that begin with it, or stand beside it.
_NEEDLESS_V1 = re.compile(r"/v1(?=/(?:v1|api|oauth|managed|\.well-known)(?:/|$))")


def parse_gateway(fields: Fields, host: str, port: int, path: str) -> Gateway | None:
    """The `gateway` field of a service for `host` (normalised, or `*.suffix`), `port` (0: any) and
    the glob `path`.

    Without `upstream`, an exact host is its own. Raises VaultError bad_request.
    """
    if "gateway" not in fields:
        return None
    given = Fields(fields.mapping("gateway"), f"{fields.where}.gateway")
    given.only(("prefix", "upstream"))
    prefix = given.text("prefix")
    if len(prefix) > MAX_PREFIX or not _PREFIX.fullmatch(prefix):
        raise invalid(
            given.where,
            f"prefix {quoted(prefix)} must be 1 to {MAX_PREFIX} characters of a-z, 0-9 and single "
            "hyphens inside",
        )
    upstream = given.get("upstream", str, "")
    if not upstream:
        if host.startswith("*."):
            raise invalid(given.where, f"upstream is required: {host} names more than one host")
        return Gateway(prefix, "https", host, port or DEFAULT_PORTS["https"])
    gateway = _upstream(given.where, prefix, upstream)
    if not _covers(host, port, gateway):
        raise invalid(
            given.where,
            f"upstream {quoted(upstream)} is no host of this service, which is for "
            f"{format_authority(host, port)}",
        )
    if not _meet(path, gateway.base):
        raise invalid(given.where, f"nothing below upstream {quoted(upstream)} fits path {path}")
    return gateway


def gateway_document(gateway: Gateway) -> dict[str, str]:
    """What `parse_gateway` reads, with nothing left to be guessed."""
    return {"prefix": gateway.prefix, "upstream": gateway.upstream}


def split_path(path: str) -> tuple[str, str]:
    """Prefix and what is behind it, which is empty or begins with a slash; `path` does so."""
    prefix, slash, rest = path[1:].partition("/")
    return prefix, slash + rest


def upstream_path(gateway: Gateway, rest: str) -> str:
    """The path to ask the upstream for; `rest` is what stands behind the prefix, undecoded."""
    if is_anthropic(gateway.host):
        rest = without_needless_v1(rest)
    return (gateway.base + rest) or "/"


def without_needless_v1(rest: str) -> str:
    """`/v1/v1/messages` is what a base URL that ends in `/v1` makes of `/v1/messages`."""
    return rest[3:] if _NEEDLESS_V1.match(rest) else rest


def is_anthropic(host: str) -> bool:
    """Whether its clients read Anthropic's envelope of errors."""
    return host == ANTHROPIC_DOMAIN or host.endswith("." + ANTHROPIC_DOMAIN)


def by_prefix(services: Iterable[Service]) -> dict[str, Service]:
    """The services that have a gateway; the first one declared has the prefix."""
    found: dict[str, Service] = {}
    for service in services:
        if service.gateway is not None:
            found.setdefault(service.gateway.prefix, service)
    return found


def check_prefixes(services: Iterable[Service]) -> None:
    """Raise VaultError bad_request when two services have one prefix."""
    holders: dict[str, str] = {}
    for service in services:
        if service.gateway is None:
            continue
        prefix = service.gateway.prefix
        if prefix in holders:
            raise VaultError(
                "bad_request",
                f"gateway prefix {prefix} is that of service {holders[prefix]} already, and "
                f"{service.name} can't have it too",
            )
        holders[prefix] = service.name


def vault_of_host(host: str, domain: str) -> str | None:
    """The vault that `<vault>.<domain>` names; None for any other host. Both are normalised."""
    if not domain or not host.endswith("." + domain):
        return None
    label = host[: -len(domain) - 1]
    return label if "." not in label else None


def _upstream(where: str, prefix: str, url: str) -> Gateway:
    if len(url) > MAX_UPSTREAM:
        raise invalid(where, f"upstream is longer than {MAX_UPSTREAM} characters")
    try:
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS or not _URL.fullmatch(url):
            raise ValueError
        host, port = split_authority(parts.netloc, DEFAULT_PORTS[parts.scheme])
    except (ValueError, VaultError):
        raise invalid(
            where,
            f"upstream {quoted(url)} must be https://host[:port][/path], without a user name, "
            "query or fragment",
        ) from None
    base = parts.path.removesuffix("/")
    if base and not is_plain(base):
        raise invalid(where, f"upstream {quoted(url)} has a path that can be read in several ways")
    return Gateway(prefix, parts.scheme, host, port, base)


def _meet(glob: str, base: str) -> bool:
    """Whether a path below `base` can match, as far as the glob's literal beginning tells."""
    literal, below = glob.partition("*")[0], base + "/"
    return below.startswith(literal) or literal.startswith(below) or literal == base


def _covers(host: str, port: int, gateway: Gateway) -> bool:
    if port not in (0, gateway.port):
        return False
    if host.startswith("*."):
        return gateway.host.partition(".")[2] == host[2:]
    return gateway.host == host
