"""Vaults that an external store backs.

    tick    a source that is due, and that no other worker has taken  →  read  →  carry over

What was read is stored as the vault's credentials, sealed, with versions: so the last good state
serves on through outages and restarts, and every worker has it. A failure changes none of it.
"""

import random
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import wire
from proxy_core.domain.events import EventType
from proxy_core.domain.sources import Content, content_of, state_of
from proxy_core.seal import aad
from proxy_core.services.context import Context
from proxy_core.services.credentials import Credentials
from proxy_core.services.keys import count_encryptions
from proxy_core.services.loading import credential_aad
from proxy_core.services.principal import Principal
from proxy_core.services.snapshot import SealedSecret
from proxy_core.services.sources import hashicorp, infisical
from proxy_core.services.sources.answers import Http, SourceError
from proxy_core.services.sources.settings import Infisical, Settings, checked, unsealed
from proxy_core.services.sources.tokens import Tokens
from proxy_core.store import credentials as credential_store
from proxy_core.store import sources as store
from proxy_core.store.tables import VaultSource

_LONGEST_PAUSE: Final = 600.0
_JITTER: Final = 0.1


class Sources:
    """Every method that names a vault raises VaultError vault_not_found for an unknown one."""

    def __init__(
        self, context: Context, credentials: Credentials, allow_http_loopback: bool = False
    ) -> None:
        self._context = context
        self._credentials = credentials
        self._allow_http_loopback = allow_http_loopback
        self._http: Http | None = None
        self._failing: dict[str, str] = {}
        self._tokens = Tokens(context.clock)

    def attach(self, http: Http) -> None:
        """Reach stores by this."""
        self._http = http

    def forget(self) -> None:
        """The vault is sealed: so is what opens stores."""
        self._tokens.clear()

    def problems(self) -> list[str]:
        """One sentence for each vault whose store can't be read."""
        return list(self._failing.values())

    async def set(self, vault: str, request: wire.SetSource, by: Principal) -> wire.SourceInfo:
        """Let a vault without credentials be backed by a store, or by another one.

        Raises VaultError: bad_request, conflict (it has credentials of its own), sealed.
        """
        entry = self._context.vault(vault)
        source = checked(request, self._allow_http_loopback)
        sealer, now = self._context.sealer, self._context.clock.time()
        place = aad(entry.id, store.TABLE, entry.id, store.COLUMN)

        def work(session: Session) -> None:
            has_source = any(one.vault_id == entry.id for one in store.list_sources(session))
            if not has_source and credential_store.list_credentials(session, entry.id):
                raise VaultError("conflict", "The vault has credentials: choose an empty one.")
            row = VaultSource(
                vault_id=entry.id,
                kind=request.type,
                shown=source.shown,
                interval=request.interval_seconds,
                sealed=sealer.seal(msgspec.json.encode(source), place),
                created_at=now,
                next_poll_at=now,
            )
            store.set_source(session, row)
            count_encryptions(session, sealer)

        await self._context.change(work, lambda _: self._publish(entry.id, by, change="source set"))
        await self._poll(entry.id)
        return await self.show(vault)

    async def show(self, vault: str) -> wire.SourceInfo:
        """How it goes. Raises VaultError: not_found."""
        entry = self._context.vault(vault)
        return await self._context.database.read(
            lambda session: wire_source(store.source_of(session, entry.id), entry.name)
        )

    async def poll(self, vault: str) -> wire.SourceInfo:
        """Read the store now, whenever it would be due. Raises VaultError: not_found, sealed."""
        entry = self._context.vault(vault)
        if self._context.sealer.sealed:
            raise VaultError("sealed")
        now = self._context.clock.time()

        def work(session: Session) -> None:
            store.source_of(session, entry.id).next_poll_at = now
            session.flush()

        await self._context.change(work, _nothing)
        await self._poll(entry.id)
        return await self.show(vault)

    async def remove(self, vault: str, by: Principal) -> wire.Deleted:
        """The credentials stay, as the vault's own. Raises VaultError: not_found."""
        entry = self._context.vault(vault)

        def work(session: Session) -> None:
            session.delete(store.source_of(session, entry.id))
            session.flush()

        def then(_: None) -> None:
            self._failing.pop(entry.id, None)
            self._publish(entry.id, by, change="source removed")

        await self._context.change(work, then)
        return wire.Deleted(name=entry.name)

    async def tick(self) -> None:
        """Poll what is due. Raises VaultError: database_unavailable."""
        if self._context.sealer.sealed:
            self.forget()  # what a poll has got that was under way
        rows = await self._context.database.read(
            lambda session: [
                (one.vault_id, one.next_poll_at, one.last_error)
                for one in store.list_sources(session)
            ]
        )
        self._failing = {
            vault_id: sentence
            for vault_id, _, error in rows
            if (sentence := self._said(vault_id, error))
        }
        now = self._context.clock.time()
        for vault_id, next_at, _ in rows:
            if not now < next_at <= now + store.MOST_PAUSE:
                await self._poll(vault_id)

    # --- one poll -------------------------------------------------------------------------------

    async def _poll(self, vault_id: str) -> None:
        sealer, now = self._context.sealer, self._context.clock.time()
        if sealer.sealed or self._http is None or vault_id not in self._context.snapshot.by_id:
            return
        row = await self._context.change(
            lambda session: store.claim(session, vault_id, now, now + _LONGEST_PAUSE), _nothing
        )
        if row is None:
            return
        place = aad(vault_id, store.TABLE, vault_id, store.COLUMN)
        try:
            source = unsealed(row.kind, sealer.unseal(row.sealed, place))
            content = content_of(await self._read(self._http, source))
            await self._carry_over(vault_id, row, content)
        except (SourceError, VaultError) as error:
            if isinstance(error, VaultError) and error.code in {"sealed", "database_unavailable"}:
                raise
            await self._failed(vault_id, row, str(error))

    async def _carry_over(self, vault_id: str, polled: VaultSource, content: Content) -> None:
        sealer, now = self._context.sealer, self._context.clock.time()

        def work(session: Session) -> tuple[dict[str, SealedSecret], list[str]] | None:
            row = store.unchanged(session, polled)
            if row is None:
                return None
            store.let_source_write(session, vault_id)
            current = {
                one.key: sealer.unseal(one.sealed, _value_place(one))
                for one in credential_store.current_values(session, vault_id)
            }
            wanted = content.values
            changed = {key: value for key, value in wanted.items() if current.get(key) != value}
            gone = sorted(current.keys() - wanted.keys())
            credential_store.delete_credentials(session, vault_id, gone)
            stored = self._credentials.store(session, vault_id, changed) if changed else {}
            row.last_sync_at, row.last_error, row.failures = now, "", 0
            row.skipped = list(content.skipped)
            row.next_poll_at = now + _spread(row.interval)
            session.flush()
            return stored, gone

        def then(done: tuple[dict[str, SealedSecret], list[str]] | None) -> None:
            if done is None:
                return
            stored, gone = done
            self._credentials.stored((vault_id, stored), _BY)
            self._credentials.deleted(vault_id, gone, _BY)
            self._failing.pop(vault_id, None)
            if stored or gone or polled.last_error or polled.last_sync_at is None:
                self._tell(
                    EventType.SOURCE_SYNCED, vault_id, changed=len(stored), removed=len(gone)
                )

        await self._context.change(work, then)

    async def _failed(self, vault_id: str, polled: VaultSource, error: str) -> None:
        now = self._context.clock.time()

        def work(session: Session) -> int:
            row = store.unchanged(session, polled)
            if row is None:
                return 0
            row.failures += 1
            pause = min(row.interval * 2.0 ** min(row.failures - 1, 16), _LONGEST_PAUSE)
            row.last_error = error
            row.next_poll_at = now + _spread(max(pause, row.interval))
            session.flush()
            return row.failures

        def then(failures: int) -> None:
            if failures:
                self._failing[vault_id] = self._said(vault_id, error)
            if failures == 1:
                self._tell(EventType.SOURCE_FAILED, vault_id, error=error)

        await self._context.change(work, then)

    # --- helpers --------------------------------------------------------------------------------

    async def _read(self, http: Http, source: Settings) -> Mapping[str, Any]:
        if isinstance(source, Infisical):
            return await infisical.read(http, source, self._tokens)
        return await hashicorp.read(http, source, self._tokens)

    def _said(self, vault_id: str, error: str) -> str:
        entry = self._context.snapshot.by_id.get(vault_id)
        if entry is None or not error:
            return ""
        return f"The store of vault {entry.name} is not read; what it held last serves: {error}"

    def _publish(self, vault_id: str, by: Principal, **data: Any) -> None:
        name = self._context.snapshot.by_id[vault_id].name
        self._context.publish(EventType.VAULT_CHANGED, by, vault=name, name=name, **data)

    def _tell(self, type: EventType, vault_id: str, **data: Any) -> None:
        """Nobody did it, so it does not keep the vault from sealing itself."""
        name = self._context.snapshot.by_id[vault_id].name
        facts = {"vault": name, "name": name, **data, "by": "worker"}
        self._context.bus.publish(type.value, facts)


_BY: Final = "worker (external store)"


def wire_source(row: VaultSource, vault: str) -> wire.SourceInfo:
    """How a source goes; no secret of it."""
    return wire.SourceInfo(
        vault=vault,
        type=row.kind,
        place=row.shown,
        state=state_of(row.last_sync_at, row.failures).value,
        interval_seconds=row.interval,
        created_at=rfc3339(row.created_at),
        last_sync_at="" if row.last_sync_at is None else rfc3339(row.last_sync_at),
        next_poll_at=rfc3339(row.next_poll_at),
        last_error=row.last_error,
        failures=row.failures,
        skipped=[str(name) for name in row.skipped],
    )


def _nothing(_: object) -> None:
    """A poll that was taken is nobody's news."""


def _spread(seconds: float) -> float:
    """So that workers and vaults that began together do not stay so."""
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - nothing to guess


def _value_place(one: credential_store.SealedValue) -> bytes:
    return credential_aad(one.vault_id, one.row_id)
