"""The sessions of users: whose a token is, and how sessions go on and end.

Nothing here waits for the database when a request comes in; uses are stored now and then.
"""

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import token_sha256
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.users import normal_email
from proxy_core.services.context import Context
from proxy_core.services.principal import Principal, PrincipalKind
from proxy_core.services.users.directory import SignedIn, User
from proxy_core.services.users.lifetime import Rules, SessionRules
from proxy_core.store import users as store

_GRAIN_SECONDS = 60.0
"""A use is noted when the last one that was noted is so old."""


class UserSessions:
    """`rules` answers the settings in force."""

    def __init__(self, context: Context, rules: Rules) -> None:
        self._context = context
        self._rules = rules

    def of_token(self, token: str) -> Principal | None:
        """The signed-in user of a `vt_user_` token."""
        now = self._context.clock.time()
        found = self._context.users.signed_in(token_sha256(token), now)
        if found is None:
            return None
        user, session = found
        if now - session.last_used_at >= _GRAIN_SECONDS:
            session.last_used_at, session.unsaved = now, True
        return self.principal(user, session)

    def principal(self, user: User, session: SignedIn) -> Principal:
        """Who the user is now, by that session."""
        by_id = self._context.snapshot.by_id
        until = self._rules().proved_until(session.proved_at)
        return Principal(
            kind=PrincipalKind.USER,
            id=user.id,
            name=user.email,
            instance_role=user.role,
            vaults={
                by_id[vault_id].name: role
                for vault_id, role in user.grants.items()
                if vault_id in by_id
            },
            token_sha256=session.sha256,
            proved=self._context.clock.time() < until,
        )

    def prolong(self, token: str) -> None:
        """Note that a session was used for more than reading."""
        found = self._context.users.signed_in(token_sha256(token), self._context.clock.time())
        if found is not None:
            self.slide(found[1], self._rules())

    def slide(self, session: SignedIn, rules: SessionRules) -> bool:
        """Let a session that is used now go on by these rules; whether its end has moved."""
        now = self._context.clock.time()
        end = rules.end(session.created_at, session.expires_at, now)
        if end - session.expires_at < _GRAIN_SECONDS:
            return False
        session.last_used_at, session.expires_at, session.unsaved = now, end, True
        return True

    def of(self, by: Principal) -> SignedIn | None:
        """The session that `by` uses."""
        found = self._context.users.signed_in(by.token_sha256, self._context.clock.time())
        return None if found is None else found[1]

    def proved_until(self, by: Principal) -> str:
        """Until when the proof of the user's password counts; empty when it does no more."""
        session = self.of(by)
        if session is None or not by.proved:
            return ""
        return rfc3339(self._rules().proved_until(session.proved_at))

    def list(self, by: Principal, email: str = "") -> wire.UserSessionList:
        """Live ones, newest first: of the caller, of `email`, or for an operator of everybody.

        Raises VaultError: role_forbidden (another's), not_found, bad_request (no name).
        """
        owner_id = self._whose(by, email)
        shown = [
            self._described(one, by)
            for one in self._context.users.sessions(self._context.clock.time())
            if owner_id in ("", one.user_id)
        ]
        return wire.UserSessionList(sessions=shown)

    async def revoke(self, session_id: str, by: Principal) -> wire.Done:
        """End a session: one's own, or as an operator anybody's. Raises VaultError: not_found."""
        found = next(
            (
                one
                for one in self._context.users.sessions(self._context.clock.time())
                if one.id == session_id and (by.is_operator or one.user_id == by.id)
            ),
            None,
        )
        if found is None:
            raise VaultError("not_found", "No such session.")
        await self._end(found, by)
        return wire.Done(status="revoked")

    async def logout(self, by: Principal) -> wire.Done:
        """End the session that `by` uses; harmless when it has ended."""
        session = self.of(by)
        if session is not None:
            await self._end(session, by)
        return wire.Done()

    async def store_uses(self) -> None:
        """Store when sessions were used, and delete those that have ended.

        Raises VaultError: database_unavailable; what was to be stored waits for the next time.
        """
        users, now = self._context.users, self._context.clock.time()
        ended = users.take_ended(now)
        uses = users.take_uses()
        if not (ended or uses):
            return

        def work(session: Session) -> None:
            store.touch_sessions(session, uses)
            store.delete_expired(session, now)

        try:
            await self._context.change(work, lambda _: None)
        except VaultError:
            users.put_back(uses)
            raise

    async def _end(self, session: SignedIn, by: Principal) -> None:
        def then(_: None) -> None:
            self._context.users.end((session.id,))
            user = self._context.users.by_id(session.user_id)
            name = user.email if user is not None else ""
            self._context.publish(EventType.USER_SIGNED_OUT, by, name=name, id=session.id)

        await self._context.change(
            lambda transaction: store.delete_sessions(transaction, (session.id,)), then
        )

    def _whose(self, by: Principal, email: str) -> str:
        """The id of the user whose sessions are asked for; empty for all."""
        if email in ("", "me"):
            return by.id if by.kind is PrincipalKind.USER else ""
        name = normal_email(email)
        if not by.is_operator and name != by.name:
            raise VaultError("role_forbidden", "Other users' sessions are for owners to see.")
        user = self._context.users.by_email(name)
        if user is None:
            raise VaultError("not_found", "No such user.")
        return user.id

    def _described(self, session: SignedIn, by: Principal) -> wire.UserSessionInfo:
        user = self._context.users.by_id(session.user_id)
        return wire.UserSessionInfo(
            id=session.id,
            email="" if user is None else user.email,
            device_label=session.label,
            last_ip=session.address,
            created_at=rfc3339(session.created_at),
            last_used_at=rfc3339(session.last_used_at),
            expires_at=rfc3339(session.expires_at),
            current=session.sha256 == by.token_sha256,
        )
