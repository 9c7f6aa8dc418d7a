"""Devices that sign in at the gateway, and the settings that Claude Code is given there."""

from typing import Any, ClassVar

import msgspec

from proxy_core.domain.wire.base import Request, Response


class DeviceRequest(Response):
    """A device that waits to be approved. `code` is what its screen shows; `client` and `address`
    are what it says and where it comes from. `agent`: the name that a new agent would get.
    """

    code: str
    client: str
    address: str
    agent: str
    created_at: str
    expires_at: str
    seconds_left: int


class DeviceRequestList(Response):
    """`GET /v1/devices/requests`, oldest first."""

    requests: list[DeviceRequest]


class ApproveDevice(Request):
    """`POST /v1/devices/requests/{code}/approve`: as which agent it may act, in which vault.

    `agent` empty: a new one, named after `email` or the address. One that exists keeps what it may
    do; a new one gets `vault_role` in the vault. `email`: whose login it is, shown to that person.
    """

    vault: str = "default"
    agent: str = ""
    vault_role: str = "proxy"
    email: str = ""


class DeviceResolved(Response):
    """Answer of approve and deny; `outcome` is approved or denied, `agent` whom it acts as."""

    code: str
    outcome: str
    agent: str = ""
    device: str = ""


class DeviceInfo(Response):
    """A device that was approved. `signed_in`: it has tokens that are not expired."""

    id: str
    agent: str
    vault: str
    email: str
    client: str
    address: str
    created_at: str
    created_by: str
    signed_in: bool


class DeviceList(Response):
    """`GET /v1/devices`, newest first."""

    devices: list[DeviceInfo]


class PutClaudeSettings(Request):
    """`PUT /v1/vaults/{vault}/claude-settings`: Claude Code's managed settings, as it has them."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"settings"})

    settings: dict[str, Any]


class ClaudeSettings(Response):
    """A vault's managed settings; `checksum` changes with them."""

    HIDDEN: ClassVar[frozenset[str]] = frozenset({"settings"})

    vault: str
    uuid: str
    checksum: str
    updated_at: str
    settings: dict[str, Any] = msgspec.field(default_factory=dict)
