"""Proving a password: signing in, proving it again, changing it.

Who is wrong learns nothing but that: an unknown name takes as long and gets the same answer. The
name that was typed is announced for known users alone, since it may be a password in the wrong
field.
"""

from math import inf
from typing import Any

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import PAGE_PREFIX, USER_PREFIX, new_id, new_token, token_sha256
from proxy_core.base.text import display_safe
from proxy_core.domain import wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.events import EventType
from proxy_core.domain.users import check_password, login_failed, normal_email
from proxy_core.seal import PasswordHash
from proxy_core.services.audit.acting import act_as_user
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.users.directory import User, signed_in_of
from proxy_core.services.users.lifetime import Rules
from proxy_core.services.users.passwords import Passwords
from proxy_core.services.users.throttle import LoginThrottle
from proxy_core.store import tables
from proxy_core.store import users as store

MOST_SESSIONS = 50
"""Live sessions of one user; the oldest goes when one more begins."""
_LABEL_LIMIT = 100
_TOLD_SECONDS = 1.0
"""Between two events that tell of attempts that were turned away."""


class SigningIn:
    """`rules` answers the settings in force."""

    def __init__(self, context: Context, passwords: Passwords, rules: Rules) -> None:
        self._context = context
        self._passwords = passwords
        self._rules = rules
        self._throttle = LoginThrottle(context.clock)
        self._told_at = -inf

    async def login(
        self, email: str, password: str, address: str = "", label: str = ""
    ) -> wire.LoggedIn:
        """A new session. `address` is the client's, `label` what the client calls itself.

        Raises VaultError: login_failed (whatever is wrong), rate_limited, overloaded.
        """
        return await self._login(email, password, new_token(USER_PREFIX), address, label)

    async def login_page(
        self, email: str, password: str, address: str = "", label: str = ""
    ) -> wire.LoggedIn:
        """As `login`, for a browser at the approval page: its token opens nothing else."""
        return await self._login(email, password, new_token(PAGE_PREFIX), address, label)

    async def _login(
        self, email: str, password: str, token: str, address: str, label: str
    ) -> wire.LoggedIn:
        user = await self._proved(_name(email), password, address)
        act_as_user(PrincipalKind.USER.value, user.email, user.id)
        values = self._new_session(user, token, address, label)
        surplus = self._surplus(user)

        def work(session: Session) -> tables.UserSessionRow:
            store.lock_user(session, user.id, user.password.digest)
            store.delete_sessions(session, surplus)
            return store.add_session(session, tables.UserSessionRow(**values))

        def then(row: tables.UserSessionRow) -> None:
            self._context.users.end(surplus)
            self._begun(user, row)

        row = await self._context.change(work, then)
        return wire.LoggedIn(token=token, expires_at=rfc3339(row.expires_at))

    async def reauth(self, password: str, by: Principal, address: str = "") -> wire.Reauthed:
        """Prove the password of the session's user again.

        Raises VaultError: login_failed, rate_limited, overloaded, role_forbidden (no user),
        issuer_proof_required (no session: the user is known by a JWT).
        """
        user = self._user(by)
        if by.issuer:
            raise VaultError("issuer_proof_required")
        await self._proved(user.email, password, address)
        now = self._context.clock.time()
        found = self._context.users.signed_in(by.token_sha256, now)
        if found is None:
            raise VaultError("unauthorized")
        session_id = found[1].id

        def then(_: object) -> None:
            live = self._context.users.signed_in(by.token_sha256, now)
            if live is not None:  # as it is by now: used meanwhile, or read anew
                live[1].proved_at = now

        await self._context.change(
            lambda session: store.prove_session(session, session_id, now), then
        )
        return wire.Reauthed(proved_until=rfc3339(self._rules().proved_until(now)))

    async def change_password(
        self, request: wire.ChangePassword, by: Principal, address: str = "", label: str = ""
    ) -> wire.LoggedIn:
        """Every session of the user ends; the answer is a new one.

        Raises VaultError: login_failed (the current one is wrong), bad_request, and as `reauth`.
        """
        user = self._user(by)
        new = check_password(request.new_password, user.email)
        await self._proved(user.email, request.current_password, address)
        hashed = await self._passwords.hash(new)
        token = new_token(USER_PREFIX)
        values = self._new_session(user, token, address, label)

        def work(session: Session) -> tables.UserSessionRow:
            store.lock_user(session, user.id, user.password.digest)
            store.set_password(session, user.id, hashed.kdf, hashed.digest)
            store.delete_sessions_of(session, user.id)
            return store.add_session(session, tables.UserSessionRow(**values))

        def then(row: tables.UserSessionRow) -> None:
            self._replaced(user, hashed)
            self._begun(user, row)
            self._context.publish(EventType.USER_CHANGED, by, name=user.email, change="password")

        row = await self._context.change(work, then)
        return wire.LoggedIn(token=token, expires_at=rfc3339(row.expires_at))

    async def _proved(self, name: str, password: str, address: str) -> User:
        """The user of that name, if it is the password."""
        user = self._context.users.by_email(name)
        try:
            self._throttle.begin(name, address)
        except VaultError:
            self._turned_away(user, address)
            raise
        right = await self._passwords.check(None if user is None else user.password, password)
        if not right or user is None:
            self._refused(user, address, "wrong password")
            raise login_failed()
        self._throttle.succeeded(name, address)
        return user

    def _user(self, by: Principal) -> User:
        user = self._context.users.by_id(by.id) if by.kind is PrincipalKind.USER else None
        if user is None:
            raise VaultError("role_forbidden", "Only a signed-in user has a password.")
        return user

    def _new_session(self, user: User, token: str, address: str, label: str) -> dict[str, Any]:
        now, rules = self._context.clock.time(), self._rules()
        if token.startswith(PAGE_PREFIX):
            rules = rules.of_a_page()
        return tables.UserSessionRow(
            id=new_id(),
            user_id=user.id,
            token_sha256=token_sha256(token),
            address=display_safe(address, _LABEL_LIMIT),
            label=display_safe(label, _LABEL_LIMIT),
            created_at=now,
            proved_at=now,
            last_used_at=now,
            expires_at=rules.first_end(now),
        ).model_dump()

    def _surplus(self, user: User) -> list[str]:
        live = self._context.users.sessions(self._context.clock.time())
        return [one.id for one in live if one.user_id == user.id][MOST_SESSIONS - 1 :]

    def _begun(self, user: User, row: tables.UserSessionRow) -> None:
        self._context.users.begin(signed_in_of(row))
        self._context.publish(
            EventType.USER_SIGNED_IN,
            f"user {user.email}",
            name=user.email,
            id=row.id,
            address=row.address,
        )

    def _replaced(self, user: User, hashed: PasswordHash) -> None:
        users = self._context.users
        users.end_of(user.id)
        users.set_password(user.id, hashed)

    def _turned_away(self, user: User | None, address: str) -> None:
        # Not more often: who goes on knocking must not push the traffic off the ring of events.
        now = self._context.clock.monotonic()
        if now - self._told_at >= _TOLD_SECONDS:
            self._told_at = now
            self._refused(user, address, "too many wrong passwords")

    def _refused(self, user: User | None, address: str, reason: str) -> None:
        # Not as `publish` does it: a stranger's attempts must not keep the vault from sealing.
        where = display_safe(address, _LABEL_LIMIT)
        data = {
            "name": "" if user is None else user.email,
            "address": where,
            "reason": reason,
            "by": where or "the control socket",
        }
        self._context.bus.publish(EventType.USER_REFUSED.value, data)
        # Not what was typed as a name: it may be a password in the wrong field.
        refused = Deed("user.login_refused", str(data["name"]), after={"why": reason})
        self._context.refusals.note(refused)


def _name(email: str) -> str:
    """The name as it is stored; what can be nobody's name is nobody's."""
    try:
        return normal_email(email)
    except VaultError:
        return ""
