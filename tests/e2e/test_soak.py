"""A working day of agents in seconds: everything is recorded once, and nothing is left over."""

from pathlib import Path

import pytest

from benchmarks.soak.day import Plan
from benchmarks.soak.gauges import Holdings
from benchmarks.soak.ledger import Entry, Ledger, counted, log_faults, upstream_faults
from benchmarks.soak.soak import soak

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(120)]


def test_nothing_is_left_over_and_everything_recorded(tmp_path: Path) -> None:
    """Aborts, streams, holds and edits leave no task, socket or object; each request one record."""
    found = soak(tmp_path, Plan(seconds=6, agents=10, streams=30, rate=60), say=lambda _line: None)
    assert not found.faults, "\n".join(found.lines)
    assert found.logged > 40
    assert len(found.outcomes) > 10


def entries(**states: tuple[bool, bool]) -> dict[str, Entry]:
    """Requests by id: whether the head was sent whole, and whether it surely arrived."""
    return {name: Entry(name, "get", *state) for name, state in states.items()}


def test_the_ledger_finds_what_is_wrong_with_a_log() -> None:
    """Missing, doubled and impossible records are faults; a request torn down may have one."""
    asked = entries(a=(True, True), b=(True, True), c=(False, False), d=(True, False))
    assert log_faults(asked, {"a": 1, "b": 1}) == []
    assert log_faults(asked, {"a": 1, "b": 1, "d": 1}) == []
    assert log_faults(asked, {"a": 1}) == ["log: get b 0 times, not 1 to 1"]
    assert log_faults(asked, {"a": 2, "b": 1}) == ["log: get a 2 times, not 1 to 1"]
    assert log_faults(asked, {"a": 1, "b": 1, "c": 1}) == ["log: get c 1 times, not 0 to 0"]
    assert log_faults(asked, {"a": 1, "b": 1, "d": 2}) == ["log: get d 2 times, not 0 to 1"]
    assert log_faults(asked, {"a": 1, "b": 1, "x": 1}) == ["log: unknown request x"]


def test_the_ledger_finds_requests_that_were_sent_upstream_too_often() -> None:
    """A GET may be sent again on a broken kept connection, a POST may not."""
    asked = entries(a=(True, True), c=(False, False))
    assert upstream_faults(asked, {"GET a": 2}) == []
    assert upstream_faults(asked, {"POST a": 2}) == ["upstream: get POST a came 2 times"]
    assert upstream_faults(asked, {"GET c": 1}) == ["upstream: GET c was never sent"]


def test_ids_stand_at_the_end_of_a_path() -> None:
    """Records of refused tunnels and malformed requests have no id."""
    ledger = Ledger()
    entry = ledger.open("get")
    assert counted([f"/get/{entry.id}", f"/sse/{entry.id}", "", "/get"]) == {entry.id: 2}
    ledger.prove(entry.id)
    ledger.prove("unknown")
    assert entry.proven


def holding(**descriptors: int) -> Holdings:
    """A worker that has these descriptors open and nothing else."""
    return Holdings(tasks={}, descriptors=descriptors, objects={}, threads=1, blocks=0, native=0.0)


def test_the_databases_pools_may_fill_but_not_grow_past_their_bound() -> None:
    """Connections that a busy worker opens for good are no leak; one more than fit in is."""
    before = holding(file=3, socket=6, database=7)
    assert holding(file=3, socket=6, database=25).more_than(before) == []
    assert holding(database=26).more_than(before) == ["descriptor database: 19"]
    assert holding(file=4).more_than(before) == ["descriptor file: 1"]
    assert holding(socket=7).more_than(before) == ["descriptor socket: 1"]
