"""Whose requests the log holds, since when."""

import pytest
from sqlalchemy import delete, insert
from sqlmodel import SQLModel

from proxy_core.store.database import Database
from proxy_core.store.request_log.counts import count_by_actor, first_ended_since
from proxy_core.store.request_log.rows import COLUMNS, row_of
from tests.store.conftest import NOW, make_record

_log = SQLModel.metadata.tables["request_log"]


def fill(database: Database, *rows: tuple[str, float, float]) -> None:
    """Rows of (actor, start after NOW, duration), in seconds."""
    records = [
        make_record(number, actor_id=actor, started_at=NOW + start, latency_ms=lasted * 1000)
        for number, (actor, start, lasted) in enumerate(rows, 1)
    ]
    values = [dict(zip(COLUMNS, row_of(one, "v1"), strict=True)) for one in records]
    with database.engines.log.begin() as connection:
        connection.execute(insert(_log), values)


def first(database: Database, after: float) -> int:
    """The first row that ended so long after NOW."""
    return database.read_sync(lambda session: first_ended_since(session, NOW + after))


def rows_from(database: Database, number: int) -> int:
    """How many rows there are from a number on."""
    return sum(database.read_sync(lambda session: count_by_actor(session, number)).values())


@pytest.mark.parametrize(
    ("after", "number"), [(-1, 1), (0, 1), (10, 2), (15, 3), (90, 4), (91, 5), (1000, 5)]
)
def test_the_first_row_since_is_found_by_its_end(
    database: Database, after: float, number: int
) -> None:
    """A stream counts when it ends: its row stands there."""
    fill(database, ("a", 0, 0), ("a", 10, 0), ("b", 0, 60), ("a", 90, 0))
    assert first(database, after) == number


def test_a_log_with_gaps_or_nothing_in_it(database: Database) -> None:
    """Pruned rows leave numbers free; an empty log begins with the next row."""
    assert first(database, 0) in (0, 1)
    fill(database, *(("a", float(second), 0.0) for second in range(20)))
    with database.engines.log.begin() as connection:
        connection.execute(delete(_log).where(_log.c.id.in_([1, 2, 3, 10, 11, 12, 20])))
    found = [first(database, after) for after in (0, 8.5, 9.5, 18, 19)]
    assert [rows_from(database, number) for number in found] == [13, 7, 7, 1, 0]


def test_rows_are_counted_by_actor(database: Database) -> None:
    """Within the bounds, by id."""
    fill(database, ("a", 0, 0), ("b", 1, 0), ("a", 2, 0), ("a", 3, 0))
    assert database.read_sync(lambda session: count_by_actor(session, 2)) == {"a": 2, "b": 1}
    assert database.read_sync(lambda session: count_by_actor(session, 1, 3)) == {"a": 1, "b": 1}
