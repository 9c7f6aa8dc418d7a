"""The worker itself: its state, its settings, what it offers."""

from collections.abc import Mapping
from typing import Any

from proxy_core.client.calls.call import Call, given
from proxy_core.domain import wire


def health() -> Call[wire.Health]:
    """Whether the worker serves at all."""
    return Call("GET", "/health", wire.Health)


def status() -> Call[wire.Status]:
    """The worker's state; served while sealed."""
    return Call("GET", "/v1/status", wire.Status)


def ca_pem() -> Call[str]:
    """The CA certificate that agents have to trust, in PEM."""
    return Call("GET", "/v1/mitm/ca.pem", str)


def service_catalog() -> Call[wire.Catalog]:
    """Ready-made service documents."""
    return Call("GET", "/v1/service-catalog", wire.Catalog)


def discover(vault: str = "") -> Call[wire.Discovery]:
    """What an agent may know of a vault; `vault` is needed with several."""
    return Call("GET", "/discover", wire.Discovery, given(vault=vault))


def settings() -> Call[wire.SettingList]:
    """Every setting with its default and meaning."""
    return Call("GET", "/v1/admin/settings", wire.SettingList)


def change_settings(changes: Mapping[str, Any]) -> Call[wire.SettingList]:
    """Change the settings named, all or none; effective at once."""
    body = wire.SettingsChange(settings=dict(changes))
    return Call("PATCH", "/v1/admin/settings", wire.SettingList, body=body)
