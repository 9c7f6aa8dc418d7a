"""Changes to a vault's list of services, as pure functions: a list in, a new list out."""

from collections.abc import Sequence
from dataclasses import replace

from proxy_core.base.errors import VaultError
from proxy_core.base.text import display_safe
from proxy_core.domain.gateway import check_prefixes
from proxy_core.domain.hosts import format_authority
from proxy_core.domain.patterns import parse_pattern
from proxy_core.domain.service import Service


def upsert_services(current: Sequence[Service], changes: Sequence[Service]) -> tuple[Service, ...]:
    """`current` with each change in the place of its namesake, or at the end when it is new.

    Raises VaultError bad_request when two would have one gateway prefix.
    """
    merged = {service.name: service for service in current}
    for service in changes:
        merged[service.name] = service
    check_prefixes(merged.values())
    return tuple(merged.values())


def find_service(current: Sequence[Service], name_or_host: str) -> Service:
    """The service of that name, else the only one of that host or `host[:port][/path]` pattern.

    Raises VaultError not_found, or ambiguous_host with `candidates`: [{name, host}].
    """
    for service in current:
        if service.name == name_or_host:
            return service
    found = _by_pattern(current, name_or_host)
    shown = display_safe(name_or_host, 80)
    if not found:
        raise VaultError("not_found", f"no service is named {shown} or covers that host")
    if len(found) > 1:
        raise VaultError(
            "ambiguous_host",
            f"{shown} is the host of {len(found)} services; use a name",
            {"candidates": [{"name": item.name, "host": item.pattern} for item in found]},
        )
    return found[0]


def _by_pattern(current: Sequence[Service], text: str) -> list[Service]:
    try:
        host, port, path = parse_pattern(text)
    except VaultError:
        return []
    if path:
        wanted = format_authority(host, port) + path
        return [service for service in current if service.pattern == wanted]
    return [service for service in current if service.host == host and port in (0, service.port)]


def remove_service(
    current: Sequence[Service], name_or_host: str
) -> tuple[tuple[Service, ...], Service]:
    """The services that are left, and the removed one. Raises as `find_service`."""
    removed = find_service(current, name_or_host)
    return tuple(service for service in current if service is not removed), removed


def set_enabled(
    current: Sequence[Service], name_or_host: str, enabled: bool
) -> tuple[tuple[Service, ...], Service]:
    """All services, in their order, and the changed one. Raises as `find_service`."""
    chosen = find_service(current, name_or_host)
    changed = replace(chosen, enabled=enabled)
    return tuple(changed if service is chosen else service for service in current), changed
