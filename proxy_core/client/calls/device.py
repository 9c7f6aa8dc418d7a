"""Devices that sign in at the gateway, and the managed settings that they are given."""

from collections.abc import Mapping
from typing import Any

from proxy_core.client.calls.call import Call, in_vault, segment
from proxy_core.domain import wire

_SETTINGS = "/claude-settings"


def device_requests() -> Call[wire.DeviceRequestList]:
    """The devices that wait to be approved."""
    return Call("GET", "/v1/devices/requests", wire.DeviceRequestList)


def approve_device(
    code: str, vault: str = "default", agent: str = "", role: str = "proxy", email: str = ""
) -> Call[wire.DeviceResolved]:
    """Let a device act as an agent in a vault; `agent` empty: a new one."""
    body = wire.ApproveDevice(vault=vault, agent=agent, vault_role=role, email=email)
    path = f"/v1/devices/requests/{segment(code)}/approve"
    return Call("POST", path, wire.DeviceResolved, body=body)


def deny_device(code: str) -> Call[wire.DeviceResolved]:
    """Refuse a device."""
    return Call("POST", f"/v1/devices/requests/{segment(code)}/deny", wire.DeviceResolved)


def devices() -> Call[wire.DeviceList]:
    """The devices that were approved."""
    return Call("GET", "/v1/devices", wire.DeviceList)


def revoke_device(device_id: str) -> Call[wire.Deleted]:
    """End a device's sign-in; its connections end at once."""
    return Call("DELETE", f"/v1/devices/{segment(device_id)}", wire.Deleted)


def claude_settings(vault: str = "default") -> Call[wire.ClaudeSettings]:
    """A vault's managed settings of Claude Code."""
    return Call("GET", in_vault(vault, _SETTINGS), wire.ClaudeSettings)


def put_claude_settings(
    settings: Mapping[str, Any], vault: str = "default"
) -> Call[wire.ClaudeSettings]:
    """Set them."""
    body = wire.PutClaudeSettings(settings=dict(settings))
    return Call("PUT", in_vault(vault, _SETTINGS), wire.ClaudeSettings, body=body)


def delete_claude_settings(vault: str = "default") -> Call[wire.Deleted]:
    """Have none any more."""
    return Call("DELETE", in_vault(vault, _SETTINGS), wire.Deleted)
