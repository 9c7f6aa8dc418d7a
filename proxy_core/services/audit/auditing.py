"""Reading the audit, and verifying that it is whole."""

import json
import logging
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from sqlmodel import Session

from proxy_core.base.clock import rfc3339
from proxy_core.base.errors import VaultError
from proxy_core.domain import audit, wire
from proxy_core.domain.audit import Deed
from proxy_core.domain.audit_check import Check, Ends, Noted
from proxy_core.services.audit.refusals import Refusals
from proxy_core.services.context import Context
from proxy_core.store import audit_log

_log = logging.getLogger(__name__)
_WALK: Final = 1_000
_PRUNED_AT_ONCE: Final = 20_000
_DAY: Final = 86_400.0
_CURSOR: Final = re.compile(r"[0-9]{1,18}")
_NOTED: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """As the API has it: `since` is epoch seconds, `before` and `after` are cursors."""

    vault: str = ""
    actor: str = ""
    action: str = ""
    q: str = ""
    since: str = ""
    before: str = ""
    after: str = ""
    limit: int = 100


class Auditing:
    """`days` answers how long entries are kept; 0: for ever."""

    def __init__(self, context: Context, days: Callable[[], int]) -> None:
        self._context = context
        self._days = days

    @property
    def refusals(self) -> Refusals:
        """Where refusals are counted."""
        return self._context.refusals

    async def page(
        self, query: AuditQuery, allowed: Collection[str] | None = None
    ) -> wire.AuditPage:
        """Newest first; of these vaults alone when `allowed` names them.

        A vault that is gone is found by the name that it had. Raises VaultError: bad_request
        (cursor, time, limit over 200).
        """
        await self._try_to_write()
        wanted = audit_log.AuditQuery(
            vault_ids=self._ids(query.vault, allowed),
            vault=query.vault,
            actor=query.actor,
            action=query.action,
            q=query.q,
            since=_seconds(query.since),
            before=_cursor("before", query.before),
            after=_cursor("after", query.after),
            limit=query.limit,
        )
        found = await self._context.database.read(lambda session: audit_log.page(session, wanted))
        cursor = None if found.next_cursor is None else str(found.next_cursor)
        entries = [_described(link) for link in found.links]
        return wire.AuditPage(entries=entries, next_cursor=cursor, latest_seq=found.latest_seq)

    async def verify(self, noted: str = "") -> wire.AuditVerified:
        """Walk the chain from its beginning. `noted` is an earlier `head`.

        Raises VaultError: bad_request (noted), audit_broken (nothing says where it ends).
        """
        await self._try_to_write()
        given = _noted(noted)

        def walk(session: Session) -> tuple[Check, bool]:
            head = audit_log.head_of(session)
            ends = Ends(head.seq, head.hash, head.start_seq, head.start_hash, head.start_seal)
            readable = self._context.audit.existing_key(head.sealed_key)
            check = Check(ends, readable.key, given)
            if readable.trouble:
                check.fault, check.fault_seq = readable.trouble, head.start_seq + 1
            _walk(session, check)
            return check, readable.key is not None

        # PostgreSQL: all of it as it was at one moment, whoever appends and prunes meanwhile.
        check, seals = await self._context.database.read_steadily(walk)
        return _verified(check, seals)

    def _ids(self, vault: str, allowed: Collection[str] | None) -> frozenset[str] | None:
        """The vaults that are wanted, by id; None: any, or one that is gone."""
        known = self._context.snapshot.vaults
        if allowed is not None and vault and vault not in allowed:
            return frozenset()
        names = allowed if not vault else {vault} & known.keys()
        if names is None or (vault and not names):
            return None
        return frozenset(known[name].id for name in names if name in known)

    async def tick(self) -> None:
        """Write what is owed and what was refused since the last time, and let go what is too old.

        Raises VaultError: database_unavailable, audit_broken.
        """
        await self._write()
        await self.prune()

    async def stop(self) -> None:
        """Write what waits; a database that is away shall not stop the stop."""
        await self._try_to_write()

    def problems(self) -> list[str]:
        """What can't be written, in one sentence."""
        return self._context.audit.problems()

    async def _write(self) -> None:
        await self._context.audit.settle()
        await self._context.refusals.store()

    async def _try_to_write(self) -> None:
        """A database that takes nothing can be read all the same."""
        try:
            await self._write()
        except VaultError as error:
            _log.warning("what waits to be written is not in the audit yet: %s", error)

    async def prune(self) -> None:
        """Delete entries that are too old, unless the vault is sealed: the head has to vouch.

        Raises VaultError: database_unavailable.
        """
        days, context = self._days(), self._context
        if not days or context.sealer.sealed:
            return
        before = context.clock.time() - days * _DAY

        def due(session: Session) -> bool:
            return audit_log.oldest_time(session) < before

        def work(session: Session) -> None:
            head = audit_log.head_of(session, lock=True)
            key = context.audit.existing_key(head.sealed_key).key
            gone = audit_log.prune(session, before, _PRUNED_AT_ONCE, key) if key else 0
            if gone:
                after = {"entries": gone, "up_to": head.start_seq}
                context.audit.say(session, Deed("audit.pruned", after=after))

        if await context.database.read(due):
            await context.database.run(work)


def _walk(session: Session, check: Check) -> None:
    while not check.fault:
        found = audit_log.links(session, check.position, check.ends.seq, _WALK)
        for link, columns in found:
            if not check.take(link, columns):
                break
        if len(found) < _WALK:
            break
    extra = audit_log.links(session, check.ends.seq, check.ends.seq + _WALK, 1)
    check.end(bool(extra))


def _verified(check: Check, seals: bool) -> wire.AuditVerified:
    ends = check.ends
    return wire.AuditVerified(
        ok=not check.fault,
        summary=check.fault or _all_well(check, seals),
        first=ends.start_seq + 1,
        last=ends.seq,
        count=check.count,
        head=f"{ends.seq}:{ends.hash.hex()}",
        unsealed=check.unsealed,
        seals_checked=seals,
        broken_at=check.fault_seq if check.fault else None,
    )


def _all_well(check: Check, seals: bool) -> str:
    if not check.count:
        return "The audit is empty."
    span = f"{check.ends.start_seq + 1} to {check.ends.seq}"
    sentence = f"All {check.count} entries, {span}, are as they were written."
    if not seals:
        return f"{sentence} The vault is sealed, so their seals were not checked."
    if check.unsealed:
        return f"{sentence} The last {check.unsealed} were written while the vault was sealed."
    return sentence


def _described(link: audit.Link) -> wire.AuditEntry:
    said = json.loads(link.text)
    return wire.AuditEntry(
        seq=link.seq,
        at=rfc3339(said["at"]),
        action=said["action"],
        actor=wire.AuditActor(**said["actor"]),
        source=said["from"],
        route=said["route"],
        vault=said["vault"],
        target=said["target"],
        before=said["before"],
        after=said["after"],
        hash=link.hash.hex(),
        sealed=bool(link.seal),
    )


def _cursor(name: str, text: str) -> int | None:
    if not text:
        return None
    if not _CURSOR.fullmatch(text):
        raise VaultError("bad_request", f"{name} is not a cursor")
    return int(text)


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text) if len(text) < 32 else _bad_time()
    except ValueError:
        raise VaultError("bad_request", "since must be epoch seconds") from None


def _bad_time() -> float:
    raise ValueError("too long")


def _noted(text: str) -> Noted | None:
    if not text:
        return None
    found = _NOTED.fullmatch(text.strip().lower())
    if found is None:
        raise VaultError("bad_request", "noted must be NUMBER:HASH, as verifying shows it")
    return Noted(int(found[1]), bytes.fromhex(found[2]))
