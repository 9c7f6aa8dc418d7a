"""Writes the audit: every write transaction ends here, with what it has done.

An entry is part of its transaction: a change that was acknowledged has one, one that was rolled
back has none. What changes no row (an unlock, a reveal) says so by itself, before it happens.

What nothing may hold up (a sealing, and an unsealing while nothing can be written) is owed: kept in
memory, and written as soon as the database takes it.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import Session

from proxy_core.base.clock import Clock
from proxy_core.base.errors import VaultError
from proxy_core.domain.audit import Deed, Origin
from proxy_core.seal import Sealer, aad
from proxy_core.services.audit.acting import acting
from proxy_core.services.audit.wording import deeds
from proxy_core.store.audit_log import Draft, SealKey, append, head_of
from proxy_core.store.database import Database
from proxy_core.store.touched import Transaction

MOST_OWED: Final = 500
"""Entries that wait in memory; those beyond are in the log alone."""

_KEY_BYTES: Final = 32
_PLACE: Final = aad("", "audit_head", "1", "sealed_key")
_SAID, _OPENED = "audit.said", "audit.opened"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundKey:
    """The key of the seals; None while the vault is sealed, or when `trouble` says why."""

    key: bytes | None = field(repr=False)
    trouble: str = ""


class Trail:
    """What use cases say to the audit. They need it only for what no row tells."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._owed: list[Draft] = []
        database.before_commit = self._write

    def say(self, session: Session, deed: Deed, origin: Origin | None = None) -> None:
        """In a write transaction: one deed more, of who acts, or of `origin`."""
        _say(session, [Draft(self._clock.time(), origin or acting(), deed)])

    def say_opened(self, session: Session, deed: Deed, sealer: Sealer) -> None:
        """As `say`, in the transaction that opens the vault: `sealer` has the DEK already.

        So the first entry of an open vault is sealed, and vouches for those before it.
        """
        session.info[_OPENED] = _key_by(sealer, head_of(session, lock=True).sealed_key)
        self.say(session, deed)

    async def record(self, *said: Deed) -> None:
        """Deeds that change no row, by who acts. Durable on return.

        Raises VaultError: database_unavailable, audit_broken; then what they are about must not
        happen.
        """

        def work(session: Session) -> None:
            for deed in said:
                self.say(session, deed)

        if said:
            await self._database.run(work)

    async def record_sometime(self, deed: Deed) -> None:
        """As `record`, for what has happened all the same: a sealing, an end."""
        try:
            await self.record(deed)
        except VaultError as error:
            self.owe(deed, error)

    def owe(self, deed: Deed, why: VaultError) -> None:
        """Keep a deed of who acts until it can be written; `why` it can't be now."""
        _log.warning("%s is not in the audit yet: %s", deed.action, why)
        if len(self._owed) < MOST_OWED:
            self._owed.append(Draft(self._clock.time(), acting(), deed))

    async def settle(self) -> None:
        """Write what is owed. Raises VaultError: database_unavailable; then it waits on."""
        owed, self._owed = self._owed, []
        if not owed:
            return
        try:
            await self._database.run(lambda session: _say(session, owed))
        except VaultError:
            self._owed = owed + self._owed
            raise

    def problems(self) -> list[str]:
        """What waits to be written, in one sentence."""
        if not self._owed:
            return []
        count = len(self._owed)
        entries = "1 entry waits" if count == 1 else f"{count} entries wait"
        return [f"The audit can't be written: {entries} in memory, and nothing can be revealed."]

    def existing_key(self, sealed: bytes | None) -> FoundKey:
        """The key of the seals, to verify with; `sealed` as the head has it."""
        if self._sealer.sealed:
            return FoundKey(None)
        try:
            # An open vault has one: opening it was the first entry that was sealed.
            return FoundKey(self._sealer.unseal(sealed or b"", _PLACE))
        except VaultError:
            return FoundKey(None, "The key of the audit's seals is not readable.")

    def _write(self, session: Transaction) -> None:
        """Before the commit, with all rows flushed."""
        now, origin = self._clock.time(), acting()
        drafts = [Draft(now, origin, deed) for deed in deeds(session)]
        drafts += session.info.get(_SAID, ())
        if drafts:
            opened: SealKey | None = session.info.get(_OPENED)
            append(session, drafts, lambda sealed: opened or _key_by(self._sealer, sealed))


def _say(session: Session, drafts: Sequence[Draft]) -> None:
    session.info.setdefault(_SAID, []).extend(drafts)


def _key_by(sealer: Sealer, sealed: bytes | None) -> SealKey:
    """The key of the seals. The first time, a new one; none while the vault is sealed.

    One that was tampered with is none, too: the entries go on, and verifying tells.
    """
    try:
        if sealed is not None:
            return SealKey(sealer.unseal(sealed, _PLACE), sealed)
        key = os.urandom(_KEY_BYTES)
        return SealKey(key, sealer.seal(key, _PLACE))
    except VaultError:
        return SealKey(None, sealed)
