"""What operators allowed for a while: in the database, and in memory for the data path to ask.

A grant ends with its time, with its token, when it is revoked, and with its agent or vault.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.approval import Duration, Scope
from proxy_core.domain.events import EventType
from proxy_core.domain.exchange import Access
from proxy_core.services.context import Context, Swap
from proxy_core.services.principal import Principal
from proxy_core.store import grants as store
from proxy_core.store.tables import ApprovalGrant

_Key = tuple[str, str, Scope]
"""Vault id, agent's or session's id, and what is covered."""


@dataclass(frozen=True, slots=True)
class Grant:
    """`token_sha256` empty: whatever the agent's token. `expires_at`: infinity for never."""

    id: str
    vault_id: str
    actor_id: str
    actor_name: str
    token_sha256: bytes = field(repr=False)
    duration: Duration
    scope: Scope
    created_by: str
    created_at: float
    expires_at: float

    @property
    def key(self) -> _Key:
        """What it is looked up by."""
        return self.vault_id, self.actor_id, self.scope


class Grants:
    """Asking (`covering`) touches a dictionary only."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._by_id: dict[str, Grant] = {}
        self._by_key: dict[_Key, tuple[Grant, ...]] = {}

    async def load(self) -> None:
        """Read what is stored."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read what is stored; what is answered puts it in force."""
        stored = [_grant(row) for row in store.list_grants(session)]

        def swap() -> None:
            self._by_id, self._by_key = {}, {}
            for grant in stored:
                self._keep(grant)

        return swap

    def covering(self, access: Access, vault_id: str, scope: Scope) -> Grant | None:
        """The grant that lets this request pass, if any."""
        for grant in self._by_key.get((vault_id, access.actor_id, scope), ()):
            if self._is_live(grant) and grant.token_sha256 in (b"", access.token_sha256):
                return grant
        return None

    async def create(
        self,
        access: Access,
        vault_id: str,
        scope: Scope,
        duration: Duration,
        by: Principal,
        then: Callable[[Grant], None],
    ) -> Grant:
        """Store a grant; `then` is called in the loop once it is in force."""
        now, seconds = self._context.clock.time(), duration.seconds
        bearer = self._context.bearer(access.token_sha256)
        ends_with_token = inf if bearer is None else bearer.expires_at
        grant = Grant(
            id=new_id(),
            vault_id=vault_id,
            actor_id=access.actor_id,
            actor_name=access.actor_name,
            token_sha256=access.token_sha256 if seconds is None else b"",
            duration=duration,
            scope=scope,
            created_by=by.label,
            created_at=now,
            expires_at=ends_with_token if seconds is None else now + seconds,
        )

        def announce(_: object) -> None:
            self._keep(grant)
            self._announce(EventType.GRANT_CREATED, grant, by)
            then(grant)

        await self._context.change(lambda session: store.add_grant(session, _row(grant)), announce)
        return grant

    def list(self) -> wire.GrantList:
        """Those in force, oldest first."""
        return wire.GrantList(
            grants=[self.described(grant) for grant in self._by_id.values() if self._is_live(grant)]
        )

    def get(self, grant_id: str) -> wire.Grant:
        """One grant. Raises VaultError: not_found."""
        grant = self._by_id.get(grant_id)
        if grant is None:
            raise VaultError("not_found", "No such grant.")
        return self.described(grant)

    async def revoke(self, grant_id: str, by: Principal) -> wire.Deleted:
        """The next such request is asked about again. Raises VaultError: not_found."""
        grant = self._by_id.get(grant_id)
        if grant is None:
            raise VaultError("not_found", "No such grant.")

        def then(_: None) -> None:
            self._forget(grant)
            self._announce(EventType.GRANT_REVOKED, grant, by)

        await self._context.change(lambda session: store.delete_grant(session, grant_id), then)
        return wire.Deleted(name=grant_id)

    async def sweep(self) -> None:
        """Delete those that have ended. Raises VaultError: database_unavailable."""
        ended = [grant for grant in self._by_id.values() if not self._is_live(grant)]
        if not ended:
            return

        def work(session: Session) -> None:
            store.delete_grants(session, [grant.id for grant in ended])

        def then(_: None) -> None:
            for grant in ended:
                self._forget(grant)

        await self._context.change(work, then)

    def described(self, grant: Grant) -> wire.Grant:
        """As the API shows it."""
        vault = self._context.snapshot.by_id.get(grant.vault_id)
        return wire.Grant(
            id=grant.id,
            vault=vault.name if vault else "",
            agent=grant.actor_name,
            service=grant.scope.service,
            method=grant.scope.method,
            url=grant.scope.url,
            duration=grant.duration.value,
            created_by=grant.created_by,
            created_at=rfc3339(grant.created_at),
            expires_at=None if grant.expires_at == inf else rfc3339(grant.expires_at),
        )

    def _is_live(self, grant: Grant) -> bool:
        context = self._context
        return (
            grant.expires_at > context.clock.time()
            and grant.vault_id in context.snapshot.by_id
            and (not grant.token_sha256 or context.bearer(grant.token_sha256) is not None)
        )

    def _keep(self, grant: Grant) -> None:
        self._by_id[grant.id] = grant
        self._by_key[grant.key] = (*self._by_key.get(grant.key, ()), grant)

    def _forget(self, grant: Grant) -> None:
        self._by_id.pop(grant.id, None)
        rest = tuple(one for one in self._by_key.get(grant.key, ()) if one.id != grant.id)
        if rest:
            self._by_key[grant.key] = rest
        else:
            self._by_key.pop(grant.key, None)

    def _announce(self, type: EventType, grant: Grant, by: Principal) -> None:
        shown = self.described(grant)
        self._context.publish(
            type, by, vault=shown.vault, name=shown.agent, id=grant.id, service=shown.service
        )


def _grant(row: ApprovalGrant) -> Grant:
    return Grant(
        id=row.id,
        vault_id=row.vault_id,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        token_sha256=row.token_sha256,
        duration=Duration(row.duration),
        scope=Scope(row.service, row.scheme, row.host, row.port, row.method, row.path),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=inf if row.expires_at is None else row.expires_at,
    )


def _row(grant: Grant) -> ApprovalGrant:
    return ApprovalGrant(
        id=grant.id,
        vault_id=grant.vault_id,
        actor_id=grant.actor_id,
        actor_name=grant.actor_name,
        token_sha256=grant.token_sha256,
        duration=grant.duration.value,
        created_by=grant.created_by,
        created_at=grant.created_at,
        expires_at=None if grant.expires_at == inf else grant.expires_at,
        **grant.scope._asdict(),
    )
