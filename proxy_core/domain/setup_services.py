"""Which service of a vault serves a base URL, and what has to be changed so that one does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proxy_core.base.errors import VaultError
from proxy_core.domain.gateway import by_prefix
from proxy_core.domain.matching import ServiceIndex
from proxy_core.domain.patterns import auto_name
from proxy_core.domain.service_document import parse_services, service_document


@dataclass(frozen=True, slots=True)
class GatewayWanted:
    """`document` is the service to be added where no other covers `path` of its host; `prefix` the
    one to be given to a service that has none.
    """

    document: Mapping[str, Any]
    prefix: str
    path: str

    @property
    def host(self) -> str:
        """The upstream's exact name."""
        return str(self.document["host"])


ANTHROPIC_PREFIX = "anthropic"
OPENAI_GATEWAY = GatewayWanted(
    {
        "name": "openai",
        "host": "api.openai.com",
        "auth": {"type": "bearer", "token": "OPENAI_API_KEY"},
    },
    "openai",
    "/v1/responses",
)


def gateway_for(
    wanted: GatewayWanted, documents: Iterable[Mapping[str, Any]]
) -> tuple[str, dict[str, Any] | None]:
    """The prefix that leads to the host, and the service to be added or replaced for it, if any.

    A gateway that leads there already is used, whatever its prefix. Raises VaultError conflict
    when the prefix is taken by another host's.
    """
    present = parse_services(documents)
    prefixes = by_prefix(present)
    for prefix, service in prefixes.items():
        gateway = service.gateway
        if gateway and (gateway.host, gateway.port, gateway.base) == (wanted.host, 443, ""):
            return prefix, None
    if wanted.prefix in prefixes:
        raise VaultError(
            "conflict",
            f"Gateway prefix {wanted.prefix} is that of service {prefixes[wanted.prefix].name}, "
            "which leads elsewhere.",
            {"help": "Give that service another prefix: `vault-tui service add` replaces it."},
        )
    found = ServiceIndex(present).match(wanted.host, 443, wanted.path)
    leads = {"gateway": {"prefix": wanted.prefix, "upstream": f"https://{wanted.host}"}}
    if found is None:
        return wanted.prefix, _named(wanted, {one.name for one in present}) | leads
    if found.gateway is not None:  # its own leads to another path or host
        raise VaultError(
            "conflict",
            f"Service {found.name} has gateway prefix {found.gateway.prefix} already, which does "
            f"not lead to https://{wanted.host}.",
        )
    return wanted.prefix, service_document(found) | leads


def missing_service(
    wanted: GatewayWanted, documents: Iterable[Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The service to be added so that the host has one; None when it has."""
    present = parse_services(documents)
    if ServiceIndex(present).match(wanted.host, 443, wanted.path) is not None:
        return None
    return _named(wanted, {one.name for one in present})


def _named(wanted: GatewayWanted, taken: set[str]) -> dict[str, Any]:
    """With a name made from its host, where its own is another's."""
    name = str(wanted.document["name"])
    if name in taken:
        name = auto_name(wanted.host, "", taken)
    return {**wanted.document, "name": name}
