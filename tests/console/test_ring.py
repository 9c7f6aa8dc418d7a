"""The ring of requests: one row a request, bounded, steady while someone reads."""

from proxy_core.domain.filters import parse_filter
from tests.console.fake_worker import record, start_of
from vault_tui.traffic.reading import verdict
from vault_tui.traffic.ring import TrafficRing


def _ids(ring: TrafficRing) -> list[str]:
    return [row.record.request_id for row in ring.shown]


def test_an_end_completes_the_row_of_its_start():
    """A request is one row from start to end."""
    ring, found = TrafficRing(), record(1)
    ring.start(start_of(found))
    assert ring.shown[0].live
    assert ring.under_way == 1
    ring.finish(found)
    assert len(ring.shown) == 1
    assert not ring.shown[0].live
    assert ring.shown[0].record.status == 200
    assert ring.under_way == 0


def test_an_operators_leave_changes_the_row_in_place():
    """A request that waits, goes on and ends is one row, and passes `is:held` all the time."""
    ring, found = TrafficRing(), record(1, held_ms=900.0)
    ring.filter(parse_filter("is:held").matches)
    ring.start(start_of(found, "held"))
    (row,) = ring.shown
    assert verdict(row).word == "held"
    ring.start(start_of(found))
    assert (verdict(row).word, row.live, ring.shown) == ("github", True, [row])
    ring.start(start_of(record(1, path="/other")))
    assert row.record.path == found.path
    ring.finish(found)
    assert (ring.shown, row.live, ring.under_way) == ([row], False, 0)


def test_an_operators_refusal_ends_the_row():
    """It says so then."""
    ring, found = TrafficRing(), record(1, decision="denied", error_code="approval_denied")
    ring.start(start_of(found, "held"))
    ring.finish(found)
    assert [verdict(row).word for row in ring.shown] == ["denied"]


def test_an_end_without_a_start_makes_its_own_row():
    """Coalesced batches leave out starts."""
    ring = TrafficRing()
    ring.finish(record(1))
    assert _ids(ring) == ["r000001"]


def test_nothing_moves_while_someone_reads():
    """New rows wait and are counted; following again shows them."""
    ring = TrafficRing()
    ring.finish(record(1))
    ring.hold()
    for number in range(2, 314):
        ring.finish(record(number))
    assert len(ring.shown) == 1
    assert ring.waiting == 312
    ring.release()
    assert len(ring.shown) == 313
    assert ring.waiting == 0


def test_the_ring_is_bounded():
    """Old rows leave, whether someone reads or not."""
    ring = TrafficRing(capacity=100)
    for number in range(1, 5000):
        ring.finish(record(number))
    assert len(ring) < 100 + 513
    ring.hold()
    for number in range(5000, 9000):
        ring.start(start_of(record(number)))
    assert len(ring) < 100 + 513
    assert ring.under_way < 100 + 513
    assert ring.waiting == 4000
    ring.release()
    assert _ids(ring)[-1] == "r008999"


def test_a_filter_follows_a_row_as_it_ends():
    """A row comes under `status >= 400` when its end says so."""
    ring = TrafficRing()
    ring.filter(lambda found: found.status >= 400)
    good, bad = record(1), record(2, status=502)
    for found in (good, bad):
        ring.start(start_of(found))
        ring.finish(found)
    assert _ids(ring) == ["r000002"]


def test_a_row_that_leaves_the_filter_goes_when_nobody_reads():
    """A row under way with status 0 no longer passes `status = 0` once it has ended."""
    ring = TrafficRing()
    ring.filter(lambda found: found.status == 0)
    ring.start(start_of(record(1)))
    assert len(ring.shown) == 1
    ring.finish(record(1))
    assert ring.shown == []


def test_older_rows_come_on_top_once():
    """Pages of the log overlap with what is here; order is by age."""
    ring = TrafficRing()
    ring.finish(record(10))
    ring.hold()
    assert ring.prepend([record(10), record(9), record(8)]) == 2
    assert _ids(ring) == ["r000008", "r000009", "r000010"]
    assert ring.prepend([record(7)]) == 1
    assert ring.oldest_logged == 7


def test_rows_of_the_log_do_not_grow_without_bound():
    """Following again lets surplus rows of the log go."""
    ring = TrafficRing(capacity=50)
    for number in range(100, 140):
        ring.finish(record(number))
    ring.hold()
    ring.prepend([record(number) for number in range(99, 49, -1)])
    assert ring.room_for_older == 0
    ring.release()
    assert len(ring) == 50
    assert _ids(ring)[-1] == "r000139"


def test_a_broken_connection_leaves_nothing_under_way():
    """What was under way may have ended unseen."""
    ring = TrafficRing()
    ring.start(start_of(record(1)))
    ring.forget_under_way()
    assert ring.under_way == 0
    assert not ring.shown[0].live


def test_rows_of_the_log_take_their_place_by_age_among_live_ones():
    """A request that came while the log was read does not stand above its history."""
    ring = TrafficRing()
    ring.start(start_of(record(10)))
    assert ring.catch_up([record(number) for number in (11, 9, 8)]) == 3
    assert _ids(ring) == ["r000008", "r000009", "r000010", "r000011"]


def test_what_ended_while_nobody_listened_is_completed_from_the_log():
    """The row that the lost connection left without an end gets it; no second row is made."""
    ring = TrafficRing()
    ring.start(start_of(record(1)))
    ring.start(start_of(record(2)))
    ring.forget_under_way()
    assert ring.catch_up([record(2, status=201), record(1, status=503)]) == 2
    assert [row.record.status for row in ring.shown] == [503, 201]
    assert ring.catch_up([record(2), record(1)]) == 0


def test_what_was_missed_waits_while_someone_reads():
    """Nothing is put between the rows that are read; following again has all in order."""
    ring = TrafficRing()
    ring.finish(record(1))
    ring.finish(record(9))
    ring.hold()
    ring.catch_up([record(5)])
    assert _ids(ring) == ["r000001", "r000009"]
    assert ring.waiting == 1
    ring.release()
    assert _ids(ring) == ["r000001", "r000005", "r000009"]
