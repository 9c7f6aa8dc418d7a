"""Users as operators keep them: who there is, with which instance role."""

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import InstanceRole, parse_instance_role
from proxy_core.domain.users import check_password, normal_email
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.users.directory import User
from proxy_core.services.users.members import described_roles, vault_roles
from proxy_core.services.users.passwords import Passwords
from proxy_core.store import tables
from proxy_core.store import users as store

_OWNER = InstanceRole.OWNER.value


class UserAdmin:
    """Names are unique. The last owner stays an owner."""

    def __init__(self, context: Context, passwords: Passwords) -> None:
        self._context = context
        self._passwords = passwords

    async def create(self, request: wire.CreateUser, by: Principal) -> wire.UserInfo:
        """Raises VaultError: conflict (the name is taken), bad_request, vault_not_found."""
        email, role = normal_email(request.email), parse_instance_role(request.role)
        roles = vault_roles(self._context, request.vaults)
        hashed = await self._passwords.hash(check_password(request.password, email))
        user = User(new_id(), email, role, self._context.clock.time(), hashed, roles)

        def then(_: None) -> None:
            self._context.users.put(user)
            self._announce(email, by, "created", role=role.value)

        await self._context.change(lambda session: store_user(session, user), then)
        return self._described(user)

    def list(self, by: Principal) -> wire.UserList:
        """Everybody; which vaults they may use is for operators to see."""
        shown = [self._described(user) for user in self._context.users]
        if by.is_token or not (by.is_operator or by.kind is PrincipalKind.PEER):
            for one in shown:
                one.vaults = []
        return wire.UserList(users=shown)

    def get(self, email: str, by: Principal) -> wire.UserInfo:
        """One user; `me` is the caller. Others are for operators to see.

        Raises VaultError: not_found, bad_request, role_forbidden.
        """
        is_user = by.kind is PrincipalKind.USER
        if email == "me" and not is_user:
            raise VaultError("bad_request", "`me` needs a user's session.")
        name = by.name if email == "me" else normal_email(email)
        if is_user and name != by.name and not by.is_operator:
            raise VaultError("role_forbidden", "Other users are for owners to see.")
        user = self._context.users.by_email(name)
        if user is None:
            raise VaultError("not_found", "No such user.")
        return self._described(user)

    async def change_role(self, email: str, role: str, by: Principal) -> wire.UserRole:
        """The instance role; counts at the next request.

        Raises VaultError: not_found, bad_request, conflict (the last owner).
        """
        name, parsed = normal_email(email), parse_instance_role(role)

        def then(row: tables.UserRow) -> None:
            self._context.users.set_role(row.id, parsed)
            self._announce(name, by, "role", role=parsed.value)

        await self._context.change(
            lambda session: store.set_role(session, name, parsed.value, _OWNER), then
        )
        return wire.UserRole(email=name, role=parsed.value)

    async def remove(self, email: str, by: Principal) -> wire.UserRemoved:
        """With all sessions, at once. Raises VaultError: not_found, conflict (the last owner)."""
        name = normal_email(email)

        def then(row: tables.UserRow) -> None:
            self._context.users.remove(row.id)
            self._context.publish(EventType.USER_REMOVED, by, name=name)

        await self._context.change(lambda session: store.delete_user(session, name, _OWNER), then)
        return wire.UserRemoved(email=name)

    def _announce(self, name: str, by: Principal, change: str, **more: str) -> None:
        self._context.publish(EventType.USER_CHANGED, by, name=name, change=change, **more)

    def _described(self, user: User) -> wire.UserInfo:
        roles = {vault_id: role.value for vault_id, role in user.grants.items()}
        return wire.UserInfo(
            email=user.email,
            role=user.role.value,
            vaults=described_roles(self._context, roles),
            created_at=rfc3339(user.created_at),
        )


def store_user(session: Session, user: User) -> None:
    """Store a new user with grants. Raises VaultError: conflict."""
    row = tables.UserRow(
        id=user.id,
        email=user.email,
        role=user.role.value,
        password_kdf=dict(user.password.kdf),
        password_digest=user.password.digest,
        created_at=user.created_at,
    )
    store.add_user(session, row)
    for vault_id, role in user.grants.items():
        store.set_grant(session, user.id, vault_id, role.value)
