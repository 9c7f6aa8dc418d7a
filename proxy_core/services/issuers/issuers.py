"""Trusted issuers as operators keep them, and what follows when one of them, or its keys, changes.

Whatever takes worth from a JWT (its issuer is removed or replaced, its key withdrawn, its agent or
vault deleted or narrowed, its time over) is in force at once, and ends its open connections.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.base.ids import new_id
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.issuers import Issuer, check_issuer_name
from proxy_core.oauth.http import GuardedHttp
from proxy_core.oauth.jwks import KeySet
from proxy_core.services.context import Context, Swap
from proxy_core.services.issuers.documents import info_of, issuer_of, key_names, row_of
from proxy_core.services.issuers.fetching import fetch_keys
from proxy_core.services.issuers.keys import IssuerKeys
from proxy_core.services.issuers.verifying import IssuerVerifier, is_of
from proxy_core.services.issuers.vouched import Vouched, VouchedUser
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import Bearer, Snapshot
from proxy_core.services.users.directory import Directory
from proxy_core.store import issuers as store
from proxy_core.store.tables import IssuerRow

MAX_ISSUERS: Final = 20
INTERVAL_SECONDS: Final = 60.0
"""Between two looks at whether keys are to be fetched."""


class Issuers:
    """Asking (`keys_of`) touches a dictionary only. Without an issuer every JWT is refused."""

    def __init__(self, context: Context, allow_http_loopback: bool = False) -> None:
        self._context = context
        self._allow_http = allow_http_loopback
        self._http: GuardedHttp | None = None
        self._rows: dict[str, IssuerRow] = {}
        self._keys: dict[str, IssuerKeys] = {}
        self._snapshot = context.snapshot
        self._verifier = IssuerVerifier(self, context.clock)
        context.on_swap = self._swapped

    def attach(self, http: GuardedHttp) -> None:
        """Tell where the network is."""
        self._http = http

    async def load(self) -> None:
        """Read what is stored."""
        (await self._context.database.read(self.read))()

    def read(self, session: Session) -> Swap:
        """Read what is stored; what is answered puts it in force."""
        rows = store.list_issuers(session)
        return lambda: self._put(rows)

    @property
    def snapshot(self) -> Snapshot:
        """The one that is in force."""
        return self._context.snapshot

    @property
    def users(self) -> Directory:
        """Those that there are."""
        return self._context.users

    def keys_of(self, url: str) -> IssuerKeys | None:
        """The keys of the issuer of that URL; None when it is not trusted."""
        return self._keys.get(url)

    def problems(self) -> list[str]:
        """One sentence for each issuer whose keys could not be fetched."""
        return [_sentence(keys) for keys in self._keys.values() if keys.problem]

    async def tick(self) -> None:
        """Fetch keys ahead of time, and end the connections of tokens whose time is over."""
        now = self._context.clock.time()
        self._forget(lambda held: isinstance(held, Vouched) and held.expires_at <= now)
        if self._http is not None:
            await asyncio.gather(*(keys.keep_fresh() for keys in list(self._keys.values())))

    def close(self) -> None:
        """Stop asking issuers."""
        for keys in self._keys.values():
            keys.close()

    def list(self) -> wire.IssuerList:
        """By name."""
        return wire.IssuerList(issuers=[self._info(row) for row in self._rows.values()])

    # --- changes --------------------------------------------------------------------------------

    async def add(self, request: wire.AddIssuer, by: Principal) -> wire.IssuerInfo:
        """Trust an issuer. Raises VaultError: bad_request, vault_not_found, not_found, conflict."""
        name = check_issuer_name(request.name)

        def work(session: Session) -> IssuerRow:
            row = row_of(name, request, self._context, new_id(), self._allow_http)
            return store.add_issuer(session, row, MAX_ISSUERS)

        return await self._store(work, by, "added")

    async def replace(
        self, name: str, request: wire.ReplaceIssuer, by: Principal
    ) -> wire.IssuerInfo:
        """Trust it with something else; its tokens are looked at anew.

        Raises VaultError: as `add`, and not_found.
        """
        check_issuer_name(name)

        def work(session: Session) -> IssuerRow:
            row = row_of(name, request, self._context, new_id(), self._allow_http)
            return store.replace_issuer(session, row)

        return await self._store(work, by, "replaced")

    async def remove(self, name: str, by: Principal) -> wire.Deleted:
        """Trust it no more; its tokens' connections end at once. Raises VaultError: not_found."""

        def then(gone: IssuerRow) -> None:
            self._put([row for row in self._rows.values() if row.id != gone.id])
            self._context.publish(EventType.ISSUER_CHANGED, by, name=name, change="removed")

        await self._context.change(lambda session: store.delete_issuer(session, name), then)
        return wire.Deleted(name=name)

    async def test(self, name: str, token: str) -> wire.IssuerTested:
        """Fetch its keys, and say what a token of its would be worth. Raises VaultError: not_found.

        Whatever else is wrong stands in the answer. Nothing is remembered of the token.
        """
        keys = next((one for one in self._keys.values() if one.issuer.name == name), None)
        if keys is None:
            raise VaultError("not_found", "No such issuer.")
        await keys.renew()
        found = wire.IssuerTested(keys=key_names(keys), problem=keys.problem)
        if token:
            await self._judge(keys.issuer, token.strip(), found)
        return found

    async def _judge(self, issuer: Issuer, token: str, found: wire.IssuerTested) -> None:
        try:
            held = await self._verifier.verify(token)
        except VaultError as error:
            found.problem = error.detail
            return
        if not is_of(held, issuer):
            found.problem = "The JWT is another issuer's."
            return
        by_id, grants = self._context.snapshot.by_id, held.grants
        if isinstance(held, VouchedUser) and (user := held.user(self._context.users)):
            found.role, grants = user.role.value, user.grants
        found.actor = held.actor_name
        found.vaults = {by_id[one].name: role.value for one, role in grants.items()}
        found.expires_at = rfc3339(held.expires_at)

    async def _store(
        self, work: Callable[[Session], IssuerRow], by: Principal, change: str
    ) -> wire.IssuerInfo:
        def then(row: IssuerRow) -> None:
            self._put([*(one for one in self._rows.values() if one.id != row.id), row])
            self._context.publish(EventType.ISSUER_CHANGED, by, name=row.name, change=change)

        return self._info(await self._context.change(work, then))

    # --- what follows ---------------------------------------------------------------------------

    def _put(self, rows: Sequence[IssuerRow]) -> None:
        """Let those be the issuers. One that is as it was keeps its keys, and its tokens' worth."""
        before, self._keys, self._rows = self._keys, {}, {}
        for row in sorted(rows, key=lambda one: one.name):
            issuer, known = issuer_of(row), before.get(row.url)
            same = known is not None and known.issuer == issuer
            self._rows[row.name] = row
            self._keys[row.url] = known if known is not None and same else self._new(issuer)
        for keys in before.values():
            if self._keys.get(keys.issuer.url) is not keys:
                self._forget_issuer(keys.issuer)
        verdicts = self._context.verdicts
        if self._keys:
            verdicts.verifier = self._verifier
        elif verdicts.verifier is self._verifier:
            verdicts.verifier = None

    def _new(self, issuer: Issuer) -> IssuerKeys:
        return IssuerKeys(issuer, self._fetch, self._context.clock, self._tried)

    async def _fetch(self, issuer: Issuer) -> KeySet:
        if self._http is None:
            raise VaultError("issuer_unreachable", "the worker is only just starting")
        return await fetch_keys(self._http, issuer)

    def _tried(self, keys: IssuerKeys, before: str) -> None:
        """Say it when fetching begins to fail. A key that was withdrawn vouches for nothing."""
        if self.keys_of(keys.issuer.url) is not keys:
            return
        if keys.problem:
            if not before:
                event = {"problem": _sentence(keys)}
                self._context.bus.publish(EventType.WORKER_PROBLEM.value, event)
            return
        left = keys.known.thumbprints
        self._forget(lambda held: is_of(held, keys.issuer) and held.proof.key not in left)

    def _swapped(self) -> None:
        """Agents, grants or vaults may be others now: so are those who stand for them."""
        before, after = self._snapshot, self._context.snapshot
        self._snapshot = after
        if after.bearers is before.bearers and after.by_id.keys() == before.by_id.keys():
            return
        agents = {held.actor_id: held for held in after.bearers.values() if held.is_agents_own}
        self._end(
            self._context.verdicts.revise(
                lambda held: held.anew(agents, after) if isinstance(held, Vouched) else held
            )
        )

    def _forget(self, which: Callable[[Bearer], bool]) -> None:
        """Let those be worth nothing. What is being verified meanwhile looks for itself."""
        self._end(self._context.verdicts.revise(lambda held: None if which(held) else held))

    def _forget_issuer(self, issuer: Issuer) -> None:
        self._forget(lambda held: is_of(held, issuer))

    def _end(self, tokens: Sequence[bytes]) -> None:
        for sha256 in tokens:
            self._context.tunnels.close_for_token(sha256)

    def _info(self, row: IssuerRow) -> wire.IssuerInfo:
        return info_of(row, self._keys[row.url], self._context)


def _sentence(keys: IssuerKeys) -> str:
    return f"The keys of issuer {keys.issuer.name} can't be fetched: {keys.problem}."
