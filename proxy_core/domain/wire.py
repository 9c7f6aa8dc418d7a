"""Bodies of the HTTP API, one struct each: shared by the worker's routes and the clients.

Names are a public contract. Times are RFC 3339 strings in UTC; ids are strings unless said.
Unknown fields in requests are refused, so that a typing error is never silently ignored.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from proxy_core.domain.traffic import RequestRecord

_SECRET_FIELDS = frozenset({"secret", "token", "av_agent_token", "value"})


class Request(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of what clients send. Its repr shows no secret."""

    def __repr__(self) -> str:
        return _discreet(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(_shown(self))


class Response(msgspec.Struct, kw_only=True):
    """Base of what the worker answers. Its repr shows no secret."""

    def __repr__(self) -> str:
        return _discreet(self)

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(_shown(self))


def _discreet(struct: msgspec.Struct) -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in _shown(struct))
    return f"{type(struct).__name__}({fields})"


def _shown(struct: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Fields as they may stand in a traceback; names of credentials, never their values."""
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if name in _SECRET_FIELDS and value:
            yield name, "…"
        elif name == "credentials" and isinstance(value, dict):
            yield name, dict.fromkeys(value, "…")
        else:
            yield name, value


# --- status ---------------------------------------------------------------------------------


class Health(Response):
    """`GET /health`."""

    status: str


class Status(Response):
    """`GET /v1/status`. `slots` are kinds (keyring, password, keyfile); `uptime` is in seconds."""

    initialized: bool
    sealed: bool
    version: str
    api: str
    proxy: str
    socket: str
    pid: int
    uptime: float
    streams: int
    connections: int
    pending_proposals: int
    holds: int
    log_dropped: int
    slots: list[str]
    database: str
    """`sqlite` or `postgresql`; never a URL."""
    problems: list[str]
    """One sentence each, for example a log that cannot be written."""
    operator: bool = False
    """Whether the asking peer holds an operator session."""
    keyring_problem: str = ""
    """Before the first run: why no keyring slot can be made here, one sentence; else empty."""


# --- sealing --------------------------------------------------------------------------------


class InitRequest(Request):
    """`POST /v1/init`: the first key slot.

    `secret` is the password; a keyring or key file slot makes its own key. `path` is where the
    worker writes a new key file (absolute).
    """

    slot: str
    secret: str = ""
    label: str = ""
    path: str = ""


class KeyProof(Request):
    """`POST /v1/unseal` and `POST /v1/unlock`: proves one slot.

    `secret` is the password, or the key in base64. Empty for a keyring or key file: the worker
    fetches the key itself, for processes of its own user only.
    """

    slot: str
    secret: str = ""


class Sealed(Response):
    """Answer of seal, unseal and init."""

    sealed: bool


class OperatorSession(Response):
    """`POST /v1/unlock`: an operator session of the caller's terminal, and a token for scripts."""

    token: str
    expires_at: str


class Locked(Response):
    """Answer of `POST /v1/lock`."""

    locked: bool = True


class SlotInfo(Response):
    """A key slot: what it is, never what opens it."""

    id: str
    kind: str
    label: str
    created_at: str


class SlotList(Response):
    """`GET /v1/seal/slots`."""

    slots: list[SlotInfo]


# --- vaults ---------------------------------------------------------------------------------


class VaultName(Request):
    """`POST /v1/vaults`, `POST /v1/vaults/{v}/rename`."""

    name: str


class Vault(Response):
    """One vault."""

    id: str
    name: str
    created_at: str
    unmatched_host_policy: str = "passthrough"
    services_count: int = 0
    credentials_count: int = 0


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


# --- credentials ----------------------------------------------------------------------------


class CredentialInfo(Response, omit_defaults=True):
    """One credential. `value` only when revealed. `last_used_at` as the worker remembers it."""

    key: str
    type: str
    version: int = msgspec.field(default=0)
    created_at: str = ""
    updated_at: str = ""
    last_used_at: str = ""
    used_by: list[str] = []
    state: str = "ok"
    """`ok`, or `unreadable`: the ciphertext fails authentication."""
    value: str | None = None


class CredentialList(Response):
    """`GET /v1/credentials`. Proxy role: `keys` alone."""

    keys: list[str]
    credentials: list[CredentialInfo] | None = None


class SetCredentials(Request):
    """`POST /v1/credentials`."""

    credentials: dict[str, str]
    vault: str = "default"


class CredentialsSet(Response):
    """Answer of SetCredentials."""

    set: list[str]


class DeleteCredentials(Request):
    """`DELETE /v1/credentials`."""

    keys: list[str]
    vault: str = "default"


class CredentialsDeleted(Response):
    """Answer of DeleteCredentials."""

    deleted: list[str]


class CredentialVersion(Response):
    """An old or the current value's metadata."""

    version: int
    created_at: str
    current: bool


class CredentialHistory(Response):
    """`GET /v1/credentials/{key}/versions?vault`, newest first."""

    key: str
    versions: list[CredentialVersion]


class RestoreCredential(Request):
    """`POST /v1/credentials/{key}/restore`: an old value becomes a new version."""

    version: int
    vault: str = "default"


# --- services -------------------------------------------------------------------------------


class ServiceName(Response):
    """What agents may know of a service."""

    name: str
    host: str


class ServiceList(Response):
    """`GET /v1/vaults/{v}/services`: service documents, with `hits` and `last_hit_at`."""

    vault: str
    services: list[dict[str, Any]]


class ServicesRequest(Request):
    """`POST` (upsert by name) and `PUT` (replace): documents as in `service_document`."""

    services: list[dict[str, Any]]


class ServicesUpserted(Response):
    """Answer of the upsert."""

    vault: str
    upserted: list[str]
    services_count: int


class ServicesReplaced(Response):
    """Answer of the replacement."""

    vault: str
    services_count: int


class ServicesCleared(Response):
    """`DELETE /v1/vaults/{v}/services`."""

    vault: str
    cleared: bool = True


class ServiceRemoved(Response):
    """`DELETE /v1/vaults/{v}/services/{name|host}`."""

    vault: str
    removed: str
    removed_host: str
    services_count: int


class ServicePatch(Request):
    """`PATCH /v1/vaults/{v}/services/{name|host}`."""

    enabled: bool


class CredentialUsage(Response):
    """`GET /v1/vaults/{v}/services/credential-usage?key`."""

    services: list[ServiceName]


class MatchTest(Request):
    """`POST /v1/vaults/{v}/services/test`."""

    url: str
    method: str = "GET"


class MatchCandidate(Response):
    """A service that was looked at, and why it won or lost."""

    name: str
    host: str
    matched: bool
    reason: str


class MatchResult(Response):
    """`decision` as in RequestRecord; `error_code` is what the agent would be answered."""

    decision: str
    reason: str
    service: str | None
    host: str
    path: str
    credential_keys: list[str]
    missing_credentials: list[str]
    error_code: str | None
    candidates: list[MatchCandidate]


class Template(Response):
    """One row of the service catalog: a ready service document and how to get its key."""

    id: str
    name: str
    category: str
    description: str
    service: dict[str, Any]
    obtain: str
    keys: list[str]


class Catalog(Response):
    """`GET /v1/service-catalog`."""

    templates: list[Template]


class Discovery(Response):
    """`GET /discover`."""

    vault: str
    services: list[ServiceName]
    available_credentials: list[str]


# --- sessions and agents ----------------------------------------------------------------------


class CreateSession(Request):
    """`POST /v1/sessions`. `run_pid`: the process whose descendants the control socket refuses."""

    vault: str
    ttl_seconds: int = 86400
    label: str = ""
    run_pid: int | None = None


class SessionCreated(Response):
    """The token is shown this once."""

    id: str
    token: str
    expires_at: str
    av_addr: str


class SessionInfo(Response):
    """One scoped session."""

    id: str
    vault: str
    label: str
    created_at: str
    expires_at: str
    last_used_at: str


class SessionList(Response):
    """`GET /v1/sessions?vault`."""

    sessions: list[SessionInfo]


class AgentVault(Request):
    """A grant: the agent may use this vault with this role (proxy, member, admin)."""

    vault_name: str
    vault_role: str = "proxy"


class CreateAgent(Request):
    """`POST /v1/agents`. No `ttl_seconds`: the token does not expire."""

    name: str
    role: str = "no-access"
    vaults: list[AgentVault] = []
    ttl_seconds: int | None = None


class RotateAgent(Request):
    """`POST …/rotate`; the body may be missing. No `ttl_seconds`: the expiry stays as it is."""

    ttl_seconds: int | None = None


class AgentCreated(Response):
    """Also the answer of a rotation. The token is shown this once."""

    av_agent_token: str
    name: str
    role: str
    vaults: list[AgentVault]
    created_at: str
    expires_at: str | None = None


class AgentInfo(Response):
    """One agent."""

    id: str
    name: str
    role: str
    vaults: list[AgentVault]
    created_at: str
    expires_at: str | None
    last_seen_at: str
    connections: int


class AgentList(Response):
    """`GET /v1/agents`."""

    agents: list[AgentInfo]


class Rename(Request):
    """`POST …/rename`."""

    name: str


class Deleted(Response):
    """Answer of deletions that have nothing else to say."""

    name: str
    deleted: bool = True


# --- logs and settings -------------------------------------------------------------------------


class LogPage(Response):
    """`GET /v1/vaults/{v}/logs`, newest first. `next_cursor` null: no older rows."""

    logs: list[RequestRecord]
    next_cursor: str | None
    latest_id: int


class DiscoveredHost(Response):
    """A host that was seen without a service."""

    host: str
    port: int
    requests: int
    last_seen_at: str


class DiscoveredHosts(Response):
    """`GET /v1/vaults/{v}/discovered-hosts`."""

    hosts: list[DiscoveredHost]
    total: int


class Setting(Response):
    """One setting of the worker: its value, default, and meaning."""

    name: str
    value: Any
    default: Any
    description: str


class SettingList(Response):
    """`GET /v1/admin/settings`."""

    settings: list[Setting]


class SettingsChange(Request):
    """`PATCH /v1/admin/settings`: the settings named, all or none."""

    settings: dict[str, Any]
