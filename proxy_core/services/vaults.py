"""Vaults: create, list, rename, delete, and what happens to unmatched hosts."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import DEFAULT_VAULT, InstanceRole, VaultRole, check_vault_name
from proxy_core.domain.service import UnmatchedHostPolicy
from proxy_core.domain.sources import state_of
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.snapshot import VaultEntry
from proxy_core.store import agents as agent_store
from proxy_core.store import sources as source_store
from proxy_core.store import tables
from proxy_core.store import users as user_store
from proxy_core.store import vaults as vault_store


class Vaults:
    """Every method that names a vault raises VaultError vault_not_found for an unknown one."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._on_delete: list[Callable[[str], None]] = []
        self._sources: Mapping[str, tables.VaultSource] = {}
        """By vault, as they were last read."""

    @property
    def by_name(self) -> Mapping[str, VaultEntry]:
        """Every vault, as it is now."""
        return self._context.snapshot.vaults

    def on_delete(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of each vault that is deleted, once it is."""
        self._on_delete.append(listener)

    async def create(self, request: wire.VaultName, by: Principal) -> wire.Vault:
        """Whoever creates a vault becomes its admin. Raises VaultError: conflict, bad_request."""
        row = tables.Vault(
            id=new_id(),
            name=check_vault_name(request.name),
            unmatched_host_policy=UnmatchedHostPolicy.PASSTHROUGH.value,
            created_at=self._context.clock.time(),
        )
        creator = by.id if by.kind is PrincipalKind.AGENT else ""
        user = by.id if by.kind is PrincipalKind.USER else ""
        values = row.model_dump()

        def work(session: Session) -> None:
            vault_store.add_vault(session, tables.Vault(**values))
            if creator:
                role = VaultRole.ADMIN.value
                grant = tables.AgentGrant(agent_id=creator, vault_id=row.id, role=role)
                agent_store.add_grant(session, grant)
            if user:
                user_store.set_grant(session, user, row.id, VaultRole.ADMIN.value)

        def then(_: None) -> None:
            policy = UnmatchedHostPolicy.PASSTHROUGH
            entry = VaultEntry(row.id, row.name, row.created_at, policy)
            self._context.snapshot = self._context.snapshot.with_vault(entry)
            self._grant_creator(creator, row.id)
            self._context.users.grant(user, row.id, VaultRole.ADMIN)
            self._context.publish(EventType.VAULT_CHANGED, by, vault=row.name, name=row.name)

        await self._context.change(work, then)
        return _described(self._context.snapshot.by_id[row.id])

    async def list(self, by: Principal) -> wire.VaultList:
        """The vaults that the principal may see, by name."""
        sees_all = (
            by.kind in (PrincipalKind.OPERATOR, PrincipalKind.PEER)
            or by.instance_role is InstanceRole.OWNER
        )
        entries = sorted(self._context.snapshot.vaults.values(), key=lambda entry: entry.name)
        shown = [entry for entry in entries if sees_all or entry.name in by.vaults]
        sources = await self._read_sources()
        # What a vault is backed by is its settings' matter: Permission.READ_VAULT.
        told = {name for name, role in by.vaults.items() if role.at_least(VaultRole.MEMBER)}
        seen = {one.id: sources.get(one.id) for one in shown if sees_all or one.name in told}
        return wire.VaultList(vaults=[_described(one, seen.get(one.id)) for one in shown])

    def knows(self, name: str) -> bool:
        """Whether there is a vault of this name."""
        return name in self._context.snapshot.vaults

    async def rename(self, vault: str, request: wire.VaultName, by: Principal) -> wire.Vault:
        """Raises VaultError: conflict, bad_request (`default` keeps its name)."""
        new_name = check_vault_name(request.name)
        _check_not_default(vault, "renamed")

        def then(row: tables.Vault) -> None:
            context = self._context
            entry = context.snapshot.by_id[row.id]
            self.put(replace(entry, name=new_name))
            context.publish(
                EventType.VAULT_CHANGED, by, vault=new_name, name=new_name, old_name=vault
            )

        row = await self._context.change(
            lambda session: vault_store.rename_vault(session, vault, new_name), then
        )
        sources = await self._read_sources()
        return _described(self._context.snapshot.by_id[row.id], sources.get(row.id))

    async def delete(self, vault: str, by: Principal) -> wire.VaultDeleted:
        """With all it holds. Raises VaultError: bad_request for `default`."""
        _check_not_default(vault, "deleted")

        def then(row: tables.Vault) -> None:
            self.forget(row.id)
            self._context.publish(EventType.VAULT_DELETED, by, vault=vault, name=vault)

        await self._context.change(lambda session: vault_store.delete_vault(session, vault), then)
        return wire.VaultDeleted(name=vault)

    async def settings(self, vault: str) -> wire.VaultSettings:
        """What the vault does with unmatched hosts."""
        return wire.VaultSettings(unmatched_host_policy=self._context.vault(vault).policy.value)

    async def change_settings(
        self, vault: str, request: wire.VaultSettings, by: Principal
    ) -> wire.VaultSettings:
        """Counts at the next request. Raises VaultError: bad_request."""
        policy = _policy(request.unmatched_host_policy)

        def then(row: tables.Vault) -> None:
            context = self._context
            entry = context.snapshot.by_id[row.id]
            context.snapshot = context.snapshot.with_vault(replace(entry, policy=policy))
            context.publish(
                EventType.VAULT_CHANGED,
                by,
                vault=vault,
                name=vault,
                unmatched_host_policy=policy.value,
            )

        await self._context.change(
            lambda session: vault_store.set_policy(session, vault, policy.value), then
        )
        return wire.VaultSettings(unmatched_host_policy=policy.value)

    def put(self, entry: VaultEntry) -> None:
        """A vault as it is now, perhaps under another name."""
        context = self._context
        before = context.snapshot.by_id.get(entry.id)
        context.snapshot = context.snapshot.with_vault(entry)
        if before is not None and before.name != entry.name:
            context.usage.rename_vault(before.name, entry.name)
            context.former_names[before.name] = entry.id

    def forget(self, vault_id: str) -> None:
        """A vault was deleted: all it held goes with it, and its sessions' connections end."""
        context = self._context
        entry = context.snapshot.by_id.get(vault_id)
        if entry is None:
            return
        ended = [context.snapshot.bearers[one] for one in context.snapshot.sessions_of(vault_id)]
        context.snapshot = context.snapshot.without_vault(vault_id)
        for held in ended:
            context.tunnels.close_for_token(held.sha256)
            context.usage.forget_actor(held.actor_id)
        context.usage.forget_vault(entry.name)
        context.former_names = {
            name: known for name, known in context.former_names.items() if known != vault_id
        }
        for listener in self._on_delete:
            listener(vault_id)

    async def _read_sources(self) -> Mapping[str, tables.VaultSource]:
        """While the database is away, as they were: the vaults themselves are known."""
        try:
            rows = await self._context.database.read(source_store.list_sources)
        except VaultError:
            return self._sources
        self._sources = {row.vault_id: row for row in rows}
        return self._sources

    def _grant_creator(self, agent_id: str, vault_id: str) -> None:
        snapshot = self._context.snapshot
        bearer = snapshot.agent(agent_id) if agent_id else None
        if bearer is not None:
            grants = {**bearer.grants, vault_id: VaultRole.ADMIN}
            self._context.snapshot = snapshot.with_bearer(replace(bearer, grants=grants))


def _described(entry: VaultEntry, source: tables.VaultSource | None = None) -> wire.Vault:
    state = "" if source is None else state_of(source.last_sync_at, source.failures).value
    return wire.Vault(
        id=entry.id,
        name=entry.name,
        created_at=rfc3339(entry.created_at),
        unmatched_host_policy=entry.policy.value,
        services_count=len(entry.compiled.services),
        credentials_count=len(entry.keys),
        source="" if source is None else source.kind,
        source_state=state,
    )


def _policy(text: str) -> UnmatchedHostPolicy:
    try:
        return UnmatchedHostPolicy(text)
    except ValueError:
        choices = ", ".join(UnmatchedHostPolicy)
        raise VaultError("bad_request", f"unmatched_host_policy must be one of {choices}") from None


def _check_not_default(vault: str, what: str) -> None:
    if vault == DEFAULT_VAULT:
        raise VaultError("bad_request", f"The vault `{DEFAULT_VAULT}` cannot be {what}.")
