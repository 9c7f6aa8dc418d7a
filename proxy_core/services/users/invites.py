"""Invites: an operator's leave to become a user, used once by whoever has the token."""

from collections.abc import Callable

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id, new_token, token_sha256
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.names import InstanceRole, VaultRole, parse_instance_role
from proxy_core.domain.users import check_password, normal_email
from proxy_core.services.audit.acting import act_as_user
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.users.admin import store_user
from proxy_core.services.users.directory import User
from proxy_core.services.users.members import described_roles, vault_roles
from proxy_core.services.users.passwords import Passwords
from proxy_core.store import invites as store
from proxy_core.store import tables

INVITE_PREFIX = "vt_inv_"
MIN_TTL_SECONDS, MAX_TTL_SECONDS = 300, 30 * 86_400
MOST_WAITING = 50
_ENDED = "This invite was accepted, revoked, or has ended."
_ASK_AGAIN = {"help": "Sign in if you have accepted it; else ask for another invite."}


class Invites:
    """A token is in the answer that made it and nowhere else."""

    def __init__(self, context: Context, passwords: Passwords) -> None:
        self._context = context
        self._passwords = passwords

    async def create(self, request: wire.CreateInvite, by: Principal) -> wire.InviteCreated:
        """Raises VaultError: bad_request, vault_not_found, conflict (a user, or too many)."""
        email = normal_email(request.email) if request.email else ""
        if email and self._context.users.by_email(email) is not None:
            raise VaultError("conflict", "A user of this name exists already.")
        now = self._context.clock.time()
        roles = vault_roles(self._context, request.vaults)
        return await self._issue(
            lambda _: tables.UserInvite(
                id=new_id(),
                token_sha256=b"",
                email=email,
                role=parse_instance_role(request.role).value,
                vaults={vault_id: role.value for vault_id, role in roles.items()},
                created_by=by.label,
                created_at=now,
                expires_at=now + _checked_ttl(request.ttl_seconds),
            ),
            by,
        )

    async def renew(self, named: str, by: Principal) -> wire.InviteCreated:
        """The same invite with another token and for as long again; the old token is worth nothing.

        `named`: its id or its token. Raises VaultError: not_found (also when it has ended).
        """
        now = self._context.clock.time()

        def again(session: Session) -> tables.UserInvite:
            old = store.revoke_invite(session, _key(named))
            if old.expires_at <= now:
                raise VaultError("not_found", _ENDED, _ASK_AGAIN)
            return tables.UserInvite(
                id=new_id(),
                token_sha256=b"",
                email=old.email,
                role=old.role,
                vaults=old.vaults,
                created_by=by.label,
                created_at=now,
                expires_at=now + old.expires_at - old.created_at,
            )

        return await self._issue(again, by)

    async def details(self, token: str) -> wire.InviteDetails:
        """What whoever has the token would become. Raises VaultError: not_found."""
        invite = await self._waiting(token)
        known = invite.email and self._context.users.by_email(invite.email)
        return wire.InviteDetails(
            email=invite.email,
            role=invite.role,
            vaults=described_roles(self._context, invite.vaults),
            needs_account=not known,
        )

    async def _issue(
        self, make: Callable[[Session], tables.UserInvite], by: Principal
    ) -> wire.InviteCreated:
        """Store an invite and give it a token. Raises VaultError: conflict (too many wait)."""
        token, now = new_token(INVITE_PREFIX), self._context.clock.time()

        def work(session: Session) -> tables.UserInvite:
            row = make(session)
            row.token_sha256 = token_sha256(token)
            return store.add_invite(session, row, now, MOST_WAITING)

        def then(row: tables.UserInvite) -> None:
            self._announce(row, by, "invited")

        row = await self._context.change(work, then)
        return wire.InviteCreated(
            id=row.id,
            token=token,
            email=row.email,
            role=row.role,
            vaults=described_roles(self._context, row.vaults),
            expires_at=rfc3339(row.expires_at),
        )

    async def _waiting(self, token: str) -> tables.UserInvite:
        now, sha256 = self._context.clock.time(), token_sha256(token)
        invite = await self._context.database.read(
            lambda session: store.invite_by_token(session, sha256, now)
        )
        if invite is None:
            raise VaultError("not_found", _ENDED, _ASK_AGAIN)
        return invite

    async def list(self) -> wire.InviteList:
        """Those that wait, newest first."""
        now = self._context.clock.time()
        rows = await self._context.database.read(lambda session: store.list_invites(session, now))
        return wire.InviteList(
            invites=[
                wire.InviteInfo(
                    id=row.id,
                    email=row.email,
                    role=row.role,
                    vaults=described_roles(self._context, row.vaults),
                    created_by=row.created_by,
                    created_at=rfc3339(row.created_at),
                    expires_at=rfc3339(row.expires_at),
                )
                for row in rows
            ]
        )

    async def revoke(self, named: str, by: Principal) -> wire.Done:
        """`named`: its id or its token. Raises VaultError: not_found."""
        await self._context.change(
            lambda session: store.revoke_invite(session, _key(named)),
            lambda row: self._announce(row, by, "invite revoked"),
        )
        return wire.Done(status="revoked")

    async def accept(self, request: wire.AcceptInvite) -> wire.InviteAccepted:
        """Become a user. Raises VaultError: not_found (the token), bad_request, conflict (name)."""
        now, invite = self._context.clock.time(), await self._waiting(request.token)
        email = _named(invite, request.email)
        hashed = await self._passwords.hash(check_password(request.password, email))
        role, roles = InstanceRole(invite.role), self._roles(invite)
        user = User(new_id(), email, role, now, hashed, roles)
        act_as_user(PrincipalKind.USER.value, user.email, user.id)

        def work(session: Session) -> None:
            store.claim_invite(session, invite.id)
            store_user(session, user)

        def then(_: None) -> None:
            self._context.users.put(user)
            self._context.publish(
                EventType.USER_CHANGED,
                f"user {email}",
                name=email,
                change="accepted an invite",
                role=role.value,
                id=invite.id,
            )

        await self._context.change(work, then)
        return wire.InviteAccepted(email=email, message="You can sign in now.")

    def _roles(self, invite: tables.UserInvite) -> dict[str, VaultRole]:
        """The roles in those of its vaults that are still there."""
        known = self._context.snapshot.by_id
        return {one: VaultRole(role) for one, role in invite.vaults.items() if one in known}

    def _announce(self, row: tables.UserInvite, by: Principal, change: str) -> None:
        self._context.publish(
            EventType.USER_CHANGED, by, name=row.email, change=change, role=row.role, id=row.id
        )


def _named(invite: tables.UserInvite, given: str) -> str:
    """The new user's name. Raises VaultError: bad_request."""
    if not invite.email:
        return normal_email(given)
    if given and normal_email(given) != invite.email:
        raise VaultError("bad_request", "The invite is for another e-mail address.")
    return invite.email


def _key(named: str) -> str | bytes:
    """By what an invite is found: its id, or its token's SHA-256."""
    return token_sha256(named) if named.startswith(INVITE_PREFIX) else named


def _checked_ttl(seconds: int) -> int:
    if not MIN_TTL_SECONDS <= seconds <= MAX_TTL_SECONDS:
        raise VaultError(
            "bad_request", f"ttl_seconds must be {MIN_TTL_SECONDS} to {MAX_TTL_SECONDS}"
        )
    return seconds
