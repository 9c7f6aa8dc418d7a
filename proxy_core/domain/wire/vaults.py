"""Vaults and their settings."""

from proxy_core.domain.wire.base import Request, Response


class VaultName(Request):
    """`POST /v1/vaults`, `POST /v1/vaults/{v}/rename`."""

    name: str


class Vault(Response):
    """One vault. `source` is the kind of the external store that backs it, or empty;
    `source_state` how reading that goes: see `SourceInfo`.
    """

    id: str
    name: str
    created_at: str
    unmatched_host_policy: str = "passthrough"
    services_count: int = 0
    credentials_count: int = 0
    source: str = ""
    source_state: str = ""


class VaultList(Response):
    """`GET /v1/vaults`."""

    vaults: list[Vault]


class VaultDeleted(Response):
    """`DELETE /v1/vaults/{v}`."""

    name: str
    deleted: bool = True


class VaultSettings(Request):
    """`GET|PATCH /v1/vaults/{v}/settings`."""

    unmatched_host_policy: str
