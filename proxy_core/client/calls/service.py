"""Services."""

from collections.abc import Mapping, Sequence
from typing import Any

from proxy_core.client.calls.call import Call, given, in_vault, segment
from proxy_core.domain import wire


def services(vault: str = "default") -> Call[wire.ServiceList]:
    """The service documents of a vault."""
    return Call("GET", in_vault(vault, "/services"), wire.ServiceList)


def upsert_services(
    documents: Sequence[Mapping[str, Any]], vault: str = "default"
) -> Call[wire.ServicesUpserted]:
    """Add or replace services by name."""
    body = wire.ServicesRequest(services=[dict(one) for one in documents])
    return Call("POST", in_vault(vault, "/services"), wire.ServicesUpserted, body=body)


def replace_services(
    documents: Sequence[Mapping[str, Any]], vault: str = "default"
) -> Call[wire.ServicesReplaced]:
    """Replace all services of a vault."""
    body = wire.ServicesRequest(services=[dict(one) for one in documents])
    return Call("PUT", in_vault(vault, "/services"), wire.ServicesReplaced, body=body)


def clear_services(vault: str = "default") -> Call[wire.ServicesCleared]:
    """Remove all services of a vault."""
    return Call("DELETE", in_vault(vault, "/services"), wire.ServicesCleared)


def remove_service(name_or_host: str, vault: str = "default") -> Call[wire.ServiceRemoved]:
    """Remove one service, by name or by host pattern."""
    path = in_vault(vault, f"/services/{segment(name_or_host)}")
    return Call("DELETE", path, wire.ServiceRemoved)


def enable_service(
    name_or_host: str, enabled: bool, vault: str = "default"
) -> Call[wire.ServicesUpserted]:
    """Switch a service on or off."""
    path = in_vault(vault, f"/services/{segment(name_or_host)}")
    return Call("PATCH", path, wire.ServicesUpserted, body=wire.ServicePatch(enabled=enabled))


def credential_usage(key: str, vault: str = "default") -> Call[wire.CredentialUsage]:
    """The services that use a credential."""
    path = in_vault(vault, "/services/credential-usage")
    return Call("GET", path, wire.CredentialUsage, given(key=key))


def match_test(url: str, method: str = "GET", vault: str = "default") -> Call[wire.MatchResult]:
    """Which service would win for a request, and why; nothing is sent."""
    body = wire.MatchTest(url=url, method=method)
    return Call("POST", in_vault(vault, "/services/test"), wire.MatchResult, body=body)
