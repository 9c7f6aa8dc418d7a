"""From stored rows to the snapshot. Everything here runs in the store's threads."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlmodel import Session

from proxy_core.domain.exchange import ActorType, BorrowedKind
from proxy_core.domain.names import InstanceRole, VaultRole
from proxy_core.domain.service import UnmatchedHostPolicy
from proxy_core.domain.service_document import parse_services
from proxy_core.seal import aad
from proxy_core.services.commands.stored import stored_command
from proxy_core.services.snapshot import (
    Bearer,
    Borrowed,
    SealedSecret,
    Snapshot,
    VaultEntry,
    compile_services,
)
from proxy_core.store import agents, commands, credentials, devices, sessions, tables, vaults
from proxy_core.store import services as service_store

NEVER = float("inf")


def load_snapshot(session: Session, now: float) -> Snapshot:
    """Everything that is stored."""
    entries = [load_vault(session, row) for row in vaults.list_vaults(session)]
    bearers = [*load_agents(session), *load_sessions(session, now)]
    return Snapshot(
        {entry.name: entry for entry in entries},
        {entry.id: entry for entry in entries},
        {bearer.sha256: bearer for bearer in bearers},
    )


def load_vault(session: Session, row: tables.Vault, before: VaultEntry | None = None) -> VaultEntry:
    """One vault with its services and sealed credentials; what is as it was `before` is shared."""
    known = before or VaultEntry(row.id, row.name, row.created_at, UnmatchedHostPolicy.DENY)
    services = parse_services(service_store.list_documents(session, row.id))
    same = services == known.compiled.services
    return VaultEntry(
        id=row.id,
        name=row.name,
        created_at=row.created_at,
        policy=UnmatchedHostPolicy(row.unmatched_host_policy),
        compiled=known.compiled if same else compile_services(services),
        secrets=load_secrets(session, row.id, known.secrets),
        borrowed=load_borrowed(session, row.id),
    )


def reload_credentials(session: Session, before: VaultEntry) -> VaultEntry:
    """The vault with its credentials as they are stored, its services as they were."""
    secrets = load_secrets(session, before.id, before.secrets)
    return replace(before, secrets=secrets, borrowed=load_borrowed(session, before.id))


def load_borrowed(session: Session, vault_id: str) -> dict[str, Borrowed]:
    """A vault's credentials that are no stored value."""
    found = {
        one.credential_id: stored_command(one)
        for one in commands.commands_of(session, vault_id).values()
    }
    return {
        row.key: Borrowed(BorrowedKind(row.type), row.id, found.get(row.id))
        for row in credentials.list_credentials(session, vault_id)
        if row.type in tuple(BorrowedKind)
    }


def load_secrets(
    session: Session, vault_id: str, known: Mapping[str, SealedSecret]
) -> dict[str, SealedSecret]:
    """The current value of each of a vault's credentials, sealed; the `known` object if it is."""
    found = {
        value.key: sealed_secret(value) for value in credentials.current_values(session, vault_id)
    }
    return {key: known[key] if known.get(key) == one else one for key, one in found.items()}


def sealed_secret(value: credentials.SealedValue) -> SealedSecret:
    """A stored value with the authenticated data of its place."""
    place = credential_aad(value.vault_id, value.row_id)
    return SealedSecret(value.sealed, place, value.version)


def credential_aad(vault_id: str, row_id: str) -> bytes:
    """The authenticated data of a credential version's row."""
    return aad(vault_id, credentials.TABLE, row_id, credentials.COLUMN)


def agent_bearer(agent: tables.Agent, grants: Sequence[tables.AgentGrant]) -> Bearer:
    """The holder of an agent's token."""
    return Bearer(
        sha256=agent.token_sha256,
        actor_type=ActorType.AGENT,
        actor_id=agent.id,
        actor_name=agent.name,
        grants={grant.vault_id: VaultRole(grant.role) for grant in grants},
        services={
            grant.vault_id: frozenset(grant.services)
            for grant in grants
            if grant.services is not None
        },
        expires_at=NEVER if agent.expires_at is None else agent.expires_at,
        role=InstanceRole(agent.role),
        account_id=agent.account_id or "",
        minters=tuple(agent.minters),
    )


def session_bearer(scoped: tables.ScopedSession) -> Bearer:
    """The holder of a scoped session's token."""
    return Bearer(
        sha256=scoped.token_sha256,
        actor_type=ActorType.SESSION,
        actor_id=scoped.id,
        actor_name=scoped.label or scoped.id,
        grants={scoped.vault_id: VaultRole.PROXY},
        expires_at=scoped.expires_at,
        account_id=scoped.account_id or "",
        minters=tuple(scoped.minters),
    )


def load_agents(session: Session, ids: Collection[str] | None = None) -> list[Bearer]:
    """The holders of agents' and their devices' tokens; only of those with these ids, if given."""
    grants: dict[str, list[tables.AgentGrant]] = {}
    for grant in agents.list_grants(session, ids):
        grants.setdefault(grant.agent_id, []).append(grant)
    rows = agents.list_agents(session, ids)
    found = {row.id: agent_bearer(row, grants.get(row.id, ())) for row in rows}
    of_devices = [
        found[token.agent_id].for_device(token.sha256, token.expires_at, vault_id)
        for token, vault_id in devices.access_tokens(session, ids)
        if token.agent_id in found
    ]
    return [*found.values(), *of_devices]


def load_sessions(session: Session, now: float) -> list[Bearer]:
    """The holders of live sessions' tokens."""
    return [session_bearer(scoped) for scoped in sessions.live_sessions(session, now)]
