"""The audit at rest: appending to the chain, reading it by cursor, pruning its beginning.

The head's row is locked by who appends, last thing before the commit, so entries follow one
another in the order of commits, whichever worker's they are.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, or_, select
from sqlmodel import Session, SQLModel, col

from proxy_core.base.errors import VaultError
from proxy_core.domain import audit
from proxy_core.store.tables import AuditHead, AuditRow

PAGE_LIMIT: Final = 200
SCAN_ROWS: Final = 20_000
"""Entries that a page looks at, at most, where no index helps."""

_HEAD_ID: Final = 1
_audit = SQLModel.metadata.tables[str(AuditRow.__tablename__)]


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry without its place; `at` is epoch seconds."""

    at: float
    origin: audit.Origin
    deed: audit.Deed


@dataclass(frozen=True, slots=True)
class SealKey:
    """The key of the seals, None while the vault is sealed, and how it stands in the head."""

    key: bytes | None = field(repr=False)
    sealed: bytes | None


KeyOf = Callable[[bytes | None], SealKey]
"""From how the key stands in the head (None: there is none yet) to the key."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What to read: `before` a number (older) or `after` one (newer), else the newest.

    `vault_ids` None and `vault`, a name, empty: all. `actor` is a kind, a name, or both.
    `action` is an action, or the part before its dot. `q` is looked for in the whole entry.
    `since` is epoch seconds.
    """

    vault_ids: frozenset[str] | None = None
    vault: str = ""
    actor: str = ""
    action: str = ""
    q: str = ""
    since: float | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Newest first. `next_cursor`: pass it on the same way (`before` or `after`) for more."""

    links: tuple[audit.Link, ...]
    next_cursor: int | None
    latest_seq: int


def head_of(session: Session, *, lock: bool = False) -> AuditHead:
    """Where the chain begins and ends. Raises VaultError: audit_broken when nothing says so."""
    head = session.get(AuditHead, _HEAD_ID, with_for_update=lock, populate_existing=True)
    if head is None:
        raise VaultError("audit_broken", "The audit's head is missing from the database.")
    return head


def append(session: Session, drafts: Sequence[Draft], key_of: KeyOf) -> None:
    """Add entries to the chain, in this transaction. Raises VaultError: audit_broken."""
    head = head_of(session, lock=True)
    sealing = key_of(head.sealed_key)
    rows = []
    for draft in drafts:
        text = audit.entry_text(draft.at, draft.origin, draft.deed)
        head.seq += 1
        head.hash = audit.hash_of(head.hash, head.seq, text)
        seal = b"" if sealing.key is None else audit.seal_of(sealing.key, head.hash)
        rows.append(_row(audit.Link(head.seq, text, head.hash, seal), draft))
    head.sealed_key = sealing.sealed
    session.connection().execute(insert(_audit), rows)
    session.flush()


def page(session: Session, query: AuditQuery) -> AuditPage:
    """Read a page. Raises VaultError: bad_request for a limit that does not exist.

    With `after`, it holds the entries that follow the cursor closest.
    """
    if not 1 <= query.limit <= PAGE_LIMIT:
        raise VaultError("bad_request", f"The limit must be between 1 and {PAGE_LIMIT}.")
    if query.before is not None and query.after is not None:
        raise VaultError("bad_request", "Give one of before and after, not both.")
    head = head_of(session)
    newer = query.after is not None
    conditions = list(_conditions(query))
    first, last, edge = _reach(query, head)
    statement = select(_audit).where(_audit.c.seq.between(first, last), *conditions)
    order = _audit.c.seq.asc() if newer else _audit.c.seq.desc()
    found = session.execute(statement.order_by(order).limit(query.limit + 1)).mappings().all()
    shown = [link_of(row) for row in found[: query.limit]]
    cursor = shown[-1].seq if len(found) > query.limit else edge
    return AuditPage(tuple(reversed(shown) if newer else shown), cursor, head.seq)


def links(session: Session, after: int, up_to: int, size: int) -> list[tuple[audit.Link, Any]]:
    """Up to `size` entries behind `after`, oldest first, each with its row's other columns."""
    statement = (
        select(_audit)
        .where(_audit.c.seq > after, _audit.c.seq <= up_to)
        .order_by(_audit.c.seq)
        .limit(size)
    )
    return [(link_of(row), row) for row in session.execute(statement).mappings()]


def oldest_time(session: Session) -> float:
    """When the oldest entry was written, epoch seconds; infinite without entries."""
    oldest = select(_audit.c.at).order_by(_audit.c.seq).limit(1)
    found: float | None = session.execute(oldest).scalar()
    return math.inf if found is None else found


def prune(session: Session, before: float, most: int, key: bytes) -> int:
    """Delete the oldest entries, up to the first that is not from before that time; at most `most`.

    Answers how many. The last entry stays, and the head vouches for those that are gone.
    """
    head = head_of(session, lock=True)
    kept = select(func.min(AuditRow.seq)).where(col(AuditRow.at) >= before)
    first_kept: int = session.execute(kept).scalar() or head.seq
    last = min(first_kept - 1, head.start_seq + most, head.seq - 1)
    row = session.get(AuditRow, last) if last > head.start_seq else None
    if row is None:
        return 0
    gone = last - head.start_seq
    head.start_seq, head.start_hash = last, row.hash
    head.start_seal = audit.start_seal(key, last, row.hash)
    session.connection().execute(delete(_audit).where(_audit.c.seq <= last))
    session.flush()
    return gone


def link_of(row: Any) -> audit.Link:
    """The entry of a row."""
    return audit.Link(row["seq"], row["entry"], bytes(row["hash"]), bytes(row["seal"]))


def _row(link: audit.Link, draft: Draft) -> dict[str, Any]:
    return {
        "seq": link.seq,
        "at": draft.at,
        "vault_id": draft.deed.vault_id,
        "vault": draft.deed.vault,
        "actor_kind": draft.origin.kind,
        "actor_name": draft.origin.name,
        "action": draft.deed.action,
        "entry": link.text,
        "hash": link.hash,
        "seal": link.seal,
    }


def _reach(query: AuditQuery, head: AuditHead) -> tuple[int, int, int | None]:
    """First and last number to look at, and where to go on when that was not all."""
    first, last = head.start_seq + 1, head.seq
    if query.before is not None:
        last = min(last, query.before - 1)
    if query.after is not None:
        first = max(first, query.after + 1)
    if not (query.q or query.actor) or last - first < SCAN_ROWS:
        return first, last, None
    if query.after is not None:
        return first, first + SCAN_ROWS - 1, first + SCAN_ROWS - 1
    return last - SCAN_ROWS + 1, last, last - SCAN_ROWS + 1


def _conditions(query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    if query.vault_ids is not None:
        yield _audit.c.vault_id.in_(query.vault_ids)
    elif query.vault:
        yield _audit.c.vault == query.vault
    if query.action:
        below = _audit.c.action.startswith(query.action.rstrip(".*") + ".", autoescape=True)
        yield or_(_audit.c.action == query.action, below)
    if query.actor:
        kind, _, name = query.actor.partition(" ")
        both = (_audit.c.actor_kind == kind) & (_audit.c.actor_name == name)
        one = query.actor
        yield or_(_audit.c.actor_name == one, _audit.c.actor_kind == one, both)
    if query.since is not None:
        yield _audit.c.at >= query.since
    if query.q:
        spelled = audit.canonical(query.q)[1:-1].lower()
        yield func.lower(_audit.c.entry).contains(spelled, autoescape=True)
