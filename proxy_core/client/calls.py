"""Every endpoint of the worker's API as a typed value: what to send and what comes back.

`SyncClient.send(call)` and `AsyncClient.send(call)` carry them out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from proxy_core.domain import wire

T = TypeVar("T")
Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Call(Generic[T]):
    """One request. `path` is already percent-encoded; a `result_type` of str is the raw text."""

    method: str
    path: str
    result_type: type[T]
    query: Query = ()
    body: wire.Request | None = None

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def encode(self) -> bytes | None:
        """The body as JSON, or None."""
        return None if self.body is None else msgspec.json.encode(self.body)

    def decode(self, data: bytes) -> T:
        """The answer's value. Raises msgspec.ValidationError when it is not of `result_type`."""
        if self.result_type is str:
            return data.decode()  # type: ignore[return-value]  # T is str here
        return msgspec.json.decode(data, type=self.result_type)

    def __repr__(self) -> str:
        return f"Call({self.method} {self.path})"


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def _vault(name: str, rest: str = "") -> str:
    return f"/v1/vaults/{segment(name)}{rest}"


def given(**values: str | int | None) -> Query:
    """The query of the values that are set."""
    return tuple((name, str(value)) for name, value in values.items() if value not in (None, ""))


# --- the worker itself ----------------------------------------------------------------------


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


# --- sealing and operator sessions ----------------------------------------------------------


def init(slot: str, secret: str = "", label: str = "", path: str = "") -> Call[wire.Sealed]:
    """Set the vault up with its first key slot; `path` is where a key file is made."""
    body = wire.InitRequest(slot=slot, secret=secret, label=label, path=path)
    return Call("POST", "/v1/init", wire.Sealed, body=body)


def seal() -> Call[wire.Sealed]:
    """Forget the key."""
    return Call("POST", "/v1/seal", wire.Sealed)


def unseal(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.Sealed]:
    """Open the vault with one key slot."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unseal", wire.Sealed, body=body)


def unlock(slot: str, secret: str = "", for_command: bool = False) -> Call[wire.OperatorSession]:
    """Prove a key slot: an operator session for this terminal, and its token."""
    body = wire.KeyProof(slot=slot, secret=secret, for_command=for_command)
    return Call("POST", "/v1/unlock", wire.OperatorSession, body=body)


def lock() -> Call[wire.Locked]:
    """End this terminal's operator session."""
    return Call("POST", "/v1/lock", wire.Locked)


def slots() -> Call[wire.SlotList]:
    """The key slots; never their secrets."""
    return Call("GET", "/v1/seal/slots", wire.SlotList)


# --- vaults ---------------------------------------------------------------------------------


def vaults() -> Call[wire.VaultList]:
    """Every vault."""
    return Call("GET", "/v1/vaults", wire.VaultList)


def create_vault(name: str) -> Call[wire.Vault]:
    """Create a vault."""
    return Call("POST", "/v1/vaults", wire.Vault, body=wire.VaultName(name=name))


def rename_vault(name: str, new_name: str) -> Call[wire.Vault]:
    """Rename a vault."""
    body = wire.VaultName(name=new_name)
    return Call("POST", _vault(name, "/rename"), wire.Vault, body=body)


def delete_vault(name: str) -> Call[wire.VaultDeleted]:
    """Delete a vault with all it holds; never `default`."""
    return Call("DELETE", _vault(name), wire.VaultDeleted)


def vault_settings(vault: str) -> Call[wire.VaultSettings]:
    """A vault's settings."""
    return Call("GET", _vault(vault, "/settings"), wire.VaultSettings)


def change_vault_settings(vault: str, unmatched_host_policy: str) -> Call[wire.VaultSettings]:
    """Say what happens to hosts that no service covers."""
    body = wire.VaultSettings(unmatched_host_policy=unmatched_host_policy)
    return Call("PATCH", _vault(vault, "/settings"), wire.VaultSettings, body=body)


# --- credentials ----------------------------------------------------------------------------


def credentials(
    vault: str = "default", *, reveal: bool = False, key: str = ""
) -> Call[wire.CredentialList]:
    """Names and metadata; with `reveal` the values too (of `key` alone, when given)."""
    query = given(vault=vault, reveal="true" if reveal else "", key=key)
    return Call("GET", "/v1/credentials", wire.CredentialList, query)


def set_credentials(values: Mapping[str, str], vault: str = "default") -> Call[wire.CredentialsSet]:
    """Store values, all or none; older values are kept as versions."""
    body = wire.SetCredentials(credentials=dict(values), vault=vault)
    return Call("POST", "/v1/credentials", wire.CredentialsSet, body=body)


def delete_credentials(
    keys: Sequence[str], vault: str = "default"
) -> Call[wire.CredentialsDeleted]:
    """Delete credentials with their versions."""
    body = wire.DeleteCredentials(keys=list(keys), vault=vault)
    return Call("DELETE", "/v1/credentials", wire.CredentialsDeleted, body=body)


def credential_versions(key: str, vault: str = "default") -> Call[wire.CredentialHistory]:
    """The versions that are kept, newest first."""
    path = f"/v1/credentials/{segment(key)}/versions"
    return Call("GET", path, wire.CredentialHistory, given(vault=vault))


def restore_credential(key: str, version: int, vault: str = "default") -> Call[wire.CredentialsSet]:
    """Make an old value the newest version."""
    body = wire.RestoreCredential(version=version, vault=vault)
    path = f"/v1/credentials/{segment(key)}/restore"
    return Call("POST", path, wire.CredentialsSet, body=body)


# --- OAuth credentials ------------------------------------------------------------------------


def paste_tokens(tokens: wire.PasteTokens) -> Call[wire.OAuthConnected]:
    """Store tokens that were got elsewhere; a refresh token is proven by using it."""
    return Call("POST", "/v1/credentials/oauth/tokens", wire.OAuthConnected, body=tokens)


def oauth_status(key: str, vault: str = "default") -> Call[wire.OAuthStatus]:
    """How an OAuth credential's refreshing goes."""
    query = given(vault=vault, key=key)
    return Call("GET", "/v1/credentials/oauth/status", wire.OAuthStatus, query)


def refresh_oauth(key: str, vault: str = "default") -> Call[wire.OAuthStatus]:
    """Refresh an OAuth credential now."""
    body = wire.RefreshOAuth(key=key, vault=vault)
    return Call("POST", "/v1/credentials/oauth/refresh", wire.OAuthStatus, body=body)


# --- services -------------------------------------------------------------------------------


def services(vault: str = "default") -> Call[wire.ServiceList]:
    """The service documents of a vault."""
    return Call("GET", _vault(vault, "/services"), wire.ServiceList)


def upsert_services(
    documents: Sequence[Mapping[str, Any]], vault: str = "default"
) -> Call[wire.ServicesUpserted]:
    """Add or replace services by name."""
    body = wire.ServicesRequest(services=[dict(one) for one in documents])
    return Call("POST", _vault(vault, "/services"), wire.ServicesUpserted, body=body)


def replace_services(
    documents: Sequence[Mapping[str, Any]], vault: str = "default"
) -> Call[wire.ServicesReplaced]:
    """Replace all services of a vault."""
    body = wire.ServicesRequest(services=[dict(one) for one in documents])
    return Call("PUT", _vault(vault, "/services"), wire.ServicesReplaced, body=body)


def clear_services(vault: str = "default") -> Call[wire.ServicesCleared]:
    """Remove all services of a vault."""
    return Call("DELETE", _vault(vault, "/services"), wire.ServicesCleared)


def remove_service(name_or_host: str, vault: str = "default") -> Call[wire.ServiceRemoved]:
    """Remove one service, by name or by host pattern."""
    path = _vault(vault, f"/services/{segment(name_or_host)}")
    return Call("DELETE", path, wire.ServiceRemoved)


def enable_service(
    name_or_host: str, enabled: bool, vault: str = "default"
) -> Call[wire.ServicesUpserted]:
    """Switch a service on or off."""
    path = _vault(vault, f"/services/{segment(name_or_host)}")
    return Call("PATCH", path, wire.ServicesUpserted, body=wire.ServicePatch(enabled=enabled))


def credential_usage(key: str, vault: str = "default") -> Call[wire.CredentialUsage]:
    """The services that use a credential."""
    path = _vault(vault, "/services/credential-usage")
    return Call("GET", path, wire.CredentialUsage, given(key=key))


def match_test(url: str, method: str = "GET", vault: str = "default") -> Call[wire.MatchResult]:
    """Which service would win for a request, and why; nothing is sent."""
    body = wire.MatchTest(url=url, method=method)
    return Call("POST", _vault(vault, "/services/test"), wire.MatchResult, body=body)


# --- sessions and agents --------------------------------------------------------------------


def create_session(
    vault: str,
    ttl_seconds: int = 86400,
    label: str = "",
    run_pid: int | None = None,
    account: str = "",
) -> Call[wire.SessionCreated]:
    """Mint a scoped session; `run_pid` marks the process tree that the socket refuses, `account`
    names the one account that it may use.
    """
    body = wire.CreateSession(
        vault=vault, ttl_seconds=ttl_seconds, label=label, run_pid=run_pid, account=account
    )
    return Call("POST", "/v1/sessions", wire.SessionCreated, body=body)


def sessions(vault: str = "default") -> Call[wire.SessionList]:
    """The live scoped sessions of a vault."""
    return Call("GET", "/v1/sessions", wire.SessionList, given(vault=vault))


def revoke_session(session_id: str, vault: str = "default") -> Call[wire.Deleted]:
    """Revoke a session; its tunnels end at once."""
    path = f"/v1/sessions/{segment(session_id)}"
    return Call("DELETE", path, wire.Deleted, given(vault=vault))


def create_agent(
    name: str,
    role: str = "no-access",
    vaults: Sequence[wire.AgentVault] = (),
    ttl_seconds: int | None = None,
) -> Call[wire.AgentCreated]:
    """Create a named agent; its token is in the answer and never again."""
    body = wire.CreateAgent(name=name, role=role, vaults=list(vaults), ttl_seconds=ttl_seconds)
    return Call("POST", "/v1/agents", wire.AgentCreated, body=body)


def agents() -> Call[wire.AgentList]:
    """Every agent."""
    return Call("GET", "/v1/agents", wire.AgentList)


def agent(name: str) -> Call[wire.AgentInfo]:
    """One agent."""
    return Call("GET", f"/v1/agents/{segment(name)}", wire.AgentInfo)


def delete_agent(name: str) -> Call[wire.Deleted]:
    """Delete an agent; its tunnels end at once."""
    return Call("DELETE", f"/v1/agents/{segment(name)}", wire.Deleted)


def rotate_agent(name: str, ttl_seconds: int | None = None) -> Call[wire.AgentCreated]:
    """Give an agent a new token; the old one ends at once. The expiry stays without a new one."""
    body = None if ttl_seconds is None else wire.RotateAgent(ttl_seconds=ttl_seconds)
    return Call("POST", f"/v1/agents/{segment(name)}/rotate", wire.AgentCreated, body=body)


def rename_agent(name: str, new_name: str) -> Call[wire.AgentInfo]:
    """Rename an agent."""
    path = f"/v1/agents/{segment(name)}/rename"
    return Call("POST", path, wire.AgentInfo, body=wire.Rename(name=new_name))


# --- approvals ------------------------------------------------------------------------------


def holds() -> Call[wire.HoldList]:
    """The requests that wait for an operator."""
    return Call("GET", "/v1/holds", wire.HoldList)


def hold(hold_id: str) -> Call[wire.Hold]:
    """One held request."""
    return Call("GET", f"/v1/holds/{segment(hold_id)}", wire.Hold)


def approve_hold(hold_id: str, duration: str = "once") -> Call[wire.HoldResolved]:
    """Let a held request go on; `duration` is once, session, 15m, 1h or always."""
    path = f"/v1/holds/{segment(hold_id)}/approve"
    return Call("POST", path, wire.HoldResolved, body=wire.ApproveHold(duration=duration))


def deny_hold(hold_id: str, always: bool = False) -> Call[wire.HoldResolved]:
    """Refuse a held request, or with `always` all like it from now on."""
    path = f"/v1/holds/{segment(hold_id)}/deny"
    return Call("POST", path, wire.HoldResolved, body=wire.DenyHold(always=always))


def grants() -> Call[wire.GrantList]:
    """What operators allowed for a while."""
    return Call("GET", "/v1/grants", wire.GrantList)


def revoke_grant(grant_id: str) -> Call[wire.Deleted]:
    """End a grant."""
    return Call("DELETE", f"/v1/grants/{segment(grant_id)}", wire.Deleted)


# --- traffic --------------------------------------------------------------------------------


def logs(
    vault: str = "default",
    *,
    status_bucket: str = "",
    service: str = "",
    agent: str = "",
    q: str = "",
    before: str = "",
    after: str = "",
    limit: int = 100,
) -> Call[wire.LogPage]:
    """A page of the request log, newest first; `q` is a filter expression."""
    query = given(
        status_bucket=status_bucket,
        service=service,
        agent=agent,
        q=q,
        before=before,
        after=after,
        limit=limit,
    )
    return Call("GET", _vault(vault, "/logs"), wire.LogPage, query)


def discovered_hosts(vault: str = "default") -> Call[wire.DiscoveredHosts]:
    """Hosts that agents reached without a service."""
    return Call("GET", _vault(vault, "/discovered-hosts"), wire.DiscoveredHosts)


def event_stream(
    after: int | None = None, types: Sequence[str] = (), coalesce: bool = False
) -> Call[str]:
    """The event stream; `client.stream` reads it."""
    query = given(after=after, types=",".join(types), coalesce="1" if coalesce else "")
    return Call("GET", "/v1/events", str, query)
