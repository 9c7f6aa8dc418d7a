"""How many requests of the log are whose. Rows stand in the order in which requests ended."""

from typing import Any, Final

from sqlalchemy import func, select
from sqlmodel import Session, SQLModel

from proxy_core.store import tables

_log: Final = SQLModel.metadata.tables[str(tables.RequestLogRow.__tablename__)]


def first_ended_since(session: Session, moment: float) -> int:
    """The number of the first row that ended at `moment` (epoch seconds) or later.

    Without one it is beyond the last. Found by halves: some twenty look-ups by number, however
    long the log is.
    """
    beyond = _edge(session, func.max) + 1
    low = _edge(session, func.min) or beyond
    while low < beyond:
        middle = (low + beyond) // 2
        number, ended_at = _row_from(session, middle)
        if ended_at >= moment:
            beyond = middle
        else:
            low = number + 1
    return low


def count_by_actor(session: Session, first: int, beyond: int | None = None) -> dict[str, int]:
    """Rows by their actor's id: from `first` on, up to and without `beyond`."""
    statement = select(_log.c.actor_id, func.count()).where(_log.c.id >= first)
    if beyond is not None:
        statement = statement.where(_log.c.id < beyond)
    return dict(session.execute(statement.group_by(_log.c.actor_id)).all())


def _edge(session: Session, which: Any) -> int:
    return session.execute(select(which(_log.c.id))).scalar() or 0


def _row_from(session: Session, number: int) -> tuple[int, float]:
    """The first row that is left from a number on, which is not beyond the last one's."""
    statement = select(_log.c.id, _log.c.started_at, _log.c.latency_ms).where(_log.c.id >= number)
    found, started_at, latency_ms = session.execute(statement.order_by(_log.c.id).limit(1)).one()
    return found, started_at + max(latency_ms, 0.0) / 1000
