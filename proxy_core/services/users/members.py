"""Which users may use a vault, and how."""

from sqlmodel import Session

from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import VaultRole, parse_vault_role
from proxy_core.domain.users import normal_email
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal
from proxy_core.store import invites as invite_store
from proxy_core.store import users as store
from proxy_core.store import vaults as vault_store

_Changed = tuple[str, str]
"""The ids of a user and a vault."""


class VaultUsers:
    """Every method raises VaultError vault_not_found for an unknown vault."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def list(self, vault: str) -> wire.VaultUserList:
        """Those with a role in the vault, and those who are invited to it; not the owners."""
        vault_id, now = self._context.vault(vault).id, self._context.clock.time()
        active = [
            wire.VaultUser(email=user.email, role=user.grants[vault_id].value)
            for user in self._context.users
            if vault_id in user.grants
        ]
        waiting = await self._context.database.read(
            lambda session: invite_store.list_invites(session, now)
        )
        invited = [
            wire.VaultUser(email=one.email, role=one.vaults[vault_id], status="pending")
            for one in waiting
            if vault_id in one.vaults
        ]
        return wire.VaultUserList(users=[*active, *invited])

    async def grant(
        self, vault: str, email: str, role: str, by: Principal, *, known: bool = False
    ) -> wire.UserRole:
        """Give or change a role in the vault; with `known` only change one.

        Raises VaultError: not_found, bad_request.
        """
        name, parsed = normal_email(email), parse_vault_role(role)

        def work(session: Session) -> _Changed:
            user_id, vault_id = self._ids(session, vault, name)
            if known:
                store.get_grant(session, user_id, vault_id)
            store.set_grant(session, user_id, vault_id, parsed.value)
            return user_id, vault_id

        def then(changed: _Changed) -> None:
            self._context.users.grant(*changed, parsed)
            self._announce(name, vault, by, "granted", parsed)

        await self._context.change(work, then)
        return wire.UserRole(email=name, role=parsed.value)

    async def revoke(self, vault: str, email: str, by: Principal) -> wire.UserRemoved:
        """Take the vault away. Raises VaultError: not_found, also when there was no role."""
        name = normal_email(email)

        def work(session: Session) -> _Changed:
            user_id, vault_id = self._ids(session, vault, name)
            store.remove_grant(session, user_id, vault_id)
            return user_id, vault_id

        def then(changed: _Changed) -> None:
            self._context.users.revoke_grant(*changed)
            self._announce(name, vault, by, "grant revoked")

        await self._context.change(work, then)
        return wire.UserRemoved(email=name)

    @staticmethod
    def _ids(session: Session, vault: str, name: str) -> _Changed:
        vault_id = vault_store.vault_by_name(session, vault).id
        return store.user_by_email(session, name).id, vault_id

    def _announce(
        self, name: str, vault: str, by: Principal, change: str, role: VaultRole | None = None
    ) -> None:
        more = {} if role is None else {"role": role.value}
        self._context.publish(
            EventType.USER_CHANGED, by, name=name, vault=vault, change=change, **more
        )


def vault_roles(context: Context, wanted: list[wire.UserVault]) -> dict[str, VaultRole]:
    """Roles by vault id. Raises VaultError: vault_not_found, bad_request."""
    roles: dict[str, VaultRole] = {}
    for one in wanted:
        vault_id = context.vault(one.vault_name).id
        if vault_id in roles:
            raise VaultError("bad_request", "A vault is named twice.")
        roles[vault_id] = parse_vault_role(one.vault_role)
    return roles


def described_roles(context: Context, roles: dict[str, str]) -> list[wire.UserVault]:
    """As the API shows them; vaults that are gone are left out."""
    by_id = context.snapshot.by_id
    shown = [
        wire.UserVault(vault_name=by_id[vault_id].name, vault_role=role)
        for vault_id, role in roles.items()
        if vault_id in by_id
    ]
    return sorted(shown, key=lambda one: one.vault_name)
